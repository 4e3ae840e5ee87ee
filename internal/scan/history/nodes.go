package history

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// nodes are trees cut down to what matters: a folder is the list of the names in
// it that lead to blobs with secrets. Most trees of a history differ only in what
// does not matter, and are then one node.
type nodes struct {
	edges func(pack.Ref) []edge
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

// newNodes makes nodes of the trees of a database with size objects.
func newNodes(size int, edges func(pack.Ref) []edge) *nodes {
	n := &nodes{edges: edges, list: [][]nodeEntry{nil}, index: map[uint64][]int32{}, of: make([]int32, size), seed: maphash.MakeSeed()}
	for i := range n.of {
		n.of[i] = -1
	}
	return n
}

// node returns the node of a tree.
func (n *nodes) node(tree pack.Ref, depth int) int32 {
	if k := n.of[tree]; k >= 0 {
		return k
	}
	if depth > maxDepth {
		n.deep++
		return 0
	}
	var out []nodeEntry
	for _, e := range n.edges(tree) {
		if e.blob {
			out = append(out, nodeEntry{name: e.name, blob: e.ref})
		} else if k := n.node(e.ref, depth+1); k != 0 {
			out = append(out, nodeEntry{name: e.name, node: k})
		}
	}
	k := n.intern(out)
	n.of[tree] = k
	return k
}

// intern returns the number of a list. Entries come in the order of the tree, so
// that equal folders have equal lists.
func (n *nodes) intern(list []nodeEntry) int32 {
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

// leaf is a blob on a path.
type leaf struct {
	path string
	blob pack.Ref
	graph.Stretch
}

// paths gives paths numbers: 0 is the root.
type paths struct {
	text  []string
	index map[uint64]uint32 // parent and name -> path
}

func (p *paths) child(parent, name uint32, text string, folder bool) uint32 {
	k := uint64(parent)<<32 | uint64(name)<<1
	if folder {
		k |= 1
		text += "/"
	}
	id, ok := p.index[k]
	if !ok {
		id = uint32(len(p.text))
		p.text = append(p.text, p.text[parent]+text)
		p.index[k] = id
	}
	return id
}

// leaves lists every path on which a blob that matters has stood, and when. It
// goes down from the commits' root folders, level by level, so that each folder
// at each path is looked into once.
func (s *scanner) leaves(n *nodes) []leaf {
	p := &paths{text: []string{""}, index: map[uint64]uint32{}}
	level := map[uint64]graph.Stretch{} // path and node -> when
	for i := range s.graph.Commits {
		tree := s.graph.Commits[i].Tree
		if tree == pack.NoRef {
			continue
		}
		if k := n.node(tree, 0); k != 0 {
			s.merge(level, uint64(k), s.graph.Stretch(int32(i)))
		}
	}
	found := map[uint64]graph.Stretch{} // path and blob -> when
	for len(level) > 0 {
		next := map[uint64]graph.Stretch{}
		for at, st := range level {
			for _, e := range n.list[uint32(at)] {
				name := s.trees.names[e.name]
				if e.node == 0 {
					s.merge(found, uint64(p.child(uint32(at>>32), e.name, name, false))<<32|uint64(e.blob), st)
				} else {
					s.merge(next, uint64(p.child(uint32(at>>32), e.name, name, true))<<32|uint64(e.node), st)
				}
			}
		}
		level = next
	}
	out := make([]leaf, 0, len(found))
	for at, st := range found {
		out = append(out, leaf{p.text[at>>32], pack.Ref(at), st})
	}
	slices.SortFunc(out, func(a, b leaf) int {
		return cmp.Or(cmp.Compare(a.path, b.path), s.graph.Compare(a.First, b.First), cmp.Compare(a.blob, b.blob))
	})
	return out
}

func (s *scanner) merge(into map[uint64]graph.Stretch, k uint64, st graph.Stretch) {
	if old, ok := into[k]; ok {
		st = s.graph.Join(old, st)
	}
	into[k] = st
}
