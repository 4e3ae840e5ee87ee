// Package export writes a scan's document in the formats that other programs read:
// one file for each. It asks nobody, and shows of a secret what the document shows.
package export

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/report/document"
	"github.com/secretguard/secretguard/internal/term"
)

// Format is one way to write a document.
type Format struct {
	Name  string
	About string
	write func(io.Writer, document.Scan) error
}

// formats in the order in which they are shown.
var formats = []Format{
	{"json", "one document, the same as --json (docs/json.md)", func(w io.Writer, d document.Scan) error { return d.Write(w) }},
	{"jsonl", "one line for each finding, the receipt last", writeJSONL},
	{"csv", "a table for a spreadsheet, without formulas", writeCSV},
	{"junit", "test results, for CI servers", writeJUnit},
	{"sarif", "SARIF 2.1.0, for code scanning", writeSARIF},
	{"gitlab", "GitLab's secret detection report", writeGitLab},
	{"github", "annotations in the log of GitHub Actions", writeGitHub},
	{"markdown", "a page for people", writeMarkdown},
	{"html", "one page with charts and filters, without scripts", writeHTML},
	{"gitleaks", "gitleaks' JSON, without what only it knows (entropy, message)", writeGitleaks},
}

// Formats lists all formats.
func Formats() []Format { return slices.Clone(formats) }

// Names lists the names of all formats.
func Names() []string {
	var out []string
	for _, f := range formats {
		out = append(out, f.Name)
	}
	return out
}

// Known reports whether there is a format of this name.
func Known(name string) bool { return slices.Contains(Names(), name) }

// Write writes a document in a format. It may be called from many goroutines.
func Write(w io.Writer, name string, d document.Scan) error {
	for _, f := range formats {
		if f.Name == name {
			return f.write(w, d)
		}
	}
	return fmt.Errorf("no format %q; there are: %s", name, strings.Join(Names(), ", "))
}

// active lists the findings that count.
func active(d document.Scan) []document.Finding {
	var out []document.Finding
	for _, f := range d.Findings {
		if f.Active() {
			out = append(out, f)
		}
	}
	return out
}

// path is where a finding stands, for people: the file, and what is inside it.
func path(f document.Finding) string {
	switch {
	case f.File != "" && f.PathInArchive != "":
		return f.File + "!" + f.PathInArchive
	case f.File != "":
		return f.File
	}
	return strings.TrimSpace(f.Where + " " + f.Name)
}

// place is path with the line and the commit.
func place(f document.Finding) string {
	s := fmt.Sprintf("%s:%d", path(f), f.Line)
	if f.Commit != "" {
		s += " in commit " + short(f.Commit)
	}
	return s
}

func short(commit string) string { return commit[:min(len(commit), 12)] }

// sentence says what a finding is.
func sentence(f document.Finding) string {
	return cmp.Or(strings.TrimSuffix(f.Description, "."), f.Rule) + ": " + f.Secret
}

// clean makes foreign text harmless where it is shown as it is.
func clean(s string) string { return string(term.Clean(s)) }

// receipt says in a line what was looked at.
func receipt(d document.Scan) string {
	var seen []string
	for _, n := range []struct {
		count int
		what  string
	}{{d.Coverage.Commits, "commits"}, {d.Coverage.Blobs, "blobs"}, {d.Coverage.Files, "files"}} {
		if n.count > 0 {
			seen = append(seen, fmt.Sprintf("%d %s", n.count, n.what))
		}
	}
	s := fmt.Sprintf("%s, %.1f MB", strings.Join(append(seen, fmt.Sprintf("%d refs", d.Coverage.Refs)), ", "), float64(d.Coverage.Bytes)/1e6)
	if !d.Coverage.Complete {
		s += "; INCOMPLETE: not everything could be read"
	}
	return s
}

// gaps lists what should have been read and was not.
func gaps(d document.Scan) []string {
	var out []string
	for _, s := range d.Coverage.Skipped {
		if s.Gap {
			out = append(out, clean(strings.TrimSpace(fmt.Sprintf("%d × %s: %s %s", s.Count, s.What, s.Why, s.Example))))
		}
	}
	return out
}
