package folders

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/pack"
)

// width of the ids in these tests: short ones make copies start in the middle of others.
const width = 2

// keepAll keeps folders, and blobs that are called x; a folder x is a blob too.
func keepAll(x *Index) Entry {
	return func(to []Edge, mode, name, id []byte) []Edge {
		e := Edge{Name: x.Number(name), Ref: pack.Ref(id[0])<<8 | pack.Ref(id[1])}
		if mode[0] == '4' {
			to = append(to, e)
		}
		if string(name) == "x" {
			e.Blob = true
			to = append(to, e)
		}
		return to
	}
}

// entries draws the bytes of a list of entries from a few: many look alike.
func entries(t *rapid.T, label string) [][]byte {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []byte {
		return fmt.Appendf(nil, "%s %s\x00%s", rapid.SampledFrom([]string{"40000", "100644"}).Draw(t, "mode"),
			rapid.SampledFrom([]string{"x", "y", "0 x"}).Draw(t, "name"), rapid.SampledFrom([]string{"ab", "ac", "4 ", "0\x00"}).Draw(t, "id"))
	}), 0, 12).Draw(t, label)
}

// delta draws operations that make data of a base, byte by byte: git cuts where it
// likes, also in the middle of an entry.
func delta(t *rapid.T, base, data []byte) []pack.Op {
	ops := []pack.Op{}
	for at := 0; at < len(data); {
		n := rapid.IntRange(1, len(data)-at).Draw(t, "length")
		op := pack.Op{Dst: int32(at), Src: -1, Len: int32(n)}
		for ; n > 0 && rapid.IntRange(0, 4).Draw(t, "copied") > 0; n /= 2 {
			if src := bytes.Index(base, data[at:at+n]); src >= 0 {
				op.Src, op.Len = int32(src), int32(n)
				if last := bytes.LastIndex(base, data[at:at+n]); rapid.Bool().Draw(t, "last") {
					op.Src = int32(last)
				}
				break
			}
		}
		ops = append(ops, op)
		at += int(op.Len)
	}
	return ops
}

// TestDeltaOfATreeIsTheTree: reading what a delta brings gives what reading the whole
// tree gives, over chains of deltas, whatever the operations are.
func TestDeltaOfATreeIsTheTree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := NewReader(width, keepAll(NewIndex(0)))
		var base []byte
		var before *Seen
		for range rapid.IntRange(1, 5).Draw(t, "chain") {
			data := bytes.Join(entries(t, "entries"), nil)
			if rapid.IntRange(0, 3).Draw(t, "cut") == 0 && len(data) > 0 {
				data = data[:rapid.IntRange(0, len(data)-1).Draw(t, "at")]
			}
			want, good := r.Read(&pack.Object{Data: data}, nil)
			o := &pack.Object{Data: data}
			if before != nil {
				o.Ops = delta(t, base, data)
			}
			got, ok := r.Read(o, before)
			if ok != good {
				t.Fatalf("%q of %q by %v: proper is %v, want %v", data, base, o.Ops, ok, good)
			}
			if !good {
				return
			}
			if !slices.Equal(got.starts, want.starts) || !slices.Equal(got.entries, want.entries) || got.size != want.size {
				t.Fatalf("%q of %q by %v: got %+v, want %+v", data, base, o.Ops, got, want)
			}
			base, before = data, got
		}
	})
}

// TestEdgesStayGood: lists that were handed out are not written over by later ones.
func TestEdgesStayGood(t *testing.T) {
	t.Parallel()
	const trees = 1 << 15 // more than one arena holds
	x := NewIndex(trees)
	r := NewReader(width, keepAll(x))
	for i := range pack.Ref(trees) {
		s, ok := r.Read(&pack.Object{Data: append([]byte("100644 x\x00"), byte(i>>8), byte(i))}, nil)
		if !ok {
			t.Fatalf("tree %d is not read", i)
		}
		x.Set(i, r.Edges(s))
	}
	for i := range pack.Ref(trees) {
		if list := x.Of(i); len(list) != 1 || list[0].Ref != i || x.Name(list[0].Name) != "x" {
			t.Fatalf("tree %d: %v", i, list)
		}
	}
}

// FuzzReader: no tree, and no operation on it, is read past its end.
func FuzzReader(f *testing.F) {
	f.Add([]byte("40000 x\x00ab100644 y\x00cd"), []byte("100644 y\x00cd"), uint8(7))
	f.Add([]byte("0 \x000\x00\xff"), []byte("0 \x000\x00\xff"), uint8(96)) // a base that is no proper tree, copied whole
	f.Fuzz(func(t *testing.T, base, data []byte, cut uint8) {
		r := NewReader(width, keepAll(NewIndex(0)))
		before, _ := r.Read(&pack.Object{Data: base}, nil)
		var ops []pack.Op
		for at := 0; at < len(data); {
			n := min(1+int(cut)%17, len(data)-at)
			ops = append(ops, pack.Op{Dst: int32(at), Src: int32(bytes.Index(base, data[at:at+n])), Len: int32(n)})
			at += n
		}
		got, ok := r.Read(&pack.Object{Data: data, Ops: ops}, before)
		want, good := r.Read(&pack.Object{Data: data}, nil)
		if ok != good || ok && !slices.Equal(got.entries, want.entries) {
			t.Fatalf("got %+v %v, want %+v %v", got, ok, want, good)
		}
	})
}
