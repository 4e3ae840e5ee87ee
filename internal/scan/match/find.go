package match

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/match/automaton"
	"github.com/secretguard/secretguard/internal/scan/match/codec"
	"github.com/secretguard/secretguard/internal/scan/match/filter"
	"github.com/secretguard/secretguard/internal/scan/match/plan"
	"github.com/secretguard/secretguard/internal/scan/match/span"
)

// reach is how long a region may be without being remembered when it holds no
// hits: it is found again from any change in it.
const reach = 96

// margin is how far around a change anchors are looked for.
const margin = reach + plan.MaxAnchor + 2

// Finder looks at texts with one set of rules. It is used by one goroutine; a Set
// can make many.
type Finder struct {
	set   *Set
	auto  []*automaton.Automaton
	seen  []filter.Sighting
	cands []cand
	queue []span.Span
	cover span.Cover
	spent []int         // by rule: bytes that its automaton has read
	flood map[int32]int // rule -> from where on the text is one stretch
	free  int           // what an automaton may read in any case
	codec codec.Decoder
	// interned are strings given out before.
	interned map[string]string
}

// cand is an anchor from which a match is possible, or whose stretch is long.
type cand struct {
	rule       int32
	start, end int32 // of the stretch that matters
	possible   bool
}

// Finder returns a new finder.
func (s *Set) Finder() *Finder {
	return &Finder{set: s, auto: make([]*automaton.Automaton, len(s.rules)), spent: make([]int, len(s.rules)), flood: map[int32]int{}, free: readFree}
}

// Find looks at a whole text.
func (f *Finder) Find(text []byte) *Record {
	if odd(text) {
		return f.findOdd(text)
	}
	return f.find(text, []span.Span{{Start: 0, End: len(text)}}, nil)
}

// Possible reports whether a text may hold anything: mostly it cannot, which costs
// little to see.
func (f *Finder) Possible(text []byte) bool {
	f.seen = f.set.filter.Scan(text, 0, len(text), f.seen[:0])
	return len(f.seen) > 0 || len(f.set.whole) > 0 || odd(text)
}

// Two letters outside ASCII are, to an expression without case, an s and a k: the
// long s and the sign for kelvin. Keywords may be written with them.
var oddLetters = [][]byte{[]byte("\u017f"), []byte("\u212a")}

func odd(text []byte) bool {
	return bytes.Contains(text, oddLetters[0]) || bytes.Contains(text, oddLetters[1])
}

// findOdd runs every rule over the whole text, as gitleaks does.
func (f *Finder) findOdd(text []byte) *Record {
	r := &Record{odd: true}
	f.everywhere(text, r)
	if f.set.depth > 0 {
		var owners span.Cover
		encoded(text, span.Span{Start: 0, End: len(text)}, &owners)
		for _, o := range owners.Spans {
			f.decodeLine(text, o, r)
		}
	}
	r.regions = nil
	return r
}

func (f *Finder) everywhere(text []byte, r *Record) {
	for i, c := range f.set.rules {
		if c.Regex != "" && hasKeyword(c.Keywords, string(text)) {
			f.run(text, c, int32(i), span.Span{Start: 0, End: len(text)}, r)
		}
	}
}

// find looks at parts of a text and joins what it finds with what is known of the
// rest, which must be right and whole.
func (f *Finder) find(text []byte, parts []span.Span, known *Record) *Record {
	r := &Record{}
	if known != nil {
		r = known
	}
	f.collect(text, parts)
	f.regions(text, r)
	f.decode(text, parts, r)
	r.normalise()
	f.wholeRules(text, r)
	if len(r.regions) == 0 && len(r.hits) == 0 {
		return nil
	}
	return r
}

// collect fills cands with the candidates whose anchors start in the parts, and
// with those that their stretches touch.
func (f *Finder) collect(text []byte, parts []span.Span) {
	f.cands = f.cands[:0]
	f.cover.Reset()
	clear(f.spent)
	clear(f.flood)
	f.queue = append(f.queue[:0], parts...)
	for len(f.queue) > 0 {
		part := f.queue[len(f.queue)-1]
		f.queue = f.queue[:len(f.queue)-1]
		for _, free := range f.cover.Add(part) {
			f.part(text, free)
		}
	}
}

// part looks at the anchors that start in a part.
func (f *Finder) part(text []byte, p span.Span) {
	f.seen = f.set.filter.Scan(text, p.Start, min(p.End+plan.MaxAnchor, len(text)), f.seen[:0])
	f.set.filter.Anchors(text, f.seen, p.Start, p.End, func(rule int32, start int) { f.candidate(text, rule, start) })
	// A gram may start after the part while its anchor starts in it, and the other
	// way round: both are seen because the scan goes on for the longest anchor and
	// anchors are assigned by their start.
}

// candidate runs the automaton of a rule from an anchor.
func (f *Finder) candidate(text []byte, rule int32, start int) {
	if int(rule) >= len(f.set.rules) { // a gate's keyword
		f.cands = append(f.cands, cand{rule, int32(start), int32(min(start+plan.MaxAnchor, len(text))), true})
		return
	}
	c := f.set.rules[rule]
	a := f.auto[rule]
	if a == nil {
		c.init()
		var err error
		if a, err = automaton.New(c.suffix); err != nil { // only of expressions that do not compile
			return
		}
		f.auto[rule] = a
	}
	possible, end, skip := f.stretch(text, rule, a, start)
	if skip || !possible && end-start <= reach {
		return
	}
	from := start
	for from > 0 && start-from < c.plan.Back && c.plan.BackClass.Has(text[from-1]) {
		from--
	}
	f.cands = append(f.cands, cand{rule, int32(from), int32(end), possible})
	if possible {
		f.queue = append(f.queue, span.Span{Start: from, End: end})
	}
}

// readAgain is how many times the length of a text a rule's automaton may read, and
// readFree how much it may read of a short one.
const (
	readAgain = 4
	readFree  = 64 << 10
)

// stretch returns whether a match is possible from an anchor, and its stretch.
// Where anchors stand close together and stretches are long ("eyeyey…"), to read on
// from each would take the square of the length. What was read too often is one
// stretch from there to the end of the text, in which anchors are skipped: the
// expression itself is run over it once. That finds the same.
func (f *Finder) stretch(text []byte, rule int32, a *automaton.Automaton, start int) (possible bool, end int, skip bool) {
	if from, ok := f.flood[rule]; ok && start >= from {
		return false, 0, true
	}
	most := f.free + readAgain*len(text)
	if f.spent[rule] <= most {
		possible, end = a.Run(text, start)
		f.spent[rule] += end - start
	}
	if f.spent[rule] > most {
		f.flood[rule] = start
		return true, len(text), false
	}
	return possible, end, false
}

// regions joins candidates of a rule that touch, and runs the rule's expression
// over each stretch. A match lies within the stretch of its anchor, and stretches
// of one rule that do not touch hold matches that cannot overlap: the matches are
// those that a run over the whole text would give.
func (f *Finder) regions(text []byte, r *Record) {
	slices.SortFunc(f.cands, func(a, b cand) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	for i := 0; i < len(f.cands); {
		joined := f.cands[i]
		i++
		for i < len(f.cands) && f.cands[i].rule == joined.rule && f.cands[i].start <= joined.end {
			joined.end = max(joined.end, f.cands[i].end)
			joined.possible = joined.possible || f.cands[i].possible
			i++
		}
		f.region(text, joined, r)
	}
}

func (f *Finder) region(text []byte, c cand, r *Record) {
	g := region{start: c.start, end: c.end, rule: c.rule, first: int32(len(r.hits))}
	switch {
	case int(c.rule) >= len(f.set.rules):
	case c.possible:
		f.run(text, f.set.rules[c.rule], c.rule, span.Span{Start: int(c.start), End: int(c.end)}, r)
		if g.n = int32(len(r.hits)) - g.first; g.n == 0 {
			g.rule = watched
		}
	default:
		g.rule = watched
	}
	if g.rule != watched || g.end-g.start > reach {
		r.regions = append(r.regions, g)
	}
}

// wholeRules runs the rules without an anchor over the whole text, or around its
// long runs, where one of their keywords stands.
func (f *Finder) wholeRules(text []byte, r *Record) {
	for _, i := range f.set.whole {
		c := f.set.rules[i]
		if len(c.Keywords) > 0 && !f.open(i, r) && !f.shortKeyword(c, text) {
			continue
		}
		if !c.inRuns {
			f.run(text, c, i, span.Span{Start: 0, End: len(text)}, r)
			continue
		}
		var stretches span.Cover
		c.runs.Spans(text, func(s span.Span) { stretches.Add(s) })
		for _, s := range stretches.Spans {
			f.run(text, c, i, s, r)
		}
	}
}

// open reports whether a gate of the rule stands in the text.
func (f *Finder) open(rule int32, r *Record) bool {
	for _, g := range r.regions {
		if k := int(g.rule) - len(f.set.rules); k >= 0 && f.set.gates[k].rule == rule {
			return true
		}
	}
	return false
}

// shortKeyword looks for the keywords that the filter could not take.
func (f *Finder) shortKeyword(c *compiled, text []byte) bool {
	return slices.ContainsFunc(c.ungated, func(k string) bool { return containsFold(string(text), k) })
}
