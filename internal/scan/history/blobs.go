package history

import (
	"context"
	"maps"
	"sync"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/charset"
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
	found  map[pack.Ref][]part
	res    Result          // counts
	ctx    context.Context //nolint:containedctx // a visitor lives as long as one call
	inside *content
	again  []pack.Ref // of which something was not read: to be looked at in every scan
	// damaged are blobs with findings whose content is not what their name says.
	damaged Gone
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
	c := newContent(s.opts)
	return &blobs{s: s, ctx: ctx, inside: c, finder: c.finder, found: map[pack.Ref][]part{}}
}

func (s *scanner) gather(b *blobs) {
	s.res.Blobs += b.res.Blobs
	s.res.Entries += b.res.Entries
	s.res.Binary.join(b.res.Binary)
	for _, u := range b.res.Unread {
		(*unreadList)(&s.res.Unread).add(u)
	}
	s.res.Damaged.join(b.damaged)
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
	parts, known := b.inside.inside(b.ctx, o.Data, plain, own, func(k archive.Skip) {
		whole = false
		if id == "" {
			id = o.ID.String()
		}
		(*unreadList)(&b.res.Unread).add(Unread{What: k.What, Why: k.Why, Gap: k.Gap, Gone: Gone{1, archive.Name(id, k.Path)}})
	})
	b.res.count(known, o.ID.String)
	if m := b.s.memory; m != nil && whole && known.entries < maxFactEntries { // each worker has objects of its own
		m.facts[o.Ref] = known.encode() + 1
	} else if m != nil {
		b.again = append(b.again, o.Ref)
	}
	if len(parts) > 0 {
		b.found[o.Ref] = parts
		if !o.Verify(b.s.db.Width()) {
			b.damaged.add(o.ID.String())
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
