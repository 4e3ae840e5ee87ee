package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"runtime/debug"
	"sync"

	"github.com/secretguard/secretguard/internal/scan/pack/delta"
	"github.com/secretguard/secretguard/internal/scan/pack/inflate"
	"github.com/secretguard/secretguard/internal/scan/pack/object"
	"github.com/secretguard/secretguard/internal/scan/pack/packfile"
)

// maxChain is how many deltas one object may stand on. git makes at most 4095.
const maxChain = 10_000

var inflaters = sync.Pool{New: func() any { return new(inflate.Inflater) }}

// Read returns one object. It rebuilds the whole chain of deltas: for many
// objects use Walk. An object of more than limit bytes is ErrTooLarge.
func (db *DB) Read(r Ref, limit int64) (Kind, []byte, error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	z := inflaters.Get().(*inflate.Inflater)
	defer inflaters.Put(z)
	return db.read(z, r, min(limit, math.MaxInt32), 0)
}

func (db *DB) read(z *inflate.Inflater, r Ref, limit int64, depth int) (kind Kind, data []byte, err error) {
	p, i := db.at(r)
	if p == nil {
		return db.loose[i].read(z, object.AnyKind, limit)
	}
	err = packfile.Guarded(func() error {
		off, err := p.Offset(i)
		if err != nil {
			return err
		}
		kind, data, err = db.readAt(z, p, off, limit, depth)
		return err
	})
	return kind, data, err
}

// readAt follows the chain to its root and applies the deltas on the way back.
func (db *DB) readAt(z *inflate.Inflater, p *packfile.File, off, limit int64, depth int) (Kind, []byte, error) {
	var chain []packfile.Entry
	for {
		e, err := p.EntryAt(off)
		if err != nil {
			return 0, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if e.Size > limit {
			return 0, nil, ErrTooLarge
		}
		chain = append(chain, e)
		if len(chain)+depth > maxChain {
			return 0, nil, fmt.Errorf("%w: a chain of deltas without end", ErrDamaged)
		}
		if e.Kind == object.RefDelta {
			if k, ok := p.Find(e.BaseID); ok {
				e.Kind = object.OfsDelta
				if e.Base, err = p.Offset(k); err != nil {
					return 0, nil, err
				}
			}
		}
		if e.Kind != object.OfsDelta {
			break
		}
		off = e.Base
	}
	kind, data, err := db.root(z, p, chain, limit, depth)
	if err != nil {
		return kind, nil, err
	}
	for k := len(chain) - 1; k >= 0; k-- {
		if e := chain[k]; e.Kind == object.OfsDelta || e.Kind == object.RefDelta {
			if data, err = rebuild(z, p, e, data, limit); err != nil {
				return kind, nil, err
			}
		}
	}
	return kind, data, nil
}

// root returns what the last entry of a chain stands on: itself when it is
// whole, or an object outside this pack.
func (db *DB) root(z *inflate.Inflater, p *packfile.File, chain []packfile.Entry, limit int64, depth int) (Kind, []byte, error) {
	e := chain[len(chain)-1]
	if e.Kind == object.RefDelta {
		r, ok := db.Lookup(e.BaseID)
		if !ok {
			return 0, nil, fmt.Errorf("the base of a delta: %w", ErrMissing)
		}
		return db.read(z, r, limit, depth+len(chain))
	}
	data := make([]byte, e.Size)
	if _, err := z.Zlib(data, p.Objects()[e.Data:]); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return e.Kind, data, nil
}

func rebuild(z *inflate.Inflater, p *packfile.File, e packfile.Entry, base []byte, limit int64) ([]byte, error) {
	diff := make([]byte, e.Size)
	if _, err := z.Zlib(diff, p.Objects()[e.Data:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	src, dst, rest, err := delta.Sizes(diff)
	switch {
	case err != nil:
		return nil, err
	case src != int64(len(base)):
		return nil, fmt.Errorf("%w: a delta stands on another base", ErrDamaged)
	case dst > limit:
		return nil, ErrTooLarge
	}
	out := make([]byte, dst)
	_, err = delta.Apply(out, base, rest, nil)
	return out, err
}

// ReadID returns the object of that name; ErrMissing when there is none.
func (db *DB) ReadID(id ID, limit int64) (Kind, []byte, error) {
	r, ok := db.Lookup(id)
	if !ok {
		return db.readUnlisted(id, limit)
	}
	kind, data, err := db.Read(r, limit)
	if errors.Is(err, ErrTooLarge) || err == nil {
		return kind, data, err
	}
	return kind, nil, fmt.Errorf("%s: %w", id, err)
}

// readUnlisted looks for a loose object that Open has not listed, or that was
// written after it did.
func (db *DB) readUnlisted(id ID, limit int64) (Kind, []byte, error) {
	z := inflaters.Get().(*inflate.Inflater)
	defer inflaters.Put(z)
	for _, dir := range db.dirs {
		kind, data, err := (&looseFile{id: id, dir: dir}).read(z, object.AnyKind, limit)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil && !errors.Is(err, ErrTooLarge) {
			return kind, nil, fmt.Errorf("%s: %w", id, err)
		}
		return kind, data, err
	}
	return 0, nil, fmt.Errorf("%s: %w", id, ErrMissing)
}
