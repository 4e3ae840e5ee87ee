package ignore_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/ignore"
)

// tree is a working tree: files, and the text of each list of patterns in it.
type tree struct {
	files   []string
	lists   map[string]string // folder, "" at the top
	exclude string
	user    string
	tracked []string
}

// folders returns every folder of the tree.
func (w tree) folders() []string {
	seen := map[string]bool{}
	for _, f := range w.files {
		for d := path.Dir(f); d != "."; d = path.Dir(d) {
			seen[d] = true
		}
	}
	var out []string
	for d := range seen {
		out = append(out, d)
	}
	slices.Sort(out)
	return out
}

func list(t rapid.TB, text string) ignore.List {
	t.Helper()
	l, ok := ignore.Parse([]byte(text))
	if !ok {
		t.Fatal("too many patterns")
	}
	return l
}

// folder returns what holds in a folder, by way of all above it.
func (w tree) folder(t rapid.TB, dir string) *ignore.Folder {
	t.Helper()
	f := ignore.New(w.tracked, list(t, w.lists[""]), list(t, w.exclude), list(t, w.user))
	at := ""
	for name := range strings.SplitSeq(dir, "/") {
		if dir == "." {
			break
		}
		at = path.Join(at, name)
		f = f.Sub(name, list(t, w.lists[at]))
	}
	return f
}

// ours lists the files that we take for ignored.
func (w tree) ours(t rapid.TB) []string {
	t.Helper()
	var out []string
	for _, f := range w.files {
		if w.folder(t, path.Dir(f)).File(path.Base(f)) {
			out = append(out, f)
		}
	}
	return out
}

// gits lists those that git does.
func (w tree) gits(t rapid.TB, dir string) []string {
	t.Helper()
	put := func(name, text string) {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git := func(stdin string, args ...string) string {
		c := exec.Command("git", append([]string{"-C", dir, "-c", "core.excludesFile=" + filepath.Join(dir, ".git", "user")}, args...)...)
		c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
		c.Stdin = strings.NewReader(stdin)
		var stderr bytes.Buffer
		c.Stderr = &stderr
		out, err := c.Output()
		if err != nil && stderr.Len() > 0 {
			t.Fatalf("git %q: %v\n%s", args, err, stderr.String())
		}
		return string(out)
	}
	put(".git/HEAD", "ref: refs/heads/main\n") // all that git asks of a repository
	for _, folder := range []string{"objects", "refs"} {
		if err := os.Mkdir(filepath.Join(dir, ".git", folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range w.files {
		put(f, "x")
	}
	put(".git/info/exclude", w.exclude)
	put(".git/user", w.user)
	if len(w.tracked) > 0 {
		git("", append([]string{"add", "-f", "--"}, w.tracked...)...)
	}
	for folder, text := range w.lists {
		put(path.Join(folder, ".gitignore"), text)
	}
	var out []string
	for line := range strings.SplitSeq(git(strings.Join(w.files, "\x00")+"\x00", "check-ignore", "-z", "--stdin"), "\x00") {
		if line != "" {
			out = append(out, line)
		}
	}
	return out
}

// TestAgainstGit: random trees and patterns, judged as git judges them.
func TestAgainstGit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("SKIPPED: no git")
	}
	names := rapid.SampledFrom([]string{"a", "b", "ab", "a.b", "x.log", "-", "A1", "]", "a b", "foo", "foo.c"})
	piece := rapid.OneOf(names, rapid.SampledFrom([]string{
		"*", "**", "?", "[ab]", "[!a]", "[a-c]x", "[[:alpha:]]", "[]-]", "[^[:digit:]]*", "a*", "*.log", "*b", "foo*", "***", `\a`, `\*`, "[", "[[:no:]]", "a**", "**b", "[a-", "*[.]*", `[\]]`, "a?b",
	}))
	pattern := rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(piece, 1, 3).Draw(t, "parts")
		p := strings.Join(parts, rapid.SampledFrom([]string{"/", "/", "", "/**/"}).Draw(t, "between"))
		return rapid.SampledFrom([]string{"", "", "", "!", "/", "!/", "**/", "#", `\!`}).Draw(t, "before") + p +
			rapid.SampledFrom([]string{"", "", "", "/", "/**", "/*", "  ", `\ `, "\r"}).Draw(t, "behind")
	})
	patterns := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(pattern, 0, 4).Draw(t, "patterns"), "\n") + rapid.SampledFrom([]string{"", "\n"}).Draw(t, "end")
	})
	rapid.Check(t, func(t *rapid.T) {
		w := tree{lists: map[string]string{}, exclude: patterns.Draw(t, "exclude"), user: patterns.Draw(t, "user")}
		seen := map[string]bool{}
		for range rapid.IntRange(1, 12).Draw(t, "files") {
			f := strings.Join(rapid.SliceOfN(names, 1, 4).Draw(t, "file"), "/")
			for d := f; d != "."; d = path.Dir(d) { // a name is a file or a folder
				if seen["file "+d] || d == f && seen["folder "+d] {
					f = ""
					break
				}
			}
			if f == "" {
				continue
			}
			seen["file "+f] = true
			for d := path.Dir(f); d != "."; d = path.Dir(d) {
				seen["folder "+d] = true
			}
			w.files = append(w.files, f)
			if rapid.IntRange(0, 4).Draw(t, "tracked") == 0 {
				w.tracked = append(w.tracked, f)
			}
		}
		slices.Sort(w.files)
		slices.Sort(w.tracked)
		w.lists[""] = patterns.Draw(t, "top")
		for _, d := range w.folders() {
			if rapid.IntRange(0, 2).Draw(t, "has a list") == 0 {
				w.lists[d] = patterns.Draw(t, d)
			}
		}
		dir, err := os.MkdirTemp("", "ignore") //nolint:usetesting // of one try of many, so it is removed at once
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		ours, gits := w.ours(t), w.gits(t, dir)
		if !slices.Equal(ours, gits) {
			t.Fatalf("we ignore %q, git %q\n%+v", ours, gits, w)
		}
		for _, d := range w.folders() { // a folder that is left out holds nothing that git keeps
			if !w.folder(t, path.Dir(d)).Whole(path.Base(d)) {
				continue
			}
			for _, f := range w.files {
				if strings.HasPrefix(f, d+"/") && !slices.Contains(gits, f) {
					t.Fatalf("the folder %q is left out with %q\n%+v", d, f, w)
				}
			}
		}
	})
}

// TestManyStars: a pattern that would take for ever is no pattern.
func TestManyStars(t *testing.T) {
	t.Parallel()
	l := list(t, strings.Repeat("**/*a*", 30)+"b\n"+strings.Repeat("*a", 60)+"c\n")
	f := ignore.New(nil, l)
	for range 20 {
		f = f.Sub(strings.Repeat("a", 100), ignore.List{})
	}
	start := time.Now()
	if f.File(strings.Repeat("a", 200)) {
		t.Error("ignored")
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestTooManyPatterns(t *testing.T) {
	t.Parallel()
	if _, ok := ignore.Parse([]byte(strings.Repeat("a\n", ignore.MaxPatterns))); !ok {
		t.Error("refused")
	}
	if l, ok := ignore.Parse([]byte(strings.Repeat("a\n", ignore.MaxPatterns+1))); ok || ignore.New(nil, l).File("a") {
		t.Error("taken")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a/**/b\n!c", "[[:alpha:]-z]\n", `\`, "[\\", "**/", "/", "!", "***/*?"} {
		f.Add([]byte(s), "a/b")
	}
	f.Fuzz(func(t *testing.T, patterns []byte, name string) {
		l, ok := ignore.Parse(patterns)
		top := ignore.New([]string{name}, l)
		if top.File(name) {
			t.Error("a tracked file is ignored")
		}
		if !ok && top.Whole("any") {
			t.Error("a list that was refused is used")
		}
		fmt.Fprint(&bytes.Buffer{}, top.Sub(name, l).File("x"))
	})
}
