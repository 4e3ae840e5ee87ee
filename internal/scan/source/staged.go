package source

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// staged is a scan of what the next commit would change: the index's content,
// not the working files.
type staged struct {
	path string
	repo *git.Repository
}

// Staged scans the index of the repository that p is in.
func Staged(p string) (Source, error) {
	repo, err := open(p)
	if err != nil {
		return nil, err
	}
	return staged{p, repo}, nil
}

// Info describes the index.
func (s staged) Info() Info { return Info{Kind: "staged", Path: s.path, MayBeEmpty: true} }

// Walk reads the staged content of every file that differs from HEAD.
func (s staged) Walk(ctx context.Context, sink Sink) error {
	index, err := s.repo.Storer.Index()
	if err != nil {
		return fmt.Errorf("read the index: %w", err)
	}
	old, err := s.committed()
	if err != nil {
		return err
	}
	for _, e := range index.Entries {
		if old[e.Name] == e.Hash || !e.Mode.IsFile() || e.IntentToAdd { // the last is not in the next commit
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		o, err := s.repo.Storer.EncodedObject(plumbing.BlobObject, e.Hash)
		if err != nil {
			sink.Skip(Skip{What: "staged file", Why: "its content is missing from the object database", Example: e.Name, Gap: true})
			continue
		}
		sink.Count("files", 1)
		if o.Size() > DefaultMaxBytes {
			sink.Skip(Skip{What: "staged file", Why: "larger than 100 MB", Example: e.Name, Gap: true})
			continue
		}
		data, err := content(o)
		if err != nil {
			sink.Skip(Skip{What: "staged file", Why: "damaged", Example: e.Name, Gap: true})
			continue
		}
		if binary(data) {
			sink.Skip(Skip{What: "staged file", Why: "binary", Example: e.Name})
			data = nil // its name is still judged
		}
		f := Fragment{Text: string(data), Places: []Place{{Where: "index", Path: e.Name, Blob: e.Hash.String()}}}
		if err := sink.Fragment(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// committed returns the files of HEAD's tree; none before the first commit.
func (s staged) committed() (map[string]plumbing.Hash, error) {
	out := map[string]plumbing.Hash{}
	head, err := s.repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read HEAD: %w", err)
	}
	c, err := s.repo.CommitObject(head.Hash())
	if err != nil {
		return nil, fmt.Errorf("read HEAD's commit: %w", err)
	}
	t, err := c.Tree()
	if err != nil {
		return nil, fmt.Errorf("read HEAD's tree: %w", err)
	}
	err = t.Files().ForEach(func(f *object.File) error {
		out[f.Name] = f.Hash
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read HEAD's tree: %w", err)
	}
	return out, nil
}

// HooksDir returns the folder of a repository's own hooks. A configured
// core.hooksPath is followed.
func HooksDir(p string) (string, error) {
	repo, err := open(p)
	if err != nil {
		return "", err
	}
	cfg, err := repo.Config()
	if err != nil {
		return "", fmt.Errorf("read the repository's configuration: %w", err)
	}
	tree, err := repo.Worktree()
	if err != nil {
		return "", fmt.Errorf("find the working tree: %w", err)
	}
	root := tree.Filesystem.Root()
	if dir := cfg.Raw.Section("core").Option("hooksPath"); dir != "" {
		if filepath.IsAbs(dir) {
			return dir, nil
		}
		return filepath.Join(root, dir), nil
	}
	return filepath.Join(root, ".git", "hooks"), nil
}
