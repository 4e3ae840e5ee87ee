package inflate

import "math/bits"

// order is the order in which the lengths of the length codes stand (RFC 1951,
// 3.2.7).
var order = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// litEntry, distEntry and preEntry hold the entry of each symbol without the
// length of its code.
var (
	litEntry  = makeLitEntries()
	distEntry = makeDistEntries()
	preEntry  = makePreEntries()
)

// makeLitEntries follows the table of RFC 1951, 3.2.5. Symbols that may not occur
// have the entry of a length of 0, which is refused.
func makeLitEntries() [maxLit]uint32 {
	var t [maxLit]uint32
	for i := range 256 {
		t[i] = isLiteral | uint32(i)<<8
	}
	t[256] = isEnd
	base, extra := uint32(3), uint32(0)
	for s := 257; s < 285; s++ {
		t[s] = base<<16 | extra<<8
		base += 1 << extra
		if s >= 264 && (s-264)%4 == 0 {
			extra++
		}
	}
	t[285] = 258 << 16
	return t
}

func makeDistEntries() [maxDist]uint32 {
	var t [maxDist]uint32
	base, extra := uint32(1), uint32(0)
	for s := range 30 {
		t[s] = base<<16 | extra<<8
		base += 1 << extra
		if s >= 3 && s%2 == 1 {
			extra++
		}
	}
	return t
}

func makePreEntries() [19]uint32 {
	var t [19]uint32
	for i := range t {
		t[i] = uint32(i) << 8
	}
	return t
}

// fixed are the codes of a block without tables (RFC 1951, 3.2.6).
var fixed = makeFixed()

func makeFixed() *codes {
	var lens [maxLit + maxDist]uint8
	for i := range maxLit {
		switch {
		case i < 144, i >= 280:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		default:
			lens[i] = 7
		}
	}
	for i := range maxDist {
		lens[maxLit+i] = 5
	}
	z := new(codes)
	// Both codes are complete: build cannot fail.
	_ = build(z.lit[:], litBits, &z.litSlow, lens[:maxLit], litEntry[:])
	_ = build(z.dist[:], distBits, &z.distSlow, lens[maxLit:], distEntry[:])
	return z
}

// readTables reads the codes of a dynamic block.
func (z *Inflater) readTables(r *reader) error {
	r.fill()
	nlit, ndist, npre := int(r.take(5))+257, int(r.take(5))+1, int(r.take(4))+4
	if nlit > 286 || ndist > 30 {
		return ErrCorrupt
	}
	var pre [19]uint8
	for i := range npre {
		if i == 14 { // 14 + 14 x 3 bits of 56 are gone
			r.fill()
		}
		pre[order[i]] = uint8(r.take(3))
	}
	if err := build(z.pre[:], 7, nil, pre[:], preEntry[:]); err != nil {
		return err
	}
	if err := z.readLens(r, nlit+ndist); err != nil {
		return err
	}
	if z.lens[256] == 0 { // a block without an end
		return ErrCorrupt
	}
	d := &z.dynamic
	if err := build(d.lit[:], litBits, &d.litSlow, z.lens[:nlit], litEntry[:]); err != nil {
		return err
	}
	return build(d.dist[:], distBits, &d.distSlow, z.lens[nlit:nlit+ndist], distEntry[:])
}

// readLens reads total code lengths; lens has room for the longest repeat behind
// the last one.
func (z *Inflater) readLens(r *reader, total int) error {
	for i := 0; i < total; {
		r.fill()
		e := z.pre[r.bits&0x7f]
		if e&isSlow != 0 {
			return ErrCorrupt
		}
		r.drop(uint(e & codeLen))
		sym := uint8(e >> 8)
		if sym < 16 {
			z.lens[i] = sym
			i++
			continue
		}
		var n int
		var v uint8
		switch sym {
		case 16:
			if i == 0 {
				return ErrCorrupt
			}
			n, v = 3+int(r.take(2)), z.lens[i-1]
		case 17:
			n = 3 + int(r.take(3))
		default:
			n = 11 + int(r.take(7))
		}
		if i+n > total || r.overrun() {
			return ErrCorrupt
		}
		for range n {
			z.lens[i] = v
			i++
		}
	}
	return nil
}

// slow decodes codes longer than a table, bit by bit.
type slow struct {
	count [maxBits + 1]uint16
	entry [maxLit]uint32 // in the order of their codes
}

// decode reads the code at the low end of b.
func (s *slow) decode(b uint64) (uint32, bool) {
	code, first, index := 0, 0, 0
	for n := 1; n <= maxBits; n++ {
		code |= int(b & 1)
		b >>= 1
		c := int(s.count[n])
		if code-c < first {
			return s.entry[index+code-first] | uint32(n), true
		}
		index += c
		first = (first + c) << 1
		code <<= 1
	}
	return 0, false
}

// build fills a table of 1<<tableBits entries for the code that lens describe.
// An incomplete code is allowed only when it has at most one symbol, as zlib
// does; the table then refuses everything else.
func build(table []uint32, tableBits int, s *slow, lens []uint8, entries []uint32) error {
	var count [maxBits + 1]uint16
	for _, n := range lens {
		count[n]++
	}
	used := len(lens) - int(count[0])
	count[0] = 0
	left := 1
	for n := 1; n <= maxBits; n++ {
		left = left<<1 - int(count[n])
		if left < 0 {
			return ErrCorrupt
		}
	}
	if left > 0 {
		return buildIncomplete(table, s, lens, entries, used)
	}
	var offset [maxBits + 2]uint16
	for n := 1; n <= maxBits; n++ {
		offset[n+1] = offset[n] + count[n]
	}
	var sorted [maxLit]uint16
	for sym, n := range lens {
		if n != 0 {
			sorted[offset[n]] = uint16(sym)
			offset[n]++
		}
	}
	if s != nil {
		s.count = count
		for i, sym := range sorted[:used] {
			s.entry[i] = entries[sym]
		}
	}
	fill(table, tableBits, &count, sorted[:used], entries)
	return nil
}

// fill writes the codes in order of length; for each bit more, what is there is
// doubled. Codes are kept with their bits reversed, as they come from the stream.
func fill(table []uint32, tableBits int, count *[maxBits + 1]uint16, sorted []uint16, entries []uint32) {
	n := 1
	for count[n] == 0 {
		n++
	}
	size := 1 << min(n, tableBits)
	code := 0
	left := count[n]
	for _, sym := range sorted {
		for left == 0 {
			n++
			left = count[n]
			if n <= tableBits {
				copy(table[size:size*2], table[:size])
				size *= 2
			}
		}
		left--
		if n > tableBits {
			table[code&(1<<tableBits-1)] = isSlow
		} else {
			table[code] = entries[sym] | uint32(n)
		}
		ones := 1<<n - 1
		if code == ones {
			break // the last code of all
		}
		bit := 1 << (bits.Len(uint(code^ones)) - 1)
		code = code&(bit-1) | bit
	}
	for ; size < 1<<tableBits; size *= 2 {
		copy(table[size:size*2], table[:size])
	}
}

func buildIncomplete(table []uint32, s *slow, lens []uint8, entries []uint32, used int) error {
	if used > 1 || s == nil {
		return ErrCorrupt
	}
	s.count = [maxBits + 1]uint16{}
	for i := range table {
		table[i] = isSlow
	}
	for sym, n := range lens {
		if n == 1 {
			for i := 0; i < len(table); i += 2 {
				table[i] = entries[sym] | 1
			}
		} else if n > 1 { // zlib refuses one code of more than one bit
			return ErrCorrupt
		}
	}
	return nil
}
