package match

import (
	"bytes"
	"fmt"
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
func (f *Finder) decode(text []byte, parts []span, r *Record) {
	if f.set.depth == 0 {
		return
	}
	var owners cover
	last := span{-1, -1}
	for _, p := range parts {
		l := lines(text, p)
		l.start = max(l.start, last.end)
		if l.start < l.end {
			encoded(text, l, &owners)
			last = l
		}
	}
	for _, o := range owners.spans {
		f.decodeLine(text, o, r)
	}
}

// lines widens a span to whole lines, as far as they are not too long.
func lines(text []byte, s span) span {
	from := max(0, s.start-longLine)
	if i := bytes.LastIndexByte(text[from:s.start], '\n'); i >= 0 {
		from += i + 1
	}
	to := min(len(text), s.end+longLine)
	if i := bytes.IndexByte(text[s.end:to], '\n'); i >= 0 {
		to = s.end + i
	}
	return span{from, to}
}

// encoded adds the line of every stretch in s that can be decoded. It may name
// too many, never too few.
func encoded(text []byte, s span, owners *cover) {
	part := text[s.start:s.end]
	add := func(from, to int) int {
		l := lines(text, span{s.start + from, s.start + to})
		owners.add(l)
		return l.end - s.start
	}
	for i := 0; i < len(part); { // percent
		k := bytes.IndexByte(part[i:], '%')
		if k < 0 {
			break
		}
		i += k
		if escapedByte(part, i) && is(nibble(part[i+1])<<4|nibble(part[i+2]), isPrint) {
			i = add(i, i+3)
		}
		i++
	}
	for i := 0; i < len(part); { // unicode escapes
		k := bytes.IndexByte(part[i:], '\\')
		if k < 0 {
			break
		}
		i += k
		if escapes(part, i) > i {
			i = add(i, i+1)
		}
		i++
	}
	for i := 0; i < len(part); { // code points
		k := bytes.Index(part[i:], []byte("U+"))
		if k < 0 {
			break
		}
		i += k
		if fourHex(part, i+2) {
			i = add(i, i+1)
		}
		i++
	}
	runs64(part, add)
}

// runs64 calls add for each run of letters and digits that may say something.
// Runs are at least sixteen long: every sixteenth byte lies in one.
func runs64(part []byte, add func(from, to int) int) {
	for i := minBase64 - 1; i < len(part); i += minBase64 {
		if !is(part[i], isWord64) {
			continue
		}
		from, to := i, i+1
		for from > 0 && is(part[from-1], isWord64) {
			from--
		}
		for to < len(part) && is(part[to], isWord64) {
			to++
		}
		if to-from >= minBase64 && decodable(part, from, to) {
			to = add(from, to)
		}
		i = max(i, to-1)
	}
}

// decodable reports whether a run of letters and digits may say something. What
// an escape before it or digits at its start take away is tried both ways.
func decodable(text []byte, from, to int) bool {
	if decodableFrom(text, from, to) {
		return true
	}
	switch {
	case from > 0 && text[from-1] == '%':
		return decodableFrom(text, from+2, to)
	case from > 0 && text[from-1] == '\\':
		return decodableFrom(text, from+5, to)
	}
	return false
}

func decodableFrom(text []byte, from, to int) bool {
	end := from
	for end < to && is(text[end], isHex) {
		end++
	}
	if end-from >= minHex {
		if decodeHex(text[from:end]) != nil {
			return true
		}
		from = end
	}
	if to-from < minBase64 {
		return false
	}
	padded := to
	for padded < len(text) && padded < to+2 && text[padded] == '=' {
		padded++
	}
	return decodeBase64(text[from:padded]) != nil
}

// decodeLine decodes a line with its surroundings, layer by layer. When a match
// could go on behind the end of those, more is taken along.
func (f *Finder) decodeLine(text []byte, owner span, r *Record) {
	beside := f.set.around
	for {
		g := lines(text, span{max(0, owner.start-beside), min(len(text), owner.end+beside)})
		hits, cut := f.layers(text[g.start:g.end], span{owner.start - g.start, owner.end - g.start}, g.end < len(text))
		if cut {
			beside *= 4
			continue
		}
		n := region{start: int32(g.start), end: int32(g.end), rule: coded, line: int32(owner.start), first: int32(len(r.hits)), n: int32(len(hits))}
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
func (f *Finder) layers(local []byte, owner span, more bool) (hits []hit, cut bool) {
	var passes [][]segment
	now := local
	for range f.set.depth {
		var segs []segment
		if now, segs = f.codec.pass(now, passes); len(segs) == 0 {
			break
		}
		passes = append(passes, segs)
		found := Record{}
		if odd(now) {
			f.everywhere(now, &found)
		} else {
			f.collect(now, []span{{0, len(now)}})
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
func (f *Finder) decodedHit(now []byte, h hit, passes [][]segment, owner span, size int) (hit, bool) {
	m := span{int(h.start), int(h.end)}
	segs := passes[len(passes)-1]
	kinds, line := encodings(0), span{-1, -1}
	var part []segment
	own := false
	for _, s := range segs {
		if touch(s.decoded, m) {
			own = own || s.original.start < owner.end && s.original.end > owner.start
			kinds |= s.kinds
			part = append(part, s)
			if line.end < 0 {
				line = s.decoded
			}
			line.end = max(line.end, s.decoded.end)
		}
	}
	if !own {
		return hit{}, false
	}
	o := toOriginal(append(passes[:len(passes)-1:len(passes)-1], part), m)
	o = span{max(0, min(o.start, size)), max(0, min(o.end, size))}
	c := f.set.rules[h.rule]
	around := lines(now, line)
	d := &decodedHit{
		secret: string(now[h.from:h.to]), whole: string(now[h.start:h.end]), line: string(now[around.start:around.end]),
		tags: tagsOf(kinds, len(passes)), keyword: hasKeyword(c.Keywords, string(now)),
	}
	return hit{rule: h.rule, start: int32(o.start), end: int32(o.end), from: int32(o.start), to: int32(o.end), decoded: d}, true
}

func tagsOf(kinds encodings, depth int) []string {
	var tags []string
	for i, name := range encodingNames {
		if kinds>>i&1 == 1 {
			tags = append(tags, "decoded:"+name)
		}
	}
	return append(tags, fmt.Sprintf("decode-depth:%d", depth))
}
