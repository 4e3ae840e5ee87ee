package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program runs the program as a process in a folder.
func program(t *testing.T, dir, path string, args ...string) result {
	t.Helper()
	c := exec.CommandContext(t.Context(), filepath.Join(path, "secretguard"), args...)
	c.Dir, c.Env = dir, gitEnv(path)
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	err := c.Run()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return result{c.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// refused checks that git made no commit because of the hook, that it said so in
// under ten lines, and that no secret was shown.
func refused(t *testing.T, dir, path string, args ...string) {
	t.Helper()
	before := tryGit(t, dir, path, "rev-parse", "HEAD").out
	r := tryGit(t, dir, path, append([]string{"commit", "-m", "x"}, args...)...)
	if r.code == 0 || !strings.Contains(r.err, "the commit is stopped") {
		t.Errorf("git commit %q was not refused: %s", args, r)
	}
	if after := tryGit(t, dir, path, "rev-parse", "HEAD").out; after != before {
		t.Errorf("git commit %q made a commit", args)
	}
	if n := strings.Count(r.out+r.err, "\n"); n >= 10 {
		t.Errorf("%d lines: %s", n, r)
	}
	if strings.Contains(r.out+r.err, "sk_live_") && !strings.Contains(r.out+r.err, "*") {
		t.Errorf("a secret is shown: %s", r)
	}
}

// accepted checks that git made the commit.
func accepted(t *testing.T, dir, path string, args ...string) {
	t.Helper()
	if r := tryGit(t, dir, path, append([]string{"commit", "-q", "-m", "x"}, args...)...); r.code != 0 {
		t.Errorf("git commit %q was refused: %s", args, r)
	}
}

func installed(t *testing.T, path string, texts ...string) string {
	t.Helper()
	dir := repository(t, texts...)
	if r := program(t, dir, path, "hook", "install"); r.code != 0 || !strings.Contains(r.out, "installed: ") {
		t.Fatal(r)
	}
	return dir
}

func TestHookInRealRepository(t *testing.T) {
	t.Parallel()
	path := link(t)
	t.Run("first commit", func(t *testing.T) {
		t.Parallel()
		dir := installed(t, path)
		write(t, dir, "a.txt", leak())
		git(t, dir, "add", "-A")
		refused(t, dir, path)
		write(t, dir, "a.txt", "nothing\n")
		git(t, dir, "add", "-A")
		accepted(t, dir, path)
	})
	t.Run("the index, not the folder", func(t *testing.T) {
		t.Parallel()
		dir := installed(t, path, "nothing\n")
		write(t, dir, "a.txt", leak())
		git(t, dir, "add", "-A")
		write(t, dir, "a.txt", "clean again\n")
		refused(t, dir, path)
		git(t, dir, "add", "-A")
		write(t, dir, "a.txt", leak())
		accepted(t, dir, path)
	})
	t.Run("all changed files", func(t *testing.T) { // git makes an index of its own for these
		t.Parallel()
		dir := installed(t, path, "nothing\n")
		write(t, dir, "a.txt", leak())
		refused(t, dir, path, "-a")
		refused(t, dir, path, "a.txt")
		refused(t, dir, path, "--include", "a.txt")
		write(t, dir, "a.txt", "other\n")
		write(t, dir, "b.txt", leak())
		git(t, dir, "add", "b.txt")
		accepted(t, dir, path, "--only", "a.txt") // b.txt is staged, but not in this commit
		refused(t, dir, path)
	})
	t.Run("below the top folder", func(t *testing.T) {
		t.Parallel()
		dir := installed(t, path, "nothing\n")
		write(t, dir, "deep/a.txt", leak())
		git(t, dir, "add", "-A")
		refused(t, filepath.Join(dir, "deep"), path)
		write(t, dir, "deep/a.txt", "x\n")
		git(t, dir, "add", "-A")
		accepted(t, filepath.Join(dir, "deep"), path)
		write(t, dir, "deep/a.txt", leak())
		refused(t, filepath.Join(dir, "deep"), path, "-a", "--amend")
	})
	t.Run("nothing to scan", func(t *testing.T) {
		t.Parallel()
		dir := installed(t, path, "nothing\n")
		accepted(t, dir, path, "--allow-empty")
		accepted(t, dir, path, "--amend", "--allow-empty")
		write(t, dir, "p.png", "\x89PNG\x00")
		git(t, dir, "add", "-A")
		accepted(t, dir, path)
		git(t, dir, "rm", "-q", "a.txt")
		accepted(t, dir, path)
	})
	t.Run("many", func(t *testing.T) {
		t.Parallel()
		dir := installed(t, path, "nothing\n")
		for _, name := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
			write(t, dir, name, leak())
		}
		git(t, dir, "add", "-A")
		refused(t, dir, path)
	})
	t.Run("waived, and passed by", func(t *testing.T) {
		t.Parallel()
		dir := installed(t, path, "nothing\n")
		write(t, dir, "a.txt", strings.TrimSpace(leak())+" # secretguard:allow made up\n")
		accepted(t, dir, path, "-a")
		write(t, dir, "a.txt", leak())
		accepted(t, dir, path, "-a", "--no-verify")
	})
	t.Run("part unseen", func(t *testing.T) {
		t.Parallel()
		dir := installed(t, path, "nothing\n")
		write(t, dir, "a.txt", "x\n")
		git(t, dir, "add", "-A")
		h := git(t, dir, "rev-parse", ":a.txt")
		if err := os.Remove(filepath.Join(dir, ".git", "objects", h[:2], h[2:])); err != nil {
			t.Fatal(err)
		}
		r := program(t, dir, path, "hook", "pre-commit", "a.txt")
		r.expect(t, 3, "not everything could be scanned", "secretguard scan --staged")
	})
	t.Run("program gone", func(t *testing.T) {
		t.Parallel()
		dir := installed(t, path, "nothing\n")
		write(t, dir, "a.txt", "x\n")
		if r := tryGit(t, dir, t.TempDir(), "commit", "-q", "-a", "-m", "x"); r.code == 0 || !strings.Contains(r.err, "secretguard is not in PATH, so nothing was checked") {
			t.Errorf("a commit without a check: %s", r)
		}
	})
	t.Run("settings in the environment", func(t *testing.T) {
		t.Parallel()
		dir := installed(t, path, "nothing\n")
		tree := t.TempDir()
		write(t, tree, "dot.env", leak())
		flags := []string{"--git-dir=" + filepath.Join(dir, ".git"), "--work-tree=" + tree}
		if r := tryGit(t, tree, path, append(flags, "add", "dot.env")...); r.code != 0 {
			t.Fatal(r)
		}
		r := tryGit(t, tree, path, append(flags, "commit", "-q", "-m", "x")...)
		if r.code == 0 || !strings.Contains(r.err, "dot.env:1") {
			t.Errorf("a commit with --git-dir: %s", r)
		}
	})
}

func TestHookInstall(t *testing.T) {
	t.Parallel()
	path := link(t)
	check := func(t *testing.T, dir string) {
		t.Helper()
		write(t, dir, "new.txt", leak())
		git(t, dir, "add", "-A")
		refused(t, dir, path)
	}
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		dir := installed(t, path, "nothing\n")
		program(t, dir, path, "hook", "install").expect(t, 0, "already installed")
		check(t, dir)
	})
	t.Run("beside another", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		write(t, dir, ".git/hooks/pre-commit", "#!/bin/sh\n")
		program(t, dir, path, "hook", "install").expect(t, 2, "there is a pre-commit hook already", "try: add this line to it")
	})
	t.Run("in no repository", func(t *testing.T) {
		t.Parallel()
		program(t, t.TempDir(), path, "hook", "install").expect(t, 2, "not a git repository")
	})
	t.Run("from a folder below", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		write(t, dir, "deep/x.txt", "x\n")
		program(t, filepath.Join(dir, "deep"), path, "hook", "install").expect(t, 0)
		check(t, dir)
	})
	t.Run("from a working tree", func(t *testing.T) {
		t.Parallel()
		dir, tree := repository(t, "nothing\n"), filepath.Join(t.TempDir(), "tree")
		git(t, dir, "worktree", "add", "-q", "-b", "side", tree)
		program(t, tree, path, "hook", "install").expect(t, 0)
		check(t, tree)
		check(t, dir)
		write(t, tree, "more.txt", leak())
		refused(t, tree, path, "-a")
	})
	t.Run("in a submodule", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		git(t, dir, "submodule", "--quiet", "add", repository(t, "nothing\n"), "lib")
		lib := filepath.Join(dir, "lib")
		program(t, lib, path, "hook", "install").expect(t, 0)
		check(t, lib)
	})
	for name, value := range map[string]string{"relative": ".husky", "absolute": "ABS", "home": "~/hooks-of-a-test"} {
		t.Run("core.hooksPath "+name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, "nothing\n")
			if value == "ABS" {
				value = filepath.Join(t.TempDir(), "hooks")
			}
			if name == "home" {
				home := filepath.Join(os.TempDir(), "hooks-of-a-test")
				t.Cleanup(func() { _ = os.RemoveAll(home) })
			}
			git(t, dir, "config", "core.hooksPath", value)
			program(t, dir, path, "hook", "install").expect(t, 0)
			check(t, dir)
		})
	}
	t.Run("core.hooksPath for all repositories", func(t *testing.T) {
		t.Parallel()
		dir, hooks := repository(t, "nothing\n"), filepath.Join(t.TempDir(), "hooks")
		global := filepath.Join(t.TempDir(), "gitconfig")
		write(t, filepath.Dir(global), "gitconfig", "[core]\n\thooksPath = "+hooks+"\n")
		c := exec.CommandContext(t.Context(), filepath.Join(path, "secretguard"), "hook", "install")
		c.Dir, c.Env = dir, append(gitEnv(path), "GIT_CONFIG_GLOBAL="+global)
		if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), hooks) {
			t.Errorf("git will run the hooks in %s: %v\n%s", hooks, err, out)
		}
	})
}
