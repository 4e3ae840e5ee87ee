// Package plan works out what an expression promises: short runs of bytes that every
// match of it holds, and how far from them the match can reach. What it says may be too
// much, never too little; it never looks at a text, but for runs of one class.
//
// Start with [NewAnalyser] and [Analyser.Analyse]; [RunsOf] is the second choice.
package plan

import (
	"regexp/syntax"

	"github.com/secretguard/secretguard/internal/scan/match/class"
)

// An Anchor is a short run of byte classes that every match of an expression
// holds: "akia", or "sk" and a hexadecimal digit. Text without an anchor cannot
// match, and a match can only stand around one.
type Anchor []class.Class

const (
	// GramLen is how many bytes the filter looks at.
	GramLen = 3
	// MaxAnchor is how many bytes of an anchor are compared.
	MaxAnchor = 8
	// MaxBack is the longest stretch before an anchor that a plan may have.
	MaxBack = 1024
	// tooCommon is the chance from which on a gram stands nearly everywhere.
	tooCommon = 1.0 / 256
	// maxGrams is the most entries that one gram may take in the filter's table.
	maxGrams = 2048
)

// Plan says where the matches of an expression can be.
type Plan struct {
	Anchors []Anchor
	// Suffix is the expression from the anchor on.
	Suffix *syntax.Regexp
	// Back is the most bytes that a match has before its anchor, all of BackClass.
	Back      int
	BackClass class.Class
	chance    float64 // how often an anchor stands in ordinary text, by byte
}

// Analyser makes plans. What it has worked out about a class it keeps: the same
// few classes stand in all rules. It is used by one goroutine.
type Analyser struct {
	known map[class.Class]facts
	// Anywhere takes anchors also where a match may have any length before them: it
	// is then known that there is one, but not how far it is from the match's start.
	Anywhere bool
}

// facts are what matters of a class.
type facts struct {
	chance float64 // that a byte of ordinary text is in it
	lanes  []uint8
	wide   float64 // that a byte is in one of its lanes
}

// NewAnalyser returns one that knows nothing yet.
func NewAnalyser() *Analyser { return &Analyser{known: map[class.Class]facts{}} }

func (an *Analyser) of(c class.Class) facts {
	f, ok := an.known[c]
	if !ok {
		f = facts{chance: c.Chance(), lanes: c.Lanes()}
		f.wide = class.ChanceOf(f.lanes)
		an.known[c] = f
	}
	return f
}

// Analyse returns the plan of an expression; false when every match of it may
// lack an anchor, or stand too far from it.
func (an *Analyser) Analyse(re *syntax.Regexp) (Plan, bool) {
	p, ok := an.best(flatten(re), nil)
	if !ok || !an.Anywhere && p.Back > MaxBack || p.chance > tooCommon {
		return Plan{}, false
	}
	return p, true
}

// flatten takes groups off and joins concatenations: what is left is a sequence.
func flatten(re *syntax.Regexp) []*syntax.Regexp {
	switch re.Op {
	case syntax.OpCapture:
		return flatten(re.Sub[0])
	case syntax.OpConcat:
		var seq []*syntax.Regexp
		for _, s := range re.Sub {
			seq = append(seq, flatten(s)...)
		}
		return seq
	case syntax.OpLiteral:
		if len(re.Rune) > 1 {
			var seq []*syntax.Regexp
			for i := range re.Rune {
				seq = append(seq, &syntax.Regexp{Op: syntax.OpLiteral, Flags: re.Flags, Rune: re.Rune[i : i+1]})
			}
			return seq
		}
	default:
	}
	return []*syntax.Regexp{re}
}

// best tries every element of a sequence as the place of the anchor. rest is what
// follows the sequence: an anchor may run on into it, the suffix ends before it.
func (an *Analyser) best(seq, rest []*syntax.Regexp) (Plan, bool) {
	var found Plan
	ok := false
	back, backClass := 0, class.Class{}
	for i, e := range seq {
		if p, here := an.at(e, seq[i+1:], rest); here && (!ok || p.chance < found.chance) {
			p.Back += back
			p.BackClass = p.BackClass.Union(backClass)
			found, ok = p, true
		}
		n, c, finite := extent(e)
		back += n
		if !an.Anywhere && (!finite || back > MaxBack) {
			break
		}
		backClass = backClass.Union(c)
	}
	return found, ok
}

// at returns the plan whose anchor starts in e. more is the rest of e's own
// sequence.
func (an *Analyser) at(e *syntax.Regexp, more, rest []*syntax.Regexp) (Plan, bool) {
	switch e.Op {
	case syntax.OpAlternate:
		return an.atAlternate(e, more, rest)
	case syntax.OpRepeat, syntax.OpPlus:
		if minimum(e) == 0 {
			return Plan{}, false
		}
		if _, single := class.Of(e.Sub[0]); !single {
			p, ok := an.best(flatten(e.Sub[0]), nil)
			if ok {
				p.Suffix = concat(append([]*syntax.Regexp{p.Suffix, oneLess(e)}, more...)...)
			}
			return p, ok
		}
	default:
	}
	seq := append([]*syntax.Regexp{e}, more...)
	p := Plan{Suffix: concat(seq...), Anchors: runs(append(seq[:len(seq):len(seq)], rest...))}
	for _, a := range p.Anchors {
		_, chance, ok := an.Gram(a)
		if !ok {
			return Plan{}, false
		}
		p.chance += chance
	}
	return p, len(p.Anchors) > 0
}

// atAlternate joins the best plans of all branches; a branch without one spoils it.
func (an *Analyser) atAlternate(e *syntax.Regexp, more, rest []*syntax.Regexp) (Plan, bool) {
	var joined Plan
	var suffixes []*syntax.Regexp
	after := append(more[:len(more):len(more)], rest...)
	for _, b := range e.Sub {
		p, ok := an.best(flatten(b), after)
		if !ok {
			return Plan{}, false
		}
		joined.Anchors = append(joined.Anchors, p.Anchors...)
		joined.Back = max(joined.Back, p.Back)
		joined.BackClass = joined.BackClass.Union(p.BackClass)
		joined.chance += p.chance
		suffixes = append(suffixes, p.Suffix)
	}
	joined.Suffix = concat(append([]*syntax.Regexp{{Op: syntax.OpAlternate, Sub: suffixes}}, more...)...)
	return joined, true
}

// Gram returns where the rarest gram of an anchor starts, and how likely the
// anchor is in ordinary text.
func (an *Analyser) Gram(a Anchor) (at int, chance float64, ok bool) {
	best := 1.0
	for i := 0; i+GramLen <= len(a); i++ {
		p, n := 1.0, 1
		for k, c := range a[i : i+GramLen] {
			f := an.of(c)
			n *= len(f.lanes)
			p *= an.after(f.wide, a, i+k, k > 0)
		}
		if p < best && n <= maxGrams {
			at, best, ok = i, p, true
		}
	}
	chance = 1
	for i, c := range a {
		chance *= an.after(an.of(c).chance, a, i, i > 0)
	}
	return at, chance, ok && best <= tooCommon
}

// after corrects a chance: bytes of one kind stand together. A digit is rare, a
// second one behind it is not; nor is a letter that is repeated, as in base64.
func (an *Analyser) after(p float64, a Anchor, i int, inside bool) float64 {
	if inside && a[i] == a[i-1] {
		return max(p, 0.6)
	}
	return p
}
