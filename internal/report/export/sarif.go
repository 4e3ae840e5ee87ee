package export

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/secretguard/secretguard/internal/report/document"
)

// The parts of SARIF 2.1.0 that are used
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html).
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver sarifDriver `json:"driver"`
	} `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
	ColumnKind  string            `json:"columnKind"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	Version        string      `json:"version,omitempty"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID     string       `json:"id"`
	Short  sarifMessage `json:"shortDescription"`
	Config struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
	Properties map[string]any `json:"properties"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string       `json:"level"`
	Message sarifMessage `json:"message"`
}

type sarifMessage struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifMessage       `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	Properties   map[string]any     `json:"properties"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region struct {
		StartLine int `json:"startLine"`
		EndLine   int `json:"endLine,omitempty"`
	} `json:"region"`
}

type sarifLogical struct {
	Name string `json:"fullyQualifiedName"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification,omitempty"`
}

// level is a severity in SARIF's words.
func level(severity string) string {
	switch severity {
	case "critical", "high":
		return "error"
	case "medium":
		return "warning"
	}
	return "note"
}

// reference is a path as a relative reference (RFC 3986, section 4.2): one that begins
// with two slashes would name a host.
func reference(path string) string {
	if strings.HasPrefix(path, "//") {
		path = "/." + path
	}
	return (&url.URL{Path: path}).String()
}

// securitySeverity is the number by which GitHub orders alerts.
var securitySeverity = map[string]string{"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "0.0"}

func writeSARIF(w io.Writer, d document.Scan) error {
	run := sarifRun{Results: []sarifResult{}, ColumnKind: "unicodeCodePoints"}
	run.Tool.Driver = sarifDriver{Name: "SecretGuard", Version: d.Tool.Version, InformationURI: "https://github.com/secretguard/secretguard", Rules: []sarifRule{}}
	invocation := sarifInvocation{Successful: d.Coverage.Complete}
	for _, g := range gaps(d) {
		invocation.Notifications = append(invocation.Notifications, sarifNotification{"warning", sarifMessage{"not scanned: " + g}})
	}
	run.Invocations = []sarifInvocation{invocation}
	rules := map[string]int{}
	times := map[string]int{}
	for _, f := range d.Findings {
		at, ok := rules[f.Rule]
		if !ok {
			at = len(run.Tool.Driver.Rules)
			rules[f.Rule] = at
			r := sarifRule{ID: f.Rule, Short: sarifMessage{clean(f.Description)}, Properties: map[string]any{
				"tags": []string{"security", "secret"}, "security-severity": securitySeverity[f.Severity],
			}}
			r.Config.Level = level(f.Severity)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, r)
		}
		run.Results = append(run.Results, result(f, at, times))
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// result writes a finding without columns: ours count bytes, and SARIF's do not. Its
// fingerprint holds when lines move and commits are rewritten; times tells copies in
// one file apart.
func result(f document.Finding, rule int, times map[string]int) sarifResult {
	key := f.ID + "\x00" + f.File + "\x00" + f.PathInArchive
	times[key]++
	r := sarifResult{
		RuleID: f.Rule, RuleIndex: rule, Level: level(f.Severity), Message: sarifMessage{clean(sentence(f) + " at " + place(f))},
		Fingerprints: map[string]string{"secretguardSecret/v1": f.ID, "primaryLocationLineHash": fmt.Sprintf("%s:%d", f.ID, times[key])},
		Properties: map[string]any{
			"severity": f.Severity, "security-severity": securitySeverity[f.Severity], "where": f.Where, "commit": f.Commit, "inHead": f.InHead, "liveness": f.Liveness,
		},
	}
	if f.File == "" {
		r.Locations = []sarifLocation{{Logical: []sarifLogical{{clean(place(f))}}}}
	} else {
		p := &sarifPhysical{}
		p.Artifact.URI = reference(f.File)
		p.Region.StartLine, p.Region.EndLine = f.Line, max(f.Line, f.EndLine)
		if f.PathInArchive != "" { // the line is one of what is inside
			p.Region.StartLine, p.Region.EndLine = 1, 1
		}
		r.Locations = []sarifLocation{{Physical: p}}
	}
	if s := f.Suppressed; s != nil {
		kind := "external"
		if s.By == "inline" {
			kind = "inSource"
		}
		r.Suppressions = []sarifSuppression{{kind, clean(s.By + ": " + s.Reason)}}
	}
	return r
}
