package archive

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"
)

// Methods of APPNOTE.TXT, 4.4.5, besides those that every zip has.
const (
	methodBzip2 = 12
	methodZstd  = 93
	methodXZ    = 95
)

// zip reads the entries of a zip in the order in which they lie in the file.
func (o *opening) zip(data []byte) error {
	if at := bytes.Index(data, []byte(zipLocal)); at > 0 { // a program in front
		if err := o.leaf(o.at, data[:at]); err != nil {
			return err
		}
	}
	if directoryCount(data) > o.limits.Entries {
		return errEntries
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are labels here
		if err := o.salvage(data); err != nil {
			return err
		}
		return errDamaged
	}
	files, err := o.inOrder(r.File)
	if err != nil {
		return err
	}
	if isDocument(r) {
		return o.document(files)
	}
	return o.zipEntries(files, o.take)
}

// directoryCount counts what may be entries in the directory: the reader makes
// something of each before it looks at what the archive says of their number.
func directoryCount(data []byte) int {
	end := bytes.LastIndex(data[max(0, len(data)-zipEndSize-1<<16):], []byte(zipEnd))
	if end < 0 {
		return 0
	}
	end += max(0, len(data)-zipEndSize-1<<16)
	directory := data[:end]
	if end+16 <= len(data) {
		if size := int64(binary.LittleEndian.Uint32(data[end+12:])); size < int64(end) {
			directory = data[int64(end)-size : end]
		}
	}
	return bytes.Count(directory, []byte(zipCentral))
}

// method returns a reader of what is packed in r.
func (o *opening) method(method uint16, r io.Reader) (out io.Reader, done func(), err error) {
	switch method {
	case zip.Store:
		return r, func() {}, nil
	case zip.Deflate:
		return flate.NewReader(r), func() {}, nil
	case methodBzip2:
		return o.unpacker(Bzip2, r)
	case methodZstd:
		return o.unpacker(Zstd, r)
	case methodXZ:
		return o.unpacker(XZ, r)
	}
	return nil, nil, fmt.Errorf("%w (method %d)", errMethod, method)
}

// zipFile is an entry that can be read.
type zipFile struct {
	*zip.File

	at    string
	start int64
}

// inOrder lists what can be read, and reports what cannot. An entry that lies in
// another one is that entry's bytes once more, as in a bomb.
func (o *opening) inOrder(list []*zip.File) ([]zipFile, error) {
	var out []zipFile
	for _, f := range list {
		at, err := o.entry(strings.ReplaceAll(f.Name, `\`, "/")) // APPNOTE.TXT, 4.4.17.1; old tools write the other one
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(f.Name, "/") && f.UncompressedSize64 == 0 {
			continue
		}
		start, err := f.DataOffset()
		if err != nil {
			o.lost("archive entry", at, errDamaged)
			continue
		}
		out = append(out, zipFile{f, at, start})
	}
	slices.SortStableFunc(out, func(a, b zipFile) int { return cmp.Compare(a.start, b.start) })
	end := int64(0)
	return slices.DeleteFunc(out, func(f zipFile) bool {
		if f.start < end && f.CompressedSize64 > 0 {
			o.lost("archive entry", f.at, errOverlap)
			return true
		}
		if size := int64(min(f.CompressedSize64, 1<<62)); size > 0 {
			end = f.start + size
		}
		return false
	}), nil
}

// zipEntries hands the content of each file to take.
func (o *opening) zipEntries(files []zipFile, take func(at string, r io.Reader) error) error {
	const encrypted = 1
	for _, f := range files {
		switch {
		case f.Flags&encrypted != 0:
			o.lost("archive entry", f.at, errEncrypted)
			continue
		case f.UncompressedSize64 > uint64(o.limits.Entry):
			o.large(f.at)
			continue
		}
		if err := o.zipEntry(f, take); err != nil {
			return err
		}
	}
	return nil
}

// zipEntry reads one file. Its size and sum are not those of the library's own
// reader, which gives nothing of a file whose size is not what is claimed.
func (o *opening) zipEntry(f zipFile, take func(at string, r io.Reader) error) error {
	raw, err := f.OpenRaw()
	if err != nil {
		o.lost("archive entry", f.at, errDamaged)
		return nil
	}
	r, done, err := o.method(f.Method, raw)
	if err != nil {
		o.lost("archive entry", f.at, explain(err))
		return nil
	}
	defer done()
	return take(f.at, &meter{o: o, r: &summed{r: explained{r}, want: f.CRC32}})
}

// summed ends in an error when the sum of what was read is not the one given.
type summed struct {
	r         io.Reader
	want, sum uint32
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum = crc32.Update(s.sum, crc32.IEEETable, p[:n])
	if errors.Is(err, io.EOF) && s.sum != s.want {
		err = errDamaged
	}
	return n, err
}
