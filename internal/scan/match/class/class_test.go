package class

import (
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"testing"
)

// TestClassHasWhatTheExpressionTakes: byte by byte for ASCII, and every byte from 0x80
// up when it takes a letter outside.
func TestClassHasWhatTheExpressionTakes(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{`a`, `(?i)k`, `(?i)S`, `[a-f0-9]`, `[^"\n]`, `.`, `(?s).`, `\w`, `\s`, `[ä-ü]`, `(?i)[x-z_]`, `é`, `(?i)é`, `[^a-z]`} {
		re, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		c, ok := Of(re)
		if !ok {
			t.Errorf("%s is one character", expr)
			continue
		}
		whole := regexp.MustCompile(`\A(?:` + expr + `)\z`)
		for b := range byte(0x80) {
			if want := whole.Match([]byte{b}); c.Has(b) != want {
				t.Errorf("%s: has %q is %v, want %v", expr, b, c.Has(b), want)
			}
		}
		high := whole.MatchString("ä") || whole.MatchString("é") || whole.MatchString("\u2028")
		if c.High() != high || c.Has(0x80) != high || c.Has(0xff) != high {
			t.Errorf("%s: outside ASCII %v, want %v", expr, c.High(), high)
		}
	}
	for _, expr := range []string{`ab`, `a*`, `(a)`, `a|bc`, `^`, ``} {
		if re, err := syntax.Parse(expr, syntax.Perl); err == nil {
			if c, ok := Of(re); ok {
				t.Errorf("%s is one character of %v", expr, c)
			}
		}
	}
}

// TestLanes: a byte is in a lane of its class, both cases share one, and chances add up.
func TestLanes(t *testing.T) {
	t.Parallel()
	lanes := Lanes()
	var all Class
	for i := range 256 {
		var c Class
		c.add(byte(i))
		all = all.Union(c)
		if got := c.Lanes(); !slices.Equal(got, []uint8{lanes[i]}) {
			t.Errorf("%q is in the lanes %v, want %d", byte(i), got, lanes[i])
		}
		if c.Chance() > ChanceOf(c.Lanes())+1e-12 {
			t.Errorf("%q is likelier than its lane", byte(i))
		}
	}
	for b := byte('a'); b <= 'z'; b++ {
		if lanes[b] != lanes[b-32] {
			t.Errorf("%q and its capital are apart", b)
		}
	}
	if p := ChanceOf(all.Lanes()); len(all.Lanes()) > 1<<LaneBits || math.Abs(p-1) > 1e-9 || math.Abs(all.Chance()-1) > 1e-9 {
		t.Errorf("%d lanes, chance %f and %f", len(all.Lanes()), p, all.Chance())
	}
}
