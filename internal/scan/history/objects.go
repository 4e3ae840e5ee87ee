package history

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// loaded is an object that was read by itself.
type loaded struct {
	ref  pack.Ref
	kind pack.Kind
	data []byte
}

// maxLoaded bounds what is read by itself and held, in bytes.
const maxLoaded = 256 << 20

// load reads the fresh objects when they are few: then the packs need not be looked
// through.
func (s *scanner) load(ctx context.Context) error {
	m := s.memory
	if m == nil || !m.kept || len(m.Fresh) > s.db.Len()/large {
		return nil
	}
	var next, size atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	list := []loaded{}
	for range s.opts.Workers {
		wg.Go(func() {
			var bad unread
			var own []loaded
			for ctx.Err() == nil && size.Load() < maxLoaded {
				i := int(next.Add(1)) - 1
				if i >= len(m.Fresh) {
					break
				}
				if l, ok := s.readOne(m.Fresh[i], &bad); ok {
					own = append(own, l)
					size.Add(int64(len(l.data)))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			list = append(list, own...)
			s.unread(bad)
		})
	}
	wg.Wait()
	if size.Load() < maxLoaded {
		s.loaded, s.few = list, true
	}
	return ctx.Err()
}

// unread counts objects that could not be read.
type unread struct{ missing, large, damaged tally.Gone }

func (s *scanner) unread(u unread) {
	s.res.MissingBlobs.Join(u.missing)
	s.res.TooLarge.Join(u.large)
	s.res.Damaged.Join(u.damaged)
}

func (s *scanner) readOne(r pack.Ref, bad *unread) (loaded, bool) {
	kind, data, err := s.db.Read(r, s.opts.MaxSize)
	switch {
	case errors.Is(err, pack.ErrTooLarge):
		bad.large.Add(s.db.ID(r).String())
	case errors.Is(err, pack.ErrMissing):
		bad.missing.Add(s.db.ID(r).String())
	case err != nil:
		bad.damaged.Add(s.db.ID(r).String())
	}
	return loaded{r, kind, data}, err == nil
}

// visit shows the objects of some kinds that have to be looked at to visitors.
func (s *scanner) visit(ctx context.Context, kinds pack.Kinds, visitor func() pack.Visitor) error {
	if !s.few {
		o := pack.WalkOptions{Kinds: kinds, Workers: s.opts.Workers, MaxSize: s.opts.MaxSize, Visitor: visitor}
		if m := s.memory; m != nil && m.Seen != nil {
			o.Wanted = func(r pack.Ref, _ pack.Kind) bool { return !m.Seen[r] }
		}
		return s.db.Walk(ctx, o)
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range s.opts.Workers {
		wg.Go(func() {
			v := visitor()
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(s.loaded) {
					return
				}
				if l := s.loaded[i]; kinds.Has(l.kind) {
					v.Visit(&pack.Object{Ref: l.ref, ID: s.db.ID(l.ref), Kind: l.kind, Data: l.data}, nil)
				}
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}
