// Package archive opens what text hides in: archives, compressed files, office
// documents and notebooks, nested in each other. Start with [Walk].
//
// It works on bytes in memory: no file is opened or written, and names inside an
// archive are labels only. All of it is foreign: whatever a file claims, what it
// may cost is bounded by [Limits], and what was not read is reported.
package archive

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/archive/seven"
)

// Limits bound the work on one file. Make them with [DefaultLimits].
type Limits struct {
	// Depth is how many archives inside each other are opened; a tar in a compressed
	// file counts as one. 0: none.
	Depth int
	// Entry is the most bytes that one entry may unpack to. Memory is bounded by it:
	// Depth+1 entries may be held at a time.
	Entry int64
	// Total is the most bytes that the file may unpack to. A nested archive gets at
	// most half of what is left, so that a bomb leaves something for its neighbours.
	Total int64
	// Ratio is how many times its own size a file may unpack to, once that is more
	// than RatioFree bytes. Text packs to a tenth, a log to a fiftieth, a bomb to a
	// thousandth.
	Ratio     int64
	RatioFree int64
	// Entries is the most entries, of nested archives too.
	Entries int
	// Name is the longest name of an entry, in bytes. A longer one is cut.
	Name int
	// Dictionary is the most memory that a decompressor may ask for, in bytes.
	Dictionary int64
}

// Limits that hold when nothing else is said.
const (
	DefaultDepth      = 3
	DefaultEntry      = 100 << 20
	totalEntries      = 10 // Total in units of Entry
	defaultRatio      = 200
	defaultRatioFree  = 16 << 20
	defaultEntries    = 200_000
	defaultName       = 4096
	defaultDictionary = 128 << 20
)

// DefaultLimits returns the limits for a depth and the largest entry in bytes.
func DefaultLimits(depth int, entry int64) Limits {
	return Limits{
		Depth: depth, Entry: entry, Total: totalEntries * entry, Ratio: defaultRatio, RatioFree: defaultRatioFree,
		Entries: defaultEntries, Name: defaultName, Dictionary: defaultDictionary,
	}
}

// Skip is something that was not read.
type Skip struct {
	What string // "archive", "archive entry", "document part", "image"
	Why  string
	Path string // inside the file; empty for the file itself
	// Gap is true when text may have been missed, false when it was left out by choice.
	Gap bool
}

// Visit takes the content of one entry. The path joins the names on the way to it
// by "!" ("b/c.tar!d.env"); it is empty for text in front of the archive itself.
// The data is good until Visit returns. What it holds is for Visit to judge, except
// that documents come as text.
type Visit func(path string, data []byte) error

// Separator stands between the name of an archive and that of an entry.
const Separator = "!"

// Walk opens data, a file of the name given, and calls visit for each entry in it
// that is no archive itself. It returns an error only when the context ends or
// visit returns one; everything else that stands in the way is told to skip. Data
// in which there is nothing to open (see [Detect]) is visited as it is.
//
// What a document is visited with:
//   - Office and OpenDocument: each part as text, one line for each paragraph or
//     row of a table, in order; cells stand between tabs and commas. A line break
//     inside begins another line. Attributes, such as links, follow behind, an
//     element a line.
//   - Notebooks: the source and each output of a cell ("cells/3/source"), and the
//     rest as lines of names and values ("metadata").
//
// Walk reads only its arguments and may be called from many goroutines. Visit and
// skip are called from the goroutine that called Walk.
func Walk(ctx context.Context, name string, data []byte, limits Limits, visit Visit, skip func(Skip)) error {
	w := &walker{ctx: ctx, limits: limits, visit: visit, skip: skip}
	err := w.content("", name, data, 0, &budget{left: noLimit})
	var visitErr visitError
	if errors.As(err, &visitErr) {
		return visitErr.error
	}
	return err
}

// walker is one call of Walk.
type walker struct {
	ctx    context.Context //nolint:containedctx // a walker lives as long as one call
	limits Limits
	visit  Visit
	skip   func(Skip)

	entries  int
	visiting bool
	free     [][]byte // buffers that nobody uses
}

// content takes whole content under a path: it is opened or visited.
func (w *walker) content(at, name string, data []byte, depth int, b *budget) error {
	kind := Detect(data)
	if kind == None {
		return w.leaf(at, data)
	}
	if depth >= w.limits.Depth {
		w.skip(Skip{What: "archive", Why: fmt.Sprintf("nested deeper than %d", w.limits.Depth), Path: at, Gap: true})
		return nil
	}
	o := &opening{walker: w, at: at, name: name, depth: depth + 1, budget: w.share(b, int64(len(data)))}
	return o.outcome(o.open(kind, data))
}

// leaf visits what is no archive.
func (w *walker) leaf(at string, data []byte) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	w.visiting = true
	err := w.visit(at, data)
	w.visiting = false
	if err != nil {
		return visitError{err}
	}
	return nil
}

// visitError marks the errors that end a walk.
type visitError struct{ error }

func (e visitError) Unwrap() error { return e.error }

// opening is one archive on the way.
type opening struct {
	*walker

	at, name string
	depth    int
	budget   *budget
}

// open reads the archive. A reader that panics on hostile input has lost that
// archive only.
func (o *opening) open(kind Kind, data []byte) (err error) {
	defer func() {
		if o.visiting { // a fault of ours, not of the input
			return
		}
		if p := recover(); p != nil {
			err = errDamaged
		}
	}()
	switch kind {
	case Zip:
		return o.zip(data)
	case Tar:
		return o.tar(newCounter(data))
	case SevenZip:
		return o.sevenZip(data)
	case Notebook:
		return o.notebook(data)
	default:
		return o.stream(kind, data)
	}
}

// Reasons for which an archive is not read further.
var (
	errDamaged    = seven.ErrDamaged
	errEncrypted  = seven.ErrEncrypted
	errMethod     = seven.ErrMethod
	errDictionary = seven.ErrMemory
	errEntries    = seven.ErrEntries
	errOverlap    = errors.New("overlaps another entry")
	errCut        = errors.New("its end is missing")
)

// outcome turns what ended the reading of an archive into a skip, unless it ends
// the walk.
func (o *opening) outcome(err error) error {
	var over *overrun
	var visit visitError
	switch err = o.cause(err); {
	case err == nil:
		return nil
	case errors.As(err, &visit), o.ctx.Err() != nil:
		return err
	case errors.As(err, &over) && over.budget != o.budget:
		return err // an outer archive's
	}
	o.lost("archive", o.at, err)
	return nil
}

// cause returns what is behind an error that came through a library: libraries
// have errors of their own for a reader that fails.
func (o *opening) cause(err error) error {
	if err == nil {
		return nil
	}
	if ended := o.ctx.Err(); ended != nil {
		return ended
	}
	for b := o.budget; b != nil; b = b.parent {
		if b.left < 0 {
			return &overrun{b}
		}
	}
	return err
}

// lost reports a gap.
func (w *walker) lost(what, at string, err error) {
	why := errDamaged.Error()
	var over *overrun
	switch {
	case errors.As(err, &over):
		why = over.Error()
	case errors.Is(err, errEntries):
		why = fmt.Sprintf("more than %d entries; the rest was not read", w.limits.Entries)
	case errors.Is(err, errEncrypted), errors.Is(err, errMethod), errors.Is(err, errDictionary), errors.Is(err, errOverlap), errors.Is(err, errCut):
		why = err.Error()
	}
	w.skip(Skip{What: what, Why: why, Path: at, Gap: true})
}

// ends reports whether a cause is more than the loss of one entry.
func (w *walker) ends(cause error) bool {
	var over *overrun
	var visit visitError
	return errors.As(cause, &over) || errors.As(cause, &visit) || errors.Is(cause, errEntries) || w.ctx.Err() != nil
}

// entry counts an entry and returns its path.
func (o *opening) entry(name string) (string, error) {
	if o.entries++; o.entries > o.limits.Entries {
		return "", errEntries
	}
	name = strings.ToValidUTF8(name, "\ufffd")
	if most := o.limits.Name; len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
		o.skip(Skip{What: "name of an archive entry", Why: fmt.Sprintf("longer than %d bytes; cut", most), Path: Name(o.at, name)})
	}
	return Name(o.at, name), nil
}

// Name joins the name of a file and a path inside of it: either may be empty.
func Name(file, inner string) string {
	switch {
	case inner == "":
		return file
	case file == "":
		return inner
	}
	return file + Separator + inner
}

// inside takes the content of an entry that was read.
func (o *opening) inside(at string, data []byte) error {
	return o.content(at, path.Base(at[strings.LastIndex(at, Separator)+1:]), data, o.depth, o.budget)
}
