package tally

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestWorkersCountAsOne: however things are shared among workers, joining what they
// counted gives the same, with the same example.
func TestWorkersCountAsOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOf(rapid.StringMatching(`[a-c]{0,2}`)).Draw(t, "names")
		var all Gone
		workers := make([]Gone, 3)
		for _, n := range names {
			all.Add(n)
			workers[rapid.IntRange(0, 2).Draw(t, "worker")].Add(n)
		}
		var joined Gone
		for _, w := range workers {
			joined.Join(w)
		}
		if joined != all || all.Count != len(names) || len(names) > 0 && all.Example != slices.Min(names) {
			t.Fatalf("%v of %q, joined %v", all, names, joined)
		}
	})
}

// TestListIsInOrder: each reason stands once, in order, with all that was counted.
func TestListIsInOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var l List
		want := map[string]int{}
		for range rapid.IntRange(0, 30).Draw(t, "times") {
			u := Unread{What: rapid.StringMatching(`[ab]`).Draw(t, "what"), Why: rapid.StringMatching(`[ab]`).Draw(t, "why"), Gone: Gone{1, "x"}}
			want[u.What+u.Why]++
			l.Add(u)
		}
		got := map[string]int{}
		for _, u := range l {
			got[u.What+u.Why] += u.Count
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || len(l) != len(want) {
			t.Fatalf("got %v, want %v", l, want)
		}
		if !slices.IsSortedFunc(l, func(a, b Unread) int { return slices.Compare([]string{a.What, a.Why}, []string{b.What, b.Why}) }) {
			t.Fatalf("not in order: %v", l)
		}
	})
}
