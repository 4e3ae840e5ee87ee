package graph

import "cmp"

// Stretch is the part of history in which something stands: the commits are places in
// Graph.Commits.
type Stretch struct {
	First, Last int32
	Reach       Reach
	Head        bool // HEAD's commit is in it
}

// Nowhere is the stretch of what no commit holds.
var Nowhere = Stretch{First: -1, Last: -1}

// Stretch is the one of a single commit.
func (g *Graph) Stretch(at int32) Stretch {
	return Stretch{First: at, Last: at, Reach: g.Commits[at].Reach, Head: at == g.Head}
}

// Join is the stretch of what stands in both. Neither may be [Nowhere]. The first is
// the least by [Graph.Compare]; the last is the youngest of those that are held most
// firmly.
func (g *Graph) Join(a, b Stretch) Stretch {
	if g.Compare(b.First, a.First) < 0 {
		a.First = b.First
	}
	if r := cmp.Compare(g.Commits[b.Last].Reach.Rank(), g.Commits[a.Last].Reach.Rank()); r < 0 || r == 0 && g.Compare(b.Last, a.Last) > 0 {
		a.Last = b.Last
	}
	a.Reach |= b.Reach
	a.Head = a.Head || b.Head
	return a
}
