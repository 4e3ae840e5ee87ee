package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/secretguard/secretguard/internal/scan/gitdir"
	"github.com/secretguard/secretguard/internal/scan/ignore"
)

const ignoredWhy = "git ignores it; see --ignored"

// maxIgnoreFile is the largest list of names to ignore that is read.
const maxIgnoreFile = 1 << 20

// ignorer finds the lists of names to ignore. It may be used from many goroutines.
type ignorer struct {
	sink Sink
	user string // the user's own list
}

// top returns what holds in the folder that is scanned: its repository may begin
// above it. It returns nil when the folder is in no repository.
func (g *ignorer) top(path string) (*ignore.Folder, error) {
	abs, err := filepath.Abs(path)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", path, err)
	}
	d, err := gitdir.Find(abs)
	if err != nil || d.Root == "" { // nothing is ignored there
		return nil, nil //nolint:nilerr,nilnil // as above
	}
	rel, err := filepath.Rel(d.Root, abs)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return nil, nil //nolint:nilerr,nilnil // a working tree elsewhere
	}
	f := g.repository(d, path)
	if f == nil || rel == "." {
		return f, nil
	}
	at := d.Root
	for name := range strings.SplitSeq(filepath.ToSlash(rel), "/") {
		at = filepath.Join(at, name)
		f = f.Sub(name, g.listOf(at))
	}
	return f, nil
}

// enter returns what holds in a folder on the way down: a repository of its own, or
// what holds around it and its own list.
func (g *ignorer) enter(f *folder, top string) *ignore.Folder {
	if _, err := f.root.Lstat(".git"); err == nil {
		if d, err := gitdir.Find(filepath.Join(top, filepath.FromSlash(f.name))); err == nil && d.Root != "" {
			return g.repository(d, f.name)
		}
	}
	if f.rules == nil {
		return nil
	}
	return f.rules.Sub(f.name[strings.LastIndexByte(f.name, '/')+1:], g.list(f.root))
}

// repository returns what holds at the top of a repository. Without its index
// nothing is left out, since what is tracked must not be.
func (g *ignorer) repository(d gitdir.Dir, name string) *ignore.Folder {
	index, err := d.Index("")
	if err != nil {
		g.sink.Skip(Skip{What: "repository", Why: "its index cannot be read, so nothing in it was left out", Example: name})
		return nil
	}
	tracked := make([]string, 0, len(index.Entries))
	for _, e := range index.Entries {
		tracked = append(tracked, e.Path)
	}
	return ignore.New(slices.Compact(tracked), g.listOf(d.Root), g.parse(readPlain(os.Lstat, os.OpenFile, filepath.Join(d.Common, "info", "exclude"))),
		g.parse(readPlain(os.Stat, os.OpenFile, g.user)))
}

// listOf reads the list of a folder by its path.
func (g *ignorer) listOf(folder string) ignore.List {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return ignore.List{} // the walk says so when it comes there
	}
	defer root.Close()
	return g.list(root)
}

// list reads the list of a folder. As for git, a link is no list.
func (g *ignorer) list(root *os.Root) ignore.List {
	return g.parse(readPlain(root.Lstat, root.OpenFile, ".gitignore"))
}

// errPlain means that a list is no plain file or too large.
var errPlain = errors.New("not a plain file, or too large")

// readPlain reads a small file, or nothing when it is not there.
func readPlain(look func(string) (fs.FileInfo, error), open func(string, int, fs.FileMode) (*os.File, error), name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	info, err := look(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxIgnoreFile {
		return nil, errPlain
	}
	f, err := open(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxIgnoreFile))
}

// parse reads a list. One that cannot be used leaves out nothing.
func (g *ignorer) parse(data []byte, err error) ignore.List {
	l, ok := ignore.Parse(data)
	if err != nil || !ok {
		g.sink.Skip(Skip{What: "list of ignored names", Why: "not used: it cannot be read or is too large"})
		return ignore.List{}
	}
	return l
}
