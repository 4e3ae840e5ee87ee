package pack

import "math/bits"

// buffers is a worker's store of used byte slices, by powers of two.
type buffers struct {
	free  [32][][]byte
	bytes int
}

// keep is how many bytes of unused buffers a worker holds on to.
const keep = 64 << 20

// smallest is the power of two of the smallest buffer.
const smallest = 10

func (b *buffers) get(n int) []byte {
	c := max(smallest, bits.Len(uint(max(n, 1)-1)))
	if k := len(b.free[c]); k > 0 {
		s := b.free[c][k-1]
		b.free[c] = b.free[c][:k-1]
		b.bytes -= cap(s)
		return s[:n]
	}
	return make([]byte, n, 1<<c)
}

func (b *buffers) put(s []byte) {
	c := bits.Len(uint(cap(s))) - 1
	// Only slices that get made; one that was made elsewhere has another capacity.
	if c < smallest || cap(s) != 1<<c || b.bytes+cap(s) > keep {
		return
	}
	b.bytes += cap(s)
	b.free[c] = append(b.free[c], s)
}
