package seen

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

func sample() *Known {
	id := func(b byte) []byte { return bytes.Repeat([]byte{b}, 20) }
	ids := func(list ...byte) []byte {
		var out [][]byte
		for _, b := range list {
			out = append(out, id(b))
		}
		return Sorted(out)
	}
	return &Known{
		Key: [32]byte{1, 2, 3}, Width: 20,
		CommitIDs: ids(9, 1, 5), TreeIDs: ids(2, 3), BlobIDs: ids(7, 8), TagIDs: ids(4), Targets: id(1), Tags: []uint64{99}, EdgeIDs: ids(3, 6),
		Commits:   []Commit{{Tree: 0, Time: -5, Size: 12, Parents: []uint32{}}, {Tree: None, Time: 1 << 40, Parents: []uint32{0}}, {Tree: 1, Time: 7, Parents: []uint32{1, None}}},
		Blobs:     []uint64{14, 3},
		Names:     []string{"a", "b c\n"},
		Trees:     []Tree{{0, []Edge{{0, Folder, 0}}}, {1, []Edge{{0, File, 1}, {1, File, 1}}}},
		GoneTrees: ids(10), GoneBlobs: ids(11, 12),
		Submodules: []string{"sub"}, AgainCommits: []uint32{2}, AgainTrees: []uint32{0, 1},
	}
}

func TestEncodeDecode(t *testing.T) {
	t.Parallel()
	k := sample()
	b := k.Encode()
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", k) {
		t.Errorf("got\n%+v\nwant\n%+v", got, k)
	}
	for i := range b { // one byte is another one
		c := bytes.Clone(b)
		c[i] ^= 1
		if _, err := Decode(c); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if _, err := Decode(b[:i]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	for i, want := range []uint32{0, 1, 2} {
		if at, ok := k.At(k.CommitIDs, k.CommitIDs[20*i:20*i+20]); !ok || at != want {
			t.Errorf("%d is at %d, %v", i, at, ok)
		}
	}
	if _, ok := k.At(k.CommitIDs, bytes.Repeat([]byte{4}, 20)); ok {
		t.Error("a name that is not there was found")
	}
}

// FuzzDecode takes what stands before the checksum.
func FuzzDecode(f *testing.F) {
	b := sample().Encode()
	f.Add(b[len(magic)+32 : len(b)-32])
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := decodeBody(b)
		if err != nil {
			return
		}
		for i := range k.Commits {
			for _, p := range k.Commits[i].Parents {
				if p != None && int(p) >= len(k.Commits) {
					t.Fatal("a parent out of range")
				}
			}
		}
		for _, tree := range k.Trees {
			for _, e := range tree.Edges {
				_ = k.Names[e.Name]
				_ = k.EdgeIDs[int(e.At)*k.Width]
			}
		}
	})
}
