package graph

import (
	"cmp"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/pack"
)

// Commit is what is kept of every commit.
type Commit struct {
	Ref     pack.Ref
	Tree    pack.Ref // pack.NoRef when it is not there
	Parents []int32  // places in Graph.Commits
	Time    int64    // the committer's, in seconds; corrected by Order
	Reach   Reach
	Cut     bool  // some parents are not there
	Size    int64 // of the message, in bytes

	// What Link makes Parents of: names, or Refs of commits that are known already.
	ParentIDs  []pack.ID
	ParentRefs []uint32
}

// Objects is what the graph asks of an object database.
type Objects interface {
	Lookup(id pack.ID) (pack.Ref, bool)
	ID(r pack.Ref) pack.ID
}

// Root is a name that leads to an object.
type Root struct {
	Name string // foreign text
	ID   pack.ID
	Way  Reach
}

// Graph is all commits. It is filled by one goroutine; then many may read it.
type Graph struct {
	Commits []Commit
	Head    int32 // HEAD's commit; -1 for none

	db Objects
	at map[pack.Ref]int32
}

// New returns a graph without commits.
func New(db Objects) *Graph { return &Graph{db: db, Head: -1} }

// Link sorts commits by Ref and turns parents into places. missing is told of parents
// that are not there.
func (g *Graph) Link(missing func(child, parent pack.ID)) {
	slices.SortFunc(g.Commits, func(a, b Commit) int { return int(a.Ref) - int(b.Ref) })
	g.at = make(map[pack.Ref]int32, len(g.Commits))
	for i, c := range g.Commits {
		g.at[c.Ref] = int32(i)
	}
	for i := range g.Commits {
		c := &g.Commits[i]
		for _, id := range c.ParentIDs {
			if at, ok := g.named(id); ok {
				c.Parents = append(c.Parents, at)
				continue
			}
			c.Cut = true
			missing(g.db.ID(c.Ref), id)
		}
		for _, r := range c.ParentRefs {
			if at, ok := g.at[pack.Ref(r)]; ok {
				c.Parents = append(c.Parents, at)
			}
		}
		c.ParentIDs, c.ParentRefs = nil, nil
	}
}

// At returns a commit's place.
func (g *Graph) At(r pack.Ref) (int32, bool) {
	at, ok := g.at[r]
	return at, ok
}

// ID is the name of the commit at a place.
func (g *Graph) ID(at int32) pack.ID { return g.db.ID(g.Commits[at].Ref) }

func (g *Graph) named(id pack.ID) (int32, bool) {
	ref, ok := g.db.Lookup(id)
	if !ok {
		return 0, false
	}
	return g.At(ref)
}

// Order corrects times so that no commit is older than its parents: clocks are
// wrong, the order of commits is not.
func (g *Graph) Order() {
	done := make([]bool, len(g.Commits))
	var stack []int32
	for i := range g.Commits {
		stack = append(stack[:0], int32(i))
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			c := &g.Commits[at]
			waiting := false
			for _, p := range c.Parents {
				if !done[p] {
					stack = append(stack, p)
					waiting = true
				}
			}
			if waiting {
				continue
			}
			stack = stack[:len(stack)-1]
			if done[at] {
				continue
			}
			done[at] = true
			for _, p := range c.Parents {
				c.Time = max(c.Time, g.Commits[p].Time+1)
			}
		}
	}
}

// maxTags is how many tags in a row are followed: a tag may name a tag.
const maxTags = 10

// Mark marks every commit with the ways that lead to it. tags are what tags name.
// missing is told of roots that name nothing, once for each object; of several names
// the last in order. A reflog outlives what it names.
func (g *Graph) Mark(roots []Root, tags map[pack.ID]pack.ID, missing func(name string, id pack.ID)) {
	byWay := map[Reach][]int32{}
	gone := map[pack.ID]string{}
	for _, r := range roots {
		id := r.ID
		for range maxTags {
			to, ok := tags[id]
			if !ok {
				break
			}
			id = to
		}
		if at, ok := g.named(id); ok {
			byWay[r.Way] = append(byWay[r.Way], at)
			if r.Way == FromHead {
				g.Head = at
			}
		} else if _, there := g.db.Lookup(id); !there && r.Way != FromReflog {
			gone[id] = max(gone[id], r.Name) // HEAD stands for a branch
		}
	}
	for id, name := range gone {
		missing(name, id)
	}
	for way, todo := range byWay {
		g.mark(way, todo)
	}
}

func (g *Graph) mark(way Reach, todo []int32) {
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if g.Commits[at].Reach&way != 0 {
			continue
		}
		g.Commits[at].Reach |= way
		todo = append(todo, g.Commits[at].Parents...)
	}
}

// Compare orders commits: firmly held ones before others, then by time, then by
// name.
func (g *Graph) Compare(a, b int32) int {
	if a == b {
		return 0
	}
	x, y := &g.Commits[a], &g.Commits[b]
	if c := cmp.Or(cmp.Compare(x.Reach.Rank(), y.Reach.Rank()), cmp.Compare(x.Time, y.Time)); c != 0 {
		return c
	}
	p, q := g.ID(a), g.ID(b)
	return slices.Compare(p[:], q[:])
}
