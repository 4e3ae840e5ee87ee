package export

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/secretguard/secretguard/internal/report/document"
)

// The parts of GitLab's secret detection report that are used
// (security-report-schemas, secret-detection-report-format.json, 15.0).
type gitlabReport struct {
	Version string       `json:"version"`
	Scan    gitlabScan   `json:"scan"`
	Found   []gitlabLeak `json:"vulnerabilities"`
}

type gitlabScan struct {
	Analyzer gitlabTool      `json:"analyzer"`
	Scanner  gitlabTool      `json:"scanner"`
	Type     string          `json:"type"`
	Start    string          `json:"start_time"`
	End      string          `json:"end_time"`
	Status   string          `json:"status"`
	Messages []gitlabMessage `json:"messages,omitempty"`
}

type gitlabTool struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Version string       `json:"version"`
	URL     string       `json:"url"`
	Vendor  gitlabVendor `json:"vendor"`
}

type gitlabVendor struct {
	Name string `json:"name"`
}

type gitlabMessage struct {
	Level string `json:"level"`
	Value string `json:"value"`
}

type gitlabLeak struct {
	ID          string             `json:"id"`
	Category    string             `json:"category"`
	Name        string             `json:"name"`
	Description string             `json:"description"`
	Severity    string             `json:"severity"`
	Extract     string             `json:"raw_source_code_extract"`
	Location    gitlabLocation     `json:"location"`
	Identifiers []gitlabIdentifier `json:"identifiers"`
}

type gitlabLocation struct {
	File   string       `json:"file"`
	Line   int          `json:"start_line"`
	Commit gitlabCommit `json:"commit"`
}

type gitlabCommit struct {
	SHA    string `json:"sha"`
	Author string `json:"author,omitempty"`
	Date   string `json:"date,omitempty"`
}

type gitlabIdentifier struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

var gitlabSeverity = map[string]string{"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low", "info": "Info"}

// gitlabTime is how the schema writes a time: without a zone.
const gitlabTime = "2006-01-02T15:04:05"

func writeGitLab(w io.Writer, d document.Scan) error {
	tool := gitlabTool{"secretguard", "SecretGuard", orDev(d.Tool.Version), "https://github.com/secretguard/secretguard", gitlabVendor{"SecretGuard"}}
	start, err := time.Parse(time.RFC3339, d.Stats.Started)
	if err != nil {
		start = time.Unix(0, 0) // a document of an earlier version: not known
	}
	end := start.Add(time.Duration(d.Stats.DurationMS) * time.Millisecond)
	doc := gitlabReport{Version: "15.0.1", Found: []gitlabLeak{}, Scan: gitlabScan{
		Analyzer: tool, Scanner: tool, Type: "secret_detection", Start: start.UTC().Format(gitlabTime), End: end.UTC().Format(gitlabTime), Status: "success",
	}}
	for _, g := range gaps(d) {
		doc.Scan.Messages = append(doc.Scan.Messages, gitlabMessage{"warn", "not scanned: " + g})
	}
	if !d.Coverage.Complete {
		doc.Scan.Status = "failure"
	}
	for i, f := range active(d) {
		doc.Found = append(doc.Found, gitlabLeak{
			ID: fmt.Sprintf("%s:%d", f.ID, i), Category: "secret_detection", Name: title(f), Description: clean(sentence(f) + " at " + place(f)),
			Severity: gitlabSeverity[f.Severity], Extract: clean(f.Secret),
			Location:    gitlabLocation{File: clean(path(f)), Line: f.Line, Commit: gitlabCommit{orZero(f.Commit), clean(f.Author), f.Date}},
			Identifiers: []gitlabIdentifier{{"secretguard_rule", "SecretGuard rule " + f.Rule, f.Rule}, {"secretguard_secret", "SecretGuard finding " + f.ID, f.ID}},
		})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// title is at most as long as the schema allows, in bytes, which is in letters too.
func title(f document.Finding) string {
	const most = 255
	s := clean(cmp.Or(f.Description, f.Rule))
	for len(s) > most {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

func orDev(version string) string {
	if version == "" {
		return "dev"
	}
	return version
}

// orZero stands for no commit, as GitLab's own analyser writes it.
func orZero(commit string) string {
	if commit == "" {
		return "0000000"
	}
	return commit
}
