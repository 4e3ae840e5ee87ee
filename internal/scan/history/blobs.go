package history

import (
	"context"
	"maps"
	"sync"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/charset"
	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// seenBlob is what is remembered of a blob for those that are deltas of it.
type seenBlob struct{ record *match.Record }

// nothing is remembered of most blobs.
var nothing = &seenBlob{}

// blobs visits blobs for one worker.
type blobs struct {
	s      *scanner
	finder *match.Finder
	runs   []match.Run
	found  map[pack.Ref][]content.Part
	counts content.Counts
	ctx    context.Context //nolint:containedctx // a visitor lives as long as one call
	inside *content.Looker
	again  []pack.Ref // of which something was not read: to be looked at in every scan
	// damaged are blobs with findings whose content is not what their name says.
	damaged tally.Gone
}

// scanBlobs looks at the content of every blob.
func (s *scanner) scanBlobs(ctx context.Context) error {
	var mu sync.Mutex
	var all []*blobs
	err := s.visit(ctx, pack.Of(pack.Blob), func() pack.Visitor {
		b := s.newBlobs(ctx)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, b)
		return b
	})
	for _, b := range all {
		s.gather(b)
	}
	return err
}

func (s *scanner) newBlobs(ctx context.Context) *blobs {
	l := s.opts.looker()
	return &blobs{s: s, ctx: ctx, inside: l, finder: l.Finder(), found: map[pack.Ref][]content.Part{}}
}

func (s *scanner) gather(b *blobs) {
	s.res.JoinBlobs(b.counts)
	s.res.Damaged.Join(b.damaged)
	s.again += len(b.again)
	maps.Copy(s.blobs, b.found)
}

// Visit looks at one blob.
func (b *blobs) Visit(o *pack.Object, base any) any {
	var r *match.Record
	plain := charset.Plain(o.Data)
	if plain {
		if before, ok := base.(*seenBlob); ok && o.Ops != nil {
			r = b.finder.FindDelta(o.Data, before.record, b.copied(o.Ops))
		} else {
			r = b.finder.Find(o.Data)
		}
	}
	if !o.Dup {
		b.settle(o, plain, r)
	}
	switch {
	case !plain:
		return nil
	case r == nil:
		return nothing
	}
	return &seenBlob{r}
}

// settle keeps what a blob holds, and what is known of it.
func (b *blobs) settle(o *pack.Object, plain bool, r *match.Record) {
	b.s.step("blobs", len(o.Data))
	var own []match.Sight
	if r != nil {
		own = b.finder.Settle(o.Data, r)
	}
	id, whole := "", true
	parts, fact := b.inside.Inside(b.ctx, o.Data, plain, own, func(k archive.Skip) {
		whole = false
		if id == "" {
			id = o.ID.String()
		}
		b.counts.Unread.Add(tally.Unread{What: k.What, Why: k.Why, Gap: k.Gap, Gone: tally.Gone{Count: 1, Example: archive.Name(id, k.Path)}})
	})
	b.counts.AddBlob(fact, o.ID.String)
	if m := b.s.memory; m != nil {
		if n, ok := fact.Encode(); ok && whole {
			m.Facts[o.Ref] = n + 1 // each worker has objects of its own
		} else {
			b.again = append(b.again, o.Ref)
		}
	}
	if len(parts) > 0 {
		b.found[o.Ref] = parts
		if !o.Verify(b.s.db.Width()) {
			b.damaged.Add(o.ID.String())
		}
	}
}

func (b *blobs) copied(ops []pack.Op) []match.Run {
	b.runs = b.runs[:0]
	for _, op := range ops {
		if op.Copied() {
			b.runs = append(b.runs, match.Run{Dst: int(op.Dst), Src: int(op.Src), Len: int(op.Len)})
		}
	}
	return b.runs
}
