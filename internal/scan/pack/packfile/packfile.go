// Package packfile maps a pack and its index into memory, and finds objects and their
// headers in it. It rebuilds none.
//
// Protocol facts: gitformat-pack(5).
package packfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/edsrzf/mmap-go"

	"github.com/secretguard/secretguard/internal/scan/pack/object"
)

// File is one pack with its index, both mapped. It may be read from many goroutines,
// each with debug.SetPanicOnFault on and within [Guarded].
type File struct {
	path string
	data mmap.MMap // the pack
	idx  mmap.MMap
	N    int        // objects
	Base object.Ref // Ref of the first object; the others follow in the order of their ids

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

// Open maps path (without ending) and checks that its tables lie inside.
func Open(path string, width int) (*File, error) {
	p := &File{path: path, width: width}
	var err error
	if p.idx, err = p.mapFile(path + ".idx"); err == nil {
		p.data, err = p.mapFile(path + ".pack")
	}
	if err == nil {
		err = Guarded(p.check)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

func (p *File) mapFile(name string) (mmap.MMap, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a plain file", object.ErrDamaged, filepath.Base(name))
	}
	if info.Size() < int64(packStart+p.width) {
		return nil, fmt.Errorf("%w: %s is too short", object.ErrDamaged, filepath.Base(name))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	p.files = append(p.files, f)
	return mmap.Map(f, mmap.RDONLY, 0)
}

// Close ends the mappings. It may be called twice.
func (p *File) Close() {
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
func (p *File) check() error {
	if !bytes.Equal(p.data[:8], []byte("PACK\x00\x00\x00\x02")) && !bytes.Equal(p.data[:8], []byte("PACK\x00\x00\x00\x03")) {
		return fmt.Errorf("%w: not a pack of version 2 or 3", object.ErrUnsupported)
	}
	header := 0 // an index of version 1 has none
	if bytes.HasPrefix(p.idx, []byte("\xfftOc")) {
		if header = idxHeader; binary.BigEndian.Uint32(p.idx[4:]) != 2 {
			return fmt.Errorf("%w: the index is not of version 1 or 2", object.ErrUnsupported)
		}
	}
	if len(p.idx) < header+idxFanout+2*p.width {
		return fmt.Errorf("%w: the index is cut", object.ErrDamaged)
	}
	p.fanout = p.idx[header : header+idxFanout]
	last := uint32(0)
	for i := range 256 {
		n := binary.BigEndian.Uint32(p.fanout[4*i:])
		if n < last {
			return fmt.Errorf("%w: the index's fan-out table goes down", object.ErrDamaged)
		}
		last = n
	}
	p.N = int(last)
	if !p.tables(p.idx[header+idxFanout:len(p.idx)-2*p.width], header == 0) {
		return fmt.Errorf("%w: the index's tables do not fit the file", object.ErrDamaged)
	}
	if n := int(binary.BigEndian.Uint32(p.data[8:])); n != p.N {
		return fmt.Errorf("%w: the pack holds %d objects, its index %d", object.ErrDamaged, n, p.N)
	}
	if !bytes.Equal(p.data[len(p.data)-p.width:], p.idx[len(p.idx)-2*p.width:len(p.idx)-p.width]) {
		return fmt.Errorf("%w: the index belongs to another pack", object.ErrDamaged)
	}
	return nil
}

// tables finds the tables of an index: names, checksums, offsets and large
// offsets; in version 1 each offset stands before its name.
func (p *File) tables(rest []byte, first bool) bool {
	w := p.width
	if first {
		if len(rest) != p.N*(4+w) {
			return false
		}
		p.offs, p.ofStride, p.idStride = rest, 4+w, 4+w
		p.ids = rest[min(4, len(rest)):]
		return true
	}
	if len(rest) < p.N*(w+8) || (len(rest)-p.N*(w+8))%8 != 0 {
		return false
	}
	p.ids, p.idStride = rest[:p.N*w], w
	p.offs, p.ofStride = rest[p.N*(w+4):p.N*(w+8)], 4
	p.large = rest[p.N*(w+8):]
	return true
}

// Objects is the pack without its checksum.
func (p *File) Objects() []byte { return p.data[:len(p.data)-p.width] }

// Checksum is the trailer of the pack, which names its content.
func (p *File) Checksum() object.ID { return object.MakeID(p.data[len(p.data)-p.width:]) }

// ID is the name of object i: they are in the order of their names.
func (p *File) ID(i int) object.ID { return object.MakeID(p.Name(i)) }

// Name is the name of object i, in place.
func (p *File) Name(i int) []byte { return p.ids[i*p.idStride : i*p.idStride+p.width] }

// head is the first eight bytes of the name of object i.
func (p *File) head(i int) uint64 { return binary.BigEndian.Uint64(p.ids[i*p.idStride:]) }

// Offset returns where object i starts in the pack.
func (p *File) Offset(i int) (int64, error) {
	o := binary.BigEndian.Uint32(p.offs[i*p.ofStride:])
	off := int64(o)
	if o>>31 == 1 && p.idStride == p.width { // version 2

		at := int(o&0x7fffffff) * 8
		if at+8 > len(p.large) {
			return 0, fmt.Errorf("%w: an offset points out of the index", object.ErrDamaged)
		}
		off = int64(binary.BigEndian.Uint64(p.large[at:]))
	}
	if off < packStart || off >= int64(len(p.Objects())) {
		return 0, fmt.Errorf("%w: an offset points out of the pack", object.ErrDamaged)
	}
	return off, nil
}

// Find returns the place of id in the index.
func (p *File) Find(id object.ID) (int, bool) {
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
		if h := p.head(mid); h < head || h == head && bytes.Compare(p.Name(mid), want) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < p.N && bytes.Equal(p.Name(lo), want)
}

// FileName is the pack's file name, for messages.
func (p *File) FileName() string { return strings.TrimSuffix(filepath.Base(p.path), ".pack") + ".pack" }

// Release gives back the memory of pages that were read: they stay in the system's
// cache, but do not count as ours any more. Where that cannot be asked for, the system
// does it when it needs it.
func (p *File) Release() { release(p.data) }

// Guarded calls do and turns a fault on mapped memory, which a file gives that
// was cut while it is mapped, into an error. The calling goroutine must have
// debug.SetPanicOnFault on.
func Guarded(do func() error) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }: // the runtime's error for a memory fault
			err = fmt.Errorf("%w: the file shrank while it was read", object.ErrDamaged)
		default:
			panic(p)
		}
	}()
	return do()
}
