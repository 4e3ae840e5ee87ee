package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
)

// dir is a scan of a folder or of one file.
type dir struct {
	path string
	root *os.Root
	only string // one file of root; empty for the whole folder
	name string // what the user calls that file
	max  int64
}

// Dir scans the files below a path, or one file. Symbolic links are not
// followed, devices and pipes are not opened, and .git folders are left to Git.
func Dir(p string, maxBytes int64) (Source, error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", p, err)
	}
	d := dir{path: p, max: maxBytes}
	if d.max == 0 {
		d.max = DefaultMaxBytes
	}
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

// Walk reads the files in the order of their names.
func (d dir) Walk(ctx context.Context, sink Sink) error {
	defer d.root.Close()
	if d.only != "" {
		return d.file(ctx, d.only, d.name, sink)
	}
	return fs.WalkDir(d.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			sink.Skip(Skip{What: "folder", Why: reason(err), Example: name, Gap: true})
			if e != nil && e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		switch {
		case e.IsDir() && path.Base(name) == ".git":
			sink.Skip(Skip{What: "git folder", Why: "scan it with: secretguard scan git", Example: name})
			return fs.SkipDir
		case e.IsDir():
			return nil
		case e.Type()&fs.ModeSymlink != 0:
			sink.Skip(Skip{What: "symbolic link", Why: "not followed", Example: name})
			return nil
		case !e.Type().IsRegular():
			sink.Skip(Skip{What: "special file", Why: "not a plain file", Example: name})
			return nil
		}
		return d.file(ctx, name, name, sink)
	})
}

// file scans the file at path under a name.
func (d dir) file(ctx context.Context, path, name string, sink Sink) error {
	f, err := d.root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe put in its place must not wait
	if err != nil {
		sink.Skip(Skip{What: "file", Why: reason(err), Example: name, Gap: true})
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		sink.Skip(Skip{What: "file", Why: "no longer a plain file", Example: name, Gap: true})
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(f, d.max+1))
	if err != nil {
		sink.Skip(Skip{What: "file", Why: reason(err), Example: name, Gap: true})
		return nil
	}
	if int64(len(data)) > d.max {
		sink.Skip(Skip{What: "file", Why: fmt.Sprintf("larger than %d MB", d.max>>20), Example: name, Gap: true})
		return nil
	}
	sink.Files(1)
	if binary(data) {
		sink.Skip(Skip{What: "file", Why: "binary", Example: name})
		data = nil // its name is still judged
	}
	return sink.Fragment(ctx, Fragment{Text: string(data), Places: []Place{{Where: "worktree", Path: filepath.ToSlash(name)}}})
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
