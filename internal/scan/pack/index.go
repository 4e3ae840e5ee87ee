package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/edsrzf/mmap-go"
)

// packFile is one pack with its index, both mapped.
type packFile struct {
	path string
	data mmap.MMap // the pack
	idx  mmap.MMap
	n    int // objects
	base Ref // Ref of the first object; the others follow in the order of their ids

	width              int // of a name, and of the checksums that both files end in
	fanout             []byte
	ids, offs, large   []byte // tables of the index
	idStride, ofStride int    // from one entry of a table to the next
	files              []*os.File
}

const (
	idxHeader = 8
	idxFanout = 256 * 4
	packStart = 12 // of the first object
)

// openPack maps path (without ending) and checks that its tables lie inside.
func openPack(path string, width int) (*packFile, error) {
	p := &packFile{path: path, width: width}
	var err error
	if p.idx, err = p.mapFile(path + ".idx"); err == nil {
		p.data, err = p.mapFile(path + ".pack")
	}
	if err == nil {
		err = guarded(p.check)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *packFile) mapFile(name string) (mmap.MMap, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a plain file", ErrDamaged, filepath.Base(name))
	}
	if info.Size() < int64(packStart+p.width) {
		return nil, fmt.Errorf("%w: %s is too short", ErrDamaged, filepath.Base(name))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	p.files = append(p.files, f)
	return mmap.Map(f, mmap.RDONLY, 0)
}

func (p *packFile) close() {
	if p.idx != nil {
		_ = p.idx.Unmap() // only read
	}
	if p.data != nil {
		_ = p.data.Unmap() // only read
	}
	for _, f := range p.files {
		_ = f.Close() // only read
	}
}

// check reads the headers and finds the tables (gitformat-pack, "pack-*.idx
// files").
func (p *packFile) check() error {
	if !bytes.Equal(p.data[:8], []byte("PACK\x00\x00\x00\x02")) && !bytes.Equal(p.data[:8], []byte("PACK\x00\x00\x00\x03")) {
		return fmt.Errorf("%w: not a pack of version 2 or 3", ErrUnsupported)
	}
	header := 0 // an index of version 1 has none
	if bytes.HasPrefix(p.idx, []byte("\xfftOc")) {
		if header = idxHeader; binary.BigEndian.Uint32(p.idx[4:]) != 2 {
			return fmt.Errorf("%w: the index is not of version 1 or 2", ErrUnsupported)
		}
	}
	if len(p.idx) < header+idxFanout+2*p.width {
		return fmt.Errorf("%w: the index is cut", ErrDamaged)
	}
	p.fanout = p.idx[header : header+idxFanout]
	last := uint32(0)
	for i := range 256 {
		n := binary.BigEndian.Uint32(p.fanout[4*i:])
		if n < last {
			return fmt.Errorf("%w: the index's fan-out table goes down", ErrDamaged)
		}
		last = n
	}
	p.n = int(last)
	if !p.tables(p.idx[header+idxFanout:len(p.idx)-2*p.width], header == 0) {
		return fmt.Errorf("%w: the index's tables do not fit the file", ErrDamaged)
	}
	if n := int(binary.BigEndian.Uint32(p.data[8:])); n != p.n {
		return fmt.Errorf("%w: the pack holds %d objects, its index %d", ErrDamaged, n, p.n)
	}
	if !bytes.Equal(p.data[len(p.data)-p.width:], p.idx[len(p.idx)-2*p.width:len(p.idx)-p.width]) {
		return fmt.Errorf("%w: the index belongs to another pack", ErrDamaged)
	}
	return nil
}

// tables finds the tables of an index: names, checksums, offsets and large
// offsets; in version 1 each offset stands before its name.
func (p *packFile) tables(rest []byte, first bool) bool {
	w := p.width
	if first {
		if len(rest) != p.n*(4+w) {
			return false
		}
		p.offs, p.ofStride, p.idStride = rest, 4+w, 4+w
		p.ids = rest[min(4, len(rest)):]
		return true
	}
	if len(rest) < p.n*(w+8) || (len(rest)-p.n*(w+8))%8 != 0 {
		return false
	}
	p.ids, p.idStride = rest[:p.n*w], w
	p.offs, p.ofStride = rest[p.n*(w+4):p.n*(w+8)], 4
	p.large = rest[p.n*(w+8):]
	return true
}

// objects is the pack without its checksum.
func (p *packFile) objects() []byte { return p.data[:len(p.data)-p.width] }

// checksum is the trailer of the pack, which names its content.
func (p *packFile) checksum() ID { return MakeID(p.data[len(p.data)-p.width:]) }

func (p *packFile) id(i int) ID { return MakeID(p.name(i)) }

// name is the name of object i, in place.
func (p *packFile) name(i int) []byte { return p.ids[i*p.idStride : i*p.idStride+p.width] }

// head is the first eight bytes of the name of object i.
func (p *packFile) head(i int) uint64 { return binary.BigEndian.Uint64(p.ids[i*p.idStride:]) }

// offset returns where object i starts in the pack.
func (p *packFile) offset(i int) (int64, error) {
	o := binary.BigEndian.Uint32(p.offs[i*p.ofStride:])
	off := int64(o)
	if o>>31 == 1 && p.idStride == p.width { // version 2

		at := int(o&0x7fffffff) * 8
		if at+8 > len(p.large) {
			return 0, fmt.Errorf("%w: an offset points out of the index", ErrDamaged)
		}
		off = int64(binary.BigEndian.Uint64(p.large[at:]))
	}
	if off < packStart || off >= int64(len(p.objects())) {
		return 0, fmt.Errorf("%w: an offset points out of the pack", ErrDamaged)
	}
	return off, nil
}

// find returns the place of id in the index.
func (p *packFile) find(id ID) (int, bool) {
	lo := 0
	if id[0] > 0 {
		lo = int(binary.BigEndian.Uint32(p.fanout[4*(int(id[0])-1):]))
	}
	hi := int(binary.BigEndian.Uint32(p.fanout[4*int(id[0]):]))
	if lo == hi {
		return lo, false
	}
	// Names are spread evenly: the place is close to where that says.
	want, head := id[:p.width], binary.BigEndian.Uint64(id[:])
	at := lo + int(uint64(hi-lo)*(head<<8>>40)>>24)
	for step := 1; p.head(at) < head && at < hi-1; step *= 2 { // up
		lo = at + 1
		at = min(at+step, hi-1)
	}
	for step := 1; p.head(at) > head && at > lo; step *= 2 { // down
		hi = at
		at = max(at-step, lo)
	}
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if h := p.head(mid); h < head || h == head && bytes.Compare(p.name(mid), want) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < p.n && bytes.Equal(p.name(lo), want)
}

// entry is the header of an object in a pack.
type entry struct {
	kind   Kind // ofsDelta and refDelta too
	size   int64
	data   int64 // where the zlib stream starts
	base   int64 // ofsDelta: where the base starts
	baseID ID    // refDelta
}

var errHeader = errors.New("an object's header is damaged")

// entryAt reads the header at an offset (gitformat-pack, "Object types" and
// "Deltified representation").
func (p *packFile) entryAt(off int64) (entry, error) {
	var e entry
	d := p.objects()
	at := off
	next := func() (byte, bool) {
		if at >= int64(len(d)) {
			return 0, false
		}
		at++
		return d[at-1], true
	}
	c, ok := next()
	e.kind, e.size = Kind(c>>4&7), int64(c&15)
	for shift := uint(4); ok && c&0x80 != 0; shift += 7 {
		if shift > 56 {
			return e, errHeader
		}
		c, ok = next()
		e.size |= int64(c&0x7f) << shift
	}
	switch e.kind {
	case Commit, Tree, Blob, Tag:
	case ofsDelta:
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
		e.base = off - back
	case refDelta:
		if at+int64(p.width) > int64(len(d)) {
			return e, errHeader
		}
		e.baseID = MakeID(d[at : at+int64(p.width)])
		at += int64(p.width)
	default:
		return e, errHeader
	}
	if !ok || e.size < 0 {
		return e, errHeader
	}
	e.data = at
	return e, nil
}

// file is the pack's file name, for messages.
func (p *packFile) file() string { return strings.TrimSuffix(filepath.Base(p.path), ".pack") + ".pack" }
