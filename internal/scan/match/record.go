package match

import (
	"cmp"
	"slices"
)

// Record is what a text holds for a set of rules, wherever the text stands. It is
// plain data about positions; the text itself is needed to make matches of it. A
// nil Record is that of a text in which there is nothing to remember.
type Record struct {
	regions []region
	hits    []hit
	// odd marks a text with letters that the filter does not know: its hits hang on
	// no regions.
	odd bool
}

// region is a stretch of text on which hits depend, and on nothing outside it. A
// watched one holds no hits: it is remembered because it is so long that a change
// far away could make one.
type region struct {
	start, end int32
	rule       int32 // number of a rule or gate; watched or coded below zero
	line       int32 // coded: where the line starts whose decoding this is
	first, n   int32 // its hits
}

const (
	watched = -1
	coded   = -2
)

// hit is one match of a rule's expression whose content is not allowed.
type hit struct {
	rule       int32
	start, end int32 // of the match
	from, to   int32 // of the secret; equal to the match's in decoded text
	decoded    *decodedHit
}

// normalise sorts regions and drops those that are there twice, with their hits.
func (r *Record) normalise() {
	slices.SortStableFunc(r.regions, compareRegions)
	hits := make([]hit, 0, len(r.hits))
	out := r.regions[:0]
	for i, g := range r.regions {
		if i > 0 && compareRegions(out[len(out)-1], g) == 0 {
			continue
		}
		first := int32(len(hits))
		hits = append(hits, r.hits[g.first:g.first+g.n]...)
		g.first = first
		out = append(out, g)
	}
	r.regions, r.hits = out, hits
}

func compareRegions(a, b region) int {
	return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end), cmp.Compare(a.rule, b.rule), cmp.Compare(a.line, b.line))
}
