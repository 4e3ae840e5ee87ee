package match

import (
	"fmt"
	"maps"
	"slices"
)

// filter finds the anchors of all rules in one pass over the raw bytes, without
// a copy of them. It looks at every three bytes, each as one of 32 lanes: that
// folds the case of letters, and makes a table that stays in the processor's
// nearest caches. What the table lets through is compared byte by byte.
type filter struct {
	table   [1 << (laneBits * gramLen)]uint16 // 0: no anchor has this gram
	buckets [][]probe
	anchors []target
}

// laneBits is the size of a lane's number.
const laneBits = 5

// lane is the lane of each byte: the 26 letters, all digits, some marks that keys
// are made of, and the rest.
var lane = makeLanes()

func makeLanes() [256]uint8 {
	var t [256]uint8
	for i := range t {
		t[i] = 31
	}
	for i := range byte(26) {
		t['a'+i], t['A'+i] = i, i
	}
	for i := byte('0'); i <= '9'; i++ {
		t[i] = 26
	}
	t['_'], t['-'] = 27, 28
	t['.'], t['/'] = 29, 29
	t['%'], t['|'], t[':'], t['~'], t['\n'], t['@'] = 30, 30, 30, 30, 30, 30
	return t
}

// lanesOf lists the lanes of a class.
func lanesOf(c class) []uint8 {
	var seen [1 << laneBits]bool
	var list []uint8
	for i := range 256 {
		if l := lane[i]; c.has(byte(i)) && !seen[l] {
			seen[l] = true
			list = append(list, l)
		}
	}
	return list
}

// probe is an anchor whose gram may start where the filter stands.
type probe struct {
	anchor int32
	at     int32 // where in the anchor the gram is
}

// target is an anchor and who wants to know of it.
type target struct {
	classes anchor
	rules   []int32
}

// newFilter builds the table. anchors[i] belongs to rules[i]. An anchor without a
// gram must not be here.
func newFilter(an *analyser, anchors []anchor, rules []int32) *filter {
	f := &filter{buckets: [][]probe{nil}}
	known := map[string]int32{}
	for i, a := range anchors {
		key := a.key()
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
		at, _, _ := an.gram(t.classes)
		for _, g := range an.grams(t.classes[at : at+gramLen]) {
			byGram[g] = append(byGram[g], probe{int32(k), int32(at)})
		}
	}
	f.fill(byGram)
	return f
}

// fill gives equal lists of probes one bucket.
func (f *filter) fill(byGram map[int][]probe) {
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

// key names an anchor by its classes.
func (a anchor) key() string {
	b := make([]byte, 0, len(a)*32)
	for _, c := range a {
		for _, w := range c {
			for s := 0; s < 64; s += 8 {
				b = append(b, byte(w>>s))
			}
		}
	}
	return string(b)
}

// grams lists the table entries of a gram.
func (an *analyser) grams(classes anchor) []int {
	list := []int{0}
	for _, c := range classes {
		var next []int
		for _, l := range an.of(c).lanes {
			for _, g := range list {
				next = append(next, g<<laneBits|int(l))
			}
		}
		list = next
	}
	return list
}

// sighting is a place where the table lets through: the start of the gram, and
// the bucket.
type sighting struct {
	pos    int32
	bucket uint16
}

// scan appends the sightings of grams that lie whole in text[from:to].
func (f *filter) scan(text []byte, from, to int, out []sighting) []sighting {
	if to-from < gramLen {
		return out
	}
	part := text[from:to]
	g := uint32(lane[part[0]])<<laneBits | uint32(lane[part[1]])
	for i, b := range part[gramLen-1:] {
		g = (g<<laneBits | uint32(lane[b])) & (1<<(laneBits*gramLen) - 1)
		if k := f.table[g]; k != 0 {
			out = append(out, sighting{int32(from + i), k})
		}
	}
	return out
}

// is reports whether the anchor stands at start.
func (t *target) is(text []byte, start int) bool {
	if start < 0 || start+len(t.classes) > len(text) {
		return false
	}
	for i := range t.classes {
		if !t.classes[i].has(text[start+i]) {
			return false
		}
	}
	return true
}
