package match

import (
	"regexp/syntax"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/match/span"
)

// An anchor is a short run of byte classes that every match of an expression
// holds: "akia", or "sk" and a hexadecimal digit. Text without an anchor cannot
// match, and a match can only stand around one.
type anchor []class

const (
	// gramLen is how many bytes the filter looks at.
	gramLen = 3
	// maxAnchor is how many bytes of an anchor are compared.
	maxAnchor = 8
	// maxBack is the longest stretch before an anchor that a plan may have.
	maxBack = 1024
	// tooCommon is the chance from which on a gram stands nearly everywhere.
	tooCommon = 1.0 / 256
	// maxGrams is the most entries that one gram may take in the filter's table.
	maxGrams = 2048
)

// plan says where the matches of an expression can be.
type plan struct {
	anchors []anchor
	// suffix is the expression from the anchor on.
	suffix *syntax.Regexp
	// back is the most bytes that a match has before its anchor, all of backClass.
	back      int
	backClass class
	chance    float64 // how often an anchor stands in ordinary text, by byte
}

// analyser makes plans. What it has worked out about a class it keeps: the same
// few classes stand in all rules. It is used by one goroutine.
type analyser struct {
	known map[class]facts
	// anywhere takes anchors also where a match may have any length before them: it
	// is then known that there is one, but not how far it is from the match's start.
	anywhere bool
}

// facts are what matters of a class.
type facts struct {
	chance float64 // that a byte of ordinary text is in it
	lanes  []uint8
	wide   float64 // that a byte is in one of its lanes
}

func newAnalyser() *analyser { return &analyser{known: map[class]facts{}} }

func (an *analyser) of(c class) facts {
	f, ok := an.known[c]
	if !ok {
		f = facts{chance: c.chance(), lanes: lanesOf(c)}
		for i, p := range frequency {
			if slices.Contains(f.lanes, lane[i]) {
				f.wide += p
			}
		}
		an.known[c] = f
	}
	return f
}

// analyse returns the plan of an expression; false when every match of it may
// lack an anchor, or stand too far from it.
func (an *analyser) analyse(re *syntax.Regexp) (plan, bool) {
	p, ok := an.best(flatten(re), nil)
	if !ok || !an.anywhere && p.back > maxBack || p.chance > tooCommon {
		return plan{}, false
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
func (an *analyser) best(seq, rest []*syntax.Regexp) (plan, bool) {
	var found plan
	ok := false
	back, backClass := 0, class{}
	for i, e := range seq {
		if p, here := an.at(e, seq[i+1:], rest); here && (!ok || p.chance < found.chance) {
			p.back += back
			p.backClass = p.backClass.union(backClass)
			found, ok = p, true
		}
		n, c, finite := extent(e)
		back += n
		if !an.anywhere && (!finite || back > maxBack) {
			break
		}
		backClass = backClass.union(c)
	}
	return found, ok
}

// at returns the plan whose anchor starts in e. more is the rest of e's own
// sequence.
func (an *analyser) at(e *syntax.Regexp, more, rest []*syntax.Regexp) (plan, bool) {
	switch e.Op {
	case syntax.OpAlternate:
		return an.atAlternate(e, more, rest)
	case syntax.OpRepeat, syntax.OpPlus:
		if minimum(e) == 0 {
			return plan{}, false
		}
		if _, single := classOf(e.Sub[0]); !single {
			p, ok := an.best(flatten(e.Sub[0]), nil)
			if ok {
				p.suffix = concat(append([]*syntax.Regexp{p.suffix, oneLess(e)}, more...)...)
			}
			return p, ok
		}
	default:
	}
	seq := append([]*syntax.Regexp{e}, more...)
	p := plan{suffix: concat(seq...), anchors: runs(append(seq[:len(seq):len(seq)], rest...))}
	for _, a := range p.anchors {
		_, chance, ok := an.gram(a)
		if !ok {
			return plan{}, false
		}
		p.chance += chance
	}
	return p, len(p.anchors) > 0
}

// atAlternate joins the best plans of all branches; a branch without one spoils it.
func (an *analyser) atAlternate(e *syntax.Regexp, more, rest []*syntax.Regexp) (plan, bool) {
	var joined plan
	var suffixes []*syntax.Regexp
	after := append(more[:len(more):len(more)], rest...)
	for _, b := range e.Sub {
		p, ok := an.best(flatten(b), after)
		if !ok {
			return plan{}, false
		}
		joined.anchors = append(joined.anchors, p.anchors...)
		joined.back = max(joined.back, p.back)
		joined.backClass = joined.backClass.union(p.backClass)
		joined.chance += p.chance
		suffixes = append(suffixes, p.suffix)
	}
	joined.suffix = concat(append([]*syntax.Regexp{{Op: syntax.OpAlternate, Sub: suffixes}}, more...)...)
	return joined, true
}

// maxRuns is how many anchors one place may be split into.
const maxRuns = 64

// runs returns the classes of the first bytes of a sequence, as far as each is
// exactly one byte at a known place. At an alternative or an option it splits.
func runs(seq []*syntax.Regexp) []anchor {
	list := extend(nil, seq, maxRuns)
	for _, a := range list {
		if len(a) < gramLen {
			return nil
		}
	}
	return list
}

// extend goes on with an anchor through a sequence. When there would be more
// anchors than budget, it ends where it is.
func extend(a anchor, seq []*syntax.Regexp, budget int) []anchor {
	for i, e := range seq {
		if len(a) >= maxAnchor {
			break
		}
		if c, ok := classOf(e); ok {
			a = append(a[:len(a):len(a)], c)
			if high(c) { // may be several bytes long: what follows has no known place
				break
			}
			continue
		}
		switch e.Op {
		case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpEmptyMatch:
			continue
		case syntax.OpRepeat, syntax.OpPlus:
			c, ok := classOf(e.Sub[0])
			if !ok {
				return []anchor{a}
			}
			for range min(minimum(e), maxAnchor-len(a)) {
				a = append(a[:len(a):len(a)], c)
				if high(c) {
					return []anchor{a}
				}
			}
			if e.Op == syntax.OpRepeat && e.Max == e.Min {
				continue
			}
			return []anchor{a}
		case syntax.OpConcat, syntax.OpCapture, syntax.OpLiteral:
			return extend(a, append(flatten(e), seq[i+1:]...), budget)
		case syntax.OpAlternate:
			return split(a, e.Sub, seq[i+1:], budget)
		case syntax.OpQuest:
			return split(a, []*syntax.Regexp{e.Sub[0], {Op: syntax.OpEmptyMatch}}, seq[i+1:], budget)
		default:
			return []anchor{a}
		}
	}
	return []anchor{a}
}

func split(a anchor, branches, after []*syntax.Regexp, budget int) []anchor {
	if len(branches) > budget {
		return []anchor{a}
	}
	var out []anchor
	for _, b := range branches {
		out = append(out, extend(a, append(flatten(b), after...), budget/len(branches))...)
	}
	if len(out) > budget {
		return []anchor{a}
	}
	return out
}

func high(c class) bool { return c[2]|c[3] != 0 }

// gram returns where the rarest gram of an anchor starts, and how likely the
// anchor is in ordinary text.
func (an *analyser) gram(a anchor) (at int, chance float64, ok bool) {
	best := 1.0
	for i := 0; i+gramLen <= len(a); i++ {
		p, n := 1.0, 1
		for k, c := range a[i : i+gramLen] {
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
func (an *analyser) after(p float64, a anchor, i int, inside bool) float64 {
	if inside && a[i] == a[i-1] {
		return max(p, 0.6)
	}
	return p
}

// extent is the most bytes that a node takes, and which.
func extent(e *syntax.Regexp) (n int, c class, finite bool) {
	if c, ok := classOf(e); ok {
		if high(c) {
			return 4, c, true // the longest UTF-8 sequence
		}
		return 1, c, true
	}
	switch e.Op {
	case syntax.OpLiteral:
		for _, r := range e.Rune {
			c = c.union(classOfRune(r, e.Flags&syntax.FoldCase != 0))
		}
		return 4 * len(e.Rune), c, true
	case syntax.OpCapture:
		return extent(e.Sub[0])
	case syntax.OpConcat:
		for _, s := range e.Sub {
			m, d, ok := extent(s)
			if !ok {
				return 0, c, false
			}
			n, c = n+m, c.union(d)
		}
		return n, c, true
	case syntax.OpAlternate:
		for _, s := range e.Sub {
			m, d, ok := extent(s)
			if !ok {
				return 0, c, false
			}
			n, c = max(n, m), c.union(d)
		}
		return n, c, true
	case syntax.OpQuest:
		return extent(e.Sub[0])
	case syntax.OpRepeat:
		m, d, ok := extent(e.Sub[0])
		if !ok || e.Max < 0 {
			return 0, d, false
		}
		return m * e.Max, d, true
	case syntax.OpStar, syntax.OpPlus:
		_, d, _ := extent(e.Sub[0])
		return 0, d, false
	default: // what matches without taking a byte
		return 0, c, true
	}
}

func minimum(e *syntax.Regexp) int {
	if e.Op == syntax.OpPlus {
		return 1
	}
	return e.Min
}

// oneLess is what is left of a repetition after its first turn.
func oneLess(e *syntax.Regexp) *syntax.Regexp {
	if e.Op == syntax.OpPlus {
		return &syntax.Regexp{Op: syntax.OpStar, Flags: e.Flags, Sub: e.Sub}
	}
	r := &syntax.Regexp{Op: syntax.OpRepeat, Flags: e.Flags, Sub: e.Sub, Min: e.Min - 1, Max: e.Max}
	if r.Max > 0 {
		r.Max--
	}
	return r
}

func concat(list ...*syntax.Regexp) *syntax.Regexp {
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: list}
}

// A runPlan is the second choice for an expression without an anchor: every match
// holds a long run of one class, and neither starts far before it nor goes on far
// behind it. Runs are found by looking at every shortest-th byte.
type runPlan struct {
	class    class
	shortest int
	around   int // how far a match reaches beyond the run, on either side
}

// minRun is the shortest run that is worth looking for.
const minRun = 16

// runs returns the runPlan of an expression; false when there is none.
func runsOf(re *syntax.Regexp) (runPlan, bool) {
	n, _, finite := extent(re)
	if !finite || n > maxBack {
		return runPlan{}, false
	}
	c, shortest, ok := longRun(re)
	return runPlan{class: c, shortest: shortest, around: n}, ok && shortest >= minRun
}

// longRun finds a class and a number so that every match of re holds that many of
// the class in a row.
func longRun(re *syntax.Regexp) (c class, shortest int, ok bool) {
	switch re.Op {
	case syntax.OpCapture:
		return longRun(re.Sub[0])
	case syntax.OpRepeat:
		if c, single := classOf(re.Sub[0]); single && !high(c) {
			return c, re.Min, re.Min > 0
		}
	case syntax.OpConcat:
		for _, s := range re.Sub {
			if d, n, good := longRun(s); good && n > shortest {
				c, shortest, ok = d, n, true
			}
		}
	case syntax.OpAlternate:
		for i, s := range re.Sub {
			d, n, good := longRun(s)
			if !good {
				return class{}, 0, false
			}
			c = c.union(d)
			if i == 0 || n < shortest {
				shortest = n
			}
		}
		return c, shortest, true
	default:
	}
	return c, shortest, ok
}

// spans calls add with the stretch around each run in a text.
func (p runPlan) spans(text []byte, add func(span.Span)) {
	for i := p.shortest - 1; i < len(text); i += p.shortest {
		if !p.class.has(text[i]) {
			continue
		}
		from, to := i, i+1
		for from > 0 && p.class.has(text[from-1]) {
			from--
		}
		for to < len(text) && p.class.has(text[to]) {
			to++
		}
		if to-from >= p.shortest {
			add(span.Span{Start: max(0, from-p.around), End: min(len(text), to+p.around)})
		}
		i = max(i, to-1)
	}
}
