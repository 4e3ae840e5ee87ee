package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// dir is a scan of a folder or of one file.
type dir struct {
	path string
	root *os.Root
	only string // one file of root; empty for the whole folder
	name string // what the user calls that file
	opts Options
	part Folder
}

// Dir scans the files below a path, or one file. Symbolic links are not
// followed, devices and pipes are not opened, and .git folders are left to Git.
// Files are read in no order. Hidden files and those that git ignores are read too,
// unless the options say otherwise: what must not be committed often holds keys.
func Dir(p string, o Options) (Source, error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", p, err)
	}
	d := dir{path: p, opts: o.withDefaults()}
	folder := p
	if !info.IsDir() && !info.Mode().IsRegular() { // to open a pipe would wait for ever
		return nil, fmt.Errorf("%s: %w", p, ErrNotPlain)
	}
	if !info.IsDir() {
		file, err := filepath.EvalSymlinks(p) // a link that the user names is followed
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", p, err)
		}
		folder, d.only, d.name = filepath.Dir(file), filepath.Base(file), filepath.Base(p)
	}
	if d.root, err = os.OpenRoot(folder); err != nil {
		return nil, fmt.Errorf("open %s: %w", folder, err)
	}
	return d, nil
}

// Info describes the folder.
func (d dir) Info() Info { return Info{Kind: "dir", Path: d.path} }

// Walk reads the files.
func (d dir) Walk(ctx context.Context, sink Sink) error {
	defer d.root.Close()
	if d.only != "" {
		return newReader(d, sink).file(ctx, d.root, d.only, d.name)
	}
	t, err := newTree(d, sink)
	if err != nil {
		return err
	}
	return t.walk(ctx)
}

// reader reads files for one goroutine.
type reader struct {
	content

	part Folder
	data []byte
}

func newReader(d dir, sink Sink) *reader {
	return &reader{content: content{opts: d.opts, sink: sink, what: "file"}, part: d.part}
}

// keptBuffer is the largest buffer that is kept for the next file.
const keptBuffer = 4 << 20

// file scans a file of a folder under the name given.
func (r *reader) file(ctx context.Context, folder *os.Root, file, name string) error {
	data, why := r.read(folder, file)
	at := r.part.place(name)
	if why != "" {
		r.sink.Skip(Skip{What: "file", Why: why, Example: at.Path, Gap: true})
		return nil
	}
	r.sink.Files(1)
	if r.part.Known != nil && r.part.Known(filepath.ToSlash(name), data) {
		return nil
	}
	err := r.content.file(ctx, at, data)
	if cap(r.data) > keptBuffer {
		r.data = nil
	}
	return err
}

// read returns the content of a file, good until the next call, or why there is
// none.
func (r *reader) read(folder *os.Root, file string) (data []byte, why string) {
	f, err := folder.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe put in its place must not wait
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, "no longer a plain file"
	}
	larger := fmt.Sprintf("larger than %d MB", r.opts.MaxBytes>>20)
	if info.Size() > r.opts.MaxBytes {
		return nil, larger
	}
	r.data = r.data[:0]
	if need := int(info.Size()) + 1; cap(r.data) < need { // one more, to see the end
		r.data = make([]byte, 0, need+need/8)
	}
	for {
		if len(r.data) == cap(r.data) { // it grows while it is read
			r.data = append(r.data, 0)[:len(r.data)]
		}
		n, err := f.Read(r.data[len(r.data):cap(r.data)])
		r.data = r.data[:len(r.data)+n]
		switch {
		case int64(len(r.data)) > r.opts.MaxBytes:
			return nil, larger
		case errors.Is(err, io.EOF), n > 0 && int64(n) == info.Size() && len(r.data) < cap(r.data): // all, and room for more
			return r.data, ""
		case err != nil:
			return nil, reason(err)
		}
	}
}

// reason says in a few words why something was not read.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	case errors.Is(err, fs.ErrNotExist):
		return "vanished while scanning"
	}
	return "cannot be read"
}
