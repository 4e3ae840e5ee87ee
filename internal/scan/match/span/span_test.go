package span

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

var drawn = rapid.Custom(func(t *rapid.T) Span {
	start := rapid.IntRange(0, 30).Draw(t, "start")
	return Span{start, start + rapid.IntRange(0, 9).Draw(t, "length")}
})

// bytes are the bytes of some spans.
func bytes(list []Span) map[int]bool {
	out := map[int]bool{}
	for _, s := range list {
		for i := s.Start; i < s.End; i++ {
			out[i] = true
		}
	}
	return out
}

// apart reports whether spans are in order and none touches the next.
func apart(list []Span) bool {
	for i := 1; i < len(list); i++ {
		if list[i-1].Touches(list[i]) || list[i-1].Start > list[i].Start {
			return false
		}
	}
	return true
}

// TestCoverIsASetOfBytes: what Add gives back are the bytes that were not there.
func TestCoverIsASetOfBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var c Cover
		have := map[int]bool{}
		for _, s := range rapid.SliceOf(drawn).Draw(t, "spans") {
			free := bytes(c.Add(s))
			for i := s.Start; i < s.End; i++ {
				if free[i] == have[i] {
					t.Fatalf("byte %d: was there %v, is new %v", i, have[i], free[i])
				}
				have[i] = true
				delete(free, i)
			}
			if len(free) > 0 || !apart(c.Spans) || len(bytes(c.Spans)) != len(have) {
				t.Fatalf("after %v: %v, too much %v", s, c.Spans, free)
			}
		}
		c.Reset()
		if s := (Span{0, 50}); !slices.Equal(c.Add(s), []Span{s}) {
			t.Fatal("not empty after Reset")
		}
	})
}

// TestJoinKeepsTheBytes, and leaves nothing that touches.
func TestJoinKeepsTheBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(drawn).Draw(t, "spans")
		want := bytes(list)
		got := Join(list)
		if len(bytes(got)) != len(want) || !apart(got) {
			t.Fatalf("%v", got)
		}
	})
}
