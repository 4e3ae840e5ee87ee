package delta

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/pack/object"
)

// copyOp is the instruction to copy from the base.
func copyOp(off, n int) []byte {
	out := []byte{0x80}
	for bit, b := range []byte{byte(off), byte(off >> 8), byte(off >> 16), byte(off >> 24), byte(n), byte(n >> 8), byte(n >> 16)} {
		if b != 0 {
			out[0] |= 1 << bit
			out = append(out, b)
		}
	}
	return out
}

// TestApplyMakesWhatWasMeant, and its operations say the same, in order and without a
// gap; a byte more or less of the announced size is an error.
func TestApplyMakesWhatWasMeant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "base")
		if rapid.IntRange(0, 9).Draw(t, "large") == 0 {
			base = bytes.Repeat(append(base, 1), 400)
		}
		var want, diff []byte
		for range rapid.IntRange(0, 8).Draw(t, "instructions") {
			if rapid.Bool().Draw(t, "new") || len(base) == 0 {
				b := rapid.SliceOfN(rapid.Byte(), 1, 127).Draw(t, "bytes")
				diff = append(append(diff, byte(len(b))), b...)
				want = append(want, b...)
				continue
			}
			off := rapid.IntRange(0, len(base)-1).Draw(t, "off")
			n := rapid.IntRange(1, min(len(base)-off, 0x10000)).Draw(t, "n")
			diff = append(diff, copyOp(off, n&0xffff)...) // 0x10000 is written as zero
			want = append(want, base[off:off+n]...)
		}
		got := make([]byte, len(want))
		ops, err := Apply(got, base, diff, nil)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v; got %x, want %x", err, got, want)
		}
		at := int32(0)
		for _, o := range ops {
			if o.Dst != at || o.Len <= 0 || o.Copied() && !bytes.Equal(base[o.Src:o.Src+o.Len], want[o.Dst:o.Dst+o.Len]) {
				t.Fatalf("%+v at %d", o, at)
			}
			at += o.Len
		}
		if int(at) != len(want) {
			t.Fatalf("operations for %d bytes of %d", at, len(want))
		}
		if _, err := Apply(make([]byte, len(want)+1), base, diff, nil); !errors.Is(err, object.ErrDamaged) {
			t.Fatalf("a byte more: %v", err)
		}
		if len(want) > 0 {
			if _, err := Apply(make([]byte, len(want)-1), base, diff, nil); !errors.Is(err, object.ErrDamaged) {
				t.Fatalf("a byte less: %v", err)
			}
		}
	})
}

// TestSizes: both are read, whatever their length; one that is cut is damage.
func TestSizes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64Range(0, 1<<40).Draw(t, "a"), rapid.Int64Range(0, 1<<40).Draw(t, "b")
		d := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(a)), uint64(b))
		src, dst, rest, err := Sizes(append(d, 7))
		if err != nil || src != a || dst != b || !bytes.Equal(rest, []byte{7}) {
			t.Fatalf("%d, %d, %x, %v; want %d, %d", src, dst, rest, err, a, b)
		}
		if _, _, _, err := Sizes(d[:len(d)-1]); !errors.Is(err, object.ErrDamaged) {
			t.Fatalf("cut: %v", err)
		}
	})
}

// FuzzApply: no delta writes or reads out of its bounds, and what is refused is damage.
func FuzzApply(f *testing.F) {
	f.Add([]byte("a base"), append(copyOp(2, 4), 2, 'x', 'y'), uint16(6))
	f.Fuzz(func(t *testing.T, base, diff []byte, size uint16) {
		ops, err := Apply(make([]byte, size), base, diff, nil)
		if err != nil && !errors.Is(err, object.ErrDamaged) {
			t.Fatal(err)
		}
		for _, o := range ops {
			if o.Dst < 0 || int(o.Dst+o.Len) > int(size) || int(o.Src+o.Len) > len(base) && o.Copied() {
				t.Fatalf("%+v", o)
			}
		}
	})
}
