package inflate

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

func pack(tb testing.TB, level int, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// texts are contents of many shapes: random, repetitive, text of few letters.
func texts() [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	out := [][]byte{{}, {'a'}, bytes.Repeat([]byte{0}, 100_000), bytes.Repeat([]byte("abc"), 50_000)}
	for _, letters := range []int{2, 7, 64, 256} {
		for _, n := range []int{3, 100, 1000, 70_000} {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(r.IntN(letters))
				if i > 300 && r.IntN(4) == 0 { // something to refer back to
					b[i] = b[i-r.IntN(300)-1]
				}
			}
			out = append(out, b)
		}
	}
	return out
}

func TestZlibGivesBackWhatWasPacked(t *testing.T) {
	t.Parallel()
	var z Inflater // one for all: tables of an earlier stream must not show
	for i, want := range texts() {
		for _, level := range []int{zlib.NoCompression, zlib.BestSpeed, zlib.DefaultCompression, zlib.BestCompression, zlib.HuffmanOnly} {
			src := pack(t, level, want)
			got := make([]byte, len(want))
			n, err := z.Zlib(got, append(bytes.Clone(src), "what follows in the pack"...))
			if err != nil || n != len(src) || !bytes.Equal(got, want) {
				t.Fatalf("text %d, level %d: took %d of %d bytes, %v", i, level, n, len(src), err)
			}
		}
	}
}

func TestEveryCutAndWrongSizeIsAnError(t *testing.T) {
	t.Parallel()
	var z Inflater
	want := texts()[10][:100]
	src := pack(t, zlib.BestCompression, want)
	for cut := range src {
		if _, err := z.Zlib(make([]byte, len(want)), src[:cut]); err == nil {
			t.Fatalf("a stream cut to %d of %d bytes was taken", cut, len(src))
		}
	}
	for _, size := range []int{0, 40, len(want) - 1, len(want) + 1} {
		got := make([]byte, size)
		if _, err := z.Zlib(got, src); !errors.Is(err, ErrSize) {
			t.Errorf("size %d: %v", size, err)
		}
		if n := min(size, len(want)); !bytes.Equal(got[:n], want[:n]) {
			t.Errorf("size %d: the start of the content is not there", size)
		}
	}
	flipped := bytes.Clone(src)
	flipped[len(flipped)-1] ^= 1
	if _, err := z.Zlib(make([]byte, len(want)), flipped); !errors.Is(err, ErrChecksum) {
		t.Errorf("wrong checksum: %v", err)
	}
}

// FuzzZlib compares with the standard library: what it refuses we refuse, and
// what it gives we give.
func FuzzZlib(f *testing.F) {
	for _, b := range texts()[:8] {
		f.Add(pack(f, zlib.DefaultCompression, b[:min(len(b), 500)]), 500)
	}
	var z Inflater
	f.Fuzz(func(t *testing.T, src []byte, size int) {
		size = min(max(size, 0), 1<<16)
		r := bytes.NewReader(src)
		std, err := zlib.NewReader(r)
		var want []byte
		if err == nil {
			want, err = io.ReadAll(io.LimitReader(std, 1<<16+1))
		}
		if err == nil {
			size = len(want)
		}
		got := make([]byte, size)
		_, ours := z.Zlib(got, src)
		if err == nil && len(want) <= 1<<16 && (ours != nil || !bytes.Equal(got, want)) {
			t.Fatalf("the standard library reads %d bytes, we say %v", len(want), ours)
		}
		if err != nil && ours == nil {
			t.Fatalf("we took what the standard library refuses: %v", err)
		}
	})
}

func BenchmarkZlib(b *testing.B) {
	for _, c := range []struct {
		name string
		data []byte
	}{{"small", texts()[9][:100]}, {"text", texts()[11]}} {
		src := pack(b, zlib.DefaultCompression, c.data)
		b.Run(c.name+"/ours", func(b *testing.B) {
			var z Inflater
			dst := make([]byte, len(c.data))
			b.SetBytes(int64(len(dst)))
			for b.Loop() {
				if _, err := z.Zlib(dst, src); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/std", func(b *testing.B) {
			r := bytes.NewReader(src)
			s, err := zlib.NewReader(r)
			if err != nil {
				b.Fatal(err)
			}
			dst := make([]byte, len(c.data))
			b.SetBytes(int64(len(dst)))
			for b.Loop() {
				r.Reset(src)
				if err := s.(zlib.Resetter).Reset(r, nil); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(s, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
