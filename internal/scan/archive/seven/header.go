// Package seven judges the header of a 7z file before a library reads it.
//
// The library believes what a header says of its numbers and sizes: some bytes can
// ask for more memory than there is, which no program survives. So the header is
// read here first, in the same order. The format is described in 7zFormat.txt of
// the 7-Zip sources.
package seven

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// Why a file or a stream of it is not read.
var (
	ErrDamaged   = errors.New("damaged")
	ErrEncrypted = errors.New("encrypted")
	ErrMethod    = errors.New("compressed in a way that is not known")
	ErrMemory    = errors.New("needs too much memory to be unpacked")
	ErrEntries   = errors.New("too many entries")
)

// Folder is what is known of a stream of packed files.
type Folder struct {
	Memory int64 // bytes that its decompressors ask for
	Err    error // why it cannot be read
	Files  int

	unpack uint64

	coders int
	outs   int
	method string // of the only coder
	props  []byte
}

const (
	startSize  = 32 // bytes of the signature header
	mostCoders = 32
	mostHeader = 64 << 20
	// mostPairs bounds files times folders: the reader looks for the folder of
	// each file from the start.
	mostPairs = 2_000_000_000
)

// Names of the header's parts.
const (
	idEnd           = 0x00
	idHeader        = 0x01
	idMainStreams   = 0x04
	idFiles         = 0x05
	idPack          = 0x06
	idUnpack        = 0x07
	idSubStreams    = 0x08
	idSizes         = 0x09
	idDigests       = 0x0a
	idFolders       = 0x0b
	idUnpackSizes   = 0x0c
	idStreamNumbers = 0x0d
	idEncoded       = 0x17
)

// Check judges the header of a 7z file and returns its folders. A file may have at
// most so many entries and folders, and its header may ask for at most so many bytes
// of memory. It reads only its arguments.
func Check(data []byte, entries int, memory int64) ([]Folder, error) {
	if len(data) < startSize {
		return nil, ErrDamaged
	}
	offset, size := binary.LittleEndian.Uint64(data[12:]), binary.LittleEndian.Uint64(data[20:])
	if rest := uint64(len(data) - startSize); offset > rest || size > rest-offset {
		return nil, ErrDamaged
	}
	h := header{b: data[startSize+offset : startSize+offset+size], entries: entries, memory: memory}
	if h.peek() == idEncoded {
		h.byte()
		h.streams()
		if h.err != nil {
			return nil, h.err
		}
		b, err := h.decode(data[startSize:])
		if err != nil {
			return nil, err
		}
		h = header{b: b, entries: entries, memory: memory}
	}
	h.header()
	return h.folders, h.err
}

// header reads a header. Its first error stays.
type header struct {
	b       []byte
	entries int
	memory  int64
	err     error

	position uint64 // of the packed streams
	sizes    []uint64
	folders  []Folder
}

func (h *header) fail(err error) {
	if h.err == nil {
		h.err = err
	}
	h.b = nil
}

func (h *header) peek() int {
	if len(h.b) == 0 {
		return -1
	}
	return int(h.b[0])
}

func (h *header) byte() int {
	if len(h.b) == 0 {
		h.fail(ErrDamaged)
		return -1
	}
	c := h.b[0]
	h.b = h.b[1:]
	return int(c)
}

// expect reads a byte that must be the one given.
func (h *header) expect(want int) {
	if h.byte() != want {
		h.fail(ErrDamaged)
	}
}

// take reads n bytes.
func (h *header) take(n uint64) []byte {
	if n > uint64(len(h.b)) {
		h.fail(ErrDamaged)
		return nil
	}
	b := h.b[:n]
	h.b = h.b[n:]
	return b
}

// number reads a number: the high bits of its first byte say how many follow.
func (h *header) number() uint64 {
	first := h.byte()
	var v uint64
	for i, mask := 0, 0x80; i < 8; i, mask = i+1, mask>>1 {
		if first&mask == 0 {
			return v | uint64(first&(mask-1))<<(8*i)
		}
		v |= uint64(h.byte()&0xff) << (8 * i)
	}
	return v
}

// count reads how many of something there are.
func (h *header) count() uint64 {
	n := h.number()
	if n > uint64(h.entries) {
		h.fail(ErrEntries)
		return 0
	}
	return n
}

// digests reads the sums of n things, some of which may have none.
func (h *header) digests(n uint64) {
	defined := n
	if h.byte() == 0 {
		defined = 0
		for i, c := range h.take((n + 7) / 8) {
			for bit := range min(8, n-8*uint64(i)) {
				defined += uint64(c >> (7 - bit) & 1)
			}
		}
	}
	h.take(4 * defined)
}

func (h *header) header() {
	h.expect(idHeader)
	if h.peek() == idMainStreams {
		h.byte()
		h.streams()
	}
	if h.peek() == idFiles {
		h.byte()
		if files := h.count(); files*uint64(len(h.folders)) > mostPairs {
			h.fail(ErrEntries)
		}
	}
	// What follows are lists of as many elements as there are files.
}

func (h *header) streams() {
	if h.peek() == idPack {
		h.byte()
		h.pack()
	}
	if h.peek() == idUnpack {
		h.byte()
		h.unpack()
	}
	if h.peek() == idSubStreams {
		h.byte()
		h.subStreams()
	}
	h.expect(idEnd)
}

func (h *header) pack() {
	h.position = h.number()
	n := h.count()
	if h.peek() == idSizes {
		h.byte()
		for range n {
			if h.sizes = append(h.sizes, h.number()); h.err != nil {
				return
			}
		}
	}
	if h.peek() == idDigests {
		h.byte()
		h.digests(n)
	}
	h.expect(idEnd)
}

func (h *header) unpack() {
	h.expect(idFolders)
	n := h.count()
	h.expect(0) // not external
	for range n {
		f := h.folder()
		if h.err != nil {
			return
		}
		h.folders = append(h.folders, f)
	}
	h.expect(idUnpackSizes)
	for i := range h.folders {
		for range h.folders[i].outs {
			h.folders[i].unpack = h.number()
		}
	}
	if h.peek() == idDigests {
		h.byte()
		h.digests(n)
	}
	h.expect(idEnd)
}

func (h *header) folder() Folder {
	f := Folder{Files: 1}
	n := h.number()
	if n == 0 || n > mostCoders {
		h.fail(ErrDamaged)
	}
	ins := uint64(0)
	for range n {
		if h.err != nil {
			return f
		}
		flags := h.byte()
		f.method = string(h.take(uint64(flags & 0x0f)))
		in, out := uint64(1), uint64(1)
		if flags&0x10 != 0 {
			in, out = h.number(), h.number()
		}
		f.props = nil
		if flags&0x20 != 0 {
			f.props = h.take(h.number())
		}
		if in > mostCoders || out != 1 { // others are not read by anyone
			h.fail(ErrMethod)
		}
		ins += in
		f.outs++
		f.coder(f.method, f.props)
	}
	f.coders = f.outs
	pairs := n - 1
	for range 2 * pairs {
		h.number()
	}
	if ins < pairs {
		h.fail(ErrDamaged)
	} else if packed := ins - pairs; packed != 1 {
		for range packed {
			h.number()
		}
	}
	return f
}

func (h *header) subStreams() {
	files := uint64(len(h.folders))
	if h.peek() == idStreamNumbers {
		h.byte()
		files = 0
		for i := range h.folders {
			n := h.count()
			h.folders[i].Files = int(n)
			files += n
		}
	}
	if files > uint64(h.entries) {
		h.fail(ErrEntries)
		return
	}
	if h.peek() == idSizes {
		h.byte()
		for _, f := range h.folders {
			for range f.Files - 1 {
				h.number()
			}
		}
	}
	if h.peek() == idDigests {
		h.byte()
		h.digests(files)
	}
	h.expect(idEnd)
}

// coder notes what a decompressor needs. Methods are those of Methods.txt in the
// 7-Zip sources.
func (f *Folder) coder(method string, props []byte) {
	switch method {
	case "\x03\x01\x01", "\x03\x04\x01": // LZMA, PPMd
		if len(props) < 5 {
			f.Err = ErrDamaged
			return
		}
		f.Memory += int64(binary.LittleEndian.Uint32(props[1:]))
	case "\x21": // LZMA2
		if len(props) != 1 || props[0] > 40 {
			f.Err = ErrDamaged
			return
		}
		f.Memory += int64(2|props[0]&1) << (props[0]/2 + 11)
	case "\x06\xf1\x07\x01": // AES
		f.Err = ErrEncrypted
	case "\x00", "\x03", "\x04\x01\x08", "\x04\x02\x02", // copy, delta, deflate, bzip2
		"\x03\x03\x01\x03", "\x03\x03\x01\x1b", "\x03\x03\x02\x05", "\x03\x03\x05\x01", "\x03\x03\x08\x05", "\x0a": // machine code
	default:
		if f.Err == nil {
			f.Err = fmt.Errorf("%w (method %x)", ErrMethod, method)
		}
	}
}

// decode unpacks a header that is packed itself, as 7-Zip writes it.
func (h *header) decode(streams []byte) ([]byte, error) {
	if len(h.folders) != 1 || len(h.sizes) != 1 {
		return nil, ErrDamaged
	}
	f := h.folders[0]
	switch {
	case f.Err != nil:
		return nil, f.Err
	case f.coders != 1:
		return nil, ErrMethod
	case f.Memory > h.memory || f.unpack > mostHeader:
		return nil, ErrMemory
	case h.position > uint64(len(streams)) || h.sizes[0] > uint64(len(streams))-h.position:
		return nil, ErrDamaged
	}
	packed := streams[h.position : h.position+h.sizes[0]]
	var r io.Reader = bytes.NewReader(packed)
	var err error
	switch f.method {
	case "\x00":
	case "\x03\x01\x01":
		head := binary.LittleEndian.AppendUint64(append([]byte{}, f.props[:5]...), f.unpack)
		r, err = lzma.NewReader(io.MultiReader(bytes.NewReader(head), r))
	case "\x21":
		r, err = lzma.Reader2Config{DictCap: int(max(f.Memory, lzma.MinDictCap))}.NewReader2(r)
	default:
		return nil, ErrMethod
	}
	if err != nil {
		return nil, ErrDamaged
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(f.unpack)))
	if err != nil || uint64(len(b)) != f.unpack {
		return nil, ErrDamaged
	}
	return b, nil
}
