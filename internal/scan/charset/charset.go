// Package charset tells text from other bytes and makes UTF-8 of it: editors and
// shells on Windows write UTF-16. Start with [Text].
package charset

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// probe is how many bytes decide whether data is text: as many as git looks at
// (buffer_is_binary in git's xdiff-interface.c).
const probe = 8000

// Plain reports whether data is text as it is: without a NUL byte in its first 8000
// bytes, as git decides. It reads only its argument.
func Plain(data []byte) bool { return bytes.IndexByte(data[:min(len(data), probe)], 0) < 0 }

// Text returns data as UTF-8 text, or false when it is no text. UTF-16 and UTF-32,
// with a byte order mark or clearly so without one, are converted; everything else
// is returned as it is. Lines are those of the file; columns and offsets count
// bytes of what is returned. A unit that stands for no character becomes U+FFFD.
//
// The text is data itself, or lies in buf when that is large enough. Text reads
// only its arguments and may be called from many goroutines.
func Text(data, buf []byte) ([]byte, bool) {
	if Plain(data) { // in wide text a blank or a line end has a NUL byte
		return data, true
	}
	f := detect(data[:min(len(data), probe)])
	if f.width == 0 {
		return data, false
	}
	return f.decode(data[f.mark:], buf[:0]), true
}

// form is a form of Unicode in wide units; its width is 0 when there is none.
type form struct {
	width int // bytes of a unit: 2 or 4
	order binary.ByteOrder
	mark  int // bytes of the byte order mark
}

// detect judges the first bytes of a file.
func detect(head []byte) form {
	for _, f := range []struct {
		bom string
		form
	}{
		{"\xff\xfe\x00\x00", form{4, binary.LittleEndian, 4}}, // before UTF-16's, which begins in the same way
		{"\x00\x00\xfe\xff", form{4, binary.BigEndian, 4}},
		{"\xff\xfe", form{2, binary.LittleEndian, 2}},
		{"\xfe\xff", form{2, binary.BigEndian, 2}},
	} {
		if bytes.HasPrefix(head, []byte(f.bom)) && f.plausible(head[f.mark:]) {
			return f.form
		}
	}
	for _, f := range []form{{4, binary.LittleEndian, 0}, {4, binary.BigEndian, 0}, {2, binary.LittleEndian, 0}, {2, binary.BigEndian, 0}} {
		if f.clear(head) {
			return f
		}
	}
	return form{}
}

// unit returns the unit at the start of b.
func (f form) unit(b []byte) rune {
	if f.width == 4 {
		return rune(min(f.order.Uint32(b), utf8.MaxRune+1)) // above: no character
	}
	return rune(f.order.Uint16(b))
}

// next returns the character at the start of b, and its bytes there. A surrogate
// without its other half is U+FFFD.
func (f form) next(b []byte) (rune, int) {
	r := f.unit(b)
	switch {
	case !utf16.IsSurrogate(r):
		return r, f.width
	case f.width == 2 && len(b) >= 4:
		if pair := utf16.DecodeRune(r, f.unit(b[2:])); pair != utf8.RuneError {
			return pair, 4
		}
	}
	return utf8.RuneError, f.width
}

// plausible reports whether what follows a mark is text: sound and pictures may
// begin with the same two bytes.
func (f form) plausible(b []byte) bool {
	units, bad := 0, 0
	for len(b) >= f.width {
		r, n := f.next(b)
		if units++; control(r) || r == utf8.RuneError || r > utf8.MaxRune {
			bad++
		}
		b = b[n:]
	}
	return bad*50 <= units
}

// clear reports whether bytes without a mark are this form beyond doubt: three of
// four units are ASCII and none is a control character, as in no other data.
func (f form) clear(b []byte) bool {
	const fewest = 4 // units
	units, ascii := 0, 0
	for ; len(b) >= f.width; b = b[f.width:] {
		r := f.unit(b)
		if control(r) {
			return false
		}
		units++
		if r < utf8.RuneSelf {
			ascii++
		}
	}
	return units >= fewest && ascii*4 >= units*3
}

// control reports whether r is a character that no text holds.
func control(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' && r != '\b' && r != 0x1b
}

// decode appends data to out, as UTF-8. Bytes at the end that make no unit are
// left out.
func (f form) decode(data, out []byte) []byte {
	if need := len(data)/f.width + len(data)/8; cap(out) < need {
		out = make([]byte, 0, need)
	}
	for len(data) >= f.width {
		r, n := f.next(data)
		out = utf8.AppendRune(out, r) // U+FFFD above the last character
		data = data[n:]
	}
	return out
}
