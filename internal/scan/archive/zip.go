package archive

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
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
		return errDamaged
	}
	o.methods(r)
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

func (o *opening) methods(r *zip.Reader) {
	r.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser { return flate.NewReader(r) })
	r.RegisterDecompressor(methodBzip2, func(r io.Reader) io.ReadCloser { return io.NopCloser(explained{bzip2.NewReader(r)}) })
	for method, kind := range map[uint16]Kind{methodZstd: Zstd, methodXZ: XZ} {
		r.RegisterDecompressor(method, func(r io.Reader) io.ReadCloser {
			out, done, err := o.unpacker(kind, r)
			if err != nil {
				return failed{explain(err)}
			}
			return closer{explained{out}, done}
		})
	}
}

// closer closes by a function.
type closer struct {
	io.Reader

	done func()
}

func (c closer) Close() error {
	c.done()
	return nil
}

// failed is a reader that could not be made.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }
func (f failed) Close() error             { return nil }

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

func (o *opening) zipEntry(f zipFile, take func(at string, r io.Reader) error) error {
	r, err := f.Open()
	switch {
	case errors.Is(err, zip.ErrAlgorithm):
		o.lost("archive entry", f.at, fmt.Errorf("%w (method %d)", errMethod, f.Method))
		return nil
	case err != nil:
		o.lost("archive entry", f.at, err)
		return nil
	}
	err = take(f.at, &meter{o: o, r: r})
	if cerr := r.Close(); err == nil && cerr != nil {
		o.lost("archive entry", f.at, cerr)
	}
	return err
}
