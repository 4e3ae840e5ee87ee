package filter

import (
	"github.com/secretguard/secretguard/internal/scan/match/class"
	"github.com/secretguard/secretguard/internal/scan/match/wire"
)

// Code writes or reads a filter, which may be nil.
func Code(c *wire.Coder, p **Filter) {
	there := *p != nil
	if c.Flag(&there); !there {
		return
	}
	if c.Reading() {
		*p = &Filter{}
	}
	f := *p
	wire.List(c, &f.anchors, func(t *target) {
		wire.List(c, (*[]class.Class)(&t.classes), c.Class)
		wire.List(c, &t.rules, func(n *int32) { wire.Number(c, n) })
	})
	wire.List(c, &f.buckets, func(b *[]probe) {
		wire.List(c, b, func(p *probe) {
			wire.Number(c, &p.anchor)
			wire.Number(c, &p.at)
			c.Check(p.anchor >= 0 && int(p.anchor) < len(f.anchors))
		})
	})
	for i := 0; i < len(f.table); { // mostly zeros: pairs of a gap and what follows it
		gap := uint64(0)
		for !c.Reading() && i < len(f.table) && f.table[i] == 0 {
			i++
			gap++
		}
		c.Uvarint(&gap)
		if c.Reading() {
			i += int(min(gap, uint64(len(f.table))))
		}
		if i < len(f.table) {
			wire.Number(c, &f.table[i])
			c.Check(int(f.table[i]) < len(f.buckets))
			i++
		}
		if c.Bad() {
			return
		}
	}
}
