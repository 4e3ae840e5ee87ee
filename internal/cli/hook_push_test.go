package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pusher is a repository with a remote, a pre-push hook, and one pushed commit.
func pusher(t *testing.T, path string, texts ...string) string {
	t.Helper()
	dir, bare := repository(t, texts...), filepath.Join(t.TempDir(), "remote.git")
	git(t, dir, "init", "-q", "-b", "main", "--bare", bare)
	git(t, dir, "remote", "add", "origin", bare)
	git(t, dir, "push", "-q", "origin", "main")
	program(t, dir, path, "hook", "install", "pre-push").expect(t, 0, "installed: ")
	return dir
}

// pushStopped checks that the hook stopped a push and said why in under ten lines.
func pushStopped(t *testing.T, dir, path string, args ...string) result {
	t.Helper()
	r := tryGit(t, dir, path, append([]string{"push"}, args...)...)
	if r.code == 0 || !strings.Contains(r.err, "the push is stopped") {
		t.Errorf("git push %q was not stopped: %s", args, r)
	}
	if n := strings.Count(r.out+r.err, "\n"); n >= 12 { // git adds one or two
		t.Errorf("%d lines: %s", n, r)
	}
	return r
}

func pushGoes(t *testing.T, dir, path string, args ...string) {
	t.Helper()
	if r := tryGit(t, dir, path, append([]string{"push", "-q"}, args...)...); r.code != 0 {
		t.Errorf("git push %q was stopped: %s", args, r)
	}
}

// commit makes a commit in which a file has this text.
func commit(t *testing.T, dir, name, text string) {
	t.Helper()
	write(t, dir, name, text)
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "a change")
}

func TestPrePush(t *testing.T) {
	t.Parallel()
	path := link(t)
	t.Run("what is new and nothing else", func(t *testing.T) {
		t.Parallel()
		dir := pusher(t, path, leak()) // there already: no reason to stop
		commit(t, dir, "b.txt", "nothing\n")
		pushGoes(t, dir, path, "origin", "main")
		commit(t, dir, "b.txt", leak())
		commit(t, dir, "b.txt", "taken out again\n") // the commit between is pushed all the same
		r := pushStopped(t, dir, path, "origin", "main")
		if !strings.Contains(r.err, "b.txt:1") || !strings.Contains(r.err, git(t, dir, "rev-parse", "--short=12", "HEAD~1")) || strings.Contains(r.err, "a.txt") {
			t.Error(r)
		}
		pushGoes(t, dir, path, "--no-verify", "origin", "main")
	})
	t.Run("a new branch, all branches, by address", func(t *testing.T) {
		t.Parallel()
		dir := pusher(t, path, leak())
		git(t, dir, "switch", "-q", "-c", "side")
		commit(t, dir, "c.txt", "nothing\n")
		pushGoes(t, dir, path, "origin", "side")
		commit(t, dir, "c.txt", leak())
		git(t, dir, "switch", "-q", "main")
		commit(t, dir, "d.txt", "nothing\n")
		pushGoes(t, dir, path, "origin", "main")
		pushStopped(t, dir, path, "origin", "--all")
		pushStopped(t, dir, path, git(t, dir, "remote", "get-url", "origin"), "side")
	})
	t.Run("deletion, and nothing to push", func(t *testing.T) {
		t.Parallel()
		dir := pusher(t, path, leak())
		git(t, dir, "push", "-q", "--no-verify", "origin", "main:old")
		pushGoes(t, dir, path, "origin", ":old")
		pushGoes(t, dir, path, "origin", "main")
	})
	t.Run("rewritten, with a remote that moved on", func(t *testing.T) {
		t.Parallel()
		dir := pusher(t, path, "nothing\n")
		other := t.TempDir()
		git(t, dir, "clone", "-q", git(t, dir, "remote", "get-url", "origin"), other)
		commit(t, other, "o.txt", "of another person\n")
		git(t, other, "push", "-q", "origin", "main")
		git(t, dir, "commit", "-q", "--amend", "-m", "another text")
		pushGoes(t, dir, path, "--force", "origin", "main") // what the remote has is not there
		commit(t, dir, "e.txt", leak())
		pushStopped(t, dir, path, "--force", "origin", "main")
	})
	t.Run("a commit's message, and a tag's", func(t *testing.T) {
		t.Parallel()
		dir := pusher(t, path, "nothing\n")
		git(t, dir, "commit", "-q", "--allow-empty", "-m", "the key is "+leak())
		pushStopped(t, dir, path, "origin", "main")
		git(t, dir, "commit", "-q", "--amend", "--allow-empty", "-m", "clean")
		git(t, dir, "tag", "-a", "v1", "-m", "with "+leak())
		pushStopped(t, dir, path, "origin", "v1")
	})
	t.Run("waived where it is brought", func(t *testing.T) {
		t.Parallel()
		dir := pusher(t, path, "nothing\n")
		commit(t, dir, "f.txt", strings.TrimSpace(leak())+" # secretguard:allow made up\n")
		pushGoes(t, dir, path, "origin", "main")
	})
	t.Run("what is not git", func(t *testing.T) {
		t.Parallel()
		dir := pusher(t, path, "nothing\n")
		c := exec.CommandContext(t.Context(), filepath.Join(path, "secretguard"), "hook", "pre-push", "origin")
		c.Dir, c.Env, c.Stdin = dir, gitEnv(path), strings.NewReader("refs/heads/main --all refs/heads/main x\n")
		if out, err := c.CombinedOutput(); err == nil || c.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "try: let git run it") {
			t.Errorf("%d %s", c.ProcessState.ExitCode(), out)
		}
	})
	t.Run("beside another", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		write(t, dir, ".git/hooks/pre-push", "#!/bin/sh\n")
		program(t, dir, path, "hook", "install", "pre-push").expect(t, 2, "there is a pre-push hook already", `secretguard hook pre-push "$@" || exit`)
		program(t, dir, path, "hook", "install", "pre-pusj").expect(t, 2, "pre-push")
	})
}

// TestPrePushOfAFramework: pre-commit says in the environment what is pushed.
func TestPrePushOfAFramework(t *testing.T) {
	t.Parallel()
	path := link(t)
	dir := pusher(t, path, leak())
	hook := func(env ...string) (int, string) {
		c := exec.CommandContext(t.Context(), filepath.Join(path, "secretguard"), "hook", "pre-push")
		c.Dir, c.Env = dir, append(gitEnv(path), env...)
		if null, err := os.Open(os.DevNull); err == nil {
			defer null.Close()
			c.Stdin = null
		}
		out, _ := c.CombinedOutput()
		return c.ProcessState.ExitCode(), string(out)
	}
	commit(t, dir, "b.txt", "nothing\n")
	from := git(t, dir, "rev-parse", "HEAD~1")
	if code, out := hook("PRE_COMMIT_FROM_REF="+from, "PRE_COMMIT_TO_REF=HEAD", "PRE_COMMIT_REMOTE_NAME=origin"); code != 0 {
		t.Error(code, out)
	}
	commit(t, dir, "b.txt", leak())
	if code, out := hook("PRE_COMMIT_FROM_REF="+from, "PRE_COMMIT_TO_REF=HEAD", "PRE_COMMIT_REMOTE_NAME=origin"); code != 1 || !strings.Contains(out, "b.txt:1") || strings.Contains(out, "a.txt") {
		t.Error(code, out)
	}
	// A push with the first commit of all: no names but the branch's.
	if code, out := hook("PRE_COMMIT_LOCAL_BRANCH=refs/heads/main", "PRE_COMMIT_REMOTE_NAME=other"); code != 1 || !strings.Contains(out, "a.txt:1") || !strings.Contains(out, "b.txt:1") {
		t.Error(code, out)
	}
}
