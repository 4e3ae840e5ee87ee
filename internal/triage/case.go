// Package triage joins findings into cases: one case per credential, whatever
// number of files and commits it was found in. An AWS key id and its secret
// become one credential even when they stand in different files or commits.
package triage

import (
	"slices"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/scan"
)

// Case is one leaked credential and all that is known about it.
type Case struct {
	// ID is short and stable: "c-" and the start of the main finding's id.
	ID         string
	Kind       credential.Kind
	Title      string // "aws access key", made from the kind: our own text
	Credential credential.Credential
	// Mask is what may be shown of it.
	Mask     string
	Severity scan.Severity
	Findings []scan.Finding
	Liveness Liveness
	// Missing names parts that were not found ("secret").
	Missing []credential.Part
	// Pairing says how the parts were joined: "same file, 1 line apart".
	Pairing string
	First   time.Time // date of the oldest commit that holds it
	// Placements are the consumers that hold it, after discovery.
	Placements []providers.Placement
	Gaps       []providers.Gap
	// Unreadable is how many stored values could not be compared: they cannot be read
	// back, and their names do not fit.
	Unreadable int
}

// Liveness is the newest verdict; Value is "unchecked" before any.
type Liveness struct {
	Value   string // live, dead, unknown, unchecked
	Verdict providers.Verdict
}

// Unchecked is the liveness of a credential nobody has asked about.
const Unchecked = "unchecked"

// Files returns how many distinct files hold the case.
func (c Case) Files() int {
	seen := map[string]bool{}
	for _, f := range c.Findings {
		seen[f.Path()] = true
	}
	return len(seen)
}

// Commits returns how many distinct commits introduced a finding.
func (c Case) Commits() int {
	seen := map[string]bool{}
	for _, f := range c.Findings {
		if f.Commit != "" {
			seen[f.Commit] = true
		}
	}
	return len(seen)
}

// InHead reports whether the credential still stands in HEAD, the index or the
// working tree.
func (c Case) InHead() bool {
	for _, f := range c.Findings {
		archived := f.Where == scan.WhereArchive && f.Commit == "" && f.File != ""
		if f.Refs.Head || f.Where == scan.WhereWorktree || f.Where == scan.WhereIndex || archived {
			return true
		}
	}
	return false
}

// Canary reports whether the key is known to raise an alarm when it is used: nobody
// is asked about it.
func (c Case) Canary() bool {
	return slices.ContainsFunc(c.Findings, func(f scan.Finding) bool { return f.Proof.Canary })
}
