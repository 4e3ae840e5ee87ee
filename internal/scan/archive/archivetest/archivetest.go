// Package archivetest makes archives for tests, good ones and damaged ones. What
// lies in them is the test's.
package archivetest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"
	"testing"
	"unicode/utf16"

	"github.com/dsnet/compress/bzip2"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// File is an entry.
type File struct {
	Name, Text string
	Link       string // it is a symbolic link to this (tar)
	Pipe       bool   // it is a pipe (tar)
	Stored     bool   // it is not compressed (zip)
}

// Containers returns the formats that hold several files.
func Containers() map[string]func(testing.TB, ...File) []byte {
	return map[string]func(testing.TB, ...File) []byte{"zip": Zip, "tar": Tar, "7z": SevenZip}
}

// Compressors returns the formats that hold one file, by their file name extension.
func Compressors() map[string]func(testing.TB, []byte) []byte {
	return map[string]func(testing.TB, []byte) []byte{"gz": Gzip, "bz2": Bzip2, "xz": XZ, "zst": Zstd}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// Zip makes a zip.
func Zip(tb testing.TB, files ...File) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.Name, Method: zip.Deflate}
		if f.Stored {
			h.Method = zip.Store
		}
		out, err := w.CreateHeader(h)
		must(tb, err)
		_, err = io.WriteString(out, f.Text)
		must(tb, err)
	}
	must(tb, w.Close())
	return b.Bytes()
}

// Tar makes a tar.
func Tar(tb testing.TB, files ...File) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Mode: 0o600, Size: int64(len(f.Text)), Typeflag: tar.TypeReg}
		switch {
		case f.Link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
		case f.Pipe:
			h.Typeflag = tar.TypeFifo
		}
		must(tb, w.WriteHeader(h))
		_, err := io.WriteString(w, f.Text)
		must(tb, err)
	}
	must(tb, w.Close())
	return b.Bytes()
}

// squeeze writes data through a compressor.
func squeeze(tb testing.TB, data []byte, open func(io.Writer) (io.WriteCloser, error)) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := open(&b)
	must(tb, err)
	_, err = w.Write(data)
	must(tb, err)
	must(tb, w.Close())
	return b.Bytes()
}

// Gzip compresses.
func Gzip(tb testing.TB, data []byte) []byte {
	tb.Helper()
	return squeeze(tb, data, func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
}

// Bzip2 compresses.
func Bzip2(tb testing.TB, data []byte) []byte {
	tb.Helper()
	return squeeze(tb, data, func(w io.Writer) (io.WriteCloser, error) { return bzip2.NewWriter(w, nil) })
}

// XZ compresses.
func XZ(tb testing.TB, data []byte) []byte {
	tb.Helper()
	return squeeze(tb, data, func(w io.Writer) (io.WriteCloser, error) {
		return xz.WriterConfig{DictCap: 1 << 16}.NewWriter(w)
	})
}

// Zstd compresses.
func Zstd(tb testing.TB, data []byte) []byte {
	tb.Helper()
	return squeeze(tb, data, func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	})
}

// SevenZip makes a 7z: all files in one LZMA stream, the header in another, as
// 7-Zip does.
func SevenZip(tb testing.TB, files ...File) []byte {
	tb.Helper()
	return Seven{Files: files, PackHeader: true}.Bytes(tb)
}

// Seven is a 7z file with what may be wrong about it. The format: 7zFormat.txt of
// the 7-Zip sources.
type Seven struct {
	Files      []File
	PackHeader bool
	Method     []byte // of the files; LZMA when empty
	Props      []byte // of that method
	FileCount  uint64 // that the header claims; 0: the truth
	Dictionary uint32 // that the header claims; 0: the truth
}

// Bytes makes the file.
func (s Seven) Bytes(tb testing.TB) []byte {
	tb.Helper()
	var text []byte
	for _, f := range s.Files {
		text = append(text, f.Text...)
	}
	packed, props := lzmaOf(tb, text)
	if len(s.Method) > 0 {
		packed, props = text, s.Props
	} else {
		s.Method = []byte{3, 1, 1}
	}
	if s.Dictionary != 0 {
		binary.LittleEndian.PutUint32(props[1:], s.Dictionary)
	}
	header := s.header(text, packed, props)
	if s.PackHeader {
		packedHeader, headerProps := lzmaOf(tb, header)
		streams := append([]byte{0x17}, sevenStreams(uint64(len(packed)), packedHeader, []byte{3, 1, 1}, headerProps, header, nil)...)
		packed, header = append(packed, packedHeader...), streams
	}
	start := make([]byte, 0, 20)
	start = binary.LittleEndian.AppendUint64(start, uint64(len(packed)))
	start = binary.LittleEndian.AppendUint64(start, uint64(len(header)))
	start = binary.LittleEndian.AppendUint32(start, crc32.ChecksumIEEE(header))
	out := append([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(start))...)
	return append(append(append(out, start...), packed...), header...)
}

// header makes the list of streams and files.
func (s Seven) header(text, packed, props []byte) []byte {
	var full []File
	for _, f := range s.Files {
		if f.Text != "" {
			full = append(full, f)
		}
	}
	h := []byte{1}
	if len(full) > 0 {
		h = append(append(h, 4), sevenStreams(0, packed, s.Method, props, text, full)...)
	}
	h = append(h, 5)
	count := uint64(len(s.Files))
	if s.FileCount != 0 {
		count = s.FileCount
	}
	h = append(h, number(count)...)
	if len(full) < len(s.Files) {
		bits := make([]byte, (len(s.Files)+7)/8)
		for i, f := range s.Files {
			if f.Text == "" {
				bits[i/8] |= 0x80 >> (i % 8)
			}
		}
		h = append(append(append(h, 0x0e), number(uint64(len(bits)))...), bits...)
		empty := (len(s.Files) - len(full) + 7) / 8
		h = append(append(append(h, 0x0f), number(uint64(empty))...), bytes.Repeat([]byte{0xff}, empty)...)
	}
	names := []byte{0}
	for _, f := range s.Files {
		for _, u := range utf16.Encode([]rune(f.Name + "\x00")) {
			names = binary.LittleEndian.AppendUint16(names, u)
		}
	}
	h = append(append(append(h, 0x11), number(uint64(len(names)))...), names...)
	return append(h, 0, 0)
}

// sevenStreams describes one stream that holds files.
func sevenStreams(at uint64, packed, method, props, text []byte, files []File) []byte {
	b := append([]byte{6}, number(at)...)
	b = append(append(append(b, 1, 9), number(uint64(len(packed)))...), 0)
	b = append(b, 7, 0x0b, 1, 0, 1)
	if len(props) > 0 {
		b = append(append(append(b, byte(len(method))|0x20), method...), number(uint64(len(props)))...)
		b = append(b, props...)
	} else {
		b = append(append(b, byte(len(method))), method...)
	}
	b = append(append(append(b, 0x0c), number(uint64(len(text)))...), 0)
	if len(files) > 0 {
		b = append(append(b, 8, 0x0d), number(uint64(len(files)))...)
		b = append(b, 9)
		for _, f := range files[:len(files)-1] {
			b = append(b, number(uint64(len(f.Text)))...)
		}
		b = append(b, 0x0a, 1)
		for _, f := range files {
			b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(f.Text)))
		}
		b = append(b, 0)
	}
	return append(b, 0)
}

// number writes a number in nine bytes, which is allowed.
func number(n uint64) []byte {
	if n < 0x80 {
		return []byte{byte(n)}
	}
	return binary.LittleEndian.AppendUint64([]byte{0xff}, n)
}

// lzmaOf returns the packed bytes, without the header, and the properties.
func lzmaOf(tb testing.TB, text []byte) (packed, props []byte) {
	tb.Helper()
	b := squeeze(tb, text, func(w io.Writer) (io.WriteCloser, error) {
		return lzma.WriterConfig{DictCap: 1 << 16, SizeInHeader: true, Size: int64(len(text))}.NewWriter(w)
	})
	const propsSize, headerSize = 5, 13
	return b[headerSize:], b[:propsSize]
}
