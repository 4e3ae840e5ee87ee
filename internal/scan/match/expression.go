package match

import (
	"bytes"
	"unicode/utf8"

	"github.com/secretguard/secretguard/internal/scan/match/allow"
	"github.com/secretguard/secretguard/internal/scan/match/span"
)

// before is how many bytes before a stretch the expression is shown, so that a
// word boundary at its start is judged by what stands there: no match starts in
// them, for the stretch would have.
const before = utf8.UTFMax

// run appends the hits of a rule in a stretch.
func (f *Finder) run(text []byte, c *compiled, rule int32, s span.Span, r *Record) {
	c.init()
	s.Start = max(0, s.Start-before)
	part := text[s.Start:s.End]
	for _, loc := range c.matches(part) {
		start, end, from, to, ok := c.secret(part, loc)
		for ok {
			if f.keeps(c, string(part[from:to]), string(part[start:end])) {
				o := int32(s.Start)
				r.hits = append(r.hits, hit{rule: rule, start: o + int32(start), end: o + int32(end), from: o + int32(from), to: o + int32(to)})
			}
			from, to, ok = c.next(loc, to, end)
		}
	}
}

// matches returns the matches of the rule's expression from left to right, and
// behind them what those over several lines hide: matches that begin on a later
// line inside them (a key block without an end must not hide the next one), and
// matches that end on an earlier line with another secret (a greedy expression
// takes the last of several). So a whole file gives at least what a patch of some
// of its lines gives.
func (c *compiled) matches(text []byte) [][]int {
	all := c.re.FindAllSubmatchIndex(text, -1)
	var seen map[[2]int]bool
	for i := 0; i < len(all); i++ {
		start, end := all[i][0], all[i][1]
		first := bytes.IndexByte(text[start:end], '\n')
		if first < 0 {
			continue
		}
		if seen == nil {
			seen = map[[2]int]bool{}
			for _, loc := range all {
				seen[[2]int{loc[0], loc[1]}] = true
			}
		}
		hidden := append(c.within(text, start+first+1, end), c.before(text, all[i])...)
		for _, loc := range hidden {
			if at := [2]int{loc[0], loc[1]}; !seen[at] {
				seen[at] = true
				all = append(all, loc)
			}
		}
	}
	return all
}

// within returns the matches in text[from:] that begin before end.
func (c *compiled) within(text []byte, from, end int) [][]int {
	for n := 1; ; n *= 2 { // one is the rule, and a search for more may run to the end of the text
		list := c.re.FindAllSubmatchIndex(text[from:], n)
		for i, loc := range list {
			shift(loc, from)
			if loc[0] >= end {
				return list[:i]
			}
		}
		if len(list) < n {
			return list
		}
	}
}

// before returns the matches in the lines that a match touches, without its last
// line. One whose secret the match's own holds is left out.
func (c *compiled) before(text []byte, loc []int) [][]int {
	start, end, from, to, ok := c.secret(text, loc)
	if !ok {
		return nil
	}
	line := bytes.LastIndexByte(text[:start], '\n') + 1
	cut := start + bytes.LastIndexByte(text[start:end], '\n') + 1
	if cut <= start {
		return nil
	}
	var out [][]int
	for _, in := range c.re.FindAllSubmatchIndex(text[line:cut], -1) {
		shift(in, line)
		if _, _, f, t, ok := c.secret(text, in); ok && (f < from || t > to) {
			out = append(out, in)
		}
	}
	return out
}

func shift(loc []int, by int) {
	for i := range loc {
		if loc[i] >= 0 {
			loc[i] += by
		}
	}
}

// secret takes the secret out of a match: the group that the rule names, else the
// first group that is not empty, else all of it. As with gitleaks, line ends
// around a match belong neither to it nor to its secret.
func (c *compiled) secret(text []byte, loc []int) (start, end, from, to int, ok bool) {
	start, end = loc[0], loc[1]
	for start < end && text[start] == '\n' {
		start++
	}
	for end > start && text[end-1] == '\n' {
		end--
	}
	from, to = start, end
	group := func(g int) bool {
		s, e := max(loc[2*g], start), min(loc[2*g+1], end)
		if loc[2*g] < 0 || s >= e {
			return false
		}
		from, to = s, e
		return true
	}
	if c.SecretGroup == 0 || !group(c.SecretGroup) {
		for g := 1; g < len(loc)/2 && !group(g); g++ {
		}
	}
	return start, end, from, to, from < to
}

// next returns the group of a match of an own rule that begins behind from and is not
// empty: several keys may stand under one name. gitleaks takes one secret of a match.
func (c *compiled) next(loc []int, from, end int) (int, int, bool) {
	if !c.Own || c.SecretGroup != 0 {
		return 0, 0, false
	}
	for g := 1; g < len(loc)/2; g++ {
		if s, e := loc[2*g], min(loc[2*g+1], end); s >= from && s < e {
			return s, e, true
		}
	}
	return 0, 0, false
}

// keeps reports whether a secret passes what does not depend on its place.
func (f *Finder) keeps(c *compiled, secret, whole string) bool {
	if c.Entropy != 0 && entropy(secret) <= c.Entropy {
		return false
	}
	k := allow.Candidate{Secret: secret, Whole: whole}
	return !f.set.global().Content(k) && !c.allow.Content(k)
}
