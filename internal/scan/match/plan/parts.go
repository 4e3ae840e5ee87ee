package plan

import (
	"regexp/syntax"

	"github.com/secretguard/secretguard/internal/scan/match/class"
)

// extent is the most bytes that a node takes, and which.
func extent(e *syntax.Regexp) (n int, c class.Class, finite bool) {
	if c, ok := class.Of(e); ok {
		if c.High() {
			return 4, c, true // the longest UTF-8 sequence
		}
		return 1, c, true
	}
	switch e.Op {
	case syntax.OpLiteral:
		for _, r := range e.Rune {
			c = c.Union(class.OfRune(r, e.Flags&syntax.FoldCase != 0))
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
			n, c = n+m, c.Union(d)
		}
		return n, c, true
	case syntax.OpAlternate:
		for _, s := range e.Sub {
			m, d, ok := extent(s)
			if !ok {
				return 0, c, false
			}
			n, c = max(n, m), c.Union(d)
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
