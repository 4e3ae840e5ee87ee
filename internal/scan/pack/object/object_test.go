package object

import (
	"testing"

	"pgregory.net/rapid"
)

// TestNamesSurvive being written and read, of both lengths; other texts are refused.
func TestNamesSurvive(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{SHA1, SHA256}).Draw(t, "width")
		b := rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "bytes")
		b[n-1] |= 1 // a name of SHA-256 that ends in zeros would be one of SHA-1
		id := MakeID(b)
		var back ID
		text, err := id.MarshalText()
		if err == nil {
			err = back.UnmarshalText(text)
		}
		if err != nil || back != id || len(text) != 2*n {
			t.Fatalf("%s became %s, %v", text, back, err)
		}
		if _, err := ParseID(string(text[1:])); err == nil {
			t.Fatal("a digit less is taken")
		}
		if _, err := ParseID("g" + string(text[1:])); err == nil {
			t.Fatal("a letter is taken")
		}
	})
}

// TestKinds: a set has what it was made of.
func TestKinds(t *testing.T) {
	t.Parallel()
	s := Of(Tree, Tag)
	for k, want := range map[Kind]bool{Commit: false, Tree: true, Blob: false, Tag: true} {
		if s.Has(k) != want || !AnyKind.Has(k) || k.String() == Kind(0).String() {
			t.Errorf("%s: %v, want %v", k, s.Has(k), want)
		}
	}
}
