package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/report/document"
	"github.com/secretguard/secretguard/internal/report/export"
	"github.com/secretguard/secretguard/internal/term"
)

func (a *app) reportCmd() *cobra.Command {
	var format, out, template string
	cmd := &cobra.Command{
		Use: "report [RUN|FILE]", Short: "The incident report of a run, or a saved scan in another format", Args: atMost(1),
		Long: `Writes the report of a run, as Markdown: steps with their evidence, the proof of death, a
timeline and what is still to do. It holds masks only. Without RUN: the newest run. With --json:
the run document, as "rotate status" gives it.

With a FILE that "scan --json" or "scan --report-path" wrote (or - for stdin), and --format or
--template: that scan in another format.

Formats:
` + formatList(),
		Example: `  secretguard report > incident.md
  secretguard report scan.json --format sarif -o scan.sarif
  secretguard scan git . --json | secretguard report - --format html -o scan.html`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "" || template != "" {
				return a.convert(args, format, template, out)
			}
			if out != "" {
				return usagef("--output goes with --format or --template; the report of a run is written to stdout")
			}
			return a.reportRun(cmd.Context(), args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&format, "format", "f", "", "write a saved scan in this format")
	f.StringVar(&template, "template", "", "write a saved scan with this Go template (text/template over the JSON document)")
	f.StringVarP(&out, "output", "o", "", "the file to write (mode 0600); default: stdout")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(export.Names(), cobra.ShellCompDirectiveNoFileComp)) // it fails for a flag that is not there
	return cmd
}

func formatList() string {
	var b strings.Builder
	for _, f := range export.Formats() {
		fmt.Fprintf(&b, "  %-10s %s\n", f.Name, f.About)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (a *app) reportRun(ctx context.Context, args []string) error {
	s, err := a.snapshot(ctx, args)
	if err != nil {
		return err
	}
	if a.json {
		return report.WriteRunJSON(a.Out, s)
	}
	return report.WriteIncident(a.Out, s)
}

// convert writes a saved scan in another format.
func (a *app) convert(args []string, format, template, out string) error {
	switch {
	case len(args) == 0:
		return problem{code: ExitUsage, err: errors.New("which saved scan? name a file, or - for stdin"), try: "secretguard scan git . --json | secretguard report - --format " + "sarif"}
	case format != "" && template != "":
		return usagef("--format and --template: give one of them")
	case a.json:
		return usagef("--json and --format: give one of them")
	case format != "" && !export.Known(format):
		return unknown("format", format, export.Names(), "secretguard report --help")
	}
	doc, err := a.savedScan(args[0])
	if err != nil {
		return err
	}
	write := func(w io.Writer) error { return export.Write(w, format, doc) }
	if template != "" {
		t, err := export.ReadTemplate(template)
		if err != nil {
			return usage(err)
		}
		write = func(w io.Writer) error { return t.Write(w, doc) }
	}
	if out == "" {
		return write(a.Out)
	}
	if err := mayWrite(out); err != nil {
		return usagef("write the report: %w", err)
	}
	f, err := createPrivate(out)
	if err == nil {
		err = errors.Join(write(f), f.Close())
	}
	if err != nil {
		return exitError{code: ExitIncomplete, err: fmt.Errorf("write the report: %w", err)}
	}
	return nil
}

// savedScan reads the document of an earlier scan; "-" is stdin.
func (a *app) savedScan(path string) (document.Scan, error) {
	in := a.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return document.Scan{}, problem{code: ExitUsage, err: fmt.Errorf("read the saved scan: %w", err), try: "secretguard scan --report-path " + shellWord(path)}
		}
		defer func() { _ = f.Close() }() // it was only read
		in = f
	}
	doc, err := document.Read(in)
	if err != nil {
		return doc, problem{code: ExitUsage, err: fmt.Errorf("%s: %w", term.Clean(path), err), try: "secretguard scan --json"}
	}
	return doc, nil
}
