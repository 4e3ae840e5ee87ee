package match

import (
	"bytes"
	"encoding/base64"
	"slices"
	"unicode/utf8"
)

// decoder finds encoded stretches of a text and replaces them by what they say:
// percent, unicode escapes, hexadecimal and base64, in this order of precedence,
// one layer a pass. The rules of what counts are those of gitleaks v8's
// detect/codec; it is written anew here because that one runs a regular
// expression over the whole text in each pass and logs what it decodes.
type decoder struct {
	found []coding
}

// encodings is a set of encodings.
type encodings uint8

const (
	percent encodings = 1 << iota
	unicodeEscape
	hexadecimal
	base64ed
)

var encodingNames = [...]string{"percent", "unicode", "hex", "base64"}

// coding is one encoded stretch.
type coding struct {
	kind       encodings
	start, end int
}

// segment is a stretch of decoded text.
type segment struct {
	encoded, decoded span // in the pass before, and in this one
	original         span // in the text as it was
	kinds            encodings
}

// byte classes of encoded text.
const (
	isHex = 1 << iota
	isWord64
	isLikely64
	isDigit
	isPrint
)

var codeClass = makeCodeClass()

func makeCodeClass() [256]uint8 {
	var t [256]uint8
	for i := range 256 {
		b := byte(i)
		digit := b >= '0' && b <= '9'
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
		if digit {
			t[i] |= isDigit
		}
		if digit || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F' {
			t[i] |= isHex
		}
		if digit || letter || b == '_' || b == '/' || b == '+' || b == '-' {
			t[i] |= isWord64
		}
		if digit || b == '_' || b == '/' || b == '+' || b == '-' {
			t[i] |= isLikely64
		}
		if b > '\x08' && b < '\x7f' {
			t[i] |= isPrint
		}
	}
	return t
}

func is(b byte, c uint8) bool { return codeClass[b]&c != 0 }

// shortest encoded stretches.
const (
	minHex    = 32
	minBase64 = 16
)

// find lists the encoded stretches of a text from left to right, those left out
// that touch one of higher precedence.
func (d *decoder) find(text []byte) []coding {
	d.found = d.found[:0]
	for i := 0; i < len(text); {
		c, next := codingAt(text, i)
		if c.kind != 0 {
			d.found = append(d.found, c)
		}
		i = next
	}
	if len(d.found) < 2 {
		return d.found
	}
	out := make([]coding, 0, len(d.found))
	for i, c := range d.found {
		if i > 0 && d.found[i-1].end >= c.start && d.found[i-1].kind < c.kind {
			continue
		}
		if i+1 < len(d.found) && c.end >= d.found[i+1].start && d.found[i+1].kind < c.kind {
			continue
		}
		out = append(out, c)
	}
	return out
}

// codingAt returns the stretch that starts at i, and where to look next.
func codingAt(text []byte, i int) (coding, int) {
	switch b := text[i]; {
	case b == '%':
		if escapedByte(text, i) {
			end := lastEscape(text, i)
			return coding{percent, i, end}, end
		}
		return coding{}, i + 1
	case b == '\\':
		if end := escapes(text, i); end > i {
			return coding{unicodeEscape, i, end}, end
		}
		return coding{}, i + 1
	case is(b, isWord64):
		return wordAt(text, i)
	}
	return coding{}, i + 1
}

// wordAt looks at a run of letters and digits. Within a short one, code points
// ("U+0041 ") may still stand.
func wordAt(text []byte, i int) (coding, int) {
	if end := codePoints(text, i); end > i {
		return coding{unicodeEscape, i, end}, end
	}
	end := i
	for end < len(text) && is(text[end], isHex) {
		end++
	}
	if end-i >= minHex {
		return coding{hexadecimal, i, end}, end
	}
	for end < len(text) && is(text[end], isWord64) {
		end++
	}
	if end-i < minBase64 {
		for k := i + 1; k < end; k++ {
			if text[k] == 'U' && codePoints(text, k) > k {
				return coding{}, k
			}
		}
		return coding{}, end
	}
	run := end
	for end < len(text) && end < run+2 && text[end] == '=' {
		end++
	}
	return coding{base64ed, i, end}, end
}

func escapedByte(text []byte, i int) bool {
	return i+2 < len(text) && text[i] == '%' && is(text[i+1], isHex) && is(text[i+2], isHex)
}

// lastEscape returns the end of the last escaped byte of the line: what stands
// between belongs to the stretch.
func lastEscape(text []byte, i int) int {
	line := len(text)
	if k := bytes.IndexByte(text[i:], '\n'); k >= 0 {
		line = i + k
	}
	for k := line - 3; k > i+2; k-- {
		if escapedByte(text, k) {
			return k + 3
		}
	}
	return i + 3
}

func fourHex(text []byte, i int) bool {
	return i+4 <= len(text) && is(text[i], isHex) && is(text[i+1], isHex) && is(text[i+2], isHex) && is(text[i+3], isHex)
}

// codePoints returns the end of a run of "U+0041 ", i when there is none.
func codePoints(text []byte, i int) int {
	for i+6 <= len(text) && text[i] == 'U' && text[i+1] == '+' && fourHex(text, i+2) {
		switch {
		case i+6 == len(text):
			return i + 6
		case bytes.IndexByte([]byte("\t\n\f\r "), text[i+6]) >= 0:
			i += 7
		default:
			return i
		}
	}
	return i
}

// escapes returns the end of a run of "A" or "\\u0041", i when there is none.
func escapes(text []byte, i int) int {
	for {
		k := i
		for k < len(text) && k < i+2 && text[k] == '\\' {
			k++
		}
		if k == i || k >= len(text) || text[k] != 'u' && text[k] != 'U' || !fourHex(text, k+1) {
			return i
		}
		i = k + 5
	}
}

// decode returns what an encoded stretch says; nil when it says nothing that is
// printable.
func (c coding) decode(text []byte) []byte {
	enc := text[c.start:c.end]
	switch c.kind {
	case percent:
		return decodePercent(enc)
	case unicodeEscape:
		return decodeUnicode(enc)
	case hexadecimal:
		return decodeHex(enc)
	default:
		return decodeBase64(enc)
	}
}

func nibble(b byte) byte {
	switch {
	case b <= '9':
		return b - '0'
	case b >= 'a':
		return b - 'a' + 10
	}
	return b - 'A' + 10
}

func decodePercent(enc []byte) []byte {
	out := make([]byte, 0, len(enc))
	for i := 0; i < len(enc); i++ {
		if escapedByte(enc, i) {
			b := nibble(enc[i+1])<<4 | nibble(enc[i+2])
			if !is(b, isPrint) {
				return nil
			}
			out = append(out, b)
			i += 2
			continue
		}
		out = append(out, enc[i])
	}
	return out
}

func decodeUnicode(enc []byte) []byte {
	var out []byte
	for i := 0; i < len(enc); i++ {
		marker := enc[i] == '+' || enc[i] == 'u' || enc[i] == 'U' && i+1 < len(enc) && enc[i+1] != '+'
		if !marker || !fourHex(enc, i+1) {
			continue
		}
		var r rune
		for _, b := range enc[i+1 : i+5] {
			r = r<<4 | rune(nibble(b))
		}
		out = utf8.AppendRune(out, r)
		i += 4
	}
	return out
}

func decodeHex(enc []byte) []byte {
	if len(enc)%2 != 0 || !any64(enc, isDigit) {
		return nil
	}
	out := make([]byte, len(enc)/2)
	for i := range out {
		b := nibble(enc[2*i])<<4 | nibble(enc[2*i+1])
		if !is(b, isPrint) {
			return nil
		}
		out[i] = b
	}
	return out
}

func any64(enc []byte, c uint8) bool {
	for _, b := range enc {
		if is(b, c) {
			return true
		}
	}
	return false
}

// decodeBase64 takes the standard alphabet with padding, or the one for URLs
// without. Long names in code look like base64: the first bytes tell them apart
// without decoding the rest.
func decodeBase64(enc []byte) []byte {
	if !any64(enc, isLikely64) {
		return nil
	}
	for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
		var head [3]byte
		if len(enc) > 4 {
			if _, err := alphabet.Decode(head[:], enc[:4]); err != nil || !printable(head[:]) {
				continue
			}
		}
		out := make([]byte, alphabet.DecodedLen(len(enc)))
		n, err := alphabet.Decode(out, enc)
		if err == nil && printable(out[:n]) {
			return out[:n]
		}
	}
	return nil
}

func printable(b []byte) bool {
	for _, c := range b {
		if !is(c, isPrint) {
			return false
		}
	}
	return true
}

// pass decodes one layer. passes are the segments of the passes before; text is
// what the last one returned. No segments means that nothing was left to decode.
func (d *decoder) pass(text []byte, passes [][]segment) ([]byte, []segment) {
	var segs []segment
	var out []byte
	last := 0
	for _, c := range d.find(text) {
		plain := c.decode(text)
		if len(plain) == 0 {
			continue
		}
		out = append(out, text[last:c.start]...)
		s := segment{
			encoded: span{c.start, c.end}, decoded: span{len(out), len(out) + len(plain)},
			original: toOriginal(passes, span{c.start, c.end}), kinds: c.kind,
		}
		if n := len(passes); n > 0 {
			for _, p := range passes[n-1] {
				if touch(s.encoded, p.decoded) {
					s.kinds |= p.kinds
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

// touch reports whether two stretches overlap or meet.
func touch(a, b span) bool { return b.start <= a.end && b.end >= a.start }

// toOriginal maps a stretch of text after the last of some passes to the text
// before the first. A stretch within one segment is all of what the segment was;
// one that sticks out keeps what sticks out.
func toOriginal(passes [][]segment, s span) span {
	for _, segs := range slices.Backward(passes) {
		encoded := span{-1, -1}
		for _, p := range segs {
			if !touch(p.decoded, s) {
				continue
			}
			if p.decoded.start <= s.start && s.end <= p.decoded.end {
				return p.original
			}
			e := span{p.encoded.start + min(0, s.start-p.decoded.start), p.encoded.end + max(0, s.end-p.decoded.end)}
			if encoded.end < 0 {
				encoded = e
			} else {
				encoded = span{min(encoded.start, e.start), max(encoded.end, e.end)}
			}
		}
		if encoded.end < 0 {
			return s
		}
		s = encoded
	}
	return s
}
