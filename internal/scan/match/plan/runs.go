package plan

import (
	"regexp/syntax"

	"github.com/secretguard/secretguard/internal/scan/match/class"
	"github.com/secretguard/secretguard/internal/scan/match/span"
)

// Runs is the second choice for an expression without an anchor: every match
// holds a long run of one class, and neither starts far before it nor goes on far
// behind it. Runs are found by looking at every shortest-th byte.
type Runs struct {
	Class    class.Class
	Shortest int
	Around   int // how far a match reaches beyond the run, on either side
}

// minRun is the shortest run that is worth looking for.
const minRun = 16

// RunsOf returns the runs of an expression; false when there is none.
func RunsOf(re *syntax.Regexp) (Runs, bool) {
	n, _, finite := extent(re)
	if !finite || n > MaxBack {
		return Runs{}, false
	}
	c, shortest, ok := longRun(re)
	return Runs{Class: c, Shortest: shortest, Around: n}, ok && shortest >= minRun
}

// longRun finds a class and a number so that every match of re holds that many of
// the class in a row.
func longRun(re *syntax.Regexp) (c class.Class, shortest int, ok bool) {
	switch re.Op {
	case syntax.OpCapture:
		return longRun(re.Sub[0])
	case syntax.OpRepeat:
		if c, single := class.Of(re.Sub[0]); single && !c.High() {
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
				return class.Class{}, 0, false
			}
			c = c.Union(d)
			if i == 0 || n < shortest {
				shortest = n
			}
		}
		return c, shortest, true
	default:
	}
	return c, shortest, ok
}

// Spans calls add with the stretch around each run in a text.
func (p Runs) Spans(text []byte, add func(span.Span)) {
	for i := p.Shortest - 1; i < len(text); i += p.Shortest {
		if !p.Class.Has(text[i]) {
			continue
		}
		from, to := i, i+1
		for from > 0 && p.Class.Has(text[from-1]) {
			from--
		}
		for to < len(text) && p.Class.Has(text[to]) {
			to++
		}
		if to-from >= p.Shortest {
			add(span.Span{Start: max(0, from-p.Around), End: min(len(text), to+p.Around)})
		}
		i = max(i, to-1)
	}
}
