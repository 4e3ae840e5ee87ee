package match_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/match"
)

// TestDenseTextsAreReadAFewTimes: text that is nothing but beginnings of secrets
// does not take the square of its length.
func TestDenseTextsAreReadAFewTimes(t *testing.T) {
	t.Parallel()
	set := load(t)
	for _, word := range []string{"ey", "a", "key=", "eyAAAAAAAAAAAAAAAAAAAA.", "-----BEGIN PRIVATE KEY-----\n", "xoxb-1", "A"} {
		f := set.Finder()
		text := []byte(strings.Repeat(word, 200_000/len(word)))
		f.Find(text)
		if most := 40 * len(text); f.Read() > most {
			t.Errorf("%q: %d bytes were read of %d", word, f.Read(), len(text))
		}
	}
}

// TestAround: as comparing every match with every other.
func TestAround(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := make([]match.Match, rapid.IntRange(0, 12).Draw(t, "matches"))
		for i := range list {
			list[i].Start = rapid.IntRange(0, 9).Draw(t, "start")
			list[i].End = list[i].Start + rapid.IntRange(0, 9).Draw(t, "length")
		}
		var want, got [][2]int
		for i, m := range list {
			for j, o := range list {
				if i != j && o.Start <= m.Start && o.End >= m.Start && o.End+1 >= m.End { // but for one sign at the end
					want = append(want, [2]int{i, j})
				}
			}
		}
		match.Around(list, func(i, j int) { got = append(got, [2]int{i, j}) })
		slices.SortFunc(got, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}
