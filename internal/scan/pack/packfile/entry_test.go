package packfile

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/pack/object"
)

// header writes kind and size, and how far back a base is (gitformat-pack).
func header(kind object.Kind, size, back int64) []byte {
	b := []byte{byte(kind)<<4 | byte(size&15)}
	for size >>= 4; size > 0; size >>= 7 {
		b[len(b)-1] |= 0x80
		b = append(b, byte(size&0x7f))
	}
	if kind != object.OfsDelta {
		return b
	}
	ofs := []byte{byte(back & 0x7f)}
	for back >>= 7; back > 0; back >>= 7 {
		back--
		ofs = append(ofs, 0x80|byte(back&0x7f))
	}
	slices.Reverse(ofs)
	return append(b, ofs...)
}

// TestHeadersAreRead as they were written, and not when they are cut or point before the
// pack.
func TestHeadersAreRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]object.Kind{object.Commit, object.Tree, object.Blob, object.Tag, object.OfsDelta, object.RefDelta}).Draw(t, "kind")
		size, at := rapid.Int64Range(0, 1<<50).Draw(t, "size"), rapid.Int64Range(packStart, 100_000).Draw(t, "at")
		back := rapid.Int64Range(1, 2*at).Draw(t, "back")
		h := header(kind, size, back)
		var base object.ID
		if kind == object.RefDelta {
			base = object.MakeID(rapid.SliceOfN(rapid.Byte(), object.SHA1, object.SHA1).Draw(t, "base"))
			h = append(h, base[:object.SHA1]...)
		}
		data := append(make([]byte, at), h...)
		p := &File{width: object.SHA1, data: append(data, make([]byte, object.SHA1)...)}
		e, err := p.EntryAt(at)
		if kind == object.OfsDelta && back > at-packStart {
			if err == nil {
				t.Fatalf("a base %d bytes before %d", back, at)
			}
			return
		}
		if err != nil || e.Kind != kind || e.Size != size || e.Data != int64(len(data)) || e.BaseID != base || kind == object.OfsDelta && e.Base != at-back {
			t.Fatalf("%+v, %v", e, err)
		}
		cut := rapid.IntRange(0, len(h)-1).Draw(t, "cut")
		p.data = append(data[:int(at)+cut], make([]byte, object.SHA1)...)
		if e, err := p.EntryAt(at); err == nil {
			t.Fatalf("cut after %d of %d bytes: %+v", cut, len(h), e)
		}
	})
}
