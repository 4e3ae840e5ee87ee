package source

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/secretguard/secretguard/internal/scan/ignore"
)

const (
	// listed is how many entries of a folder are read at a time: what waits to be read
	// does not grow with a folder.
	listed = 512
	// grouped is how many files a worker takes at a time.
	grouped = 8
	// maxFolderDepth bounds hostile trees, as deep as git reads them.
	maxFolderDepth = 1000
	// maxOpenFolders is how many folders are left half read; others are read to their
	// end. Each takes two of the files that a process may have open.
	maxOpenFolders = 50
)

// tree is a walk over a folder by several workers. They share a stack of tasks:
// folders to list, and files to read. The last one put there is done first, so that
// the stack holds little more than one way down the tree.
type tree struct {
	dir     dir
	sink    Sink
	ignored *ignorer // nil when nothing is left out
	listed  int
	mayOpen int

	mu    sync.Mutex
	more  sync.Cond
	tasks []task
	busy  int
	err   error
	half  int // folders that are half read
}

// task is some files of a folder, or the rest of its list when there are none.
type task struct {
	folder *folder
	files  []fs.DirEntry
}

// folder is a folder on the way. It is closed when nobody uses it any more.
type folder struct {
	name  string // from the top; "." there
	depth int
	root  *os.Root // nil until it is opened
	list  *os.File
	users atomic.Int32
	left  bool           // half read
	rules *ignore.Folder // of the folder it lies in until it is opened; nil for none
}

func newTree(d dir, sink Sink) (*tree, error) {
	t := &tree{dir: d, sink: sink, listed: listed, mayOpen: maxOpenFolders}
	t.more.L = &t.mu
	top := &folder{name: "."}
	if d.opts.SkipIgnored {
		t.ignored = &ignorer{sink: sink, user: d.opts.UserIgnores}
		var err error
		if top.rules, err = t.ignored.top(d.path); err != nil {
			return nil, err
		}
	}
	t.tasks = []task{{folder: top}}
	top.users.Store(1)
	return t, nil
}

// walk does all tasks.
func (t *tree) walk(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { t.fail(ctx.Err()) })
	defer stop()
	var wg sync.WaitGroup
	for range t.dir.opts.Parallel {
		wg.Go(func() {
			r := newReader(t.dir, t.sink)
			for {
				next, ok := t.next()
				if !ok {
					return
				}
				err := t.do(ctx, r, next)
				t.release(next.folder)
				t.done(err)
			}
		})
	}
	wg.Wait()
	for _, left := range t.tasks { // after an error
		t.release(left.folder)
	}
	return t.err
}

// next takes a task. It returns false when there is none and none will come.
func (t *tree) next() (task, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.tasks) == 0 && t.busy > 0 && t.err == nil {
		t.more.Wait()
	}
	if len(t.tasks) == 0 || t.err != nil {
		return task{}, false
	}
	last := t.tasks[len(t.tasks)-1]
	t.tasks[len(t.tasks)-1] = task{}
	t.tasks = t.tasks[:len(t.tasks)-1]
	t.busy++
	return last, true
}

func (t *tree) done(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy--
	if err != nil && t.err == nil {
		t.err = err
	}
	if t.busy == 0 || t.err != nil {
		t.more.Broadcast()
	}
}

func (t *tree) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	t.more.Broadcast()
}

// put adds tasks, the last of which is done first.
func (t *tree) put(list ...task) {
	for _, k := range list {
		k.folder.users.Add(1)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tasks = append(t.tasks, list...)
	t.more.Broadcast()
}

// release closes a folder that no task needs any more.
func (t *tree) release(f *folder) {
	if f.users.Add(-1) > 0 || f.root == nil {
		return
	}
	_ = f.list.Close() // only read, as the next
	_ = f.root.Close()
}

func (t *tree) do(ctx context.Context, r *reader, k task) error {
	if k.files == nil {
		return t.list(ctx, r, k.folder)
	}
	return t.read(ctx, r, k.folder, k.files)
}

// read scans files of a folder.
func (t *tree) read(ctx context.Context, r *reader, f *folder, files []fs.DirEntry) error {
	for _, e := range files {
		if err := r.file(ctx, f.root, e.Name(), path.Join(f.name, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// list reads the next entries of a folder, and makes tasks of them.
func (t *tree) list(ctx context.Context, r *reader, f *folder) error {
	if f.root == nil && !t.open(f) {
		return nil
	}
	t.resume(f)
	for {
		entries, err := t.entries(f)
		last := err != nil || len(entries) < t.listed
		if err != nil && !errors.Is(err, io.EOF) {
			t.sink.Skip(Skip{What: "folder", Why: reason(err), Example: t.shown(f.name), Gap: true})
		}
		rest := !last && t.leave(f)
		if rest {
			t.put(task{folder: f})
		}
		files, folders := t.sort(f, entries)
		t.put(folders...)
		for len(files) > grouped {
			t.put(task{f, files[:grouped:grouped]})
			files = files[grouped:]
		}
		if len(files) > 0 {
			if err := t.read(ctx, r, f, files); err != nil {
				return err
			}
		}
		if last || rest {
			return nil
		}
	}
}

// leave reports whether a folder may be left half read.
func (t *tree) leave(f *folder) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.half >= t.mayOpen {
		return false
	}
	t.half++
	f.left = true
	return true
}

// resume goes on with a folder that was left.
func (t *tree) resume(f *folder) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.left {
		f.left = false
		t.half--
	}
}

// entries reads up to listed entries, in the order of their names.
func (t *tree) entries(f *folder) ([]fs.DirEntry, error) {
	var all []fs.DirEntry
	for len(all) < t.listed {
		some, err := f.list.ReadDir(t.listed - len(all))
		all = append(all, some...)
		if err != nil {
			slices.SortFunc(all, byName)
			return all, err
		}
	}
	slices.SortFunc(all, byName)
	return all, nil
}

func byName(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) }

// open opens a folder. What was a folder when it was listed may be a link now; the
// root does not lead out.
func (t *tree) open(f *folder) bool {
	var err error
	if f.root, err = t.dir.root.OpenRoot(f.name); err == nil {
		if f.list, err = f.root.Open("."); err != nil {
			_ = f.root.Close()
			f.root = nil
		}
	}
	if err != nil {
		t.sink.Skip(Skip{What: "folder", Why: reason(err), Example: t.shown(f.name), Gap: true})
		return false
	}
	if t.ignored != nil && f.name != "." {
		f.rules = t.ignored.enter(f, t.dir.path)
	}
	return true
}

// sort tells files from folders and reports the rest.
func (t *tree) sort(f *folder, entries []fs.DirEntry) (files []fs.DirEntry, folders []task) {
	for _, e := range entries {
		name := path.Join(f.name, e.Name())
		if t.dir.part.Leave[name] {
			continue
		}
		switch {
		case e.IsDir() && e.Name() == ".git":
			t.sink.Skip(Skip{What: "git folder", Why: "scan it with: secretguard scan git", Example: t.shown(name)})
		case e.IsDir() && f.depth >= maxFolderDepth:
			t.sink.Skip(Skip{What: "folder", Why: "nested too deep", Example: t.shown(name), Gap: true})
		case e.IsDir() && f.rules != nil && f.rules.Whole(e.Name()):
			t.sink.Skip(Skip{What: "ignored folder", Why: ignoredWhy, Example: t.shown(name)})
		case e.IsDir():
			folders = append(folders, task{folder: &folder{name: name, depth: f.depth + 1, rules: f.rules}})
		case e.Type()&fs.ModeSymlink != 0:
			t.sink.Skip(Skip{What: "symbolic link", Why: "not followed", Example: t.shown(name)})
		case !e.Type().IsRegular():
			t.sink.Skip(Skip{What: "special file", Why: "not a plain file", Example: t.shown(name)})
		case f.rules != nil && f.rules.File(e.Name()):
			t.sink.Skip(Skip{What: "ignored file", Why: ignoredWhy, Example: t.shown(name)})
		default:
			files = append(files, e)
		}
	}
	return files, folders
}

// shown is a path as people see it.
func (t *tree) shown(name string) string { return path.Join(t.dir.part.Under, name) }
