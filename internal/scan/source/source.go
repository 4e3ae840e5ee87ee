// Package source brings the bytes of a scan: files of a folder, every object of
// a git history, a git index, or a stream. A source reports what it could not
// read; it never leaves it out.
package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"
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
	Where  string // scan.Where
	Path   string
	Commit string
	Author string
	Date   time.Time
	Blob   string
	Head   bool // HEAD's tree holds it
	Branch bool // a branch or tag reaches it
}

// Fragment is one text and every place where it stands. It is scanned once. The
// text is empty when only the names are to be judged: a binary file has no lines,
// but rules about paths hold for it.
type Fragment struct {
	Text   string
	Places []Place
}

// Skip is something that was not scanned.
type Skip struct {
	What, Why, Example string
	Gap                bool // makes the scan incomplete
}

// Sink takes what a source finds. Its methods may be called from one goroutine
// at a time.
type Sink interface {
	Fragment(ctx context.Context, f Fragment) error
	Skip(s Skip)
	// Files adds to the files that were looked at.
	Files(n int)
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

// binary reports whether data looks like no text: a NUL byte in its first part,
// as git decides.
func binary(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0
}

// DefaultMaxBytes is the largest file or object that is scanned.
const DefaultMaxBytes = 100 << 20

// stream is a scan of one reader.
type stream struct{ r io.Reader }

// Stdin scans a stream as one text.
func Stdin(r io.Reader) Source { return stream{r} }

// Info describes the stream.
func (stream) Info() Info { return Info{Kind: "stdin", Path: "-"} }

// Walk reads the stream to its end.
func (s stream) Walk(ctx context.Context, sink Sink) error {
	b, err := io.ReadAll(io.LimitReader(s.r, DefaultMaxBytes+1))
	if err != nil {
		return err
	}
	if len(b) > DefaultMaxBytes {
		sink.Skip(Skip{What: "stdin", Why: "only the first 100 MB were scanned", Gap: true})
		b = b[:DefaultMaxBytes]
	}
	sink.Files(1)
	return sink.Fragment(ctx, Fragment{Text: string(b), Places: []Place{{Where: "stdin"}}})
}
