// Package codec finds encoded stretches of a text and replaces them by what they say:
// percent, unicode escapes, hexadecimal and base64, in this order of precedence,
// one layer a pass. The rules of what counts are those of gitleaks v8's
// detect/codec; it is written anew here because that one runs a regular
// expression over the whole text in each pass and logs what it decodes.
//
// Start with [Each], which says quickly where something can be decoded, and
// [Decoder.Pass], which decodes.
package codec

import "bytes"

// Decoder decodes texts, for one goroutine. The zero value is ready.
type Decoder struct {
	found []coding
}

// Encodings is a set of encodings.
type Encodings uint8

const (
	percent Encodings = 1 << iota
	unicodeEscape
	hexadecimal
	base64ed
)

var encodingNames = [...]string{"percent", "unicode", "hex", "base64"}

// Names lists the encodings in a fixed order, as gitleaks names them.
func (e Encodings) Names() []string {
	var out []string
	for i, name := range encodingNames {
		if e>>i&1 == 1 {
			out = append(out, name)
		}
	}
	return out
}

// coding is one encoded stretch.
type coding struct {
	kind       Encodings
	start, end int
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
func (d *Decoder) find(text []byte) []coding {
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
