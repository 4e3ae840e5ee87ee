package export

import (
	"fmt"
	"io"
	"strings"

	"github.com/secretguard/secretguard/internal/report/document"
)

// writeGitHub writes workflow commands: lines in a log that GitHub shows beside the
// code (docs.github.com, "Workflow commands for GitHub Actions"). It shows ten of a
// step, so the last line says how many there are.
func writeGitHub(w io.Writer, d document.Scan) error {
	found := active(d)
	for _, f := range found {
		where := ""
		if f.File != "" && f.PathInArchive == "" && (f.InHead || f.Commit == "") {
			where = fmt.Sprintf("file=%s,line=%d,endLine=%d,", property(f.File), f.Line, max(f.Line, f.EndLine))
		}
		kind := map[string]string{"error": "error", "warning": "warning", "note": "notice"}[level(f.Severity)]
		if _, err := fmt.Fprintf(w, "::%s %stitle=%s::%s\n", kind, where, property("secret: "+f.Rule), message(sentence(f)+" at "+place(f))); err != nil {
			return err
		}
	}
	for _, g := range gaps(d) {
		if _, err := fmt.Fprintf(w, "::warning title=not scanned::%s\n", message(g)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "::notice title=secretguard::%s\n", message(fmt.Sprintf("%d findings in %s", len(found), receipt(d))))
	return err
}

var (
	messageEscapes  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func message(s string) string  { return messageEscapes.Replace(clean(s)) }
func property(s string) string { return propertyEscapes.Replace(clean(s)) }
