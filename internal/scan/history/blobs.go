package history

import (
	"bytes"
	"context"
	"maps"
	"sync"

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
	found  map[pack.Ref][]match.Sight
	count  int
	binary Gone
	// damaged are blobs with findings whose content is not what their name says.
	damaged Gone
}

// scanBlobs looks at the content of every blob.
func (s *scanner) scanBlobs(ctx context.Context) error {
	var mu sync.Mutex
	var all []*blobs
	err := s.visit(ctx, pack.Of(pack.Blob), func() pack.Visitor {
		b := &blobs{s: s, finder: s.opts.Set.Finder(), found: map[pack.Ref][]match.Sight{}}
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

func (s *scanner) gather(b *blobs) {
	s.res.Blobs += b.count
	s.res.Binary.join(b.binary)
	s.res.Damaged.join(b.damaged)
	maps.Copy(s.blobs, b.found)
}

// Visit looks at one blob.
func (b *blobs) Visit(o *pack.Object, base any) any {
	if !o.Dup {
		b.count++
		b.s.step("blobs", len(o.Data))
	}
	binary := isBinary(o.Data)
	if m := b.s.memory; m != nil && !o.Dup { // each worker has objects of its own
		m.sizes[o.Ref] = uint64(len(o.Data))<<1 + 2
		if binary {
			m.sizes[o.Ref]++
		}
	}
	if binary {
		if !o.Dup {
			b.binary.add(o.ID.String())
		}
		return nil
	}
	var r *match.Record
	if before, ok := base.(*seenBlob); ok && o.Ops != nil {
		r = b.finder.FindDelta(o.Data, before.record, b.copied(o.Ops))
	} else {
		r = b.finder.Find(o.Data)
	}
	if r == nil {
		return nothing
	}
	if !o.Dup {
		if sights := b.finder.Settle(o.Data, r); len(sights) > 0 {
			b.found[o.Ref] = sights
			if !o.Verify(b.s.db.Width()) {
				b.damaged.add(o.ID.String())
			}
		}
	}
	return &seenBlob{r}
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

// isBinary reports whether data looks like no text: a NUL byte in its first part,
// as git decides.
func isBinary(data []byte) bool { return bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0 }
