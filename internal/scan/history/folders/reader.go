package folders

import (
	"bytes"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/pack"
)

// Entry adds to a list the edges that an entry of a tree is worth: none, one, or
// several. The slices are good during the call.
type Entry func(to []Edge, mode, name, id []byte) []Edge

// Reader reads trees, for one goroutine.
type Reader struct {
	width int // of an id, in bytes
	entry Entry
	buf   []Edge
	arena []Edge
}

// NewReader returns a reader of trees whose ids are so wide. entry has to answer the
// same for the same entry, wherever it stands: it is not asked again about what a
// delta copies.
func NewReader(width int, entry Entry) *Reader { return &Reader{width: width, entry: entry} }

// Seen is what is remembered of a tree for those that are deltas of it: where
// its entries start, and which of them matter.
type Seen struct {
	size    int32 // of what was read: where the last good entry ends
	starts  []int32
	entries []placedEdge
}

type placedEdge struct {
	start, end int32
	edge       Edge
}

// Read reads a tree; base, which may be nil, is what it is a delta of. It is false
// on data that is no proper tree: then what was read until there is in the answer.
func (r *Reader) Read(o *pack.Object, base *Seen) (*Seen, bool) {
	rec := &Seen{}
	if base == nil || o.Ops == nil {
		base = &Seen{}
	}
	end, ok := r.read(o, base, rec)
	rec.size = end // what follows is nothing that a tree may carry over
	return rec, ok
}

// Edges lists what matters in a tree; nil for nothing. The list stays good.
func (r *Reader) Edges(s *Seen) []Edge {
	if len(s.entries) == 0 {
		return nil
	}
	if cap(r.arena)-len(r.arena) < len(s.entries) {
		r.arena = make([]Edge, 0, max(1<<14, len(s.entries)))
	}
	from := len(r.arena)
	for _, e := range s.entries {
		r.arena = append(r.arena, e.edge)
	}
	return r.arena[from:len(r.arena):len(r.arena)]
}

// read carries the entries that were copied whole from the base and parses the
// others. It returns where the last good entry ends.
func (r *Reader) read(o *pack.Object, base, rec *Seen) (int32, bool) {
	at := int32(0) // where the next entry starts; all before it is done
	for _, op := range o.Ops {
		if !op.Copied() || len(base.starts) == 0 {
			continue
		}
		shift := op.Dst - op.Src
		k, _ := slices.BinarySearch(base.starts, max(op.Src, at-shift))
		for ; k < len(base.starts) && base.starts[k] < op.Src+op.Len; k++ {
			// A start in the base is one here only when reading on arrives there.
			next, ok := r.parse(o.Data, at, base.starts[k]+shift, rec)
			if !ok {
				return next, false
			}
			if at = next; at == base.starts[k]+shift {
				at = base.carry(rec, k, op.Src+op.Len, shift)
				break
			}
		}
	}
	return r.parse(o.Data, at, int32(len(o.Data)), rec)
}

// carry moves the entries from the k-th on that end before limit, and returns
// where the one behind them starts.
func (s *Seen) carry(rec *Seen, k int, limit, shift int32) int32 {
	first := s.starts[k]
	end := first
	for ; k < len(s.starts); k++ {
		next := s.size
		if k+1 < len(s.starts) {
			next = s.starts[k+1]
		}
		if next > limit {
			break
		}
		rec.starts = append(rec.starts, s.starts[k]+shift)
		end = next
	}
	i, _ := slices.BinarySearchFunc(s.entries, first, func(e placedEdge, at int32) int { return int(e.start) - int(at) })
	for ; i < len(s.entries) && s.entries[i].end <= end; i++ {
		e := s.entries[i]
		rec.entries = append(rec.entries, placedEdge{e.start + shift, e.end + shift, e.edge})
	}
	return end + shift
}

// parse reads the entries that start in data[at:to]: "<mode> <name>\0<the bytes of an id>".
// It returns where the next one starts.
func (r *Reader) parse(data []byte, at, to int32, rec *Seen) (int32, bool) {
	for at < to {
		rest := data[at:]
		space := bytes.IndexByte(rest[:min(len(rest), 8)], ' ')
		if space <= 0 {
			return at, false
		}
		nul := bytes.IndexByte(rest[space:], 0)
		if nul < 0 || space+nul+1+r.width > len(rest) {
			return at, false
		}
		name, id := rest[space+1:space+nul], rest[space+nul+1:space+nul+1+r.width]
		end := at + int32(space+nul+1+r.width)
		rec.starts = append(rec.starts, at)
		r.buf = r.entry(r.buf[:0], rest[:space], name, id)
		for _, e := range r.buf {
			rec.entries = append(rec.entries, placedEdge{at, end, e})
		}
		at = end
	}
	return at, true
}
