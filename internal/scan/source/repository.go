package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/secretguard/secretguard/internal/scan/gitdir"
)

// ErrUnsupported means that the repository has a format that cannot be read.
var ErrUnsupported = errors.New("this repository has a format that cannot be read yet")

// Repository is a source of a whole history: every object, whatever leads to it.
type Repository struct {
	Dir      gitdir.Dir
	Traits   gitdir.Traits
	Refs     gitdir.Refs
	MaxBytes int64

	path string
}

// Git returns the repository that p is in. Nothing of the repository is run: no
// hook, no filter, no configured command.
func Git(p string, maxBytes int64) (*Repository, error) {
	dir, traits, err := open(p)
	if err != nil {
		return nil, err
	}
	r := &Repository{Dir: dir, Traits: traits, MaxBytes: maxBytes, path: p}
	if r.MaxBytes == 0 {
		r.MaxBytes = DefaultMaxBytes
	}
	if traits.RefStorage != "files" {
		return nil, fmt.Errorf("%s: %w: its refs are stored as %s", p, ErrUnsupported, traits.RefStorage)
	}
	if r.Refs, err = dir.Refs(); err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	return r, nil
}

// Info describes the repository.
func (r *Repository) Info() Info { return Info{Kind: "git", Path: r.path, Head: r.Refs.Head.ID} }

// open finds the repository that p is in and checks that it can be read.
func open(p string) (gitdir.Dir, gitdir.Traits, error) {
	dir, err := gitdir.Find(p)
	switch {
	case errors.Is(err, gitdir.ErrNotRepository):
		return dir, gitdir.Traits{}, fmt.Errorf("%s: %w", p, ErrNotRepository)
	case err != nil:
		return dir, gitdir.Traits{}, err
	}
	traits, err := dir.Traits()
	if err != nil {
		return dir, traits, fmt.Errorf("%s: %w", p, err)
	}
	if traits.Format != "sha1" {
		return dir, traits, fmt.Errorf("%s: %w: its objects are named by %s", p, ErrUnsupported, traits.Format)
	}
	if _, err := os.Stat(dir.Objects()); errors.Is(err, fs.ErrPermission) {
		return dir, traits, fmt.Errorf("open the repository %s: %w", p, err)
	}
	return dir, traits, nil
}

// HooksDir returns the folder of a repository's own hooks. A configured
// core.hooksPath is followed.
func HooksDir(p string) (string, error) {
	dir, traits, err := open(p)
	if err != nil {
		return "", err
	}
	switch {
	case traits.HooksPath == "":
		return filepath.Join(dir.Common, "hooks"), nil
	case filepath.IsAbs(traits.HooksPath):
		return traits.HooksPath, nil
	}
	return filepath.Join(dir.Root, traits.HooksPath), nil
}
