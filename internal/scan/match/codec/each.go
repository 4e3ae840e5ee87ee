package codec

import "bytes"

// Each calls add for every stretch of a text in which something can be decoded; add
// returns from where to go on. It may name too many, never too few: of each stretch
// some bytes are told, perhaps not all.
func Each(part []byte, add func(from, to int) int) {
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
