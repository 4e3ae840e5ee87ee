package gitdir

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func git(tb testing.TB, dir string, args ...string) string {
	tb.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Jo", "-c", "user.email=jo@shop.invalid"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("git %v: %v", args, err)
	}
	return strings.TrimRight(string(out), "\n")
}

func write(tb testing.TB, dir, name, text string) {
	tb.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}

func repository(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	git(tb, dir, "init", "-q", "-b", "main")
	for i := range 30 {
		write(tb, dir, fmt.Sprintf("d%d/%s%d.txt", i%4, strings.Repeat("n", i), i), fmt.Sprint(i))
	}
	git(tb, dir, "add", "-A")
	git(tb, dir, "commit", "-q", "-m", "one")
	return dir
}

// The refs are those that git lists, loose, packed and symbolic.
func TestRefsAreGitsRefs(t *testing.T) {
	t.Parallel()
	dir := repository(t)
	git(t, dir, "branch", "packed")
	git(t, dir, "tag", "-a", "-m", "x", "v1")
	git(t, dir, "pack-refs", "--all")
	git(t, dir, "branch", "feature/loose")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "two")
	git(t, dir, "update-ref", "refs/pull/1/head", "HEAD~")
	git(t, dir, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/packed")
	write(t, dir, "d0/0.txt", "changed")
	git(t, dir, "stash")
	d, err := Find(filepath.Join(dir, "d1"))
	if err != nil {
		t.Fatal(err)
	}
	refs, err := d.Refs()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range refs.List {
		got = append(got, r.ID+" "+r.Name)
	}
	want := strings.Split(git(t, dir, "for-each-ref", "--format=%(objectname) %(refname)"), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if refs.Head.ID != git(t, dir, "rev-parse", "HEAD") || len(refs.Lost) != 0 {
		t.Errorf("HEAD is %s; lost: %v", refs.Head.ID, refs.Lost)
	}
	logs, lost := d.Reflogs()
	byRef := map[string][]string{}
	for _, l := range logs {
		byRef[l.Ref] = l.IDs
	}
	if len(lost) != 0 || !slices.Equal(byRef["HEAD"], unique(strings.Split(git(t, dir, "reflog", "show", "--format=%H", "HEAD"), "\n"))) || len(byRef["refs/stash"]) != 1 {
		t.Errorf("reflogs %v, lost %v", byRef, lost)
	}
}

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// HEAD leads where git says, through loose and packed refs.
func TestHead(t *testing.T) {
	t.Parallel()
	dir := repository(t)
	d, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string) {
		t.Helper()
		want := git(t, dir, "rev-parse", "HEAD")
		if got, err := d.Head(); err != nil || got.ID != want {
			t.Errorf("%s: %+v, %v, want %s", what, got, err, want)
		}
	}
	check("loose")
	git(t, dir, "tag", "main2")
	git(t, dir, "branch", "a/main")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "x")
	git(t, dir, "branch", "z-main")
	git(t, dir, "pack-refs", "--all")
	check("packed")
	git(t, dir, "checkout", "-q", "--detach", "HEAD~")
	check("detached")
	tree := filepath.Join(t.TempDir(), "tree")
	git(t, dir, "worktree", "add", "-q", "-b", "side", tree)
	dir = tree
	if d, err = Find(tree); err != nil {
		t.Fatal(err)
	}
	check("worktree")
	git(t, dir, "switch", "-q", "--orphan", "none")
	if got, err := d.Head(); err != nil || got.ID != "" {
		t.Errorf("no commit: %+v, %v", got, err)
	}
	for _, text := range []string{"ref: ../../outside\n", "ref: HEAD\n", "nonsense\n"} {
		write(t, d.Git, "HEAD", text)
		if got, err := d.Head(); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	dir := repository(t)
	tree := filepath.Join(t.TempDir(), "tree")
	git(t, dir, "worktree", "add", "-q", "-b", "side", tree)
	bare := filepath.Join(t.TempDir(), "bare.git")
	git(t, ".", "clone", "-q", "--bare", dir, bare)
	for path, want := range map[string]Dir{
		dir:                          {Root: dir, Git: filepath.Join(dir, ".git"), Common: filepath.Join(dir, ".git")},
		filepath.Join(dir, "d1"):     {Root: dir, Git: filepath.Join(dir, ".git"), Common: filepath.Join(dir, ".git")},
		filepath.Join(dir, ".git"):   {Root: dir, Git: filepath.Join(dir, ".git"), Common: filepath.Join(dir, ".git")},
		filepath.Join(tree, "d2"):    {Root: tree, Git: filepath.Join(dir, ".git", "worktrees", "tree"), Common: filepath.Join(dir, ".git")},
		bare:                         {Git: bare, Common: bare},
		filepath.Join(bare, "refs"):  {Git: bare, Common: bare},
		filepath.Join(dir, ".git/a"): {},
		t.TempDir():                  {},
	} {
		got, err := Find(path)
		if want.Git == "" {
			if err == nil {
				t.Errorf("%s is taken for a repository: %+v", path, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", path, got, err, want)
		}
	}
	d, err := Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	refs, err := d.Refs()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(refs.List, func(r Ref) bool { return r.Name == "worktrees/tree/HEAD" && r.ID == refs.Head.ID }) {
		t.Error("what the other working tree has checked out is not among the refs")
	}
	broken := t.TempDir()
	write(t, broken, ".git", "gitdir: /nowhere\n")
	if _, err := Find(broken); !errors.Is(err, ErrNotRepository) {
		t.Errorf("a .git file that leads nowhere: %v", err)
	}
}

func TestTraits(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]Traits{
		"":                      {Format: "sha1", RefStorage: "files"},
		"[core]\n\tbare = true": {Bare: true, Format: "sha1", RefStorage: "files"},
		"[extensions]\nobjectFormat = sha256\n[extensions] refStorage=reftable": {Format: "sha256", RefStorage: "reftable"},
		"[remote \"origin\"]\n\tpromisor = true":                                {Format: "sha1", RefStorage: "files", Partial: true},
		"[extensions]\n\tpartialClone = origin":                                 {Format: "sha1", RefStorage: "files", Partial: true},
		"[alias]\n\tbare = !sh\n[core]\n\tbare":                                 {Bare: true, Format: "sha1", RefStorage: "files"},
	} {
		dir := t.TempDir()
		write(t, dir, "config", config)
		if got, err := (Dir{Git: dir, Common: dir}).Traits(); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", config, got, err, want)
		}
	}
}

// The index of every version is the one that git lists, and its cached trees are
// those that git writes.
func TestIndexIsGitsIndex(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2", "3", "4"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			dir := repository(t)
			git(t, dir, "update-index", "--index-version", version)
			write(t, dir, "d1/new", "x")
			write(t, dir, "later", "x")
			git(t, dir, "add", "d1/new")
			git(t, dir, "add", "-N", "later")
			d, err := Find(dir)
			if err != nil {
				t.Fatal(err)
			}
			x, err := d.Index("")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range x.Entries {
				got = append(got, fmt.Sprintf("%06o %s %d\t%s", e.Mode, hex.EncodeToString([]byte(e.ID)), e.Stage, e.Path))
				if e.IntentToAdd != (e.Path == "later") {
					t.Errorf("%s: intent to add is %v", e.Path, e.IntentToAdd)
				}
			}
			if want := git(t, dir, "ls-files", "-s"); strings.Join(got, "\n") != want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
			}
			if x.Root == nil || x.Root.ID != "" || x.Root.Sub["d1"].ID != "" {
				t.Fatalf("cached trees: %+v", x.Root)
			}
			if got := hex.EncodeToString([]byte(x.Root.Sub["d2"].ID)); got != git(t, dir, "rev-parse", "HEAD:d2") {
				t.Errorf("d2 is %s", got)
			}
		})
	}
}

// A split index and a sparse one list what git lists.
func TestIndexInParts(t *testing.T) {
	t.Parallel()
	list := func(t *testing.T, dir string) string {
		t.Helper()
		d, err := Find(dir)
		if err != nil {
			t.Fatal(err)
		}
		x, err := d.Index("")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range x.Entries {
			got = append(got, fmt.Sprintf("%06o %s %d\t%s", e.Mode, hex.EncodeToString([]byte(e.ID)), e.Stage, e.Path))
		}
		return strings.Join(got, "\n")
	}
	t.Run("split", func(t *testing.T) {
		t.Parallel()
		dir := repository(t)
		for i := range 300 { // more than a few words of bitmap
			write(t, dir, fmt.Sprintf("many/%03d", i), fmt.Sprint(i))
		}
		git(t, dir, "add", "-A")
		git(t, dir, "update-index", "--split-index")
		for step, do := range []func(){
			func() { write(t, dir, "many/150", "new") },
			func() { write(t, dir, "aaa", "added in front"); write(t, dir, "zzz", "added behind") },
			func() {
				for i := 60; i < 260; i++ {
					if err := os.Remove(filepath.Join(dir, fmt.Sprintf("many/%03d", i))); err != nil {
						t.Fatal(err)
					}
				}
			},
			func() { write(t, dir, "many/100", "back"); write(t, dir, "many/299", "changed") },
		} {
			do()
			git(t, dir, "-c", "splitIndex.maxPercentChange=100", "add", "-A")
			if got, want := list(t, dir), git(t, dir, "ls-files", "-s"); got != want {
				t.Fatalf("step %d: got\n%s\nwant\n%s", step, got, want)
			}
		}
		if b, err := os.ReadFile(filepath.Join(dir, ".git", "index")); err != nil || !strings.Contains(string(b), "link") {
			t.Fatalf("the index is not split: %v", err)
		}
	})
	t.Run("sparse", func(t *testing.T) {
		t.Parallel()
		dir := repository(t)
		git(t, dir, "commit", "-q", "--allow-empty", "-m", "x")
		git(t, dir, "sparse-checkout", "set", "--cone", "--sparse-index", "d1")
		got, want := list(t, dir), git(t, dir, "ls-files", "-s", "--sparse")
		if got != want || !strings.Contains(got, "040000") {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func FuzzEWAH(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x40\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ones, _, ok := ewah(string(b), 1000)
		if ok && len(ones) > 1064 {
			t.Fatal("more ones than bits")
		}
	})
}

func FuzzIndex(f *testing.F) {
	dir := repository(f)
	b, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := parseIndex(string(b), 20)
		if err == nil && len(x.Entries) > len(b)/62 {
			t.Fatalf("%d entries in %d bytes", len(x.Entries), len(b))
		}
	})
}

func FuzzRefs(f *testing.F) {
	f.Add([]byte("# pack-refs with: peeled\n"+strings.Repeat("a", 40)+" refs/heads/x\n^"+strings.Repeat("b", 40)+"\n"), []byte("ref: refs/heads/x\n"))
	f.Fuzz(func(t *testing.T, packed, head []byte) {
		dir := t.TempDir()
		write(t, dir, "packed-refs", string(packed))
		write(t, dir, "HEAD", string(head))
		write(t, dir, "refs/heads/loose", string(head))
		refs, err := Dir{Git: dir, Common: dir}.Refs()
		for _, r := range append(refs.List, refs.Head) {
			if err == nil && r.ID != "" && !isID(r.ID) {
				t.Fatalf("%q is no id", r.ID)
			}
		}
	})
}
