package plan

import (
	"regexp/syntax"

	"github.com/secretguard/secretguard/internal/scan/match/class"
)

// maxRuns is how many anchors one place may be split into.
const maxRuns = 64

// runs returns the classes of the first bytes of a sequence, as far as each is
// exactly one byte at a known place. At an alternative or an option it splits.
func runs(seq []*syntax.Regexp) []Anchor {
	list := extend(nil, seq, maxRuns)
	for _, a := range list {
		if len(a) < GramLen {
			return nil
		}
	}
	return list
}

// extend goes on with an anchor through a sequence. When there would be more
// anchors than budget, it ends where it is.
func extend(a Anchor, seq []*syntax.Regexp, budget int) []Anchor {
	for i, e := range seq {
		if len(a) >= MaxAnchor {
			break
		}
		if c, ok := class.Of(e); ok {
			a = append(a[:len(a):len(a)], c)
			if c.High() { // may be several bytes long: what follows has no known place
				break
			}
			continue
		}
		switch e.Op {
		case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpEmptyMatch:
			continue
		case syntax.OpRepeat, syntax.OpPlus:
			c, ok := class.Of(e.Sub[0])
			if !ok {
				return []Anchor{a}
			}
			for range min(minimum(e), MaxAnchor-len(a)) {
				a = append(a[:len(a):len(a)], c)
				if c.High() {
					return []Anchor{a}
				}
			}
			if e.Op == syntax.OpRepeat && e.Max == e.Min {
				continue
			}
			return []Anchor{a}
		case syntax.OpConcat, syntax.OpCapture, syntax.OpLiteral:
			return extend(a, append(flatten(e), seq[i+1:]...), budget)
		case syntax.OpAlternate:
			return split(a, e.Sub, seq[i+1:], budget)
		case syntax.OpQuest:
			return split(a, []*syntax.Regexp{e.Sub[0], {Op: syntax.OpEmptyMatch}}, seq[i+1:], budget)
		default:
			return []Anchor{a}
		}
	}
	return []Anchor{a}
}

func split(a Anchor, branches, after []*syntax.Regexp, budget int) []Anchor {
	if len(branches) > budget {
		return []Anchor{a}
	}
	var out []Anchor
	for _, b := range branches {
		out = append(out, extend(a, append(flatten(b), after...), budget/len(branches))...)
	}
	if len(out) > budget {
		return []Anchor{a}
	}
	return out
}
