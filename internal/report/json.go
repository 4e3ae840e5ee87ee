// Package report writes results: one file for each format. Secrets are masked
// unless a caller asks for them; foreign text is cleaned for the terminal and
// escaped for the format.
package report

import (
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/triage"
)

// ScanSchema names the format of a scan document (docs/json.md).
const ScanSchema = "secretguard.scan/1"

// ScanOptions say how a scan is written.
type ScanOptions struct {
	ShowSecrets bool
	Version     string
	Color       bool // text only
	// RulesFrom names the file that the rules come from; empty: built in.
	RulesFrom string
}

type scanDoc struct {
	Schema   string       `json:"schema"`
	Tool     tool         `json:"tool"`
	Target   scan.Target  `json:"target"`
	Findings []findingDoc `json:"findings"`
	Cases    []caseDoc    `json:"cases"`
	Coverage coverageDoc  `json:"coverage"`
	Stats    statsDoc     `json:"stats"`
}

type tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type findingDoc struct {
	ID            string            `json:"id"`
	Rule          string            `json:"rule"`
	Kind          string            `json:"kind"`
	Part          string            `json:"part"`
	Severity      string            `json:"severity"`
	Description   string            `json:"description"`
	File          string            `json:"file"`
	Name          string            `json:"name"`
	Line          int               `json:"line"`
	Column        int               `json:"column"`
	EndLine       int               `json:"end_line"`
	EndColumn     int               `json:"end_column"`
	Where         string            `json:"where"`
	Commit        string            `json:"commit"`
	Author        string            `json:"author"`
	Date          string            `json:"date"`
	Blob          string            `json:"blob"`
	PathInArchive string            `json:"path_in_archive"`
	InHead        bool              `json:"in_head"`
	OnBranch      bool              `json:"on_branch"`
	LastCommit    string            `json:"last_commit"`
	LastDate      string            `json:"last_date"`
	ReachedBy     []string          `json:"reached_by"`
	Secret        string            `json:"secret"`
	Proof         proofDoc          `json:"proof"`
	Liveness      string            `json:"liveness"`
	Tags          []string          `json:"tags"`
	WaiverEnded   string            `json:"waiver_ended"`
	Suppressed    *scan.Suppression `json:"suppressed"`
}

type proofDoc struct {
	Checksum string `json:"checksum"`
	Account  string `json:"account"`
	Project  string `json:"project"`
	Near     string `json:"near"`
	Role     string `json:"role"`
	Note     string `json:"note"`
	Canary   bool   `json:"canary"`
}

// caseDoc is one credential: what plan, verify and consumers take by its id.
type caseDoc struct {
	ID       string   `json:"id"`
	Kind     string   `json:"kind"`
	Title    string   `json:"title"`
	Severity string   `json:"severity"`
	Mask     string   `json:"mask"`
	Complete bool     `json:"complete"`
	Missing  []string `json:"missing"`
	InHead   bool     `json:"in_head"`
	Findings []string `json:"findings"`
}

type coverageDoc struct {
	Complete bool        `json:"complete"`
	Refs     int         `json:"refs"`
	Commits  int         `json:"commits"`
	Blobs    int         `json:"blobs"`
	Files    int         `json:"files"`
	Entries  int         `json:"archive_entries"`
	Bytes    int64       `json:"bytes"`
	Skipped  []scan.Skip `json:"skipped"`
	Shallow  bool        `json:"shallow"`
	Rules    string      `json:"rules"`
	From     string      `json:"rules_from"`
}

type statsDoc struct {
	DurationMS     int64    `json:"duration_ms"`
	BytesPerSecond int64    `json:"bytes_per_second"`
	Cache          cacheDoc `json:"cache"`
}

type cacheDoc struct {
	Hits   int `json:"hits"`
	Misses int `json:"misses"`
}

// WriteScanJSON writes one document.
func WriteScanJSON(w io.Writer, r scan.Result, o ScanOptions) error {
	doc := scanDoc{
		Schema: ScanSchema, Tool: tool{"secretguard", o.Version}, Target: r.Target, Findings: []findingDoc{}, Cases: []caseDoc{},
		Coverage: coverageDoc{
			Complete: r.Coverage.Complete, Refs: r.Coverage.Refs, Commits: r.Coverage.Commits, Blobs: r.Coverage.Blobs, Files: r.Coverage.Files,
			Entries: r.Coverage.Entries,
			Bytes:   r.Coverage.Bytes, Skipped: r.Coverage.Skipped, Shallow: r.Coverage.Shallow, Rules: r.Coverage.Rules,
			From: cmp.Or(o.RulesFrom, "built in"),
		},
		Stats: statsDoc{DurationMS: r.Duration.Milliseconds(), Cache: cacheDoc{Hits: r.Coverage.Known, Misses: r.Coverage.Fresh}},
	}
	if doc.Coverage.Skipped == nil {
		doc.Coverage.Skipped = []scan.Skip{}
	}
	if s := r.Duration.Seconds(); s > 0 {
		doc.Stats.BytesPerSecond = int64(float64(r.Coverage.Bytes) / s)
	}
	for _, f := range r.Findings {
		doc.Findings = append(doc.Findings, finding(f, o.ShowSecrets))
	}
	for _, c := range triage.Build(r) {
		doc.Cases = append(doc.Cases, newCaseDoc(c))
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

func newCaseDoc(c triage.Case) caseDoc {
	d := caseDoc{
		ID: c.ID, Kind: string(c.Kind), Title: c.Title, Severity: string(c.Severity), Mask: c.Mask,
		Complete: c.Credential.Complete(), Missing: []string{}, InHead: c.InHead(), Findings: []string{},
	}
	for _, m := range c.Missing {
		d.Missing = append(d.Missing, string(m))
	}
	for _, f := range c.Findings {
		if !slices.Contains(d.Findings, f.ID) {
			d.Findings = append(d.Findings, f.ID)
		}
	}
	return d
}

func newProofDoc(p scan.Proof) proofDoc {
	return proofDoc{
		Checksum: cmp.Or(string(p.Checksum), "none"), Account: p.Account, Project: p.Project, Near: p.Near, Role: p.Role, Note: p.Note, Canary: p.Canary,
	}
}

func finding(f scan.Finding, show bool) findingDoc {
	d := findingDoc{
		ID: f.ID, Rule: f.Rule, Kind: string(f.Kind), Part: string(f.Part), Severity: string(f.Severity), Description: f.Description,
		File: f.File, Name: f.Name, PathInArchive: f.PathInArchive, Line: f.Line, Column: f.Column, EndLine: f.EndLine, EndColumn: f.EndColumn, Where: string(f.Where),
		Commit: f.Commit, Author: f.Author, Blob: f.Blob, InHead: f.Refs.Head, OnBranch: f.Refs.Branch,
		LastCommit: f.LastCommit, ReachedBy: f.ReachedBy,
		Secret: f.Secret.Mask(), Proof: newProofDoc(f.Proof), Liveness: "unchecked", Tags: f.Tags, WaiverEnded: f.WaiverEnded, Suppressed: f.Suppressed,
	}
	if show {
		d.Secret = f.Secret.Reveal()
	}
	if !f.Date.IsZero() {
		d.Date = f.Date.Format(time.RFC3339)
	}
	if !f.LastDate.IsZero() {
		d.LastDate = f.LastDate.Format(time.RFC3339)
	}
	if d.Tags == nil {
		d.Tags = []string{}
	}
	if d.ReachedBy == nil {
		d.ReachedBy = []string{}
	}
	return d
}

// RunSchema names the format of a run document.
const RunSchema = "secretguard.run/1"

// WriteRunJSON writes a run as one document on one line.
func WriteRunJSON(w io.Writer, s rotate.Snapshot) error {
	if s.Status == "" {
		s.Status = "planned"
	}
	return json.NewEncoder(w).Encode(struct {
		Schema string `json:"schema"`
		rotate.Snapshot
	}{RunSchema, s})
}
