// Package scan finds secrets in bytes. Start with [New] and [Scanner.Scan]; the
// sources are in the subfolder source, the rules in match. The package never
// talks to a network and never imports a provider.
package scan

import (
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan/proof"
	"github.com/secretguard/secretguard/internal/scan/source"
	"github.com/secretguard/secretguard/internal/secret"
)

// Where says in which part of a repository a finding lies.
type Where string

// Places.
const (
	WhereCommit        Where = "commit"
	WhereWorktree      Where = "worktree"
	WhereIndex         Where = "index"
	WhereStash         Where = "stash"
	WhereTag           Where = "tag"
	WhereCommitMessage Where = "commit-message"
	WhereNote          Where = "note"
	WherePath          Where = "path-name" // of a file or folder
	WhereRefName       Where = "ref-name"
	WherePerson        Where = "author" // of a commit or tag, or its committer
	WhereUnreachable   Where = "unreachable"
	WhereUnknown       Where = "unknown" // in an object; the scan was stopped before its place was found
	WhereGitDir        Where = "git-dir" // settings, hooks and logs of git's own
	WhereLFS           Where = "lfs"     // a large file, stored beside the history
	WhereStdin         Where = "stdin"
	WhereArchive       Where = "archive" // inside a file
)

// Severity orders findings for people and for --fail-on.
type Severity string

// Severities.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

// Finding is one match of one rule at one place. The same secret at the same
// file, line and column of several commits is one finding, with its first
// commit.
type Finding struct {
	ID       string // same for one secret under one rule wherever it stands
	Rule     string
	Kind     credential.Kind
	Part     credential.Part
	Severity Severity
	Secret   secret.Text

	// File is relative to the target and '/'-separated; empty in a message. A secret
	// in the name itself is masked: see Path. In a message of a submodule it is the
	// submodule's folder.
	File               string
	Name               string // of the ref or person that holds it, with the secret masked
	PathInArchive      string // inside the archive or document that File is; empty otherwise
	Line, Column       int    // 1-based; columns count bytes; of the text that was made of a document
	EndLine, EndColumn int
	Where              Where

	Commit     string // first commit that holds it here; empty outside history
	Author     string // foreign text
	Date       time.Time
	LastCommit string // that holds it here; a later one may hold it elsewhere
	LastDate   time.Time
	Blob       string
	Refs       Reach
	// ReachedBy names the kinds of refs that lead to the commits: "head", "branch",
	// "remote", "tag", "stash", "note", "worktree", "ref", "reflog".
	ReachedBy []string

	Tags        []string
	Description string
	Proof       Proof // what can be shown without a network
	// WaiverEnded is the last day of a waiver that would have accepted it; else empty.
	WaiverEnded string
	// Suppressed says why the finding does not count, nil when it does.
	Suppressed *Suppression

	// context marks what is no secret and only tells what a key near it opens: see
	// Result.Context.
	context bool
	generic bool // its rule knows no form of a key

	path string // File without masks; empty when it has none
	// also are gitleaks' rules that found the same, and countedAt the line at which
	// gitleaks counts the finding: an ignore file may name these.
	also      []string
	countedAt int
	order     int64 // of its commit: parents before children
}

// Path is the file's real name, with what is inside of it joined as gitleaks does.
// It may hold a secret.
func (f Finding) Path() string {
	if f.path != "" {
		return f.path
	}
	return f.Shown()
}

// Shown is Path with secrets masked, for people.
func (f Finding) Shown() string {
	return source.Place{Path: f.File, Inner: f.PathInArchive}.Name()
}

// Proof is what can be shown about a value without a network; see package proof.
type Proof = proof.Proof

// Reach says what still leads to a finding in history.
type Reach struct {
	Head   bool // HEAD's tree holds it
	Branch bool // some branch or tag reaches the commit
}

// Suppression is why a finding was waived.
type Suppression struct {
	By     string `json:"by"` // "inline", "ignore-file", "baseline", "allowlist"; "noise", "public", "proof": see SetAside
	Reason string `json:"reason,omitempty"`
}

// SetAside reports whether nobody accepted the finding, and the scanner itself took
// it for no secret: by its looks, because everybody knows it, or by its checksum.
func (s *Suppression) SetAside() bool {
	return s != nil && (s.By == byNoise || s.By == byPublic || s.By == byProof)
}

// Why the scanner sets a finding aside.
const (
	byNoise  = "noise"
	byPublic = "public"
	byProof  = "proof"
)

// Skip is something that was not scanned, and how often.
type Skip struct {
	What  string `json:"what"`
	Why   string `json:"why"`
	Count int    `json:"count"`
	// Gap is true when the skip makes the scan incomplete; a binary image is
	// skipped by choice, an unreadable file is a gap.
	Gap bool `json:"gap"`
	// Example names one of the things skipped (foreign text).
	Example string `json:"example,omitempty"`
}

// Coverage is the receipt of a scan: what was looked at and what was not.
type Coverage struct {
	Complete bool
	Refs     int
	Commits  int
	Blobs    int
	Files    int
	Entries  int // of archives and documents
	Bytes    int64
	Known    int // objects that an earlier scan had looked at, with the same rules
	Fresh    int // objects that this one looked at
	Skipped  []Skip
	Shallow  bool
	Rules    string // "sha256:…" of the compiled rule set
}

// Target is what was scanned.
type Target struct {
	Kind string `json:"kind"` // repository, git, dir, staged, stdin
	Path string `json:"path"`
	Head string `json:"head,omitempty"`
}

// Result is the outcome of a scan. Findings are in a stable order.
type Result struct {
	Target   Target
	Findings []Finding
	// Context are public names near which keys stand: a project, an account, a client id.
	// They are no findings, and tell what a key opens.
	Context  []Finding
	Coverage Coverage
	Started  time.Time
	Duration time.Duration
}

// Active returns the findings that are not suppressed.
func (r Result) Active() []Finding {
	var out []Finding
	for _, f := range r.Findings {
		if f.Suppressed == nil {
			out = append(out, f)
		}
	}
	return out
}
