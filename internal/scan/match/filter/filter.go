// Package filter finds the anchors of all rules in one pass over the raw bytes, without
// a copy of them.
package filter

import (
	"fmt"
	"maps"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/match/class"
	"github.com/secretguard/secretguard/internal/scan/match/plan"
)

// Filter looks at every three bytes, each as one of 32 lanes: that
// folds the case of letters, and makes a table that stays in the processor's
// nearest caches. What the table lets through is compared byte by byte.
type Filter struct {
	table   [1 << (class.LaneBits * plan.GramLen)]uint16 // 0: no anchor has this gram
	buckets [][]probe
	anchors []target
}

var lane = class.Lanes()

// probe is an anchor whose gram may start where the filter stands.
type probe struct {
	anchor int32
	at     int32 // where in the anchor the gram is
}

// target is an anchor and who wants to know of it.
type target struct {
	classes plan.Anchor
	rules   []int32
}

// New builds the table. anchors[i] belongs to rules[i]. An anchor without a
// gram must not be here.
func New(an *plan.Analyser, anchors []plan.Anchor, rules []int32) *Filter {
	f := &Filter{buckets: [][]probe{nil}}
	known := map[string]int32{}
	for i, a := range anchors {
		key := a.Key()
		k, ok := known[key]
		if !ok {
			k = int32(len(f.anchors))
			known[key] = k
			f.anchors = append(f.anchors, target{classes: a})
		}
		f.anchors[k].rules = append(f.anchors[k].rules, rules[i])
	}
	byGram := map[int][]probe{}
	for k, t := range f.anchors {
		at, _, _ := an.Gram(t.classes)
		for _, g := range entries(an.Lanes(t.classes[at : at+plan.GramLen])) {
			byGram[g] = append(byGram[g], probe{int32(k), int32(at)})
		}
	}
	f.fill(byGram)
	return f
}

// fill gives equal lists of probes one bucket.
func (f *Filter) fill(byGram map[int][]probe) {
	named := map[string]uint16{}
	for _, g := range slices.Sorted(maps.Keys(byGram)) { // the same filter in every run
		list := byGram[g]
		name := fmt.Sprint(list)
		b, ok := named[name]
		if !ok {
			b = uint16(len(f.buckets)) // at most one for each of 2^15 entries
			named[name] = b
			f.buckets = append(f.buckets, list)
		}
		f.table[g] = b
	}
}

// Sighting is a place where the table lets through: the start of the gram, and
// the bucket.
type Sighting struct {
	pos    int32
	bucket uint16
}

// entries lists the table entries of a gram.
func entries(lanes [][]uint8) []int {
	list := []int{0}
	for _, of := range lanes {
		var next []int
		for _, l := range of {
			for _, g := range list {
				next = append(next, g<<class.LaneBits|int(l))
			}
		}
		list = next
	}
	return list
}

// Scan appends the sightings of grams that lie whole in text[from:to].
func (f *Filter) Scan(text []byte, from, to int, out []Sighting) []Sighting {
	if to-from < plan.GramLen {
		return out
	}
	part := text[from:to]
	g := uint32(lane[part[0]])<<class.LaneBits | uint32(lane[part[1]])
	for i, b := range part[plan.GramLen-1:] {
		g = (g<<class.LaneBits | uint32(lane[b])) & (1<<(class.LaneBits*plan.GramLen) - 1)
		if k := f.table[g]; k != 0 {
			out = append(out, Sighting{int32(from + i), k})
		}
	}
	return out
}

// Anchors calls visit for every anchor that a sighting is of, and that starts in
// text[from:to], once for each rule that wants to know.
func (f *Filter) Anchors(text []byte, seen []Sighting, from, to int, visit func(rule int32, start int)) {
	for _, s := range seen {
		for _, p := range f.buckets[s.bucket] {
			start := int(s.pos - p.at)
			if start < from || start >= to {
				continue
			}
			t := &f.anchors[p.anchor]
			if !t.is(text, start) {
				continue
			}
			for _, rule := range t.rules {
				visit(rule, start)
			}
		}
	}
}

// Any reports whether some gram of an anchor stands in a text: without one there is no
// anchor.
func (f *Filter) Any(text []byte) bool {
	for i := 0; i+plan.GramLen <= len(text); i++ {
		g := int(lane[text[i]])<<(2*class.LaneBits) | int(lane[text[i+1]])<<class.LaneBits | int(lane[text[i+2]])
		if f.table[g] != 0 {
			return true
		}
	}
	return false
}

// is reports whether the anchor stands at start.
func (t *target) is(text []byte, start int) bool {
	if start < 0 || start+len(t.classes) > len(text) {
		return false
	}
	for i := range t.classes {
		if !t.classes[i].Has(text[start+i]) {
			return false
		}
	}
	return true
}
