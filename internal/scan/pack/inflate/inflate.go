// Package inflate decompresses a zlib stream that lies whole in memory into a
// buffer of known size: what a git pack is full of. A pack holds hundreds of
// thousands of streams of a few hundred bytes, where a streaming reader spends
// most of its time on set-up; see docs/adr/0017 for the measurement.
//
// Protocol facts: RFC 1950 (zlib) and RFC 1951 (deflate). The way the decoding
// tables are filled, by doubling, is the one that zlib-compatible decoders with
// static tables use: codes come in order of length, so a table of n bits is two
// copies of the one of n-1 bits.
package inflate

import (
	"encoding/binary"
	"errors"
	"hash/adler32"
)

// Errors of a stream. ErrSize is a stream that is whole but not of the size that
// was announced.
var (
	ErrCorrupt  = errors.New("the compressed stream is damaged")
	ErrShort    = errors.New("the compressed stream ends early")
	ErrSize     = errors.New("the compressed stream is not of the announced size")
	ErrChecksum = errors.New("the checksum of the compressed stream is wrong")
)

const (
	litBits  = 10 // primary table of literals and lengths
	distBits = 8  // primary table of distances
	maxBits  = 15 // longest code of RFC 1951
	maxLit   = 288
	maxDist  = 32
)

// Inflater holds the decoding tables. It is used by one goroutine at a time and
// may be used again and again; the zero value is ready.
type Inflater struct {
	dynamic codes
	pre     [1 << 7]uint32
	lens    [maxLit + maxDist + 138]uint8
}

// codes are the tables of one block.
type codes struct {
	lit      [1 << litBits]uint32
	dist     [1 << distBits]uint32
	litSlow  slow
	distSlow slow
}

// Zlib decompresses the zlib stream at the start of src into dst, which must be
// exactly as long as the content, and returns how many bytes of src the stream
// took. src may go on after the stream. It never reads past src. When the content
// is longer than dst the error is ErrSize and dst holds its start; any other
// error leaves dst half filled.
func (z *Inflater) Zlib(dst, src []byte) (int, error) {
	if len(src) < 2 {
		return 0, ErrShort
	}
	// Method 8, window of at most 32 KiB, no preset dictionary (RFC 1950, 2.2).
	if src[0]&0x0f != 8 || src[0]>>4 > 7 || src[1]&0x20 != 0 || (uint(src[0])<<8|uint(src[1]))%31 != 0 {
		return 0, ErrCorrupt
	}
	r := reader{src: src, pos: 2}
	if err := z.blocks(dst, &r); err != nil {
		return 0, err
	}
	end := r.bytePos()
	if end+4 > len(src) {
		return 0, ErrShort
	}
	if binary.BigEndian.Uint32(src[end:]) != adler32.Checksum(dst) {
		return 0, ErrChecksum
	}
	return end + 4, nil
}

func (z *Inflater) blocks(dst []byte, r *reader) error {
	out := 0
	for {
		r.fill()
		last, kind := r.bits&1, r.bits>>1&3
		r.drop(3)
		var err error
		switch kind {
		case 0:
			out, err = stored(dst, out, r)
		case 1:
			out, err = fixed.block(dst, out, r)
		case 2:
			if err = z.readTables(r); err == nil {
				out, err = z.dynamic.block(dst, out, r)
			}
		default:
			err = ErrCorrupt
		}
		if err != nil {
			return err
		}
		if r.overrun() {
			return ErrShort
		}
		if last == 1 {
			break
		}
	}
	if out != len(dst) {
		return ErrSize
	}
	return nil
}

func stored(dst []byte, out int, r *reader) (int, error) {
	p := r.bytePos()
	if p+4 > len(r.src) {
		return out, ErrShort
	}
	n := int(binary.LittleEndian.Uint16(r.src[p:]))
	if n^0xffff != int(binary.LittleEndian.Uint16(r.src[p+2:])) {
		return out, ErrCorrupt
	}
	p += 4
	switch {
	case p+n > len(r.src):
		return out, ErrShort
	case out+n > len(dst):
		copy(dst[out:], r.src[p:p+n])
		return out, ErrSize
	}
	copy(dst[out:], r.src[p:p+n])
	*r = reader{src: r.src, pos: p + n}
	return out + n, nil
}

// Entries of the tables. The low 4 bits are the length of the code. A literal
// has its byte in bits 8-15. A length or distance has its base from bit 16 up and
// the number of extra bits in bits 8-12.
const (
	isLiteral = 1 << 5
	isEnd     = 1 << 6
	isSlow    = 1 << 7 // the code is longer than the table
	codeLen   = 0x0f
)

// block decodes one block. The reader's fields are kept in local variables, in
// registers, as long as it goes on.
func (z *codes) block(dst []byte, out int, r *reader) (_ int, err error) {
	src, pos, hold, n := r.src, r.pos, r.bits, r.n
loop:
	for {
		if pos+8 <= len(src) {
			hold |= binary.LittleEndian.Uint64(src[pos:]) << (n & 63)
			pos += int(63-n) >> 3
			n |= 56
		} else {
			slowReader := reader{src, pos, hold, n}
			slowReader.fill()
			pos, hold, n = slowReader.pos, slowReader.bits, slowReader.n
			if slowReader.overrun() {
				err = ErrShort
				break
			}
		}
		e := z.lit[hold&(1<<litBits-1)]
		// Two literals and what comes after them fit into one fill: 10 bits each,
		// then 15 + 5 of a length and 15 + 13 of a distance would not.
		if e&isLiteral != 0 && out < len(dst) {
			hold >>= e & codeLen
			n -= uint(e & codeLen)
			dst[out] = byte(e >> 8)
			out++
			e = z.lit[hold&(1<<litBits-1)]
			if e&isLiteral != 0 && out < len(dst) {
				hold >>= e & codeLen
				n -= uint(e & codeLen)
				dst[out] = byte(e >> 8)
				out++
			}
			continue
		}
		if e&isSlow != 0 {
			var ok bool
			if e, ok = z.litSlow.decode(hold); !ok {
				err = ErrCorrupt
				break
			}
		}
		hold >>= e & codeLen
		n -= uint(e & codeLen)
		switch {
		case e&isLiteral != 0:
			if out == len(dst) {
				err = ErrSize
				break loop
			}
			dst[out] = byte(e >> 8)
			out++
			continue
		case e&isEnd != 0:
			break loop
		}
		extra := uint(e>>8) & 0x1f
		length := int(e>>16) + int(hold&(1<<extra-1))
		hold >>= extra
		n -= extra
		d := z.dist[hold&(1<<distBits-1)]
		if d&isSlow != 0 {
			var ok bool
			if d, ok = z.distSlow.decode(hold); !ok {
				err = ErrCorrupt
				break
			}
		}
		hold >>= d & codeLen
		n -= uint(d & codeLen)
		extra = uint(d>>8) & 0x1f
		back := int(d>>16) + int(hold&(1<<extra-1))
		hold >>= extra
		n -= extra
		if back > out || back == 0 || length == 0 {
			err = ErrCorrupt
			break
		}
		if length > len(dst)-out {
			out = repeat(dst, out, back, len(dst)-out)
			err = ErrSize
			break
		}
		out = repeat(dst, out, back, length)
	}
	r.pos, r.bits, r.n = pos, hold, n
	return out, err
}

// repeat copies length bytes from back bytes before; the ranges may overlap.
func repeat(dst []byte, out, back, length int) int {
	from := out - back
	end := out + length
	if back >= length {
		copy(dst[out:end], dst[from:from+length])
		return end
	}
	for out < end { // each turn doubles what can be copied at once
		out += copy(dst[out:end], dst[from:out])
	}
	return end
}

// reader is a bit reader; bits come from the low end.
type reader struct {
	src  []byte
	pos  int
	bits uint64
	n    uint // valid bits
}

// fill makes at least 56 bits valid, zeros after the end of src.
func (r *reader) fill() {
	if r.pos+8 <= len(r.src) {
		r.bits |= binary.LittleEndian.Uint64(r.src[r.pos:]) << (r.n & 63)
		r.pos += int(63-r.n) >> 3
		r.n |= 56
		return
	}
	for r.n < 56 {
		if r.pos < len(r.src) {
			r.bits |= uint64(r.src[r.pos]) << r.n
		}
		r.pos++ // past the end it counts the zeros
		r.n += 8
	}
}

func (r *reader) drop(n uint) {
	r.bits >>= n & 63
	r.n -= n
}

func (r *reader) take(n uint) uint64 {
	v := r.bits & (1<<(n&63) - 1)
	r.drop(n)
	return v
}

// bytePos is the position of the first byte of which no bit was taken.
func (r *reader) bytePos() int { return r.pos - int(r.n>>3) }

// overrun reports whether zeros from behind the end were taken.
func (r *reader) overrun() bool { return r.bytePos() > len(r.src) }
