package packfile

import (
	"errors"

	"github.com/secretguard/secretguard/internal/scan/pack/object"
)

// Entry is the header of an object in a pack.
type Entry struct {
	Kind   object.Kind // ofsDelta and refDelta too
	Size   int64
	Data   int64     // where the zlib stream starts
	Base   int64     // ofsDelta: where the base starts
	BaseID object.ID // refDelta
}

var errHeader = errors.New("an object's header is damaged")

// EntryAt reads the header at an offset (gitformat-pack, "Object types" and
// "Deltified representation").
func (p *File) EntryAt(off int64) (Entry, error) {
	var e Entry
	d := p.Objects()
	at := off
	next := func() (byte, bool) {
		if at >= int64(len(d)) {
			return 0, false
		}
		at++
		return d[at-1], true
	}
	c, ok := next()
	e.Kind, e.Size = object.Kind(c>>4&7), int64(c&15)
	for shift := uint(4); ok && c&0x80 != 0; shift += 7 {
		if shift > 56 {
			return e, errHeader
		}
		c, ok = next()
		e.Size |= int64(c&0x7f) << shift
	}
	switch e.Kind {
	case object.Commit, object.Tree, object.Blob, object.Tag:
	case object.OfsDelta:
		c, ok = next()
		back := int64(c & 0x7f)
		for ok && c&0x80 != 0 {
			if back > 1<<48 {
				return e, errHeader
			}
			c, ok = next()
			back = (back+1)<<7 | int64(c&0x7f)
		}
		if back <= 0 || back > off-packStart {
			return e, errHeader
		}
		e.Base = off - back
	case object.RefDelta:
		if at+int64(p.width) > int64(len(d)) {
			return e, errHeader
		}
		e.BaseID = object.MakeID(d[at : at+int64(p.width)])
		at += int64(p.width)
	default:
		return e, errHeader
	}
	if !ok || e.Size < 0 {
		return e, errHeader
	}
	e.Data = at
	return e, nil
}
