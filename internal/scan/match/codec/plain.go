package codec

import (
	"encoding/base64"
	"unicode/utf8"
)

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
