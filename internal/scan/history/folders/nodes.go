package folders

import (
	"encoding/binary"
	"hash/maphash"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/pack"
)

// Nodes are trees cut down to what matters: a folder is the list of the names in
// it that lead to blobs that matter. Most trees of a history differ only in what
// does not matter, and are then one node.
type Nodes struct {
	trees *Index
	list  [][]nodeEntry // 0 is the empty one
	index map[uint64][]int32
	of    []int32 // tree -> node; unknown below zero
	seed  maphash.Seed
	buf   []byte
	deep  int // folders that were nested too deep
}

// nodeEntry is a name in a node.
type nodeEntry struct {
	name uint32
	node int32    // of a folder; 0 for a blob
	blob pack.Ref // of a blob
}

// maxDepth bounds hostile trees.
const maxDepth = 4096

// NewNodes makes nodes of the trees of an index, when they are asked for. They are
// used by one goroutine.
func NewNodes(trees *Index) *Nodes {
	n := &Nodes{trees: trees, list: [][]nodeEntry{nil}, index: map[uint64][]int32{}, of: make([]int32, len(trees.at)), seed: maphash.MakeSeed()}
	for i := range n.of {
		n.of[i] = -1
	}
	return n
}

// TooDeep counts the folders that were nested too deep to be looked into.
func (n *Nodes) TooDeep() int { return n.deep }

// Leads reports whether an edge leads to something: a folder may hold nothing that
// matters.
func (n *Nodes) Leads(e Edge) bool { return e.Blob || n.node(e.Ref, 0) != 0 }

// node returns the node of a tree.
func (n *Nodes) node(tree pack.Ref, depth int) int32 {
	if k := n.of[tree]; k >= 0 {
		return k
	}
	if depth > maxDepth {
		n.deep++
		return 0
	}
	var out []nodeEntry
	for _, e := range n.trees.Of(tree) {
		if e.Blob {
			out = append(out, nodeEntry{name: e.Name, blob: e.Ref})
		} else if k := n.node(e.Ref, depth+1); k != 0 {
			out = append(out, nodeEntry{name: e.Name, node: k})
		}
	}
	k := n.intern(out)
	n.of[tree] = k
	return k
}

// intern returns the number of a list. Entries come in the order of the tree, so
// that equal folders have equal lists.
func (n *Nodes) intern(list []nodeEntry) int32 {
	if len(list) == 0 {
		return 0
	}
	n.buf = n.buf[:0]
	for _, e := range list {
		n.buf = binary.LittleEndian.AppendUint32(n.buf, e.name)
		n.buf = binary.LittleEndian.AppendUint32(n.buf, uint32(e.node))
		n.buf = binary.LittleEndian.AppendUint32(n.buf, uint32(e.blob))
	}
	h := maphash.Bytes(n.seed, n.buf)
	for _, k := range n.index[h] {
		if slices.Equal(n.list[k], list) {
			return k
		}
	}
	k := int32(len(n.list))
	n.index[h] = append(n.index[h], k)
	n.list = append(n.list, slices.Clip(list))
	return k
}
