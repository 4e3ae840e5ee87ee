package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
)

// estate is a repository with a secret of its own in every place.
type estate struct {
	t   *testing.T
	dir string
	at  map[string]string // secret -> what it was put into
}

func (e *estate) secret(what string) string {
	s := key()
	e.at[s] = what
	return s
}

func (e *estate) line(what string) string { return "STRIPE=" + e.secret(what) + "\n" }

func newEstate(t *testing.T) *estate {
	t.Helper()
	e := &estate{t: t, at: map[string]string{}}
	e.dir = repository(t, e.line("commit a.txt"), "clean\n")
	in := func(args ...string) { git(t, e.dir, args...) }
	write(t, e.dir, "tracked.env", e.line("commit tracked.env"))
	write(t, e.dir, ".gitignore", "ignored.env\nbuild/\n")
	in("add", "-A")
	in("commit", "-qm", "says "+e.secret("commit-message "))
	in("commit", "-q", "--allow-empty", "-m", "by somebody", "--author", e.secret("author ")+" <jo@shop.invalid>")
	in("branch", e.secret("ref-name "))
	write(t, e.dir, "a.txt", e.line("stash a.txt"))
	in("stash", "-q")
	write(t, e.dir, "named-"+e.secret("path-name ")+".txt", "nothing\n")
	in("add", "-A")
	in("commit", "-qm", "a name")
	write(t, e.dir, "staged.env", e.line("index staged.env"))
	in("add", "staged.env")
	write(t, e.dir, "staged.env", "other\n")
	write(t, e.dir, "a.txt", e.line("worktree a.txt"))
	write(t, e.dir, "x/untracked.env", e.line("worktree x/untracked.env"))
	write(t, e.dir, "ignored.env", e.line("ignored"))
	write(t, e.dir, "build/out.env", e.line("ignored"))
	in("config", "remote.origin.url", "https://jo:"+e.secret("git-dir .git/config")+"@git.invalid/shop.git")
	plain := lab.MadeUp("", 20) // no form of a key: the URL gives it away
	e.at[plain] = "git-dir .git/config"
	in("config", "remote.backup.url", "https://jo:"+plain+"@git.invalid/shop.git")
	write(t, e.dir, ".git/hooks/pre-push", "#!/bin/sh\n# "+e.line("git-dir .git/hooks/pre-push"))
	in("update-ref", "--create-reflog", "-m", "was "+e.secret("git-dir .git/logs/refs/tags/x"), "refs/tags/x", "HEAD")
	write(t, e.dir, ".git/lfs/objects/ab/cd/abcd", e.line("lfs .git/lfs/objects/ab/cd/abcd"))
	e.worktrees()
	e.submodules()
	return e
}

func (e *estate) worktrees() {
	t := e.t
	out := filepath.Join(t.TempDir(), "elsewhere")
	out, _ = filepath.EvalSymlinks(filepath.Dir(out))
	out = filepath.Join(out, "elsewhere")
	git(t, e.dir, "worktree", "add", "-q", "-b", "other", out)
	write(t, out, "b.env", e.line("index "+filepath.ToSlash(out)+"/b.env"))
	git(t, out, "add", "b.env")
	write(t, out, "c.env", e.line("worktree "+filepath.ToSlash(out)+"/c.env"))
	git(t, e.dir, "worktree", "add", "-q", "-b", "inner", filepath.Join(e.dir, "trees", "inner"))
	write(t, e.dir, "trees/inner/d.env", e.line("worktree trees/inner/d.env"))
}

func (e *estate) submodules() {
	t := e.t
	for _, name := range []string{"libs/now", "libs/gone"} {
		under := name
		if name == "libs/gone" {
			under = ".git/modules/" + name
		}
		from := repository(t, e.line("commit "+under+"/a.txt"), "clean\n")
		git(t, e.dir, "-c", "protocol.file.allow=always", "submodule", "add", "-q", from, name)
	}
	git(t, e.dir, "rm", "-qf", "libs/gone")
	write(t, e.dir, "libs/now/new.env", e.line("worktree libs/now/new.env"))
	write(t, e.dir, "libs/now/next.env", e.line("index libs/now/next.env"))
	git(t, filepath.Join(e.dir, "libs/now"), "add", "next.env")
}

// found lists where a scan saw each secret of the estate.
func (e *estate) found(r result) []string {
	e.t.Helper()
	var doc struct {
		Target   struct{ Kind string }
		Coverage struct{ Complete bool }
		Findings []struct{ Where, File, Secret, Rule string }
	}
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil || !doc.Coverage.Complete || doc.Target.Kind != "repository" {
		e.t.Fatal(err, r)
	}
	var out []string
	for _, f := range doc.Findings {
		if what, ok := e.at[f.Secret]; ok {
			at := strings.TrimSpace(f.Where + " " + f.File)
			if f.Where == "path-name" {
				at = f.Where
			}
			if what == "commit-message " && strings.HasPrefix(at, "git-dir .git/logs/") {
				continue // a reflog repeats it
			}
			if strings.TrimSpace(what) != at {
				at += " holds what was put into " + what
			}
			out = append(out, at)
		}
	}
	slices.Sort(out)
	return out
}

// TestScanOfEverything: each secret is found, where it is, once.
func TestScanOfEverything(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	ignored := 0
	var want []string
	for _, what := range e.at {
		if what == "ignored" {
			ignored++
			continue
		}
		want = append(want, strings.TrimSpace(what))
	}
	slices.Sort(want)
	for _, from := range []string{e.dir, filepath.Join(e.dir, "x"), filepath.Join(e.dir, ".git")} {
		got := e.found(run("scan", from, "--json", "--show-secrets", "--no-cache"))
		if !slices.Equal(got, want) {
			t.Errorf("from %s:\ngot\n%s\nwant\n%s", from, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	run("scan", e.dir).expect(t, 1, "1 × ignored file: git ignores it", "1 × ignored folder: git ignores it", "complete")
	if got := e.found(run("scan", e.dir, "--ignored", "--json", "--show-secrets")); len(got) != len(want)+ignored {
		t.Errorf("with --ignored %d of %d: %q", len(got), len(want)+ignored, got)
	}
	// A working tree's own view: its files have no folder before them.
	linked := filepath.Join(e.dir, "trees", "inner")
	if got := e.found(run("scan", linked, "--json", "--show-secrets")); !slices.Contains(got, "worktree d.env holds what was put into worktree trees/inner/d.env") {
		t.Errorf("from a linked working tree: %q", got)
	}
}

// TestScanOfEverythingOfLittle: without commits, without files, bare, and damaged.
func TestScanOfEverythingOfLittle(t *testing.T) {
	t.Parallel()
	dir := repository(t)
	run("scan", dir).expect(t, 3)
	write(t, dir, "new.env", leak())
	run("scan", dir).expect(t, 1, "new.env:1", "complete")
	run("scan", filepath.Join(dir, "new.env")).expect(t, 1, "new.env:1", "complete")

	bare := filepath.Join(t.TempDir(), "bare.git")
	git(t, repository(t, leak()), "clone", "-q", "--bare", ".", bare)
	run("scan", bare).expect(t, 1, "a.txt:1", "complete")

	broken := repository(t, "clean\n")
	from := repository(t, "clean\n")
	git(t, broken, "-c", "protocol.file.allow=always", "submodule", "add", "-q", from, "sub")
	git(t, broken, "commit", "-qm", "sub")
	if err := os.RemoveAll(filepath.Join(broken, ".git/modules/sub/objects")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(broken, ".git/modules/sub/objects"), 0o700); err != nil {
		t.Fatal(err)
	}
	run("scan", broken).expect(t, 3, "NOT SCANNED", "INCOMPLETE")
	write(t, broken, ".git/index", "DIRC"+lab.MadeUp("", 40))
	run("scan", broken).expect(t, 3, "NOT SCANNED", "index", "INCOMPLETE")
}

// TestFilteredFileIsRead: what a filter changed on its way into the history may hold
// in the working tree what no object holds.
func TestFilteredFileIsRead(t *testing.T) {
	t.Parallel()
	dir := repository(t, "clean\n")
	write(t, dir, ".gitattributes", "*.sec filter=hide\n")
	git(t, dir, "config", "filter.hide.clean", "echo hidden #")
	write(t, dir, "a.sec", leak())
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "hidden")
	run("scan", "git", dir).expect(t, 0)
	run("scan", dir).expect(t, 1, "a.sec:1")
}
