package packfile

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/pack/object"
)

// TestFindAmongOddNames: names that are spread unevenly, or nearly equal, are found
// too, and others are not.
func TestFindAmongOddNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.SampledFrom([]byte{0, 1, 2, 127, 128, 254, 255})
		name := rapid.Custom(func(t *rapid.T) object.ID {
			b := make([]byte, object.SHA1)
			n := rapid.IntRange(0, object.SHA1).Draw(t, "common")
			for i := range b {
				if i >= n {
					b[i] = part.Draw(t, "byte")
				}
			}
			return object.MakeID(b)
		})
		ids := rapid.SliceOfN(name, 1, 200).Draw(t, "names")
		slices.SortFunc(ids, func(a, b object.ID) int { return bytes.Compare(a[:], b[:]) })
		ids = slices.Compact(ids)
		p := &File{width: object.SHA1, idStride: object.SHA1, N: len(ids), fanout: make([]byte, idxFanout)}
		for _, id := range ids {
			p.ids = append(p.ids, id[:object.SHA1]...)
			for b := int(id[0]); b < 256; b++ {
				binary.BigEndian.PutUint32(p.fanout[4*b:], binary.BigEndian.Uint32(p.fanout[4*b:])+1)
			}
		}
		for i, id := range ids {
			if at, ok := p.Find(id); !ok || at != i {
				t.Fatalf("%v is at %d, %v, want %d", id, at, ok, i)
			}
		}
		other := name.Draw(t, "other")
		if at, ok := p.Find(other); ok != slices.Contains(ids, other) {
			t.Fatalf("%v: %d, %v", other, at, ok)
		}
	})
}
