package match

import (
	"bytes"
	"fmt"

	"github.com/secretguard/secretguard/internal/scan/match/codec"
	"github.com/secretguard/secretguard/internal/scan/match/span"
)

// decodedHit is what a hit in decoded text needs besides its place: its text
// stands nowhere in the original.
type decodedHit struct {
	secret, whole, line string
	tags                []string
	keyword             bool // the rule's keyword stands in the decoded text
}

// longLine is from which length on a line is cut for decoding.
const longLine = 1 << 16

// decode looks for encoded stretches in the lines that the parts touch, decodes
// each such line with its surroundings, and adds the hits in which something
// decoded takes part.
func (f *Finder) decode(text []byte, parts []span.Span, r *Record) {
	if f.set.depth == 0 {
		return
	}
	var owners span.Cover
	last := span.Span{Start: -1, End: -1}
	for _, p := range parts {
		l := lines(text, p)
		l.Start = max(l.Start, last.End)
		if l.Start < l.End {
			encoded(text, l, &owners)
			last = l
		}
	}
	for _, o := range owners.Spans {
		f.decodeLine(text, o, r)
	}
}

// lines widens a span to whole lines, as far as they are not too long.
func lines(text []byte, s span.Span) span.Span {
	from := max(0, s.Start-longLine)
	if i := bytes.LastIndexByte(text[from:s.Start], '\n'); i >= 0 {
		from += i + 1
	}
	to := min(len(text), s.End+longLine)
	if i := bytes.IndexByte(text[s.End:to], '\n'); i >= 0 {
		to = s.End + i
	}
	return span.Span{Start: from, End: to}
}

// encoded adds the line of every stretch in s that can be decoded.
func encoded(text []byte, s span.Span, owners *span.Cover) {
	codec.Each(text[s.Start:s.End], func(from, to int) int {
		l := lines(text, span.Span{Start: s.Start + from, End: s.Start + to})
		owners.Add(l)
		return l.End - s.Start
	})
}

// decodeLine decodes a line with its surroundings, layer by layer. When a match
// could go on behind the end of those, more is taken along.
func (f *Finder) decodeLine(text []byte, owner span.Span, r *Record) {
	beside := f.set.around
	for {
		g := lines(text, span.Span{Start: max(0, owner.Start-beside), End: min(len(text), owner.End+beside)})
		hits, cut := f.layers(text[g.Start:g.End], span.Span{Start: owner.Start - g.Start, End: owner.End - g.Start}, g.End < len(text))
		if cut {
			beside *= 4
			continue
		}
		n := region{start: int32(g.Start), end: int32(g.End), rule: coded, line: int32(owner.Start), first: int32(len(r.hits)), n: int32(len(hits))}
		for _, h := range hits {
			h.start, h.end, h.from, h.to = h.start+n.start, h.end+n.start, h.from+n.start, h.to+n.start
			r.hits = append(r.hits, h)
		}
		if n.n > 0 || n.end-n.start > reach {
			r.regions = append(r.regions, n)
		}
		return
	}
}

// layers returns the hits in every layer of a local text that something decoded
// of the owner's stretch takes part in. cut says that one might go on behind the
// local text, where more follows.
func (f *Finder) layers(local []byte, owner span.Span, more bool) (hits []hit, cut bool) {
	var passes [][]codec.Segment
	now := local
	for range f.set.depth {
		var segs []codec.Segment
		if now, segs = f.codec.Pass(now, passes); len(segs) == 0 {
			break
		}
		passes = append(passes, segs)
		found := Record{}
		if odd(now) {
			f.everywhere(now, &found)
		} else {
			f.collect(now, []span.Span{{Start: 0, End: len(now)}})
			for _, c := range f.cands {
				if more && c.possible && int(c.end) >= len(now) {
					return nil, true
				}
			}
			f.regions(now, &found)
			f.wholeRules(now, &found)
		}
		for _, h := range found.hits {
			if o, ok := f.decodedHit(now, h, passes, owner, len(local)); ok {
				hits = append(hits, o)
			}
		}
	}
	return hits, false
}

// decodedHit maps a hit to the original text; false when nothing decoded of the
// owner's stretch takes part in it: then the plain text has it, or another line.
func (f *Finder) decodedHit(now []byte, h hit, passes [][]codec.Segment, owner span.Span, size int) (hit, bool) {
	m := span.Span{Start: int(h.start), End: int(h.end)}
	segs := passes[len(passes)-1]
	kinds, line := codec.Encodings(0), span.Span{Start: -1, End: -1}
	var part []codec.Segment
	own := false
	for _, s := range segs {
		if s.Decoded.Touches(m) {
			own = own || s.Original.Start < owner.End && s.Original.End > owner.Start
			kinds |= s.Kinds
			part = append(part, s)
			if line.End < 0 {
				line = s.Decoded
			}
			line.End = max(line.End, s.Decoded.End)
		}
	}
	if !own {
		return hit{}, false
	}
	o := codec.Original(append(passes[:len(passes)-1:len(passes)-1], part), m)
	o = span.Span{Start: max(0, min(o.Start, size)), End: max(0, min(o.End, size))}
	c := f.set.rules[h.rule]
	around := lines(now, line)
	d := &decodedHit{
		secret: string(now[h.from:h.to]), whole: string(now[h.start:h.end]), line: string(now[around.Start:around.End]),
		tags: tagsOf(kinds, len(passes)), keyword: hasKeyword(c.Keywords, string(now)),
	}
	return hit{rule: h.rule, start: int32(o.Start), end: int32(o.End), from: int32(o.Start), to: int32(o.End), decoded: d}, true
}

// depthTag begins the tag of what was decoded; the number of layers follows, as with
// gitleaks.
const depthTag = "decode-depth:"

func tagsOf(kinds codec.Encodings, depth int) []string {
	var tags []string
	for _, name := range kinds.Names() {
		tags = append(tags, "decoded:"+name)
	}
	return append(tags, fmt.Sprintf("%s%d", depthTag, depth))
}
