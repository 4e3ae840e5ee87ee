package archive

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// stream opens a file that was compressed as a whole. A tar in it is read on the
// way, so it may be larger than an entry.
func (o *opening) stream(kind Kind, data []byte) error {
	r, done, err := o.unpacker(kind, bytes.NewReader(data))
	if err != nil {
		return explain(err)
	}
	defer done()
	in := bufio.NewReaderSize(&meter{o: o, r: explained{r}}, 64<<10)
	head, _ := in.Peek(tarBlock) // an error comes again
	if isTar(head) {
		if err := o.tar(&counter{r: in}); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, in) // up to the sums at the end
		return err
	}
	at, err := o.entry(UnpackedName(o.name))
	if err != nil {
		return err
	}
	return o.take(at, in)
}

// unpacker returns a reader of what is compressed in r.
func (o *opening) unpacker(kind Kind, r io.Reader) (out io.Reader, done func(), err error) {
	done = func() {}
	switch kind {
	case Gzip:
		out, err = gzip.NewReader(r)
	case Bzip2:
		out = bzip2.NewReader(r)
	case XZ:
		out, err = xz.NewReader(r, uint32(min(o.limits.Dictionary, 1<<31)))
	case Zstd:
		// Without goroutines: nothing is left behind, and a window is all it holds.
		d, derr := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow(o.limits.Dictionary)))
		if derr != nil {
			return nil, done, derr
		}
		out, done = d, d.Close
	default:
		return nil, done, fmt.Errorf("%w: %s", errMethod, kind)
	}
	return out, done, err
}

// zstdWindow brings the limit into the bounds that the library takes.
func zstdWindow(limit int64) uint64 {
	return uint64(min(max(limit, zstd.MinWindowSize), zstd.MaxWindowSize))
}

// explained gives the errors of decompressors their reasons.
type explained struct{ r io.Reader }

func (e explained) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	return n, explain(err)
}

func explain(err error) error {
	switch {
	case errors.Is(err, xz.ErrMemlimit), errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return errDictionary
	case errors.Is(err, xz.ErrOptions), errors.Is(err, zstd.ErrUnknownDictionary):
		return errMethod
	}
	return err
}

// UnpackedName is what a compressed file of the name given is called when it is
// unpacked.
func UnpackedName(name string) string {
	name = path.Base(name)
	for _, ext := range []string{".gz", ".bz2", ".xz", ".zst"} {
		if base := strings.TrimSuffix(name, ext); base != name && base != "" {
			return base
		}
	}
	if base := strings.TrimSuffix(name, path.Ext(name)); base != "" && path.Ext(name) == ".tgz" {
		return base + ".tar"
	}
	if name == "." || name == "/" {
		return "content"
	}
	return name
}
