package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/secretguard/secretguard/internal/scan/askgit"
	"github.com/secretguard/secretguard/internal/scan/gitdir"
	"github.com/secretguard/secretguard/internal/scan/history"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// ErrUnsupported means that the repository has a format that is not known here
// and that git cannot read either.
var ErrUnsupported = errors.New("this repository has a format that is not known here")

// Repository is a source of a whole history: every object, whatever leads to it.
type Repository struct {
	Dir     gitdir.Dir
	Traits  gitdir.Traits
	Refs    gitdir.Refs
	Logs    []gitdir.Reflog
	Shallow []string // commits whose parents were left out
	Options Options
	// Commits, oldest first, are all that counts when Selected is set.
	Commits  []string
	Selected bool
	// AskGit says why git has to read it; empty when it has not.
	AskGit string

	path string
}

// Objects is a repository's object database.
type Objects interface {
	history.Objects
	io.Closer
}

// Git returns the repository that p is in. Nothing of the repository is run: no
// hook, no filter, no configured command.
func Git(ctx context.Context, p string, o Options) (*Repository, error) {
	dir, err := gitdir.Find(p)
	if err != nil {
		return nil, notRepository(p, err)
	}
	return GitOf(ctx, dir, p, o)
}

// GitOf returns a repository whose folders are known; p is what it is called.
func GitOf(ctx context.Context, dir gitdir.Dir, p string, o Options) (*Repository, error) {
	traits, err := readable(p, dir)
	if err != nil {
		return nil, err
	}
	r := &Repository{Dir: dir, Traits: traits, Options: o.withDefaults(), AskGit: foreign(traits), path: p}
	if r.Refs, r.Logs, err = refs(ctx, dir, traits); err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	if r.Shallow, err = dir.Shallow(); err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	return r, nil
}

// Open opens the object database.
func (r *Repository) Open(ctx context.Context) (Objects, error) {
	if r.Traits.Unknown != "" {
		db, err := askgit.Open(ctx, r.Dir.Git, r.Traits.Width())
		if err != nil {
			return nil, fmt.Errorf("%s: %w (%s); %w", r.path, ErrUnsupported, r.Traits.Unknown, err)
		}
		return db, nil
	}
	db, err := pack.Open(r.Dir.Objects(), r.Traits.Width())
	if err != nil {
		return nil, fmt.Errorf("open the object database: %w", err)
	}
	return db, nil
}

// foreign says what git has to read; empty for nothing.
func foreign(t gitdir.Traits) string {
	switch {
	case t.Unknown != "":
		return t.Unknown
	case t.RefStorage != "files":
		return "refs in " + t.RefStorage
	}
	return ""
}

// refs reads what leads to commits.
func refs(ctx context.Context, dir gitdir.Dir, t gitdir.Traits) (gitdir.Refs, []gitdir.Reflog, error) {
	if why := foreign(t); why != "" {
		r, logs, err := askgit.Refs(ctx, dir)
		if err != nil {
			return r, logs, fmt.Errorf("%w (%s); %w", ErrUnsupported, why, err)
		}
		return r, logs, nil
	}
	r, err := dir.Refs()
	if err != nil {
		return r, nil, err
	}
	logs, lost := dir.Reflogs()
	r.Lost = append(r.Lost, lost...)
	return r, logs, nil
}

// Info describes the repository.
func (r *Repository) Info() Info {
	return Info{Kind: "git", Path: r.path, Head: r.Refs.Head.ID, MayBeEmpty: r.Selected}
}

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
	if traits.Format != "sha1" && traits.Format != "sha256" {
		return traits, fmt.Errorf("%s: %w: its objects are named by %s", p, ErrUnsupported, traits.Format)
	}
	if _, err := os.Stat(dir.Objects()); errors.Is(err, fs.ErrPermission) {
		return traits, fmt.Errorf("open the repository %s: %w", p, err)
	}
	return traits, nil
}
