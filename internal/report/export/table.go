package export

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"github.com/secretguard/secretguard/internal/report/document"
	"github.com/secretguard/secretguard/internal/scan"
)

// line is a line of JSONL: a finding.
type line struct {
	Type string `json:"type"`
	document.Finding
}

// lastLine is the receipt: without it, a reader cannot tell whether all is there.
type lastLine struct {
	Type     string            `json:"type"`
	Schema   string            `json:"schema"`
	Tool     document.Tool     `json:"tool"`
	Target   scan.Target       `json:"target"`
	Findings int               `json:"findings"`
	Coverage document.Coverage `json:"coverage"`
	Stats    document.Stats    `json:"stats"`
}

func writeJSONL(w io.Writer, d document.Scan) error {
	enc := json.NewEncoder(w)
	for _, f := range d.Findings {
		if err := enc.Encode(line{"finding", f}); err != nil {
			return err
		}
	}
	return enc.Encode(lastLine{"receipt", d.Schema, d.Tool, d.Target, len(d.Findings), d.Coverage, d.Stats})
}

var columns = []string{
	"id", "rule", "severity", "description", "file", "path_in_archive", "name", "line", "column", "where", "commit", "author", "date", "in_head", "secret", "liveness", "suppressed_by", "suppressed_reason",
}

func writeCSV(w io.Writer, d document.Scan) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return err
	}
	for _, f := range d.Findings {
		by, why := "", ""
		if f.Suppressed != nil {
			by, why = f.Suppressed.By, f.Suppressed.Reason
		}
		row := []string{
			f.ID, f.Rule, f.Severity, f.Description, f.File, f.PathInArchive, f.Name, strconv.Itoa(f.Line), strconv.Itoa(f.Column), f.Where, f.Commit, f.Author, f.Date,
			strconv.FormatBool(f.InHead), f.Secret, f.Liveness, by, why,
		}
		for i := range row {
			row[i] = cell(row[i])
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// cell keeps a spreadsheet from taking text for a formula: a name of a file is chosen
// by whoever wrote it (OWASP, CSV injection).
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n|", rune(s[0])) {
		return "'" + s
	}
	return s
}
