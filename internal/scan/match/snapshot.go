package match

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// snapshotMagic names the format; it changes with everything that Compile works
// out.
const snapshotMagic = "secretguard.rules/2\n"

// ErrSnapshot is a snapshot that is damaged or of another format.
var ErrSnapshot = errors.New("not a snapshot of rules of this version")

// Snapshot returns all that Compile has worked out. Restoring it takes a tenth of
// the time: a hook over ten lines must not pay for the analysis of two hundred
// expressions. Equal rules give equal bytes on every machine.
func (s *Set) Snapshot() []byte {
	c := &coder{classes: map[class]uint64{}}
	c.set(s)
	out := []byte(snapshotMagic)
	out = binary.AppendUvarint(out, uint64(len(c.order)))
	for _, k := range c.order {
		for _, w := range k {
			out = binary.LittleEndian.AppendUint64(out, w)
		}
	}
	return append(out, c.out...)
}

// Restore returns the set of a snapshot. Its strings are pieces of data. The
// snapshot is part of the program: its expressions are not checked again.
func Restore(data string) (*Set, error) {
	if len(data) < len(snapshotMagic) || data[:len(snapshotMagic)] != snapshotMagic {
		return nil, ErrSnapshot
	}
	c := &coder{in: data[len(snapshotMagic):], reading: true}
	c.order = make([]class, c.count(0, 32))
	for i := range c.order {
		for w := range c.order[i] {
			c.order[i][w] = c.word()
		}
	}
	s := &Set{commits: map[string]bool{}}
	c.set(s)
	if c.bad || c.in != "" {
		return nil, fmt.Errorf("%w: it is damaged", ErrSnapshot)
	}
	s.named(s.globalList)
	for _, r := range s.rules {
		s.named(r.Allowlists)
	}
	return s, nil
}

// coder writes a set, or reads one: the same steps for both, so that they cannot
// drift apart.
type coder struct {
	reading bool
	bad     bool // what was read is damaged; the rest is zero
	in      string
	out     []byte

	classes map[class]uint64 // class -> place in order
	order   []class
}

func (c *coder) set(s *Set) {
	c.text(&s.hash)
	number(c, &s.depth)
	number(c, &s.around)
	c.flag(&s.anyName)
	list(c, &s.globalList, c.allowlist)
	list(c, &s.rules, func(r **compiled) {
		if c.reading {
			*r = &compiled{}
		}
		c.rule(*r)
	})
	for _, l := range []*[]int32{&s.whole, &s.pathOnly} {
		list(c, l, func(n *int32) { number(c, n) })
	}
	list(c, &s.gates, func(g *gate) { number(c, &g.rule) })
	c.filter(&s.filter)
	c.filter(&s.names)
}

func (c *coder) rule(r *compiled) {
	for _, t := range []*string{&r.ID, &r.Description, &r.Regex, &r.Path, (*string)(&r.Kind), (*string)(&r.Part), &r.Severity, &r.Link} {
		c.text(t)
	}
	number(c, &r.SecretGroup)
	c.float(&r.Entropy)
	c.texts(&r.Keywords)
	list(c, &r.Allowlists, c.allowlist)
	c.texts(&r.Tags)
	list(c, &r.Required, func(q *Required) {
		c.text(&q.Rule)
		number(c, &q.WithinLines)
		number(c, &q.WithinColumns)
	})
	c.flag(&r.SkipReport)
	c.flag(&r.Own)
	c.flag(&r.Context)
	c.flag(&r.anchored)
	number(c, &r.plan.back)
	c.class(&r.plan.backClass)
	c.flag(&r.inRuns)
	c.class(&r.runs.class)
	number(c, &r.runs.shortest)
	number(c, &r.runs.around)
	list(c, &r.required, func(n *int32) { number(c, n) })
	c.texts(&r.ungated)
}

func (c *coder) allowlist(a *Allowlist) {
	c.flag(&a.All)
	c.texts(&a.Commits)
	c.texts(&a.Paths)
	c.texts(&a.Regexes)
	c.text(&a.RegexTarget)
	c.texts(&a.StopWords)
}

func (c *coder) filter(p **filter) {
	there := *p != nil
	if c.flag(&there); !there {
		return
	}
	if c.reading {
		*p = &filter{}
	}
	f := *p
	list(c, &f.anchors, func(t *target) {
		list(c, (*[]class)(&t.classes), c.class)
		list(c, &t.rules, func(n *int32) { number(c, n) })
	})
	list(c, &f.buckets, func(b *[]probe) {
		list(c, b, func(p *probe) {
			number(c, &p.anchor)
			number(c, &p.at)
			c.bad = c.bad || c.reading && (int(p.anchor) >= len(f.anchors) || p.anchor < 0)
		})
	})
	for i := 0; i < len(f.table); { // mostly zeros: pairs of a gap and what follows it
		gap := uint64(0)
		for !c.reading && i < len(f.table) && f.table[i] == 0 {
			i++
			gap++
		}
		c.uvarint(&gap)
		if c.reading {
			i += int(min(gap, uint64(len(f.table))))
		}
		if i < len(f.table) {
			number(c, &f.table[i])
			c.bad = c.bad || int(f.table[i]) >= len(f.buckets)
			i++
		}
		if c.bad {
			return
		}
	}
}

func (c *coder) class(k *class) {
	n := uint64(0)
	if !c.reading {
		var ok bool
		if n, ok = c.classes[*k]; !ok {
			n = uint64(len(c.order))
			c.classes[*k] = n
			c.order = append(c.order, *k)
		}
	}
	if c.uvarint(&n); !c.reading {
		return
	}
	if c.bad = c.bad || n >= uint64(len(c.order)); !c.bad {
		*k = c.order[n]
	}
}

func (c *coder) texts(l *[]string) { list(c, l, c.text) }

func (c *coder) text(s *string) {
	n := c.count(len(*s), 1)
	if !c.reading {
		c.out = append(c.out, *s...)
		return
	}
	*s, c.in = c.in[:n], c.in[n:]
}

// list codes how many there are, and each. An empty list comes back as nil.
func list[T any](c *coder, l *[]T, each func(*T)) {
	n := c.count(len(*l), 1)
	if c.reading && n > 0 {
		*l = make([]T, n)
	}
	for i := range *l {
		each(&(*l)[i])
	}
}

// count codes a number of things that take at least size bytes each.
func (c *coder) count(n, size int) int {
	v := uint64(n)
	c.uvarint(&v)
	if c.reading && v > uint64(len(c.in)/size) {
		c.bad, v = true, 0
	}
	return int(v)
}

func number[T int | int32 | uint16](c *coder, n *T) {
	v := uint64(int64(*n)<<1) ^ uint64(int64(*n)>>63) // zigzag: -1 is "no limit"
	c.uvarint(&v)
	if c.reading {
		*n = T(int64(v>>1) ^ -int64(v&1))
	}
}

func (c *coder) float(f *float64) {
	v := math.Float64bits(*f)
	if c.reading {
		*f = math.Float64frombits(c.word())
		return
	}
	c.out = binary.LittleEndian.AppendUint64(c.out, v)
}

func (c *coder) word() uint64 {
	if len(c.in) < 8 {
		c.bad, c.in = true, ""
		return 0
	}
	v := binary.LittleEndian.Uint64([]byte(c.in[:8]))
	c.in = c.in[8:]
	return v
}

func (c *coder) flag(b *bool) {
	v := uint64(0)
	if *b {
		v = 1
	}
	c.uvarint(&v)
	*b = v == 1
}

func (c *coder) uvarint(v *uint64) {
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
