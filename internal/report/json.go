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

	"github.com/secretguard/secretguard/internal/report/document"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/triage"
)

// ScanOptions say how a scan is written.
type ScanOptions struct {
	ShowSecrets bool
	Version     string
	Color       bool // text only
	// RulesFrom names the file that the rules come from; empty: built in.
	RulesFrom string
}

// WriteScanJSON writes one document.
func WriteScanJSON(w io.Writer, r scan.Result, o ScanOptions) error { return Document(r, o).Write(w) }

// Document is a scan's result as it is written down.
func Document(r scan.Result, o ScanOptions) document.Scan {
	doc := document.Scan{
		Schema: document.ScanSchema, Tool: document.Tool{Name: "secretguard", Version: o.Version}, Target: r.Target, Findings: []document.Finding{}, Cases: []document.Case{},
		Coverage: document.Coverage{
			Complete: r.Coverage.Complete, Refs: r.Coverage.Refs, Commits: r.Coverage.Commits, Blobs: r.Coverage.Blobs, Files: r.Coverage.Files,
			Entries: r.Coverage.Entries,
			Bytes:   r.Coverage.Bytes, Skipped: r.Coverage.Skipped, Shallow: r.Coverage.Shallow, Rules: r.Coverage.Rules,
			From: cmp.Or(o.RulesFrom, "built in"),
		},
		Stats: document.Stats{Started: r.Started.UTC().Format(time.RFC3339), DurationMS: r.Duration.Milliseconds(), Cache: document.Cache{Hits: r.Coverage.Known, Misses: r.Coverage.Fresh}},
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
	return doc
}

func newCaseDoc(c triage.Case) document.Case {
	d := document.Case{
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

func newProofDoc(p scan.Proof) document.Proof {
	return document.Proof{
		Checksum: cmp.Or(string(p.Checksum), "none"), Account: p.Account, Project: p.Project, Near: p.Near, Role: p.Role, Note: p.Note, Canary: p.Canary,
	}
}

func finding(f scan.Finding, show bool) document.Finding {
	d := document.Finding{
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
