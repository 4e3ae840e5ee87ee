// Package askgit reads through git what scan/pack and scan/gitdir cannot read
// themselves: repositories in a format that they do not know. git is run so that
// nothing of the repository runs: no hook, no filter, no pager, no transport, no
// configuration of the user or the machine.
//
// Protocol facts: git-cat-file(1), git-for-each-ref(1), git(1) on GIT_NO_LAZY_FETCH.
package askgit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/gitdir"
)

// ErrNoGit means that there is no git to ask.
var ErrNoGit = errors.New("git is not in PATH")

// command makes a call of git in a repository, of which nothing is run. safe.directory
// lets it look at a folder of another user: it only reads.
func command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	hard := []string{
		"--git-dir=" + dir, "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.alternateRefsCommand=",
		"-c", "protocol.allow=never", "-c", "log.showSignature=false", "--no-pager", "--no-replace-objects", "--no-optional-locks",
	}
	c := exec.CommandContext(ctx, "git", append(hard, args...)...) //nolint:gosec // the program is git; what is foreign is behind --git-dir=
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") { // a trace would write, another index or object folder mislead
			c.Env = append(c.Env, v)
		}
	}
	c.Env = append(c.Env, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_ATTR_NOSYSTEM=1", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	return c
}

// ask runs git and hands each line of its output to visit.
func ask(ctx context.Context, dir string, visit func(line []byte) error, args ...string) error {
	c := command(ctx, dir, args...)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return explain(err, "")
	}
	lines := bufio.NewReader(out)
	var stop error
	for stop == nil {
		var line []byte
		if line, err = lines.ReadBytes('\n'); len(line) == 0 {
			break
		}
		stop = visit(bytes.TrimSuffix(line, []byte{'\n'}))
	}
	if stop != nil {
		_ = c.Process.Kill() // it would wait for a reader
	}
	end := c.Wait()
	switch {
	case stop != nil:
		return stop
	case ctx.Err() != nil:
		return ctx.Err()
	case end != nil:
		return explain(end, errs.String())
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("read from git: %w", err)
	}
	return nil
}

func explain(err error, said string) error {
	if errors.Is(err, exec.ErrNotFound) {
		return ErrNoGit
	}
	if line, _, _ := strings.Cut(strings.TrimSpace(said), "\n"); line != "" {
		return fmt.Errorf("git says: %s", line)
	}
	return fmt.Errorf("git: %w", err)
}

// RevList asks which commits some arguments of rev-list select, oldest first.
func RevList(ctx context.Context, dir string, args []string) ([]string, error) {
	ids := []string{}
	err := ask(ctx, dir, func(line []byte) error {
		if _, err := hex.DecodeString(string(line)); err != nil || len(line) < 40 {
			return fmt.Errorf("these options do not list commits: git printed %q", line[:min(len(line), 60)])
		}
		ids = append(ids, string(line))
		return nil
	}, append([]string{"rev-list", "--topo-order", "--reverse"}, args...)...)
	return ids, err
}

// Refs asks for all refs, for where HEAD and other working trees stand, and for
// what reflogs still name.
func Refs(ctx context.Context, d gitdir.Dir) (gitdir.Refs, []gitdir.Reflog, error) {
	var r gitdir.Refs
	var symbolic string
	err := ask(ctx, d.Git, func(line []byte) error {
		if id, name, ok := strings.Cut(string(line), " "); ok {
			r.List = append(r.List, gitdir.Ref{Name: name, ID: id})
		}
		return nil
	}, "for-each-ref", "--format=%(objectname) %(refname)")
	if err != nil {
		return r, nil, err
	}
	r.Head.Name = "HEAD"
	// A HEAD on a branch that is not there yet is no error.
	_ = ask(ctx, d.Git, func(line []byte) error { r.Head.ID = string(line); return nil }, "rev-parse", "--verify", "--quiet", "HEAD")
	err = ask(ctx, d.Git, func(line []byte) error {
		key, value, _ := strings.Cut(string(line), " ")
		switch key {
		case "worktree":
			symbolic = value
		case "HEAD":
			r.List = append(r.List, gitdir.Ref{Name: "worktrees/" + symbolic + "/HEAD", ID: value})
		}
		return nil
	}, "worktree", "list", "--porcelain")
	if err != nil {
		return r, nil, err
	}
	var logs []gitdir.Reflog
	for _, l := range []struct {
		name string
		args []string
	}{{"refs/stash", []string{"refs/stash"}}, {"all", []string{"--all", "HEAD"}}} {
		log := gitdir.Reflog{Ref: l.name}
		// Without a stash, or before the first commit, there is nothing to list.
		_ = ask(ctx, d.Git, func(line []byte) error { log.IDs = append(log.IDs, string(line)); return nil },
			append([]string{"rev-list", "--walk-reflogs", "--ignore-missing"}, l.args...)...)
		logs = append(logs, log)
	}
	return r, logs, nil
}
