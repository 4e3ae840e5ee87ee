package pack_test

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/pack"
)

// raw is an object as it is put into a pack, right or wrong.
type raw struct {
	kind   byte // 1-4, 6 ofs-delta, 7 ref-delta
	base   any  // 6: int, place in the list; 7: pack.ID
	size   int  // announced; -1: the real one
	data   []byte
	stream []byte // instead of data: the compressed bytes as they are
}

func deflate(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// header writes kind and size (gitformat-pack).
func header(kind byte, size int) []byte {
	b := []byte{kind<<4 | byte(size&15)}
	for size >>= 4; size > 0; size >>= 7 {
		b[len(b)-1] |= 0x80
		b = append(b, byte(size&0x7f))
	}
	return b
}

func varint(n int) []byte {
	var b []byte
	for {
		b = append(b, byte(n&0x7f))
		if n >>= 7; n == 0 {
			return b
		}
		b[len(b)-1] |= 0x80
	}
}

func ofs(n int) []byte {
	b := []byte{byte(n & 0x7f)}
	for n >>= 7; n > 0; n >>= 7 {
		n--
		b = append([]byte{byte(n&0x7f) | 0x80}, b...)
	}
	return b
}

// build writes a pack and its index into a new objects folder. Ids are made from
// the place in the list: nothing here checks content against them.
func build(tb testing.TB, list []raw) (objects string, ids []pack.ID) {
	tb.Helper()
	b := []byte("PACK\x00\x00\x00\x02")
	b = binary.BigEndian.AppendUint32(b, uint32(len(list)))
	var offs []int
	var crcs []uint32
	for i, r := range list {
		at := len(b)
		offs = append(offs, at)
		size := r.size
		if size < 0 || size == 0 && r.stream == nil {
			size = len(r.data)
		}
		b = append(b, header(r.kind, size)...)
		switch base := r.base.(type) {
		case int:
			b = append(b, ofs(at-offs[base])...)
		case pack.ID:
			b = append(b, base[:]...)
		}
		if r.stream != nil {
			b = append(b, r.stream...)
		} else {
			b = append(b, deflate(tb, r.data)...)
		}
		crcs = append(crcs, crc32.ChecksumIEEE(b[at:]))
		ids = append(ids, idOf(i))
	}
	sum := sha1.Sum(b)
	b = append(b, sum[:]...)
	objects = tb.TempDir()
	dir := filepath.Join(objects, "pack")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	for name, data := range map[string][]byte{"p.pack": b, "p.idx": index(ids, offs, crcs, sum)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	return objects, ids
}

func idOf(i int) pack.ID {
	sum := sha1.Sum([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
	return pack.MakeID(sum[:])
}

func index(ids []pack.ID, offs []int, crcs []uint32, sum [20]byte) []byte {
	order := make([]int, len(ids))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(ids[a][:], ids[b][:]) })
	b := []byte("\xfftOc\x00\x00\x00\x02")
	n := 0
	for first := range 256 {
		for n < len(order) && int(ids[order[n]][0]) <= first {
			n++
		}
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	for _, i := range order {
		b = append(b, ids[i][:pack.SHA1]...)
	}
	for _, i := range order {
		b = binary.BigEndian.AppendUint32(b, crcs[i])
	}
	for _, i := range order {
		b = binary.BigEndian.AppendUint32(b, uint32(offs[i]))
	}
	b = append(b, sum[:]...)
	own := sha1.Sum(b)
	return append(b, own[:]...)
}

// delta makes a delta of a base of size src: a copy of all of it, then more.
func delta(src int, more string) []byte {
	d := append(varint(src), varint(src+len(more))...)
	for at := 0; at < src; at += 0xffff {
		n := min(0xffff, src-at)
		d = append(d, 0x80|0x0f|0x30, byte(at), byte(at>>8), byte(at>>16), byte(at>>24), byte(n), byte(n>>8))
	}
	for len(more) > 0 {
		n := min(127, len(more))
		d = append(append(d, byte(n)), more[:n]...)
		more = more[n:]
	}
	return d
}
