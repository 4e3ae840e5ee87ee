package folders

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// shelf names objects by their Refs.
type shelf struct{}

func (shelf) ID(r pack.Ref) (id pack.ID) {
	binary.BigEndian.PutUint32(id[:], uint32(r))
	return id
}

func (shelf) Lookup(id pack.ID) (pack.Ref, bool) {
	return pack.Ref(binary.BigEndian.Uint32(id[:])), true
}

// Refs of what is made up: trees below blobs below commits.
const (
	firstBlob   = 100
	firstCommit = 200
)

// drawTrees draws trees of which each holds only those before it.
func drawTrees(t *rapid.T) *Index {
	x := NewIndex(firstBlob)
	for tree := range rapid.IntRange(1, 12).Draw(t, "trees") {
		var list []Edge
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID[string]).Draw(t, "names") {
			e := Edge{Name: x.Number([]byte(name)), Blob: tree == 0 || rapid.IntRange(0, 2).Draw(t, "blob") == 0}
			if e.Blob {
				e.Ref = pack.Ref(firstBlob + rapid.IntRange(0, 3).Draw(t, "which"))
			} else {
				e.Ref = pack.Ref(rapid.IntRange(0, tree-1).Draw(t, "folder"))
			}
			list = append(list, e)
		}
		slices.SortFunc(list, func(a, b Edge) int { return strings.Compare(x.Name(a.Name), x.Name(b.Name)) })
		x.Set(pack.Ref(tree), list)
	}
	return x
}

// files lists what a tree leads to by path, going into every folder.
func (x *Index) files(tree pack.Ref) map[string]pack.Ref {
	out := map[string]pack.Ref{}
	for _, e := range x.Of(tree) {
		if e.Blob {
			out[x.Name(e.Name)] = e.Ref
			continue
		}
		for path, blob := range x.files(e.Ref) {
			out[x.Name(e.Name)+"/"+path] = blob
		}
	}
	return out
}

// TestLeavesAreEveryFileOfEveryCommit: a blob stands on a path exactly in the stretch
// of the commits that have it there.
func TestLeavesAreEveryFileOfEveryCommit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := drawTrees(t)
		g := graph.New(shelf{})
		for i := range rapid.IntRange(1, 12).Draw(t, "commits") {
			tree := pack.Ref(rapid.IntRange(0, len(x.edges)-2).Draw(t, "tree"))
			if rapid.IntRange(0, 9).Draw(t, "gone") == 0 {
				tree = pack.NoRef
			}
			g.Commits = append(g.Commits, graph.Commit{Ref: pack.Ref(firstCommit + i), Tree: tree, Time: int64(rapid.IntRange(0, 9).Draw(t, "time")), Reach: graph.Reach(rapid.IntRange(0, 1<<9-1).Draw(t, "reach"))})
		}
		g.Head = int32(rapid.IntRange(0, len(g.Commits)-1).Draw(t, "head"))
		want := map[string]graph.Stretch{}
		for i, c := range g.Commits {
			if c.Tree == pack.NoRef {
				continue
			}
			for path, blob := range x.files(c.Tree) {
				k, st := fmt.Sprint(path, " ", blob), g.Stretch(int32(i))
				if old, ok := want[k]; ok {
					st = g.Join(old, st)
				}
				want[k] = st
			}
		}
		got := map[string]graph.Stretch{}
		list := Leaves(g, NewNodes(x))
		for _, l := range list {
			got[fmt.Sprint(l.Path, " ", l.Blob)] = l.Stretch
		}
		if !maps.Equal(got, want) || len(list) != len(want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if !slices.IsSortedFunc(list, func(a, b Leaf) int { return strings.Compare(a.Path, b.Path) }) {
			t.Fatal("not in order")
		}
	})
}

// TestChangesAreWhatNoParentHas: a file is told of exactly when none of those before
// has the same blob on its path, with what they have there.
func TestChangesAreWhatNoParentHas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := drawTrees(t)
		n := NewNodes(x)
		tree := func(label string) pack.Ref {
			return pack.Ref(rapid.IntRange(0, len(x.edges)-2).Draw(t, label))
		}
		now := tree("now")
		root, _ := n.Root(now)
		before := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) pack.Ref { return tree("before") }), 0, 3).Draw(t, "parents")
		want := map[string]string{}
		var roots []uint32
		for _, b := range before {
			r, _ := n.Root(b)
			roots = append(roots, r)
		}
		for path, blob := range x.files(now) {
			old, same := []uint32{}, false
			for _, b := range before {
				if o, ok := x.files(b)[path]; ok {
					old = append(old, uint32(o))
					same = same || o == blob
				}
			}
			if !same {
				want[path] = fmt.Sprint(blob, old)
			}
		}
		got := map[string]string{}
		Changes(n, root, roots, func(path string, folder bool, at uint32, old []uint32) {
			if folder {
				t.Fatalf("%s is a folder", path)
			}
			got[path] = fmt.Sprint(at, old)
		})
		if !maps.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// TestFoldersThatAreTooDeep are counted, and what is above them is found.
func TestFoldersThatAreTooDeep(t *testing.T) {
	t.Parallel()
	const trees = maxDepth + 10
	x := NewIndex(trees + 1)
	for i := range trees {
		list := []Edge{{Name: x.Number([]byte("f")), Ref: pack.Ref(i - 1)}}
		if i == 0 || i == trees-1 {
			list = append(list, Edge{Name: x.Number([]byte("x")), Ref: trees, Blob: true})
		}
		if i == 0 {
			list = list[1:]
		}
		x.Set(pack.Ref(i), list)
	}
	g := graph.New(shelf{})
	g.Commits = []graph.Commit{{Tree: trees - 1}}
	n := NewNodes(x)
	list := Leaves(g, n)
	if n.TooDeep() != 1 || len(list) != 1 || list[0].Path != "x" {
		t.Errorf("%d too deep, %d leaves", n.TooDeep(), len(list))
	}
}
