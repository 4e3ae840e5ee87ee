// Package forest sees a pack as trees of deltas: what hangs below what, and how much of
// it is wanted. It reads headers, and rebuilds nothing.
package forest

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"

	"github.com/secretguard/secretguard/internal/scan/pack/object"
	"github.com/secretguard/secretguard/internal/scan/pack/packfile"
)

// Forest is a pack seen as trees: each object that is stored whole is a root, and
// each delta hangs below its base. Nodes are in the order of the pack.
type Forest struct {
	// By node: sizes of the streams, of an object or a delta, in bytes; bases, NoBase for
	// a root; kinds of the trees' roots, 0 where no root is reached; first children, and
	// next siblings.
	Size  []int64
	Base  []int32
	Kind  []object.Kind
	First []int32
	Next  []int32
	Ext   map[int32]object.ID // roots that are deltas of an object elsewhere
	// Weight is how many wanted objects a node has in its subtree, itself included. It
	// is nil until Weigh.
	Weight []int32
	Order  []int32 // parents before children, all roots first

	p    *packfile.File
	off  []int64 // where the node's header starts, ascending
	data []uint8 // length of the header
	ord  []uint32
	told int // nodes that are reported as lost already

	outside Outside
}

// Outside is what a pack does not hold.
type Outside interface {
	// KindOf finds an object in other packs; false when it is not there.
	KindOf(id object.ID) (object.Kind, bool, error)
	// Problem is told of what cannot be read.
	Problem(object.Problem)
}

// NoBase is the node of no base, and the end of a list of siblings.
const NoBase = int32(-1)

// Plant reads the header of every object of a pack.
func Plant(p *packfile.File, outside Outside) (*Forest, error) {
	f := &Forest{
		p: p, off: make([]int64, p.N), ord: make([]uint32, p.N), data: make([]uint8, p.N), Size: make([]int64, p.N),
		Base: make([]int32, p.N), Kind: make([]object.Kind, p.N), First: make([]int32, p.N), Next: make([]int32, p.N), Ext: map[int32]object.ID{},
		outside: outside,
	}
	for i := range p.N {
		off, err := p.Offset(i)
		if err != nil {
			return nil, err
		}
		f.off[i], f.ord[i] = off, uint32(i)
	}
	sortByOffset(f.off, f.ord)
	for i := 1; i < p.N; i++ {
		if f.off[i] == f.off[i-1] {
			return nil, fmt.Errorf("%w: two objects at one place of the pack", object.ErrDamaged)
		}
	}
	byName := map[int32]object.ID{}
	lost := 0
	for i := range p.N {
		f.First[i], f.Next[i], f.Base[i] = NoBase, NoBase, NoBase
		e, err := p.EntryAt(f.off[i])
		if err != nil {
			lost++
			continue
		}
		f.data[i], f.Size[i] = uint8(e.Data-f.off[i]), e.Size
		switch e.Kind {
		case object.OfsDelta:
			if f.Base[i] = f.find(i, e.Base); f.Base[i] == NoBase {
				lost++
			}
		case object.RefDelta:
			byName[int32(i)] = e.BaseID
		default:
			f.Kind[i] = e.Kind
		}
	}
	if f.told = lost; lost > 0 {
		outside.Problem(object.Problem{What: "object", Why: "its header in the pack is damaged", Example: p.FileName(), Objects: lost})
	}
	f.resolve(byName)
	f.hang()
	return f, nil
}

// find returns the node at an offset before node i.
func (f *Forest) find(i int, off int64) int32 {
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
	return NoBase
}

// resolve finds the bases that are given by name.
func (f *Forest) resolve(byName map[int32]object.ID) {
	if len(byName) == 0 {
		return
	}
	node := make([]int32, f.p.N) // place in the index -> node
	for i, o := range f.ord {
		node[o] = int32(i)
	}
	for i, id := range byName {
		if k, ok := f.p.Find(id); ok {
			f.Base[i] = node[k]
			continue
		}
		// The base of a thin pack lies in another one, or nowhere.
		kind, there, err := f.outside.KindOf(id)
		if !there {
			f.told++
			f.outside.Problem(object.Problem{What: "object", Why: "the base of its delta is missing", Example: id.String(), Objects: 1})
			continue
		}
		if err != nil {
			f.told++
			f.outside.Problem(object.Problem{What: "object", Why: "the base of its delta cannot be read", Example: id.String(), Objects: 1})
			continue
		}
		f.Ext[i], f.Kind[i] = id, kind
	}
}

// hang links children to parents and orders the nodes from the roots down. What
// no root reaches hangs on a damaged node or in a circle.
func (f *Forest) hang() {
	for i := f.p.N - 1; i >= 0; i-- {
		if b := f.Base[i]; b != NoBase {
			f.Next[i] = f.First[b]
			f.First[b] = int32(i)
		}
	}
	f.Order = make([]int32, 0, f.p.N)
	for i := range f.Kind {
		if f.Base[i] == NoBase && f.Kind[i] != 0 {
			f.Order = append(f.Order, int32(i))
		}
	}
	for k := 0; k < len(f.Order); k++ {
		i := f.Order[k]
		for c := f.First[i]; c != NoBase; c = f.Next[c] {
			f.Kind[c] = f.Kind[i]
			f.Order = append(f.Order, c)
		}
	}
	if lost := f.p.N - len(f.Order) - f.told; lost > 0 {
		f.outside.Problem(object.Problem{What: "object", Why: "its delta has no base that can be read", Example: f.p.FileName(), Objects: lost})
	}
}

// Weigh counts the wanted objects of each subtree.
func (f *Forest) Weigh(wanted func(object.Ref, object.Kind) bool) {
	f.Weight = make([]int32, f.p.N)
	for _, i := range slices.Backward(f.Order) {
		if wanted(f.Ref(i), f.Kind[i]) {
			f.Weight[i]++
		}
		if b := f.Base[i]; b != NoBase {
			f.Weight[b] += f.Weight[i]
		}
	}
}

// Ref is the object of a node.
func (f *Forest) Ref(i int32) object.Ref { return f.p.Base + object.Ref(f.ord[i]) }

// ID is the name of the object of a node.
func (f *Forest) ID(i int32) object.ID { return f.p.ID(int(f.ord[i])) }

// Stream is the compressed bytes of a node, and what follows them.
func (f *Forest) Stream(i int32) []byte {
	return f.p.Objects()[f.off[i]+int64(f.data[i]):]
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
