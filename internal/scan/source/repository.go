package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

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
	if err != nil {
		return dir, gitdir.Traits{}, notRepository(p, err)
	}
	traits, err := readable(p, dir)
	return dir, traits, err
}

func notRepository(p string, err error) error {
	if errors.Is(err, gitdir.ErrNotRepository) {
		return fmt.Errorf("%s: %w", p, ErrNotRepository)
	}
	return err
}

// readable checks that a repository's objects can be read.
func readable(p string, dir gitdir.Dir) (gitdir.Traits, error) {
	traits, err := dir.Traits()
	if err != nil {
		return traits, fmt.Errorf("%s: %w", p, err)
	}
	if traits.Format != "sha1" {
		return traits, fmt.Errorf("%s: %w: its objects are named by %s", p, ErrUnsupported, traits.Format)
	}
	if _, err := os.Stat(dir.Objects()); errors.Is(err, fs.ErrPermission) {
		return traits, fmt.Errorf("open the repository %s: %w", p, err)
	}
	return traits, nil
}
