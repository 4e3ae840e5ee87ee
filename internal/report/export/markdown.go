package export

import (
	"fmt"
	"io"
	"strings"

	"github.com/secretguard/secretguard/internal/report/document"
)

func writeMarkdown(w io.Writer, d document.Scan) error {
	var b strings.Builder
	found := active(d)
	fmt.Fprintf(&b, "# Secrets in %s\n\n%d findings, %d credentials. Looked at: %s.\n\n", escape(d.Target.Path), len(found), len(d.Cases), receipt(d))
	for _, g := range gaps(d) {
		fmt.Fprintf(&b, "- **not scanned**: %s\n", escape(g))
	}
	if len(found) > 0 {
		b.WriteString("\n| Severity | Rule | Secret | Where | First commit | Still there |\n| --- | --- | --- | --- | --- | --- |\n")
	}
	for _, f := range found {
		there := "no"
		if f.InHead || f.Commit == "" {
			there = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", f.Severity, escape(f.Rule), escape(f.Secret), escape(fmt.Sprintf("%s:%d", path(f), f.Line)),
			escape(strings.TrimSpace(short(f.Commit)+" "+f.Author)), there)
	}
	if n := len(d.Findings) - len(found); n > 0 {
		fmt.Fprintf(&b, "\n%d more were accepted or are no secrets by their looks; the JSON document names each with its reason.\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// escape keeps foreign text from being taken for Markdown or HTML.
func escape(s string) string {
	var b strings.Builder
	for _, r := range clean(s) {
		if strings.ContainsRune("\\`*_{}[]()#+!|<>~&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
