// Package leakyrepo makes a small git repository with leaked keys in it, for the
// demo and for tests. It needs no git program and no git identity.
package leakyrepo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Pair is an AWS key to leak.
type Pair struct{ ID, Secret string }

// Leaks are the keys to write into the repository and where.
type Leaks struct {
	// History stood in a guide and was "removed" by a later commit.
	History Pair
	// Deleted stood in a file that was deleted.
	Deleted Pair
	// Branch stands on a branch that was never merged.
	Branch Pair
	// Extra lines stand in a settings file in HEAD, "NAME=value".
	Extra []string
}

// change is one commit: files to write (nil content deletes).
type change struct {
	message string
	branch  string
	files   map[string]*string
}

// Make creates the repository in dir, which must not hold one yet.
func Make(dir string, l Leaks) error {
	repo, err := git.PlainInitWithOptions(dir, &git.PlainInitOptions{
		InitOptions: git.InitOptions{DefaultBranch: plumbing.Main},
	})
	if err != nil {
		return fmt.Errorf("make the demo repository: %w", err)
	}
	when := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	for i, c := range story(l) {
		if err := commit(repo, dir, c, when.Add(time.Duration(i)*26*time.Hour)); err != nil {
			return fmt.Errorf("make the demo repository: %s: %w", c.message, err)
		}
	}
	return nil
}

func text(lines ...string) *string {
	s := strings.Join(lines, "\n") + "\n"
	return &s
}

// story is the leak as it happened: keys come in with a guide, a clean-up
// removes them from the newest version only, and a branch keeps a third one.
func story(l Leaks) []change {
	return []change{
		{message: "Start the shop", files: map[string]*string{
			"README.md":   text("# Shop", "", "A front end, a subscriber and a worker."),
			"src/jobs.js": text("export const queue = process.env.SQS_QUEUE_URL;", "export const region = process.env.AWS_REGION;"),
		}},
		{message: "Quick deploy guide", files: map[string]*string{
			"docs/quick-deploy.md": text("# Quick deploy", "", "Set these on Netlify and Render:", "", "```",
				"AWS_ACCESS_KEY_ID="+l.History.ID, "AWS_SECRET_ACCESS_KEY="+l.History.Secret, "AWS_REGION=eu-west-1", "```"),
		}},
		{message: "Settings of the build machine", files: map[string]*string{
			"deploy/ci.env": text("# build machine", "AWS_ACCESS_KEY_ID="+l.Deleted.ID, "AWS_SECRET_ACCESS_KEY="+l.Deleted.Secret),
		}},
		{message: "Remove secrets from the guide", files: map[string]*string{
			"docs/quick-deploy.md": text("# Quick deploy", "", "Set the keys on Netlify and Render; ask the team for them."),
			"deploy/ci.env":        nil,
			"config/settings.env":  text(append([]string{"LOG_LEVEL=info"}, l.Extra...)...),
		}},
		{message: "Try the nightly report", branch: "feature/nightly-report", files: map[string]*string{
			"report/run.sh": text("#!/bin/sh", "export AWS_ACCESS_KEY_ID="+l.Branch.ID, "export AWS_SECRET_ACCESS_KEY="+l.Branch.Secret, "exec node report.js"),
		}},
		{message: "Tidy up the read-me", branch: "main", files: map[string]*string{
			"README.md": text("# Shop", "", "A front end, a subscriber and a worker. See docs/quick-deploy.md."),
		}},
	}
}

func commit(repo *git.Repository, dir string, c change, when time.Time) error {
	tree, err := repo.Worktree()
	if err != nil {
		return err
	}
	if c.branch != "" {
		ref := plumbing.NewBranchReferenceName(c.branch)
		_, err := repo.Reference(ref, false)
		create := errors.Is(err, plumbing.ErrReferenceNotFound)
		if err := tree.Checkout(&git.CheckoutOptions{Branch: ref, Create: create}); err != nil {
			return err
		}
	}
	for name, content := range c.files {
		if content == nil {
			if _, err := tree.Remove(name); err != nil {
				return err
			}
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(*content), 0o600); err != nil {
			return err
		}
		if _, err := tree.Add(name); err != nil {
			return err
		}
	}
	who := &object.Signature{Name: "Jo Doe", Email: "jo@shop.invalid", When: when}
	_, err = tree.Commit(c.message, &git.CommitOptions{Author: who, Committer: who})
	return err
}
