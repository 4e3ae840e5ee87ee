package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is no repository, or one with nothing in it, is never clean.
func TestScanOfWhatIsNoHistory(t *testing.T) {
	t.Parallel()
	plain := t.TempDir()
	write(t, plain, "a.txt", "nothing\n")
	empty := t.TempDir()
	git(t, empty, "init", "-q", "-b", "main")
	write(t, empty, "a.txt", leak())
	headOnly := t.TempDir()
	write(t, headOnly, "HEAD", "of a river\n")

	run("scan", "git", plain).expect(t, 2, "not a git repository", "try: secretguard scan dir "+plain)
	run("scan", "git", headOnly).expect(t, 2, "not a git repository")
	run("scan", plain).expect(t, 0, "no secrets found", "complete")
	run("scan", headOnly).expect(t, 0, "no secrets found")
	run("scan", "git", empty).expect(t, 3, "has no commit yet", "try: secretguard scan dir "+empty)
	run("scan", empty).expect(t, 1, "a.txt:1", "complete")
	bare := t.TempDir()
	git(t, bare, "init", "-q", "-b", "main")
	run("scan", bare).expect(t, 3, "has no commit yet")
	run("scan", "git", filepath.Join(plain, "gone")).expect(t, 2, "gone", "try: check the path")
	run("scan", "dir", filepath.Join(plain, "gone")).expect(t, 2, "gone", "try: check the path")
	run("scan", filepath.Join(plain, "gone")).expect(t, 2, "gone", "try: check the path")
	run("scan", "dir", t.TempDir()).expect(t, 3, "nothing was scanned")
	run("scan", "stdin").expect(t, 3, "nothing was scanned", "try: pipe a text into it: git diff | secretguard scan stdin")
	call{stdin: "\n"}.run("scan", "stdin").expect(t, 0)
	call{stdin: leak()}.run("scan", "stdin").expect(t, 1, "stripe-secret-key")
	run("scan", "a", "b").expect(t, 2, "there is no kind of target")
	run("scan", "dir", "--staged").expect(t, 2, "--staged")
}

// TestScanOfOneFile: a path may be one file; files beside it are not read.
func TestScanOfOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "clean.txt", "nothing\n")
	write(t, dir, "leak.txt", leak())
	run("scan", "dir", filepath.Join(dir, "clean.txt")).expect(t, 0, "1 file")
	run("scan", "dir", filepath.Join(dir, "leak.txt")).expect(t, 1, "leak.txt:1")
}

// Every form in which a history may lie on the disk.
func TestScanOfRepositoryForms(t *testing.T) {
	t.Parallel()
	value := leak()
	find := func(t *testing.T, dir string) {
		t.Helper()
		run("scan", "git", dir).expect(t, 1, "stripe-secret-key", "a.txt:1", "complete")
	}
	t.Run("bare", func(t *testing.T) {
		t.Parallel()
		bare := filepath.Join(t.TempDir(), "bare.git")
		git(t, ".", "clone", "-q", "--bare", repository(t, value, "gone\n"), bare)
		find(t, bare)
		run("scan", bare).expect(t, 1, "stripe-secret-key")
	})
	t.Run("working tree", func(t *testing.T) {
		t.Parallel()
		dir, tree := repository(t, value, "gone\n"), filepath.Join(t.TempDir(), "tree")
		git(t, dir, "worktree", "add", "-q", "-b", "side", tree)
		find(t, tree)
		write(t, tree, "b.txt", leak())
		git(t, tree, "add", "b.txt")
		run("scan", "--staged", tree).expect(t, 1, "b.txt:1")
		run("scan", "--staged", dir).expect(t, 0)
	})
	t.Run("folder of a repository", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, value, "gone\n")
		write(t, dir, "deep/down/x.txt", "x\n")
		find(t, filepath.Join(dir, "deep", "down"))
	})
	t.Run("detached head", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, value, "gone\n")
		git(t, dir, "checkout", "-q", "--detach", "HEAD")
		find(t, dir)
	})
	t.Run("unborn branch beside others", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, value, "gone\n")
		git(t, dir, "checkout", "-q", "--orphan", "new")
		find(t, dir)
	})
	t.Run("packed", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, value, "gone\n")
		git(t, dir, "gc", "-q", "--prune=now")
		find(t, dir)
	})
	t.Run("objects of another repository", func(t *testing.T) {
		t.Parallel()
		dir, clone := repository(t, value, "gone\n"), filepath.Join(t.TempDir(), "clone")
		git(t, ".", "clone", "-q", "--shared", dir, clone)
		find(t, clone)
	})
	t.Run("replaced object", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, value, "gone\n")
		git(t, dir, "replace", git(t, dir, "rev-parse", "HEAD~:a.txt"), git(t, dir, "rev-parse", "HEAD:a.txt"))
		find(t, dir)
	})
	t.Run("link as the path", func(t *testing.T) {
		t.Parallel()
		l := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(repository(t, value), l); err != nil {
			t.Fatal(err)
		}
		find(t, l)
	})
}

// TestScanOfSubmodule: its commits are not here; the report says so.
func TestScanOfSubmodule(t *testing.T) {
	t.Parallel()
	inner, dir := repository(t, leak()), repository(t, "nothing\n")
	git(t, dir, "submodule", "--quiet", "add", inner, "lib")
	git(t, dir, "commit", "-q", "-m", "add lib")
	run("scan", "git", dir).expect(t, 0, "submodule: its history is a repository of its own (lib)")
	run("scan", "git", filepath.Join(dir, "lib")).expect(t, 1, "stripe-secret-key")
	run("scan", "dir", dir).expect(t, 1, "lib/a.txt:1")
}

// TestScanOfHistoryWithParts missing: what is not there is counted and named.
func TestScanOfDamagedHistory(t *testing.T) {
	t.Parallel()
	object := func(t *testing.T, dir, rev string) string {
		t.Helper()
		h := git(t, dir, "rev-parse", rev)
		return filepath.Join(dir, ".git", "objects", h[:2], h[2:])
	}
	damage := map[string]struct {
		rev  string
		text string
	}{
		"blob":   {"HEAD~:a.txt", "blob"},
		"tree":   {"HEAD~^{tree}", "tree"},
		"commit": {"HEAD~", "commit"},
		"tip":    {"HEAD", "main"},
	}
	for name, d := range damage {
		t.Run("missing "+name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, "one\n", "two\n", "three\n")
			if err := os.Remove(object(t, dir, d.rev)); err != nil {
				t.Fatal(err)
			}
			run("scan", "git", dir).expect(t, 3, "NOT SCANNED", d.text, "INCOMPLETE")
		})
		t.Run("damaged "+name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, "one\n", "two\n", leak())
			path := object(t, dir, d.rev)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b[:len(b)/2], 0o644); err != nil {
				t.Fatal(err)
			}
			r := run("scan", "git", dir)
			if r.code != 3 && r.code != 1 || !strings.Contains(r.out+r.err, "NOT SCANNED") {
				t.Errorf("damage is not reported: %s", r)
			}
			if name != "tip" && !strings.Contains(r.out, "a.txt:1") {
				t.Errorf("what is whole was not scanned: %s", r)
			}
		})
	}
	t.Run("damaged pack", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "one\n", "two\n", "three\n")
		git(t, dir, "gc", "-q", "--prune=now")
		packs, err := filepath.Glob(filepath.Join(dir, ".git", "objects", "pack", "*.pack"))
		if err != nil || len(packs) != 1 {
			t.Fatal(packs, err)
		}
		b, err := os.ReadFile(packs[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(packs[0], 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(packs[0], b[:len(b)/2], 0o644); err != nil {
			t.Fatal(err)
		}
		if r := run("scan", "git", dir); r.code != 3 {
			t.Errorf("a pack cut in half: %s", r)
		}
	})
	t.Run("shallow", func(t *testing.T) {
		t.Parallel()
		clone := filepath.Join(t.TempDir(), "clone")
		git(t, ".", "clone", "-q", "--depth=1", "file://"+repository(t, leak(), "gone\n"), clone)
		run("scan", "git", clone).expect(t, 3, "INCOMPLETE", "git fetch --unshallow")
		git(t, clone, "fetch", "-q", "--unshallow")
		run("scan", "git", clone).expect(t, 1, "complete", "a.txt:1")
	})
	t.Run("partial clone", func(t *testing.T) {
		t.Parallel()
		origin, clone := repository(t, leak(), "gone\n"), filepath.Join(t.TempDir(), "clone")
		git(t, origin, "config", "uploadpack.allowFilter", "true")
		git(t, ".", "clone", "-q", "--filter=blob:none", "file://"+origin, clone)
		if r := run("scan", "git", clone); r.code != 3 {
			t.Errorf("a clone without old contents: %s", r)
		}
	})
	t.Run("alternate that is gone", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "one\n")
		clone := filepath.Join(t.TempDir(), "clone")
		git(t, ".", "clone", "-q", "--shared", dir, clone)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if r := run("scan", "git", clone); r.code != 3 {
			t.Errorf("a clone without its alternate: %s", r)
		}
	})
}

// TestScanOfRepositoriesWeCannotRead: never clean, and the extension is named.
func TestScanOfRepositoriesWeCannotRead(t *testing.T) {
	t.Parallel()
	for _, extension := range []string{"worktreeConfig", "relativeWorktrees", "partialClone", "something"} {
		t.Run(extension, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, leak())
			git(t, dir, "config", "core.repositoryformatversion", "1")
			git(t, dir, "config", "extensions."+extension, "true")
			for _, args := range [][]string{{"scan", "git", dir}, {"scan", dir}, {"scan", "--staged", dir}} {
				r := run(args...)
				if r.code == 1 && strings.Contains(r.out, "a.txt:1") || args[1] == "--staged" && r.code == 0 && strings.Contains(r.out, "complete") {
					continue // it was read after all
				}
				r.expect(t, 3, strings.ToLower(extension), "try: ")
			}
		})
	}
	t.Run("sha256", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		git(t, dir, "init", "-q", "-b", "main", "--object-format=sha256")
		write(t, dir, "a.txt", leak())
		git(t, dir, "add", "-A")
		git(t, dir, "commit", "-q", "-m", "a change")
		if r := run("scan", "git", dir); r.code != 3 && (r.code != 1 || !strings.Contains(r.out, "a.txt:1")) {
			t.Errorf("SHA-256: %s", r)
		}
	})
}
