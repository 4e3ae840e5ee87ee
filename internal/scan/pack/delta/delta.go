// Package delta rebuilds objects that are stored as the difference to another
// (gitformat-pack, "Deltified representation").
package delta

import (
	"fmt"

	"github.com/secretguard/secretguard/internal/scan/pack/object"
)

// Op is one piece of a delta: Len bytes of the object at Dst that are the bytes
// of its base at Src, or new ones when Src is negative.
type Op struct{ Dst, Src, Len int32 }

// Copied reports whether the piece comes from the base.
func (o Op) Copied() bool { return o.Src >= 0 }

// Sizes reads the two sizes that a delta starts with, in bytes: of the base and of what
// is made of it; rest is what follows them.
func Sizes(d []byte) (src, dst int64, rest []byte, err error) {
	read := func() int64 {
		var n int64
		for shift := uint(0); ; shift += 7 {
			if len(d) == 0 || shift > 56 {
				err = fmt.Errorf("%w: a delta's size is cut", object.ErrDamaged)
				return 0
			}
			c := d[0]
			d = d[1:]
			n |= int64(c&0x7f) << shift
			if c&0x80 == 0 {
				return n
			}
		}
	}
	src = read()
	dst = read()
	return src, dst, d, err
}

// ErrRange means that a delta belongs to another base, or is damaged.
var ErrRange = fmt.Errorf("%w: a delta points out of its base", object.ErrDamaged)

// Apply rebuilds dst, which has the announced size, from base and the delta
// without its sizes, and appends the pieces to ops. Neighbouring pieces that are
// one run of the base become one: git cuts long copies.
func Apply(dst, base, delta []byte, ops []Op) ([]Op, error) {
	out := 0
	for i := 0; i < len(delta); {
		c := delta[i]
		i++
		if c == 0 {
			return ops, fmt.Errorf("%w: a delta has an unknown instruction", object.ErrDamaged)
		}
		if c&0x80 == 0 { // new bytes
			n := int(c)
			if i+n > len(delta) || out+n > len(dst) {
				return ops, ErrRange
			}
			copy(dst[out:], delta[i:i+n])
			ops = appendOp(ops, Op{int32(out), -1, int32(n)})
			i += n
			out += n
			continue
		}
		var off, n int
		for bit := range 7 {
			if c>>bit&1 == 0 {
				continue
			}
			if i == len(delta) {
				return ops, ErrRange
			}
			if bit < 4 {
				off |= int(delta[i]) << (8 * bit)
			} else {
				n |= int(delta[i]) << (8 * (bit - 4))
			}
			i++
		}
		if n == 0 {
			n = 0x10000
		}
		if off+n > len(base) || out+n > len(dst) {
			return ops, ErrRange
		}
		copy(dst[out:], base[off:off+n])
		ops = appendOp(ops, Op{int32(out), int32(off), int32(n)})
		out += n
	}
	if out != len(dst) {
		return ops, ErrRange
	}
	return ops, nil
}

func appendOp(ops []Op, o Op) []Op {
	if k := len(ops) - 1; k >= 0 {
		last := &ops[k]
		if !o.Copied() && !last.Copied() || o.Copied() && last.Copied() && last.Src+last.Len == o.Src {
			last.Len += o.Len
			return ops
		}
	}
	return append(ops, o)
}
