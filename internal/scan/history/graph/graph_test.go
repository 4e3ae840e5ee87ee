package graph_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// shelf is an object database of commits: names are numbers that are turned round, so
// that their order is another one than that of Refs.
type shelf int

func (s shelf) ID(r pack.Ref) pack.ID {
	var id pack.ID
	binary.BigEndian.PutUint32(id[:], ^uint32(r))
	return id
}

func (s shelf) Lookup(id pack.ID) (pack.Ref, bool) {
	r := ^binary.BigEndian.Uint32(id[:])
	return pack.Ref(r), r < uint32(s)
}

// drawn is a graph that is made up: parents come before their children in Refs or
// after them, some are not there, clocks are wrong, and some parents are known already.
func drawn(t *rapid.T) (g *graph.Graph, parents [][]int, missing int) {
	n := rapid.IntRange(1, 30).Draw(t, "commits")
	place := rapid.Permutation(seq(n)).Draw(t, "places") // by age -> Ref
	g = graph.New(shelf(n))
	parents = make([][]int, n) // by Ref
	for age := range n {
		c := graph.Commit{Ref: pack.Ref(place[age]), Time: int64(rapid.IntRange(0, 40).Draw(t, "clock"))}
		known := rapid.Bool().Draw(t, "known")
		if age > 0 {
			for _, p := range rapid.SliceOfNDistinct(rapid.IntRange(0, age-1), 0, min(3, age), rapid.ID[int]).Draw(t, "parents") {
				parents[place[age]] = append(parents[place[age]], place[p])
				if known {
					c.ParentRefs = append(c.ParentRefs, uint32(place[p]))
				} else {
					c.ParentIDs = append(c.ParentIDs, shelf(n).ID(pack.Ref(place[p])))
				}
			}
		}
		if rapid.IntRange(0, 9).Draw(t, "cut") == 0 {
			c.ParentIDs = append(c.ParentIDs, shelf(n).ID(pack.Ref(n+age)))
			missing++
		}
		g.Commits = append(g.Commits, c)
	}
	return g, parents, missing
}

func seq(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// TestNoCommitIsOlderThanItsParents, whatever clocks say; and no time is put back, nor
// forward without need.
func TestNoCommitIsOlderThanItsParents(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, parents, missing := drawn(t)
		said := map[pack.Ref]int64{}
		for _, c := range g.Commits {
			said[c.Ref] = c.Time
		}
		told := 0
		g.Link(func(pack.ID, pack.ID) { told++ })
		g.Order()
		if told != missing {
			t.Fatalf("%d parents are missing, told of %d", missing, told)
		}
		for at, c := range g.Commits {
			if back, ok := g.At(c.Ref); !ok || int(back) != at || g.ID(back) != shelf(0).ID(c.Ref) {
				t.Fatalf("the commit at %d is at %d", at, back)
			}
			want := said[c.Ref]
			for i, p := range c.Parents {
				if int(g.Commits[p].Ref) != parents[c.Ref][i] {
					t.Fatalf("parent %d of %d is %d, want %d", i, c.Ref, g.Commits[p].Ref, parents[c.Ref][i])
				}
				want = max(want, g.Commits[p].Time+1)
			}
			if c.Time != want || len(c.Parents) != len(parents[c.Ref]) {
				t.Fatalf("commit %d: time %d, want %d; %d parents, want %d", c.Ref, c.Time, want, len(c.Parents), len(parents[c.Ref]))
			}
		}
	})
}

// TestMarksAreAncestors: a way leads to a commit exactly when the commit is an ancestor
// of what a name of that way names, perhaps through tags.
func TestMarksAreAncestors(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, parents, _ := drawn(t)
		n := len(g.Commits)
		db := shelf(n)
		want := make([]graph.Reach, n)
		var roots []graph.Root
		tags := map[pack.ID]pack.ID{}
		gone, head := map[pack.ID]bool{}, -1
		for range rapid.IntRange(0, 6).Draw(t, "roots") {
			at, way := rapid.IntRange(0, n+1).Draw(t, "at"), graph.Reach(1)<<rapid.IntRange(0, 8).Draw(t, "way")
			id := db.ID(pack.Ref(at))
			for i := range rapid.IntRange(0, 3).Draw(t, "tags") {
				tag := db.ID(pack.Ref(1000 + 100*i + at))
				tags[tag], id = id, tag
			}
			roots = append(roots, graph.Root{Name: "x", ID: id, Way: way})
			switch {
			case at < n && way == graph.FromHead:
				head = at
			case at >= n && way != graph.FromReflog:
				gone[db.ID(pack.Ref(at))] = true
			}
			for todo := []int{at}; at < n && len(todo) > 0; todo = todo[1:] {
				want[todo[0]] |= way
				todo = append(todo, parents[todo[0]]...)
			}
		}
		g.Link(func(pack.ID, pack.ID) {})
		g.Mark(roots, tags, func(_ string, id pack.ID) {
			if !gone[id] {
				t.Fatalf("%v is there, or was told twice", id)
			}
			delete(gone, id)
		})
		for _, c := range g.Commits {
			if c.Reach != want[c.Ref] {
				t.Fatalf("%d is reached by %v, want %v", c.Ref, c.Reach.Names(), want[c.Ref].Names())
			}
		}
		if len(gone) > 0 || head >= 0 && int(g.Commits[g.Head].Ref) != head || head < 0 && g.Head >= 0 {
			t.Fatalf("not told: %v; head %d, want %d", gone, g.Head, head)
		}
	})
}

// TestJoinIsASet: a stretch is the same in whatever order, and however often, its
// commits are joined.
func TestJoinIsASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, _, _ := drawn(t)
		g.Link(func(pack.ID, pack.ID) {})
		g.Order()
		for i := range g.Commits {
			g.Commits[i].Reach = graph.Reach(rapid.IntRange(0, 1<<9-1).Draw(t, "reach"))
		}
		g.Head = int32(rapid.IntRange(0, len(g.Commits)-1).Draw(t, "head"))
		list := rapid.SliceOfN(rapid.IntRange(0, len(g.Commits)-1), 1, 12).Draw(t, "list")
		all := func(list []int) graph.Stretch {
			st := g.Stretch(int32(list[0]))
			for _, at := range list[1:] {
				st = g.Join(st, g.Stretch(int32(at)))
			}
			return st
		}
		st := all(list)
		if other := all(rapid.Permutation(append(list, list[0])).Draw(t, "again")); other != st {
			t.Fatalf("%+v and %+v", st, other)
		}
		if st.Head != slices.Contains(list, int(g.Head)) {
			t.Fatalf("head is %v", st.Head)
		}
		for _, at := range list {
			if g.Compare(int32(at), st.First) < 0 || g.Commits[at].Reach.Rank() < g.Commits[st.Last].Reach.Rank() {
				t.Fatalf("%d is before %d, or held more firmly than %d", at, st.First, st.Last)
			}
		}
	})
}
