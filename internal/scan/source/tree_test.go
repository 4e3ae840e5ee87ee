package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notes is a sink that keeps what it is told.
type notes struct {
	mu     sync.Mutex
	texts  map[string]string
	twice  []string
	skips  []Skip
	files  int
	inner  int
	before func(name string) error
}

func (n *notes) Fragment(ctx context.Context, f Fragment) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := f.Places[0].Name()
	if n.before != nil {
		if err := n.before(name); err != nil {
			return err
		}
	}
	if n.texts == nil {
		n.texts = map[string]string{}
	}
	if _, ok := n.texts[name]; ok {
		n.twice = append(n.twice, name)
	}
	n.texts[name] = string(f.Text)
	return ctx.Err()
}

func (n *notes) Skip(s Skip) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.skips = append(n.skips, s)
}

func (n *notes) Files(k int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.files += k
}

func (n *notes) Entries(k int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.inner += k
}

func put(t rapid.TB, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// small returns a tree that leaves folders after a few entries.
func small(t rapid.TB, root string, sink Sink, workers, listed, mayOpen int) *tree {
	t.Helper()
	src, err := Dir(root, Options{Parallel: workers})
	if err != nil {
		t.Fatal(err)
	}
	w, err := newTree(src.(dir), sink)
	if err != nil {
		t.Fatal(err)
	}
	w.listed, w.mayOpen = listed, mayOpen
	return w
}

// TestEveryFileOnce: whatever the tree looks like, and however it is cut into tasks.
func TestEveryFileOnce(t *testing.T) {
	t.Parallel()
	name := rapid.StringMatching(`[a-d.]{0,2}[a-d]`)
	rapid.Check(t, func(rt *rapid.T) {
		root, err := os.MkdirTemp("", "tree") //nolint:usetesting // of one try of many, so it is removed at once
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(root)
		want := map[string]string{}
		for i := range rapid.IntRange(1, 25).Draw(rt, "files") {
			parts := rapid.SliceOfN(name, 1, 5).Draw(rt, "path")
			parts[len(parts)-1] = fmt.Sprintf("f%d", i) // no file is a folder as well
			file := strings.Join(parts, "/")
			want[file] = fmt.Sprint("text of ", i)
			put(rt, root, file, want[file])
		}
		n := &notes{}
		w := small(rt, root, n, rapid.IntRange(1, 4).Draw(rt, "workers"), rapid.IntRange(1, 20).Draw(rt, "listed"), rapid.IntRange(0, 3).Draw(rt, "open"))
		err = w.walk(rt.Context())
		_ = w.dir.root.Close()
		if err != nil || len(n.skips) > 0 || len(n.twice) > 0 || n.files != len(want) {
			rt.Fatalf("%v, skips %v, twice %v, %d files of %d", err, n.skips, n.twice, n.files, len(want))
		}
		for file, text := range want {
			if n.texts[file] != text {
				rt.Fatalf("%s: %q", file, n.texts[file])
			}
		}
		if len(w.tasks) != 0 || w.half != 0 || w.busy != 0 {
			rt.Fatalf("left over: %d tasks, %d folders, %d busy", len(w.tasks), w.half, w.busy)
		}
	})
}

// TestStackIsFlat: what waits does not grow with the number of files: there is one list of 100 for each
// worker.
func TestStackIsFlat(t *testing.T) {
	t.Parallel()
	const files = 3000
	most := 0
	root := t.TempDir()
	for i := range files {
		put(t, root, fmt.Sprintf("f%04d", i), "x")
		if i%10 == 0 {
			put(t, root, fmt.Sprintf("d%04d/f", i), "x")
		}
	}
	n := &notes{}
	w := small(t, root, n, 2, 100, 50)
	n.before = func(string) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		most = max(most, len(w.tasks))
		return nil
	}
	if err := w.walk(t.Context()); err != nil || n.files != files+files/10 {
		t.Fatal(err, n.files)
	}
	_ = w.dir.root.Close()
	if most > 250 { // all of them are 675
		t.Errorf("%d tasks wait", most)
	}
}

// TestDeepTree: deeper than there may be open files, and than a path may be long.
func TestDeepTree(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	root, err := os.OpenRoot(top)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	const depth = maxFolderDepth + 5
	at := root
	for range depth {
		if err := at.Mkdir("d", 0o700); err != nil {
			t.Fatal(err)
		}
		if err := at.WriteFile("f", []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		next, err := at.OpenRoot("d")
		if err != nil {
			t.Fatal(err)
		}
		if at != root {
			_ = at.Close()
		}
		at = next
	}
	_ = at.Close()
	n := &notes{}
	src, err := Dir(top, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := src.(Walker).Walk(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if n.files != maxFolderDepth+1 || len(n.skips) != 1 || n.skips[0].Why != "nested too deep" || !n.skips[0].Gap {
		t.Errorf("%d files, %d skips, the first: %.100v", n.files, len(n.skips), n.skips)
	}
}

// TestWalkEnds with the error of the sink or of the context, whatever is under way.
func TestWalkEnds(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for i := range 300 {
		put(t, root, fmt.Sprintf("d%d/f%d", i%7, i), "x")
	}
	full := errors.New("full")
	for _, workers := range []int{1, 4} {
		n := &notes{}
		ctx, cancel := context.WithCancel(t.Context())
		n.before = func(string) error {
			if len(n.texts) < 20 {
				return nil
			}
			cancel()
			return full
		}
		w := small(t, root, n, workers, 10, 3)
		if err := w.walk(ctx); !errors.Is(err, full) && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if len(n.texts) > 25 {
			t.Errorf("%d files after the end", len(n.texts))
		}
		_ = w.dir.root.Close()
	}
}

// TestFileThatGrows beyond the limit while it is read is not scanned in part.
func TestFileThatGrows(t *testing.T) {
	t.Parallel()
	const limit = 1000
	for size, gap := range map[int]bool{limit: false, limit + 1: true, 0: false} {
		root := t.TempDir()
		put(t, root, "f", strings.Repeat("x", size))
		n := &notes{}
		src, err := Dir(root, Options{MaxBytes: limit})
		if err != nil {
			t.Fatal(err)
		}
		if err := src.(Walker).Walk(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if gap != slices.ContainsFunc(n.skips, func(s Skip) bool { return s.Gap }) || gap != (n.files == 0) {
			t.Errorf("%d bytes: %d files, %v", size, n.files, n.skips)
		}
	}
}
