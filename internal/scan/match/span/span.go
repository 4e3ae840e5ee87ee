// Package span is about stretches of a text: what touches, and what was looked at.
package span

import (
	"cmp"
	"slices"
)

// Span is a stretch of text: the bytes from Start up to End.
type Span struct{ Start, End int }

// Touches reports whether two stretches overlap or meet.
func (s Span) Touches(o Span) bool { return o.Start <= s.End && o.End >= s.Start }

// Cover is a set of bytes, as sorted spans that do not touch. The zero value is empty;
// it is used by one goroutine.
type Cover struct{ Spans []Span }

// Reset empties the set and keeps its memory.
func (c *Cover) Reset() { c.Spans = c.Spans[:0] }

// Add adds a span and returns the parts of it that were not in the set.
func (c *Cover) Add(s Span) []Span {
	if s.Start >= s.End {
		return nil
	}
	i, _ := slices.BinarySearchFunc(c.Spans, s.Start, func(o Span, at int) int { return cmp.Compare(o.End, at) })
	var free []Span
	at, joined, k := s.Start, s, i
	for ; k < len(c.Spans) && c.Spans[k].Start <= s.End; k++ {
		o := c.Spans[k]
		if at < o.Start {
			free = append(free, Span{at, o.Start})
		}
		at = max(at, o.End)
		joined.Start, joined.End = min(joined.Start, o.Start), max(joined.End, o.End)
	}
	if at < s.End {
		free = append(free, Span{at, s.End})
	}
	c.Spans = slices.Replace(c.Spans, i, k, joined)
	return free
}

// Join sorts spans, in place, and joins those that touch.
func Join(list []Span) []Span {
	slices.SortFunc(list, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	out := list[:0]
	for _, s := range list {
		if n := len(out); n > 0 && s.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, s.End)
			continue
		}
		out = append(out, s)
	}
	return out
}
