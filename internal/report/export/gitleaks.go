package export

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/secretguard/secretguard/internal/report/document"
)

// leak has the names that gitleaks gives the fields of its JSON report (its
// report/finding.go); the order is its too.
type leak struct {
	RuleID      string
	Description string
	StartLine   int
	EndLine     int
	StartColumn int
	EndColumn   int
	Match       string
	Secret      string
	File        string
	SymlinkFile string
	Commit      string
	Author      string
	Email       string
	Date        string
	Tags        []string
	Fingerprint string
}

// writeGitleaks writes what counts. What only gitleaks works out, the entropy and the
// message of the commit, is left out and not made up.
func writeGitleaks(w io.Writer, d document.Scan) error {
	out := []leak{}
	for _, f := range active(d) {
		name, mail, _ := strings.Cut(strings.TrimSuffix(f.Author, ">"), " <")
		file := f.File
		if f.PathInArchive != "" {
			file += "!" + f.PathInArchive
		}
		mark := fmt.Sprintf("%s:%s:%d", file, f.Rule, f.Line)
		if f.Commit != "" {
			mark = f.Commit + ":" + mark
		}
		out = append(out, leak{
			RuleID: f.Rule, Description: f.Description, StartLine: f.Line, EndLine: f.EndLine, StartColumn: f.Column, EndColumn: f.EndColumn,
			Match: f.Secret, Secret: f.Secret, File: file, Commit: f.Commit, Author: name, Email: mail, Date: f.Date, Tags: f.Tags, Fingerprint: mark,
		})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	return enc.Encode(out) //nolint:gosec // masked, unless the user asked for it
}
