package wire

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/match/class"
)

// thing has a field of every sort.
type thing struct {
	name  string
	words []string
	n     int
	small []int32
	share float64
	yes   bool
	class class.Class
}

func (x *thing) code(c *Coder) {
	c.Text(&x.name)
	c.Texts(&x.words)
	Number(c, &x.n)
	List(c, &x.small, func(n *int32) { Number(c, n) })
	c.Float(&x.share)
	c.Flag(&x.yes)
	c.Class(&x.class)
}

func equal(a, b thing) bool {
	return a.name == b.name && slices.Equal(a.words, b.words) && a.n == b.n && slices.Equal(a.small, b.small) &&
		math.Float64bits(a.share) == math.Float64bits(b.share) && a.yes == b.yes && a.class == b.class
}

var drawn = rapid.Custom(func(t *rapid.T) thing {
	x := thing{
		name: rapid.String().Draw(t, "name"), words: rapid.SliceOf(rapid.String()).Draw(t, "words"), n: rapid.Int().Draw(t, "n"),
		small: rapid.SliceOf(rapid.Int32()).Draw(t, "small"), share: rapid.Float64().Draw(t, "share"), yes: rapid.Bool().Draw(t, "yes"),
	}
	for i := range x.class {
		x.class[i] = rapid.Uint64Range(0, 2).Draw(t, "class")
	}
	return x
})

// TestWhatIsWrittenIsRead, and half of it, or more than it, is damaged.
func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(drawn).Draw(t, "things")
		b := string(Write(func(c *Coder) { List(c, &list, func(x *thing) { x.code(c) }) }))
		var back []thing
		steps := func(c *Coder) { List(c, &back, func(x *thing) { x.code(c) }) }
		if !Read(b, steps) || !slices.EqualFunc(back, list, equal) {
			t.Fatalf("got %+v, want %+v", back, list)
		}
		if cut := b[:rapid.IntRange(0, len(b)-1).Draw(t, "cut")]; Read(cut, steps) || Read(b+"\x00", steps) {
			t.Fatalf("read what is not all, or more than all: %q", b)
		}
	})
}

// FuzzRead: nothing that is read panics, or asks for more memory than the data could be.
func FuzzRead(f *testing.F) {
	x := []thing{{name: "a", words: []string{"b"}, class: class.Class{1}}, {small: []int32{-1}}}
	f.Add(string(Write(func(c *Coder) { List(c, &x, func(x *thing) { x.code(c) }) })))
	f.Fuzz(func(t *testing.T, data string) {
		var back []thing
		Read(data, func(c *Coder) { List(c, &back, func(x *thing) { x.code(c) }) })
		if len(back) > len(data) {
			t.Fatalf("%d things of %d bytes", len(back), len(data))
		}
	})
}
