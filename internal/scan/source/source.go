// Package source brings the bytes of a scan: files of a folder, every object of
// a git history, a git index, or a stream. A source reports what it could not
// read; it never leaves it out.
package source

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/secretguard/secretguard/internal/scan/archive"
)

// Errors that a caller decides on.
var (
	ErrNotRepository = errors.New("not a git repository")
	ErrEmpty         = errors.New("the repository has no commit yet")
	ErrBare          = errors.New("a bare repository has no index")
	ErrNotPlain      = errors.New("not a plain file or folder")
)

// Place is where a fragment lies.
type Place struct {
	Where string // scan.Where
	Path  string
	// Inner is the path inside the archive or document at Path, joined by
	// archive.Separator; empty for what lies there itself.
	Inner  string
	Commit string
	Author string
	Date   time.Time
	Blob   string
	Head   bool // HEAD's tree holds it
	Branch bool // a branch or tag reaches it
}

// Name is the path with what is inside of it: alone when the outer file has no name.
func (p Place) Name() string { return archive.Name(p.Path, p.Inner) }

// Fragment is one text and every place where it stands. It is scanned once. The
// text is empty when only the names are to be judged: a binary file has no lines,
// but rules about paths hold for it.
type Fragment struct {
	Text   []byte // good until the fragment was taken
	Places []Place
}

// Skip is something that was not scanned.
type Skip struct {
	What, Why, Example string
	Gap                bool // makes the scan incomplete
}

// Sink takes what a source finds. Its methods may be called from many goroutines.
type Sink interface {
	// Fragment scans a fragment before it returns.
	Fragment(ctx context.Context, f Fragment) error
	Skip(s Skip)
	// Files adds to the files that were looked at.
	Files(n int)
	// Entries adds to the entries of archives that were looked at.
	Entries(n int)
}

// Info describes the target.
type Info struct {
	Kind, Path, Head string
	// MayBeEmpty: to find nothing to read is an answer, not a failure.
	MayBeEmpty bool
}

// Source is something that can be scanned, once: a Walker or a Repository.
type Source interface{ Info() Info }

// Walker is a source that brings its texts itself.
type Walker interface {
	Source
	Walk(ctx context.Context, s Sink) error
}

// DefaultMaxBytes is the largest file or object that is scanned.
const DefaultMaxBytes = 100 << 20

// Options say how files are read.
type Options struct {
	// MaxBytes is the largest file, and entry of an archive; 0: DefaultMaxBytes.
	MaxBytes int64
	// ArchiveDepth is how many archives inside each other are opened; 0: none.
	ArchiveDepth int
	// SkipIgnored leaves out what git ignores in a repository.
	SkipIgnored bool
	// UserIgnores is the user's own list of names to ignore, a file
	// (core.excludesFile of gitignore(5)); may be empty or not there.
	UserIgnores string
	// Parallel is how many files are read at a time; 0: as many as processors.
	Parallel int
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Parallel == 0 {
		o.Parallel = runtime.GOMAXPROCS(0)
	}
	return o
}
