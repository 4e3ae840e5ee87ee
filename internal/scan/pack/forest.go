package pack

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"
)

// forest is a pack seen as trees: each object that is stored whole is a root, and
// each delta hangs below its base. Nodes are in the order of the pack.
type forest struct {
	p     *packFile
	off   []int64 // where the node's header starts, ascending
	data  []uint8 // length of the header
	size  []int64 // of the stream: the object, or the delta
	ord   []uint32
	base  []int32 // node; noBase for a root
	kind  []Kind  // of the tree's root; 0 where no root is reached
	first []int32 // first child, then next siblings
	next  []int32
	ext   map[int32]ID // roots that are deltas of an object elsewhere
	// weight is how many wanted objects a node has in its subtree, itself included.
	weight []int32
	order  []int32 // parents before children
	told   int     // nodes that are reported as lost already
}

const noBase = int32(-1)

// plant reads the header of every object of a pack.
func plant(db *DB, p *packFile) (*forest, error) {
	f := &forest{
		p: p, off: make([]int64, p.n), ord: make([]uint32, p.n), data: make([]uint8, p.n), size: make([]int64, p.n),
		base: make([]int32, p.n), kind: make([]Kind, p.n), first: make([]int32, p.n), next: make([]int32, p.n), ext: map[int32]ID{},
	}
	for i := range p.n {
		off, err := p.offset(i)
		if err != nil {
			return nil, err
		}
		f.off[i], f.ord[i] = off, uint32(i)
	}
	sortByOffset(f.off, f.ord)
	for i := 1; i < p.n; i++ {
		if f.off[i] == f.off[i-1] {
			return nil, fmt.Errorf("%w: two objects at one place of the pack", ErrDamaged)
		}
	}
	byName := map[int32]ID{}
	lost := 0
	for i := range p.n {
		f.first[i], f.next[i], f.base[i] = noBase, noBase, noBase
		e, err := p.entryAt(f.off[i])
		if err != nil {
			lost++
			continue
		}
		f.data[i], f.size[i] = uint8(e.data-f.off[i]), e.size
		switch e.kind {
		case ofsDelta:
			if f.base[i] = f.find(i, e.base); f.base[i] == noBase {
				lost++
			}
		case refDelta:
			byName[int32(i)] = e.baseID
		default:
			f.kind[i] = e.kind
		}
	}
	if f.told = lost; lost > 0 {
		db.problem(Problem{What: "object", Why: "its header in the pack is damaged", Example: p.file(), Objects: lost})
	}
	f.resolve(db, byName)
	f.hang(db)
	return f, nil
}

// find returns the node at an offset before node i.
func (f *forest) find(i int, off int64) int32 {
	// Bases stand close by: widen the range from i backwards.
	step := 1
	lo := i
	for lo > 0 && f.off[lo] > off {
		lo = max(0, lo-step)
		step *= 2
	}
	k := lo + sort.Search(i-lo, func(k int) bool { return f.off[lo+k] >= off })
	if k < i && f.off[k] == off {
		return int32(k)
	}
	return noBase
}

// resolve finds the bases that are given by name.
func (f *forest) resolve(db *DB, byName map[int32]ID) {
	if len(byName) == 0 {
		return
	}
	node := make([]int32, f.p.n) // place in the index -> node
	for i, o := range f.ord {
		node[o] = int32(i)
	}
	for i, id := range byName {
		if k, ok := f.p.find(id); ok {
			f.base[i] = node[k]
			continue
		}
		// The base of a thin pack lies in another one, or nowhere.
		r, ok := db.Lookup(id)
		if !ok {
			f.told++
			db.problem(Problem{What: "object", Why: "the base of its delta is missing", Example: id.String(), Objects: 1})
			continue
		}
		kind, _, err := db.Read(r, 1<<40)
		if err != nil {
			f.told++
			db.problem(Problem{What: "object", Why: "the base of its delta cannot be read", Example: id.String(), Objects: 1})
			continue
		}
		f.ext[i], f.kind[i] = id, kind
	}
}

// hang links children to parents and orders the nodes from the roots down. What
// no root reaches hangs on a damaged node or in a circle.
func (f *forest) hang(db *DB) {
	for i := f.p.n - 1; i >= 0; i-- {
		if b := f.base[i]; b != noBase {
			f.next[i] = f.first[b]
			f.first[b] = int32(i)
		}
	}
	f.order = make([]int32, 0, f.p.n)
	for i := range f.kind {
		if f.base[i] == noBase && f.kind[i] != 0 {
			f.order = append(f.order, int32(i))
		}
	}
	for k := 0; k < len(f.order); k++ {
		i := f.order[k]
		for c := f.first[i]; c != noBase; c = f.next[c] {
			f.kind[c] = f.kind[i]
			f.order = append(f.order, c)
		}
	}
	if lost := f.p.n - len(f.order) - f.told; lost > 0 {
		db.problem(Problem{What: "object", Why: "its delta has no base that can be read", Example: f.p.file(), Objects: lost})
	}
}

// weigh counts the wanted objects of each subtree.
func (f *forest) weigh(wanted func(Ref, Kind) bool) {
	f.weight = make([]int32, f.p.n)
	for _, i := range slices.Backward(f.order) {
		if wanted(f.ref(i), f.kind[i]) {
			f.weight[i]++
		}
		if b := f.base[i]; b != noBase {
			f.weight[b] += f.weight[i]
		}
	}
}

func (f *forest) ref(i int32) Ref { return f.p.base + Ref(f.ord[i]) }

// stream is the compressed bytes of a node, and what follows them.
func (f *forest) stream(i int32) []byte {
	return f.p.objects()[f.off[i]+int64(f.data[i]):]
}

// sortByOffset sorts both slices by the first, digit by digit: half a million
// offsets in a few milliseconds.
func sortByOffset(off []int64, ord []uint32) {
	const digit = 11
	var highest int64
	for _, o := range off {
		highest = max(highest, o)
	}
	off2, ord2 := make([]int64, len(off)), make([]uint32, len(ord))
	from, to, fromOrd, toOrd := off, off2, ord, ord2
	for shift := 0; shift < bits.Len64(uint64(highest)); shift += digit {
		var count [1<<digit + 1]int
		for _, o := range from {
			count[o>>shift&(1<<digit-1)+1]++
		}
		for i := range 1 << digit {
			count[i+1] += count[i]
		}
		for i, o := range from {
			d := o >> shift & (1<<digit - 1)
			to[count[d]], toOrd[count[d]] = o, fromOrd[i]
			count[d]++
		}
		from, to, fromOrd, toOrd = to, from, toOrd, fromOrd
	}
	copy(off, from)
	copy(ord, fromOrd)
}
