package match

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"github.com/secretguard/secretguard/internal/scan/match/span"
)

// Run says that Len bytes of a text at Dst are those of its base at Src.
type Run struct{ Dst, Src, Len int }

// FindDelta looks at a text that was made from a base: runs, in the order of Dst
// and without overlap, are what was copied; the rest is new. base is the base's
// record, nil when there was nothing to remember, and whole must be true when it
// is that of the whole base. The result is the same as Find's.
func (f *Finder) FindDelta(text []byte, base *Record, runs []Run) *Record {
	runs = coalesce(runs)
	changed := changes(runs, len(text))
	if base != nil && base.odd || slices.ContainsFunc(changed, func(c span.Span) bool {
		return odd(text[max(0, c.Start-utf8.UTFMax):min(len(text), c.End+utf8.UTFMax)])
	}) {
		return f.Find(text)
	}
	var known *Record
	var again []span.Span
	if base != nil {
		known, again = carry(base, runs)
	}
	parts := make([]span.Span, 0, len(changed)+len(again))
	for _, c := range changed {
		parts = append(parts, span.Span{Start: max(0, c.Start-margin), End: min(len(text), c.End+margin)})
	}
	parts = span.Join(append(parts, again...))
	looked := 0
	for _, p := range parts {
		looked += p.End - p.Start
	}
	if looked > len(text)-len(text)/4 { // little is saved: do it in one sweep
		return f.Find(text)
	}
	return f.find(text, parts, known)
}

// coalesce joins runs that follow each other in the text and in the base: between
// them nothing changed.
func coalesce(runs []Run) []Run {
	out := make([]Run, 0, len(runs))
	for _, r := range runs {
		if n := len(out); n > 0 && out[n-1].Dst+out[n-1].Len == r.Dst && out[n-1].Src+out[n-1].Len == r.Src {
			out[n-1].Len += r.Len
			continue
		}
		out = append(out, r)
	}
	return out
}

// changes lists what was not copied: new bytes, and the empty stretches between
// two runs that do not follow each other in the base. Where the base was cut, at
// either end, the text's end is such a stretch too.
func changes(runs []Run, size int) []span.Span {
	var out []span.Span
	at := 0
	for i, r := range runs {
		if r.Dst > at || i > 0 && runs[i-1].Src+runs[i-1].Len != r.Src || i == 0 && r.Src > 0 {
			out = append(out, span.Span{Start: at, End: r.Dst})
		}
		at = r.Dst + r.Len
	}
	// The base may have gone on behind the last run.
	return append(out, span.Span{Start: at, End: size})
}

// carry moves what stands whole within a run, one byte of surroundings included,
// to its new place. The pieces of long regions that do not are returned: they are
// to be looked at again, since what hangs on them can be far from the change.
func carry(base *Record, runs []Run) (*Record, []span.Span) {
	if len(base.regions) == 0 {
		return &Record{}, nil
	}
	bySrc := runs
	if order := func(a, b Run) int { return cmp.Or(cmp.Compare(a.Src, b.Src), cmp.Compare(a.Dst, b.Dst)) }; !slices.IsSortedFunc(runs, order) {
		bySrc = slices.Clone(runs)
		slices.SortFunc(bySrc, order)
	}
	ends := make([]int, len(bySrc)) // how far the runs up to here go
	for i, r := range bySrc {
		ends[i] = r.Src + r.Len
		if i > 0 {
			ends[i] = max(ends[i], ends[i-1])
		}
	}
	out := &Record{}
	var again []span.Span
	for _, g := range base.regions {
		start, end := int(g.start), int(g.end)
		// A piece of the base may have been copied more than once.
		i, _ := slices.BinarySearch(ends, start+1)
		for ; i < len(bySrc) && bySrc[i].Src < end; i++ {
			r := bySrc[i]
			switch {
			case r.Src+r.Len <= start:
			case r.whole(start, end):
				out.move(base, g, r.Dst-r.Src)
			case end-start > reach:
				from, to := max(start, r.Src), min(end, r.Src+r.Len)
				again = append(again, span.Span{Start: from + r.Dst - r.Src, End: to + r.Dst - r.Src})
			}
		}
	}
	return out, again
}

// whole reports whether a region of the base and the bytes beside it lie within
// the run. At the very start of the base there is no byte before; whether the
// same holds for the text is for the caller to see: such regions are looked at
// again, since the text's first bytes are then new or at another place.
func (r Run) whole(start, end int) bool {
	return (r.Src < start || start == 0 && r.Src == 0 && r.Dst == 0) && end < r.Src+r.Len
}

func (r *Record) move(base *Record, g region, by int) {
	n := region{start: g.start + int32(by), end: g.end + int32(by), rule: g.rule, line: g.line + int32(by), first: int32(len(r.hits)), n: g.n}
	for _, h := range base.hits[g.first : g.first+g.n] {
		h.start, h.end, h.from, h.to = h.start+int32(by), h.end+int32(by), h.from+int32(by), h.to+int32(by)
		r.hits = append(r.hits, h)
	}
	r.regions = append(r.regions, n)
}
