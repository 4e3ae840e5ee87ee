// Package document is a scan's result as it is written down: the types behind
// "secretguard scan --json" (docs/json.md), and a reader of what was saved.
package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/secretguard/secretguard/internal/scan"
)

// ScanSchema names the format of a scan document (docs/json.md).
const ScanSchema = "secretguard.scan/1"

// Scan is one document: what a scan found and saw.
type Scan struct {
	Schema   string      `json:"schema"`
	Tool     Tool        `json:"tool"`
	Target   scan.Target `json:"target"`
	Findings []Finding   `json:"findings"`
	Cases    []Case      `json:"cases"`
	Coverage Coverage    `json:"coverage"`
	Stats    Stats       `json:"stats"`
}

// Tool is the program that made a document.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Finding is one secret at one place. Names and paths are foreign text.
type Finding struct {
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
	Proof         Proof             `json:"proof"`
	Liveness      string            `json:"liveness"`
	Tags          []string          `json:"tags"`
	WaiverEnded   string            `json:"waiver_ended"`
	Suppressed    *scan.Suppression `json:"suppressed"`
}

// Proof is what can be shown of a value without a network.
type Proof struct {
	Checksum string `json:"checksum"`
	Account  string `json:"account"`
	Project  string `json:"project"`
	Near     string `json:"near"`
	Role     string `json:"role"`
	Note     string `json:"note"`
	Canary   bool   `json:"canary"`
}

// Case is one credential: what plan, verify and consumers take by its id.
type Case struct {
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

// Coverage is the receipt: what was looked at.
type Coverage struct {
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

// Stats are numbers of a scan.
type Stats struct {
	Started        string `json:"started"` // RFC 3339
	DurationMS     int64  `json:"duration_ms"`
	BytesPerSecond int64  `json:"bytes_per_second"`
	Cache          Cache  `json:"cache"`
}

// Cache counts objects that were known from an earlier scan, and those that were not.
type Cache struct {
	Hits   int `json:"hits"`
	Misses int `json:"misses"`
}

// maxSize bounds what is read of a saved document, in bytes.
const maxSize = 1 << 30

// ErrNotScan means that a text is not a scan document of this version.
var ErrNotScan = errors.New("not a result of secretguard scan --json")

// Read reads a saved document.
func Read(r io.Reader) (Scan, error) {
	var doc Scan
	dec := json.NewDecoder(io.LimitReader(r, maxSize))
	if err := dec.Decode(&doc); err != nil {
		if doc.Schema == "" {
			return Scan{}, fmt.Errorf("%w: %w", ErrNotScan, err)
		}
		return Scan{}, fmt.Errorf("read the result: %w", err)
	}
	if doc.Schema != ScanSchema {
		return Scan{}, fmt.Errorf("%w: its schema is %q, and %q is known here", ErrNotScan, doc.Schema, ScanSchema)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Scan{}, fmt.Errorf("%w: something follows the document", ErrNotScan)
	}
	return doc, nil
}

// Write writes a document, indented.
func (s Scan) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(s)
}

// Active reports whether a finding counts: nobody accepted it, and the scanner did
// not take it for no secret.
func (f Finding) Active() bool { return f.Suppressed == nil }
