package folders

import (
	"cmp"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// Leaf is a blob on a path, and when it stood there.
type Leaf struct {
	Path string // foreign text; that of a folder ends in a slash
	Blob pack.Ref
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

// Leaves lists every path on which a blob that matters has stood, and when, in order.
// It goes down from the commits' root folders, level by level, so that each folder
// at each path is looked into once.
func Leaves(g *graph.Graph, n *Nodes) []Leaf {
	p := &paths{text: []string{""}, index: map[uint64]uint32{}}
	level := stretches{} // of nodes
	for i := range g.Commits {
		tree := g.Commits[i].Tree
		if tree == pack.NoRef {
			continue
		}
		if k := n.node(tree, 0); k != 0 {
			level.join(g, uint64(k), g.Stretch(int32(i)))
		}
	}
	found := stretches{} // of blobs
	for len(level) > 0 {
		next := stretches{}
		for at, st := range level {
			for _, e := range n.list[uint32(at)] {
				name := n.trees.Name(e.name)
				if e.node == 0 {
					found.join(g, uint64(p.child(uint32(at>>32), e.name, name, false))<<32|uint64(e.blob), st)
				} else {
					next.join(g, uint64(p.child(uint32(at>>32), e.name, name, true))<<32|uint64(e.node), st)
				}
			}
		}
		level = next
	}
	out := make([]Leaf, 0, len(found))
	for at, st := range found {
		out = append(out, Leaf{p.text[at>>32], pack.Ref(at), st})
	}
	slices.SortFunc(out, func(a, b Leaf) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), g.Compare(a.First, b.First), cmp.Compare(a.Blob, b.Blob))
	})
	return out
}

// stretches says when: by path, in the upper half, and what stood there.
type stretches map[uint64]graph.Stretch

func (s stretches) join(g *graph.Graph, k uint64, st graph.Stretch) {
	if old, ok := s[k]; ok {
		st = g.Join(old, st)
	}
	s[k] = st
}
