package known

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/pack"
	"github.com/secretguard/secretguard/internal/scan/seen"
)

// shelf is an object database: names by Ref.
type shelf []pack.ID

func name(n int) pack.ID {
	var id pack.ID
	binary.BigEndian.PutUint32(id[:], uint32(n)*0x9e3779b1)
	id[pack.SHA1-1] = byte(n)
	return id
}

func (s shelf) ID(r pack.Ref) pack.ID { return s[r] }
func (s shelf) Width() int            { return pack.SHA1 }
func (s shelf) Len() int              { return len(s) }
func (s shelf) Dup(pack.Ref) bool     { return false }

func (s shelf) Lookup(id pack.ID) (pack.Ref, bool) {
	i := slices.Index(s, id)
	return pack.Ref(max(0, i)), i >= 0
}

func (s shelf) Refs(names []byte) []pack.Ref {
	var out []pack.Ref
	for b := range slices.Chunk(names, pack.SHA1) {
		r, ok := s.Lookup(pack.MakeID(b))
		if !ok {
			r = pack.NoRef
		}
		out = append(out, r)
	}
	return out
}

// world is what a scan of a database found out: three trees in each other, commits in a
// row, blobs and a tag. Objects are numbered; the database has its own order of them.
type world struct {
	db    shelf
	graph *graph.Graph
	trees *folders.Index
	book  *Book
	loud  map[int]bool // commits, blobs and tags that hold something
}

const (
	firstCommit, firstTree, firstBlob, theTag = 0, 10, 20, 30
	objects                                   = 31
	secretName                                = "hush-hush"
)

func (w *world) ref(n int) pack.Ref {
	r, _ := w.db.Lookup(name(n))
	return r
}

func drawWorld(t *rapid.T) *world {
	w := &world{loud: map[int]bool{}}
	for _, n := range rapid.Permutation(numbers()).Draw(t, "order") {
		w.db = append(w.db, name(n))
	}
	w.graph, w.trees, w.book = graph.New(w.db), folders.NewIndex(objects), New(w.db)
	for i := range 10 {
		c := graph.Commit{Ref: w.ref(firstCommit + i), Tree: w.ref(firstTree + i%3), Time: int64(i), Size: int64(3 * i)}
		if i > 0 {
			c.ParentIDs = []pack.ID{name(rapid.IntRange(0, i-1).Draw(t, "parent"))}
		}
		w.graph.Commits = append(w.graph.Commits, c)
		w.loud[firstCommit+i] = rapid.IntRange(0, 4).Draw(t, "loud") == 0
	}
	w.graph.Link(nil)
	for i := range 3 { // each holds the one before it, and a blob
		list := []folders.Edge{{Name: w.trees.Number([]byte(rapid.SampledFrom([]string{"a", "b", secretName}).Draw(t, "name"))), Ref: w.ref(firstBlob + i), Blob: true}}
		if i > 0 {
			list = append(list, folders.Edge{Name: w.trees.Number([]byte("dir")), Ref: w.ref(firstTree + i - 1)})
		}
		w.trees.Set(w.ref(firstTree+i), list)
		w.book.Trees = append(w.book.Trees, w.ref(firstTree+i))
	}
	for i := range 10 {
		n, _ := content.Fact{Size: 7 * i, Entries: i % 2}.Encode()
		w.book.Facts[w.ref(firstBlob+i)] = n + 1
		w.loud[firstBlob+i] = rapid.IntRange(0, 4).Draw(t, "holds") == 0
	}
	w.book.Tags[name(theTag)], w.book.TagSizes[name(theTag)] = name(firstCommit), 5
	w.book.Gone[name(1000)] = false
	w.book.Modules["sub"] = true
	return w
}

func numbers() []int {
	out := make([]int, objects)
	for i := range out {
		out[i] = i
	}
	return out
}

func (w *world) now() *seen.Known {
	is := func(r pack.Ref) bool {
		for n, loud := range w.loud {
			if loud && w.ref(n) == r {
				return true
			}
		}
		return false
	}
	return w.book.Now(Now{Graph: w.graph, Trees: w.trees, Nodes: folders.NewNodes(w.trees), Speaks: is, Holds: is, Secret: func(s string) bool { return s == secretName }})
}

// edges words what matters in a tree, by names.
func edges(db shelf, x *folders.Index, tree pack.Ref) string {
	var out []string
	for _, e := range x.Of(tree) {
		out = append(out, fmt.Sprint(x.Name(e.Name), e.Blob, db.ID(e.Ref)))
	}
	return strings.Join(out, " ")
}

// TestWhatIsKnownComesBack in a database with another order: commits with their parents
// and trees, edges, sizes; but nothing of what holds something, and no secret.
func TestWhatIsKnownComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		b := w.now().Encode()
		if bytes.Contains(b, []byte(secretName)) {
			t.Fatal("a name that is a secret was written down")
		}
		k, err := seen.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		db := slices.Clone(w.db)
		slices.Reverse(db)
		back := New(db)
		back.Recall(k)
		g := graph.New(db)
		g.Commits = back.Commits
		g.Link(func(child, parent pack.ID) { t.Fatalf("%v of %v is missing", parent, child) })
		want := map[pack.ID]string{}
		for _, c := range w.graph.Commits {
			parents := []pack.ID{}
			for _, p := range c.Parents {
				parents = append(parents, w.graph.ID(p))
			}
			want[w.db.ID(c.Ref)] = fmt.Sprint(w.db.ID(c.Tree), parents, c.Time, c.Size)
		}
		for _, c := range g.Commits {
			id, parents := db.ID(c.Ref), []pack.ID{}
			for _, p := range c.Parents {
				parents = append(parents, g.ID(p))
			}
			// A parent that holds something is read again, and linked then.
			if got := fmt.Sprint(db.ID(c.Tree), parents, c.Time, c.Size); got != want[id] && len(parents) > 0 {
				t.Fatalf("commit %v: got %s, want %s", id, got, want[id])
			}
		}
		for n := range objects {
			r, _ := db.Lookup(name(n))
			known := !w.loud[n]
			if n >= firstTree && n < firstBlob {
				list := w.trees.Of(w.ref(n))
				known = n < firstTree+3 && !slices.ContainsFunc(list, func(e folders.Edge) bool { return w.trees.Name(e.Name) == secretName })
				if got := edges(db, back.Index, r); known && got != edges(w.db, w.trees, w.ref(n)) {
					t.Fatalf("tree %d: got %s", n, got)
				}
			}
			if back.Seen[r] != known || slices.Contains(back.Fresh, r) == known {
				t.Fatalf("object %d is known: %v, want %v", n, back.Seen[r], known)
			}
		}
		if !maps.Equal(back.Gone, w.book.Gone) || !maps.Equal(back.Modules, w.book.Modules) || len(back.Trees)+len(back.Fresh) == 0 {
			t.Fatalf("%v, %v", back.Gone, back.Modules)
		}
	})
}

// TestTreesAreReadAgain when something came that a folder names: then no tree is known.
func TestTreesAreReadAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		k, err := seen.Decode(w.now().Encode())
		if err != nil {
			t.Fatal(err)
		}
		back := New(append(slices.Clone(w.db), name(1000)))
		back.Recall(k)
		for i := range 3 {
			if r, _ := back.db.Lookup(name(firstTree + i)); back.Seen[r] {
				t.Fatalf("tree %d is known", i)
			}
		}
	})
}
