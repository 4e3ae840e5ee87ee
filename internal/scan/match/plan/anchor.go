package plan

import (
	"strings"
	"unicode/utf8"

	"github.com/secretguard/secretguard/internal/scan/match/class"
)

// Keyword is a keyword as an anchor; nil when it is too short or too common
// for the filter: the rule then runs over every text.
func (an *Analyser) Keyword(k string) Anchor {
	var a Anchor
	if strings.ContainsFunc(k, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return nil
	}
	for i := range min(len(k), MaxAnchor) {
		a = append(a, class.OfRune(rune(k[i]), true))
	}
	if len(a) < GramLen {
		return nil
	}
	if _, _, ok := an.Gram(a); !ok {
		return nil
	}
	return a
}

// Key names an anchor by its classes.
func (a Anchor) Key() string {
	b := make([]byte, 0, len(a)*32)
	for _, c := range a {
		for _, w := range c {
			for s := 0; s < 64; s += 8 {
				b = append(b, byte(w>>s))
			}
		}
	}
	return string(b)
}

// Lanes lists, byte by byte, the lanes in which the filter may see an anchor.
func (an *Analyser) Lanes(a Anchor) [][]uint8 {
	out := make([][]uint8, len(a))
	for i, c := range a {
		out[i] = an.of(c).lanes
	}
	return out
}
