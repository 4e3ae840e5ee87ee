package folders

import (
	"slices"

	"github.com/secretguard/secretguard/internal/scan/pack"
)

// Item is an entry of a folder, as a [Lister] has it.
type Item struct {
	Name   string // foreign text
	Folder bool
	At     uint32 // the folder, or the blob's Ref
}

// Lister lists folders, which it gives numbers: equal folders have equal ones.
type Lister interface {
	// Root is the folder of a tree, false when there is none.
	Root(tree pack.Ref) (uint32, bool)
	List(folder uint32) []Item
	// Complete tells that every name is listed; else folders with names that matter
	// are listed as files too.
	Complete() bool
}

// Visit is told of a file, or of a folder that is new, and of what those before it
// have under its name.
type Visit func(path string, folder bool, at uint32, old []uint32)

// Changes calls visit for every file below a folder that differs from all those
// before it, and for every folder that is new.
func Changes(l Lister, folder uint32, before []uint32, visit Visit) {
	changes(l, "", folder, before, 0, visit)
}

func changes(l Lister, path string, folder uint32, before []uint32, depth int, visit Visit) {
	if slices.Contains(before, folder) || depth > maxDepth {
		return
	}
	old := map[string][]Item{}
	for _, b := range before {
		for _, i := range l.List(b) {
			old[i.Name] = append(old[i.Name], i)
		}
	}
	for _, i := range l.List(folder) {
		var same []uint32
		for _, o := range old[i.Name] {
			if o.Folder == i.Folder {
				same = append(same, o.At)
			}
		}
		switch {
		case slices.Contains(same, i.At):
		case i.Folder:
			if len(same) == 0 && l.Complete() {
				visit(path+i.Name, true, i.At, nil)
			}
			changes(l, path+i.Name+"/", i.At, same, depth+1, visit)
		default:
			visit(path+i.Name, false, i.At, same)
		}
	}
}

// Root is the node of a tree.
func (n *Nodes) Root(tree pack.Ref) (uint32, bool) {
	if tree == pack.NoRef {
		return 0, false
	}
	return uint32(n.node(tree, 0)), true
}

// List lists what a node leads to.
func (n *Nodes) List(node uint32) []Item {
	entries := n.list[node]
	out := make([]Item, len(entries))
	for i, e := range entries {
		out[i] = Item{n.trees.Name(e.name), e.node != 0, uint32(e.blob)}
		if e.node != 0 {
			out[i].At = uint32(e.node)
		}
	}
	return out
}

// Complete is false: what does not matter is not listed.
func (n *Nodes) Complete() bool { return false }
