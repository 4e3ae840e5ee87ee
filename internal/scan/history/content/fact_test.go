package content

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/archive"
)

// TestFactsSurvive: what fits comes back as it was, and counts as it did.
func TestFactsSurvive(t *testing.T) {
	t.Parallel()
	kinds := append([]string{"", archive.Binary}, unreadKinds...)
	rapid.Check(t, func(t *rapid.T) {
		f := Fact{
			Size:    rapid.IntRange(0, 1<<sizeBits-1).Draw(t, "size"),
			Entries: rapid.IntRange(0, 2*maxEntries).Draw(t, "entries"),
			class:   classOf(rapid.SampledFrom(kinds).Draw(t, "kind")),
		}
		n, ok := f.Encode()
		if ok != (f.Entries < maxEntries) {
			t.Fatalf("%+v fits: %v", f, ok)
		}
		if ok && FactOf(n) != f {
			t.Fatalf("%+v became %+v", f, FactOf(n))
		}
	})
}

// TestAnyNumberCounts: a memory may be damaged; each fact is still one blob, under one
// heading.
func TestAnyNumberCounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var c Counts
		c.AddBlob(FactOf(rapid.Uint64().Draw(t, "n")), func() string { return "id" })
		if n := c.Binary.Count + len(c.Unread); c.Blobs != 1 || n > 1 {
			t.Fatalf("%+v", c)
		}
	})
}

// TestEveryKindHasAClass that fits into the bits of a fact, and counts under its name.
func TestEveryKindHasAClass(t *testing.T) {
	t.Parallel()
	for _, kind := range unreadKinds {
		n, _ := Fact{class: classOf(kind)}.Encode()
		var c Counts
		c.AddBlob(FactOf(n), func() string { return "id" })
		if got, want := fmt.Sprint(c.Unread), fmt.Sprintf("[{blob %s false {1 id}}]", archive.WhyUnread(kind)); got != want {
			t.Errorf("%s: got %s, want %s", kind, got, want)
		}
	}
}
