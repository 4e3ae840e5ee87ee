// Package tally counts what a scan could not look at. Of each sort of thing one is
// named: the first in order, so that every run names the same, however its workers
// shared the objects.
package tally

import (
	"cmp"
	"slices"
)

// Gone counts things that were not scanned, and names one of them. The zero value
// counts nothing. It is used by one goroutine; each worker has its own, and they are
// joined afterwards.
type Gone struct {
	Count   int
	Example string // foreign text
}

// Add counts one more.
func (g *Gone) Add(example string) {
	if g.Count == 0 || example < g.Example {
		g.Example = example
	}
	g.Count++
}

// Join adds what another one counted.
func (g *Gone) Join(o Gone) {
	if o.Count > 0 {
		g.Add(o.Example)
		g.Count += o.Count - 1
	}
}

// Unread is what was not read of blobs, for one reason.
type Unread struct {
	What, Why string
	Gap       bool // text may have been missed
	Gone
}

// List counts what was not read, in the order of What and Why.
type List []Unread

// Add counts one sort of thing.
func (l *List) Add(u Unread) {
	i, ok := slices.BinarySearchFunc(*l, u, func(a, b Unread) int { return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why)) })
	if ok {
		(*l)[i].Join(u.Gone)
		return
	}
	*l = slices.Insert(*l, i, u)
}
