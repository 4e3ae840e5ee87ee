package filter

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/match/plan"
	"github.com/secretguard/secretguard/internal/scan/match/wire"
)

var words = []string{"akia", "sk_live", "ghp_", "key-", "xoxb", "eyj", "secret", "npm_"}

// made is a filter of some words, and the words by rule: two rules may want one.
func made(t *rapid.T) (*Filter, []string) {
	an := plan.NewAnalyser()
	var anchors []plan.Anchor
	var owners []int32
	list := rapid.SliceOfN(rapid.SampledFrom(words), 1, 12).Draw(t, "words")
	for i, w := range list {
		anchors, owners = append(anchors, an.Keyword(w)), append(owners, int32(i))
	}
	return New(an, anchors, owners), list
}

var texts = rapid.Custom(func(t *rapid.T) string {
	var b strings.Builder
	for range rapid.IntRange(0, 20).Draw(t, "pieces") {
		w := rapid.SampledFrom(append(words, "a", "k", "_", " ", "\x00", "ä", "sk-", "AKI")).Draw(t, "piece")
		if rapid.Bool().Draw(t, "upper") {
			w = strings.ToUpper(w)
		}
		b.WriteString(w)
	}
	return b.String()
})

// found lists the anchors that start in a part of a text.
func found(f *Filter, text string, from, to int) []string {
	var out []string
	seen := f.Scan([]byte(text), from, min(to+plan.MaxAnchor, len(text)), nil)
	f.Anchors([]byte(text), seen, from, to, func(rule int32, start int) { out = append(out, fmt.Sprint(start, " ", rule)) })
	slices.Sort(out)
	return out
}

// TestFilterFindsWhatSearchingFinds: every word in any case, once for each rule, and
// nothing else; in a part of a text, what starts there.
func TestFilterFindsWhatSearchingFinds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, list := made(t)
		text := texts.Draw(t, "text")
		from := rapid.IntRange(0, len(text)).Draw(t, "from")
		to := rapid.IntRange(from, len(text)).Draw(t, "to")
		want := []string{}
		for rule, w := range list {
			for at := from; at < to; at++ {
				if at+len(w) <= len(text) && strings.EqualFold(text[at:at+len(w)], w) {
					want = append(want, fmt.Sprint(at, " ", rule))
				}
			}
		}
		slices.Sort(want)
		if got := found(f, text, from, to); !slices.Equal(got, want) {
			t.Fatalf("%q[%d:%d]: got %v, want %v", text, from, to, got, want)
		}
		if whole := found(f, text, 0, len(text)); len(whole) > 0 && !f.Any([]byte(text)) {
			t.Fatalf("%q holds %v, and nothing at all", text, whole)
		}
	})
}

// TestFilterSurvives being written and read; what is damaged is refused or a filter that
// can be used.
func TestFilterSurvives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, _ := made(t)
		b := wire.Write(func(c *wire.Coder) { Code(c, &f) })
		var back *Filter
		if !wire.Read(string(b), func(c *wire.Coder) { Code(c, &back) }) {
			t.Fatal("cannot be read")
		}
		text := texts.Draw(t, "text")
		if got, want := found(back, text, 0, len(text)), found(f, text, 0, len(text)); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
		var broken *Filter
		_ = wire.Read(string(b[:rapid.IntRange(0, len(b)).Draw(t, "cut")]), func(c *wire.Coder) { Code(c, &broken) })
	})
}
