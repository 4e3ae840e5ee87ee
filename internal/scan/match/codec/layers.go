package codec

import (
	"slices"

	"github.com/secretguard/secretguard/internal/scan/match/span"
)

// Segment is a stretch of decoded text.
type Segment struct {
	Encoded, Decoded span.Span // in the pass before, and in this one
	Original         span.Span // in the text as it was
	Kinds            Encodings
}

// Pass decodes one layer. passes are the segments of the passes before; text is
// what the last one returned. No segments means that nothing was left to decode.
func (d *Decoder) Pass(text []byte, passes [][]Segment) ([]byte, []Segment) {
	var segs []Segment
	var out []byte
	last := 0
	for _, c := range d.find(text) {
		plain := c.decode(text)
		if len(plain) == 0 {
			continue
		}
		out = append(out, text[last:c.start]...)
		s := Segment{
			Encoded: span.Span{Start: c.start, End: c.end}, Decoded: span.Span{Start: len(out), End: len(out) + len(plain)},
			Original: Original(passes, span.Span{Start: c.start, End: c.end}), Kinds: c.kind,
		}
		if n := len(passes); n > 0 {
			for _, p := range passes[n-1] {
				if s.Encoded.Touches(p.Decoded) {
					s.Kinds |= p.Kinds
				}
			}
		}
		out = append(out, plain...)
		last = c.end
		segs = append(segs, s)
	}
	if len(segs) == 0 {
		return text, nil
	}
	return append(out, text[last:]...), segs
}

// Original maps a stretch of text after the last of some passes to the text
// before the first. A stretch within one segment is all of what the segment was;
// one that sticks out keeps what sticks out.
func Original(passes [][]Segment, s span.Span) span.Span {
	for _, segs := range slices.Backward(passes) {
		encoded := span.Span{Start: -1, End: -1}
		for _, p := range segs {
			if !p.Decoded.Touches(s) {
				continue
			}
			if p.Decoded.Start <= s.Start && s.End <= p.Decoded.End {
				return p.Original
			}
			e := span.Span{Start: p.Encoded.Start + min(0, s.Start-p.Decoded.Start), End: p.Encoded.End + max(0, s.End-p.Decoded.End)}
			if encoded.End < 0 {
				encoded = e
			} else {
				encoded = span.Span{Start: min(encoded.Start, e.Start), End: max(encoded.End, e.End)}
			}
		}
		if encoded.End < 0 {
			return s
		}
		s = encoded
	}
	return s
}
