// Package wire writes plain data as bytes and reads it again: the same steps do both, so
// that they cannot drift apart. There is no description in the bytes: who reads has to
// take the steps that who wrote took.
//
// Start with [Write] and [Read].
package wire

import (
	"encoding/binary"
	"math"

	"github.com/secretguard/secretguard/internal/scan/match/class"
)

// Coder writes data, or reads it, for one goroutine.
type Coder struct {
	reading bool
	bad     bool // what was read is damaged; the rest is zero
	in      string
	out     []byte

	classes map[class.Class]uint64 // class -> place in order
	order   []class.Class
}

// Write returns what steps write. Equal data gives equal bytes on every machine.
func Write(steps func(*Coder)) []byte {
	c := &Coder{classes: map[class.Class]uint64{}}
	steps(c)
	out := binary.AppendUvarint(nil, uint64(len(c.order)))
	for _, k := range c.order {
		for _, w := range k {
			out = binary.LittleEndian.AppendUint64(out, w)
		}
	}
	return append(out, c.out...)
}

// Read takes the steps that wrote the data; texts are pieces of it. It is false when
// the data is damaged, or holds more: then what was read is of no use. It never panics,
// and allocates no more than a few times the data.
func Read(data string, steps func(*Coder)) bool {
	c := &Coder{in: data, reading: true}
	c.order = make([]class.Class, c.count(0, 32))
	for i := range c.order {
		for w := range c.order[i] {
			c.order[i][w] = c.word()
		}
	}
	steps(c)
	return !c.bad && c.in == ""
}

// Reading reports whether it reads.
func (c *Coder) Reading() bool { return c.reading }

// Bad reports whether what was read is damaged.
func (c *Coder) Bad() bool { return c.bad }

// Check is for readers: what was read is damaged unless it holds.
func (c *Coder) Check(holds bool) { c.bad = c.bad || c.reading && !holds }

// Class codes a set of bytes, as its place in a table of all.
func (c *Coder) Class(k *class.Class) {
	n := uint64(0)
	if !c.reading {
		var ok bool
		if n, ok = c.classes[*k]; !ok {
			n = uint64(len(c.order))
			c.classes[*k] = n
			c.order = append(c.order, *k)
		}
	}
	if c.Uvarint(&n); !c.reading {
		return
	}
	if c.bad = c.bad || n >= uint64(len(c.order)); !c.bad {
		*k = c.order[n]
	}
}

// Texts codes a list of texts.
func (c *Coder) Texts(l *[]string) {
	n := c.count(len(*l), 1)
	if c.reading && n > 0 {
		*l = make([]string, n)
	}
	for i := range *l {
		c.Text(&(*l)[i])
	}
}

// Text codes a text. One that is read is a piece of the data.
func (c *Coder) Text(s *string) {
	n := c.count(len(*s), 1)
	if !c.reading {
		c.out = append(c.out, *s...)
		return
	}
	*s, c.in = c.in[:n], c.in[n:]
}

// List codes how many there are, and each. An empty list comes back as nil.
func List[T any](c *Coder, l *[]T, each func(*T)) {
	n := c.count(len(*l), 1)
	if c.reading && n > 0 {
		*l = make([]T, n)
	}
	for i := range *l {
		each(&(*l)[i])
	}
}

// count codes a number of things that take at least size bytes each.
func (c *Coder) count(n, size int) int {
	v := uint64(n)
	c.Uvarint(&v)
	if c.reading && v > uint64(len(c.in)/size) {
		c.bad, v = true, 0
	}
	return int(v)
}

// Number codes a number, small ones of either sign in few bytes.
func Number[T int | int32 | uint16](c *Coder, n *T) {
	v := uint64(int64(*n)<<1) ^ uint64(int64(*n)>>63) // zigzag: -1 is "no limit"
	c.Uvarint(&v)
	if c.reading {
		*n = T(int64(v>>1) ^ -int64(v&1))
	}
}

// Float codes a number with a fraction.
func (c *Coder) Float(f *float64) {
	v := math.Float64bits(*f)
	if c.reading {
		*f = math.Float64frombits(c.word())
		return
	}
	c.out = binary.LittleEndian.AppendUint64(c.out, v)
}

func (c *Coder) word() uint64 {
	if len(c.in) < 8 {
		c.bad, c.in = true, ""
		return 0
	}
	v := binary.LittleEndian.Uint64([]byte(c.in[:8]))
	c.in = c.in[8:]
	return v
}

// Flag codes a yes or no.
func (c *Coder) Flag(b *bool) {
	v := uint64(0)
	if *b {
		v = 1
	}
	c.Uvarint(&v)
	*b = v == 1
}

// Uvarint codes a number that is not below zero.
func (c *Coder) Uvarint(v *uint64) {
	if !c.reading {
		c.out = binary.AppendUvarint(c.out, *v)
		return
	}
	*v = 0
	for shift := 0; ; shift += 7 {
		if c.in == "" || shift > 63 {
			c.bad, c.in, *v = true, "", 0
			return
		}
		b := c.in[0]
		c.in = c.in[1:]
		*v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return
		}
	}
}
