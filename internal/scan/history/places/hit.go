// Package places says where what was found stands: on which path and line, from which
// commit to which, and what still leads there. Versions of a file in which a secret
// stands at the same place are one hit.
//
// Start with [New], add what was found where, then ask for [Placer.Hits].
package places

import (
	"time"

	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// Where a hit stands.
const (
	WhereCommit      = "commit"
	WhereMessage     = "commit-message"
	WhereTag         = "tag"
	WhereStash       = "stash"
	WhereNote        = "note"
	WherePath        = "path-name"   // of a file or folder
	WherePerson      = "author"      // of a commit or tag, or its committer
	WhereUnreachable = "unreachable" // from any ref; a reflog may still lead to it
	WhereUnknown     = "unknown"     // the scan was stopped before this was found out
)

// Commit is what is shown of a commit. Author is foreign text.
type Commit struct {
	ID     pack.ID
	Author string
	Date   time.Time // the author's, in UTC
}

// Hit is one secret under one rule at one line and column of one file: versions
// of the file in which it stands at the same place are one hit.
type Hit struct {
	match.Match // as in the first commit that holds it

	Where string
	Path  string // foreign text; empty in a message or when nothing leads to it
	Inner string // the path inside the archive or document at Path; foreign text
	Blob  pack.ID
	First Commit // zero for an object that no commit holds; what a tag names
	Last  Commit
	Reach graph.Reach
	// InHead is set when HEAD's tree holds it.
	InHead bool
	// Denied is set when an allowlist takes it out for its first commit alone.
	Denied bool
	// Order of the first commit: a parent's is lower than its child's.
	Order int64
}

// Message is a text of a commit or tag that holds something.
type Message struct {
	Ref    pack.Ref
	Where  string // WhereMessage, WhereTag or WherePerson
	Sights []match.Sight
}

// Key names a hit.
type Key struct {
	Rule         *match.Rule
	Secret       string
	Path, Inner  string
	Line, Column int
	// Where and In, an object, are empty for what lies in trees: there, the first
	// follows from the commits and the second is one of many.
	Where string
	In    pack.ID
}
