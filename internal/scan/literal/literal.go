// Package literal looks for known values in the files of a folder, whatever rules
// say: after a rotation, for the key that was replaced.
package literal

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/source"
	"github.com/secretguard/secretguard/internal/secret"
)

// Place is one line that holds a wanted value. Its file's name is foreign text.
type Place struct {
	File string // below the folder; with what is inside of an archive
	Line int    // from 1
}

// Found is where the values stand, and what could not be read.
type Found struct {
	Places []Place // by file and line, each once
	Unread []string
	Files  int // that were looked at
}

// Find reads every file below a folder, also inside archives. It follows no links
// and changes nothing.
func Find(ctx context.Context, dir string, wanted []secret.Text) (Found, error) {
	src, err := source.Dir(dir, source.Options{ArchiveDepth: archive.DefaultDepth})
	if err != nil {
		return Found{}, err
	}
	walker, ok := src.(source.Walker)
	if !ok {
		return Found{}, fmt.Errorf("%s: %w", dir, source.ErrNotPlain)
	}
	f := &finder{}
	for _, v := range wanted {
		if !v.Empty() {
			f.wanted = append(f.wanted, []byte(v.Reveal()))
		}
	}
	err = walker.Walk(ctx, f)
	slices.SortFunc(f.found.Places, func(a, b Place) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	f.found.Places = slices.Compact(f.found.Places)
	slices.Sort(f.found.Unread)
	return f.found, err
}

// finder takes texts from many goroutines.
type finder struct {
	wanted [][]byte

	mu    sync.Mutex
	found Found
}

// Fragment looks through one text.
func (f *finder) Fragment(ctx context.Context, fr source.Fragment) error {
	var lines []int
	for _, v := range f.wanted {
		line, rest := 1, fr.Text
		for {
			at := bytes.Index(rest, v)
			if at < 0 {
				break
			}
			line += bytes.Count(rest[:at], []byte("\n"))
			lines = append(lines, line)
			rest = rest[at:]
			line += bytes.Count(rest[:len(v)], []byte("\n"))
			rest = rest[len(v):]
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range fr.Places {
		for _, l := range lines {
			f.found.Places = append(f.found.Places, Place{File: p.Name(), Line: l})
		}
	}
	return ctx.Err()
}

// Skip notes what could not be read; what was left out on purpose is none of that.
func (f *finder) Skip(s source.Skip) {
	if !s.Gap {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found.Unread = append(f.found.Unread, fmt.Sprintf("%s: %s", cmp.Or(s.Example, s.What), s.Why))
}

// Files counts.
func (f *finder) Files(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.found.Files += n
}

// Entries are files too.
func (f *finder) Entries(n int) { f.Files(n) }
