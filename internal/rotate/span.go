package rotate

import "time"

// Span is a time in which we ourselves used the old key, to see whether it works: its
// issuer records that as it records any use.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// SpanOf is a span in whole seconds, so that it survives a trip through any JSON tool.
func SpanOf(from, to time.Time) Span {
	return Span{from.UTC().Truncate(time.Second), to.UTC().Add(time.Second).Truncate(time.Second)}
}

// Join returns the span over both; nil stands for none.
func (s *Span) Join(o *Span) *Span {
	switch {
	case s == nil:
		return o
	case o == nil:
		return s
	}
	out := *s
	if o.From.Before(out.From) {
		out.From = o.From
	}
	if o.To.After(out.To) {
		out.To = o.To
	}
	return &out
}

// off is how far an issuer's clock may be from ours for a use still to be ours.
const off = 2 * time.Second

// Covers reports whether a use on record can be one of the span. Some records are to
// the minute.
func (s Span) Covers(at time.Time) bool {
	return !at.Before(s.From.Add(-off).Truncate(time.Minute)) && !at.After(s.To.Add(off))
}
