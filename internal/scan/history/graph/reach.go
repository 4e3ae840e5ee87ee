// Package graph knows the commits of a repository as a graph: what each is made of,
// what leads to it, which is older than which, and the stretch of history between a
// first and a last one. It reads headers, and no folder or file.
//
// Start with [New]: fill Commits, then call [Graph.Link], [Graph.Order] and
// [Graph.Mark], in this order and once.
package graph

// Reach says what leads to a commit.
type Reach uint16

// Ways to reach a commit.
const (
	FromHead Reach = 1 << iota
	FromBranch
	FromRemote
	FromTag
	FromStash
	FromNote
	FromWorktree // what another working tree has checked out
	FromRef      // any other ref, such as refs/pull
	FromReflog
)

// kept are the ways that the next fetch or garbage collection leaves.
const kept = FromHead | FromBranch | FromRemote | FromTag | FromWorktree | FromRef

// Ranks of commits, by how firmly they are held: what a rebase left behind comes last.
const (
	Held = iota
	Aside
	Loose
)

// Rank is [Held] for what stays, [Aside] for stashes and notes, [Loose] for the rest.
func (r Reach) Rank() int {
	switch {
	case r&kept != 0:
		return Held
	case r&(FromStash|FromNote) != 0:
		return Aside
	}
	return Loose
}

// OnBranch reports whether a branch or a tag leads there, or another ref that
// stays.
func (r Reach) OnBranch() bool { return r&kept != 0 }

var reachNames = []string{"head", "branch", "remote", "tag", "stash", "note", "worktree", "ref", "reflog"}

// Names lists the ways in a fixed order.
func (r Reach) Names() []string {
	var out []string
	for i, n := range reachNames {
		if r>>i&1 == 1 {
			out = append(out, n)
		}
	}
	return out
}
