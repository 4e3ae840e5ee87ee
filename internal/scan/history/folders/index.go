// Package folders knows the trees of a repository: it reads each by its delta, keeps
// of it only what matters, and works out on which paths, and in which stretch of
// history, what matters has stood. What matters its user says; it looks at no name and
// no content.
//
// Start with [Reader], which reads trees, and [Index], which keeps what they hold;
// then [NewNodes] and [Leaves].
package folders

import (
	"sync"

	"github.com/secretguard/secretguard/internal/scan/pack"
)

// Edge is an entry of a tree that matters: a folder, or a blob.
type Edge struct {
	Name uint32 // a number of an Index
	Ref  pack.Ref
	Blob bool
}

// Index is what is kept of all trees. Only [Index.Number] may be called from many
// goroutines, and none of the others meanwhile.
type Index struct {
	mu    sync.RWMutex
	names []string
	ids   map[string]uint32

	at    []uint32 // tree -> place in edges; 0 for none
	edges [][]Edge
}

// NewIndex returns one for a database of so many objects.
func NewIndex(size int) *Index {
	return &Index{ids: map[string]uint32{}, at: make([]uint32, size), edges: make([][]Edge, 1)}
}

// Set keeps what matters in a tree; it is called at most once for each.
func (x *Index) Set(tree pack.Ref, list []Edge) {
	x.at[tree] = uint32(len(x.edges))
	x.edges = append(x.edges, list)
}

// Of returns what matters in a tree.
func (x *Index) Of(tree pack.Ref) []Edge { return x.edges[x.at[tree]] }

// All returns what matters in any tree, tree by tree.
func (x *Index) All() [][]Edge { return x.edges }

// Number gives a name a number.
func (x *Index) Number(name []byte) uint32 {
	x.mu.RLock()
	n, ok := x.ids[string(name)]
	x.mu.RUnlock()
	if ok {
		return n
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if n, ok := x.ids[string(name)]; ok {
		return n
	}
	s := string(name)
	n = uint32(len(x.names))
	x.names = append(x.names, s)
	x.ids[s] = n
	return n
}

// Name is the name with a number; foreign text.
func (x *Index) Name(number uint32) string { return x.names[number] }
