package automaton

import (
	"regexp"
	"regexp/syntax"
	"testing"

	"pgregory.net/rapid"
)

// TestAutomatonIsOnTheSafeSide: where the expression matches, a match is possible, and
// what was read goes at least to its end; what stands behind that changes nothing.
func TestAutomatonIsOnTheSafeSide(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{`ab+c`, `key[=:]\s*[a-z0-9]{3,8}`, `(?i)sk_[a-z]{2}(x|yz)*`, `ey[\w-]+\.ey[\w-]+`, `a\b.c$`, `é[ä-ü]*z`, `(a|b)*abb`, `x{0,3}`} {
		re, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		a, err := New(re)
		if err != nil {
			t.Fatal(err)
		}
		whole := regexp.MustCompile(`\A(?:` + expr + `)`)
		matches := rapid.OneOf(rapid.StringMatching(`[abcekxyz=: ._\n-]{0,20}`), rapid.StringMatching(`[a-zäé]{0,6}`))
		rapid.Check(t, func(t *rapid.T) {
			if rapid.IntRange(0, 20).Draw(t, "forget") == 0 {
				a.reset()
			}
			text := matches.Draw(t, "text")
			if rapid.Bool().Draw(t, "long") {
				text += rapid.StringMatching(`[abcxyz]{0,9}`).Draw(t, "more")
			}
			possible, end := a.Run([]byte("??"+text), 2)
			if end -= 2; end < 0 || end > len(text) {
				t.Fatalf("%s read %d bytes of %q", expr, end, text)
			}
			if loc := whole.FindStringIndex(text); loc != nil && (!possible || end < loc[1]) {
				t.Fatalf("%s on %q: possible %v up to %d, matches up to %d", expr, text, possible, end, loc[1])
			}
			if again, at := a.Run([]byte("??"+text[:end]+"\x00"), 2); again != possible && end < len(text) || at < end {
				t.Fatalf("%s on %q: what stands behind %d matters", expr, text, end)
			}
		})
	}
}

// TestImpossibleTextsAreGivenUp: an automaton that says yes to everything is of no use.
func TestImpossibleTextsAreGivenUp(t *testing.T) {
	t.Parallel()
	re, err := syntax.Parse(`token=[a-z0-9]{20}`, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(re)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"tokens are words": 6, "token=short and": 12, "": 0} {
		if possible, end := a.Run([]byte(text), 0); possible || end != want {
			t.Errorf("%q: possible %v, read %d bytes, want %d", text, possible, end, want)
		}
	}
}
