package history

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// edge is an entry of a tree that matters: a folder, or a blob with secrets.
type edge struct {
	name uint32 // in treeIndex.names
	ref  pack.Ref
	blob bool
}

// treeIndex is what is kept of all trees.
type treeIndex struct {
	mu    sync.RWMutex
	names []string
	ids   map[string]uint32

	at    []uint32 // tree -> place in edges; 0 for none
	edges [][]edge
	// wanted are the first 20 bits of the ids of blobs that matter.
	wanted [1 << 20 / 64]uint64
}

func newTreeIndex(size int) *treeIndex {
	return &treeIndex{ids: map[string]uint32{}, at: make([]uint32, size), edges: make([][]edge, 1)}
}

func (t *treeIndex) set(tree pack.Ref, list []edge) {
	t.at[tree] = uint32(len(t.edges))
	t.edges = append(t.edges, list)
}

// of returns what matters in a tree.
func (t *treeIndex) of(tree pack.Ref) []edge { return t.edges[t.at[tree]] }

func (t *treeIndex) mark(id pack.ID) {
	k := uint32(id[0])<<12 | uint32(id[1])<<4 | uint32(id[2])>>4
	t.wanted[k>>6] |= 1 << (k & 63)
}

func (t *treeIndex) maybe(id []byte) bool {
	k := uint32(id[0])<<12 | uint32(id[1])<<4 | uint32(id[2])>>4
	return t.wanted[k>>6]>>(k&63)&1 == 1
}

// name gives a name a number.
func (t *treeIndex) name(b []byte) uint32 {
	t.mu.RLock()
	n, ok := t.ids[string(b)]
	t.mu.RUnlock()
	if ok {
		return n
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.ids[string(b)]; ok {
		return n
	}
	s := string(b)
	n = uint32(len(t.names))
	t.names = append(t.names, s)
	t.ids[s] = n
	return n
}

// scanTrees finds out which trees hold the blobs that matter, and what trees name
// that is not there.
func (s *scanner) scanTrees(ctx context.Context) error {
	if s.trees == nil {
		s.trees = newTreeIndex(s.db.Len())
	}
	for ref := range s.blobs {
		s.trees.mark(s.db.ID(ref))
	}
	s.sample()
	var mu sync.Mutex
	var all []*trees
	err := s.visit(ctx, pack.Of(pack.Tree), func() pack.Visitor {
		t := &trees{s: s, names: content.NewNames(s.opts.Set), named: map[string][]match.Sight{}, folders: map[pack.Ref]bool{}, gone: map[pack.ID]bool{}, modules: map[string]bool{}, again: map[pack.Ref]bool{}}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, t)
		return t
	})
	gone, modules := map[pack.ID]bool{}, map[string]bool{}
	if s.memory != nil {
		gone, modules = s.memory.gone, s.memory.modules
	}
	for _, t := range all {
		s.res.Trees += t.count
		s.res.BrokenTrees.Join(t.broken)
		maps.Copy(gone, t.gone)
		maps.Copy(modules, t.modules)
		maps.Copy(s.named, t.named)
		maps.Copy(s.folders, t.folders)
		for i, ref := range t.refs {
			s.trees.set(ref, t.found[i])
		}
		if m := s.memory; m != nil {
			m.trees = append(m.trees, t.all...)
			maps.Copy(m.treeAgain, t.again)
		}
	}
	for id, folder := range gone {
		if folder {
			s.res.MissingTrees.Add(id.String())
		} else {
			s.res.MissingBlobs.Add(id.String())
		}
	}
	for name := range modules {
		s.res.Submodules.Add(name)
	}
	return err
}

// sample chooses the blobs that are shown as examples of what was not scanned.
func (s *scanner) sample() {
	s.samples = map[pack.Ref]bool{}
	names := []string{s.res.Binary.Example}
	for _, p := range s.db.Problems() {
		names = append(names, p.Example)
	}
	for _, u := range s.res.Unread {
		n, _, _ := strings.Cut(u.Example, archive.Separator)
		names = append(names, n)
	}
	for _, n := range names {
		if id, err := pack.ParseID(n); err == nil {
			if ref, ok := s.db.Lookup(id); ok {
				s.samples[ref] = true
				s.trees.mark(id)
			}
		}
	}
}

// trees visits trees for one worker.
type trees struct {
	s      *scanner
	all    []pack.Ref        // read, when somebody wants to know
	again  map[pack.Ref]bool // those that are no good
	refs   []pack.Ref
	found  [][]edge // of refs
	count  int
	broken tally.Gone
	arena  []edge

	there   [1 << 12]pack.ID // names of blobs that are there, found lately
	gone    map[pack.ID]bool // names of what is not; true for a folder
	names   *content.Names
	named   map[string][]match.Sight
	folders map[pack.Ref]bool
	modules map[string]bool
}

// seenTree is what is remembered of a tree for those that are deltas of it: where
// its entries start, and which of them matter.
type seenTree struct {
	size    int32
	starts  []int32
	entries []treeEntry
}

type treeEntry struct {
	start, end int32
	edge       edge
}

// Visit reads one tree.
func (t *trees) Visit(o *pack.Object, base any) any {
	if !o.Dup {
		t.count++
		t.s.step("trees", 0)
		if t.s.memory != nil {
			t.all = append(t.all, o.Ref)
		}
	}
	rec := &seenTree{size: int32(len(o.Data))}
	before, ok := base.(*seenTree)
	if !ok || o.Ops == nil {
		before = &seenTree{}
	}
	if !t.read(o, before, rec) && !o.Dup {
		t.broken.Add(o.ID.String())
		t.again[o.Ref] = true
	}
	if !o.Dup && len(rec.entries) > 0 {
		if cap(t.arena)-len(t.arena) < len(rec.entries) {
			t.arena = make([]edge, 0, max(1<<14, len(rec.entries)))
		}
		from := len(t.arena)
		for _, e := range rec.entries {
			t.arena = append(t.arena, e.edge)
		}
		t.refs = append(t.refs, o.Ref)
		t.found = append(t.found, t.arena[from:len(t.arena):len(t.arena)])
	}
	return rec
}

// read carries the entries that were copied whole from the base and parses the
// others. It fails on data that is no proper tree.
func (t *trees) read(o *pack.Object, base, rec *seenTree) bool {
	at := int32(0) // where the next entry starts; all before it is done
	for _, op := range o.Ops {
		if !op.Copied() || len(base.starts) == 0 {
			continue
		}
		shift := op.Dst - op.Src
		k, _ := slices.BinarySearch(base.starts, max(op.Src, at-shift))
		for ; k < len(base.starts) && base.starts[k] < op.Src+op.Len; k++ {
			// A start in the base is one here only when reading on arrives there.
			next, ok := t.parse(o.Data, at, base.starts[k]+shift, rec)
			if !ok {
				return false
			}
			if at = next; at == base.starts[k]+shift {
				at = base.carry(rec, k, op.Src+op.Len, shift)
				break
			}
		}
	}
	_, ok := t.parse(o.Data, at, int32(len(o.Data)), rec)
	return ok
}

// carry moves the entries from the k-th on that end before limit, and returns
// where the one behind them starts.
func (base *seenTree) carry(rec *seenTree, k int, limit, shift int32) int32 {
	first := base.starts[k]
	end := first
	for ; k < len(base.starts); k++ {
		next := base.size
		if k+1 < len(base.starts) {
			next = base.starts[k+1]
		}
		if next > limit {
			break
		}
		rec.starts = append(rec.starts, base.starts[k]+shift)
		end = next
	}
	i, _ := slices.BinarySearchFunc(base.entries, first, func(e treeEntry, at int32) int { return int(e.start) - int(at) })
	for ; i < len(base.entries) && base.entries[i].end <= end; i++ {
		e := base.entries[i]
		rec.entries = append(rec.entries, treeEntry{e.start + shift, e.end + shift, e.edge})
	}
	return end + shift
}

// parse reads the entries that start in data[at:to]: "<mode> <name>\0<the bytes of an id>".
// It returns where the next one starts.
func (t *trees) parse(data []byte, at, to int32, rec *seenTree) (int32, bool) {
	width := t.s.db.Width()
	for at < to {
		rest := data[at:]
		space := bytes.IndexByte(rest[:min(len(rest), 8)], ' ')
		if space <= 0 {
			return at, false
		}
		nul := bytes.IndexByte(rest[space:], 0)
		if nul < 0 || space+nul+1+width > len(rest) {
			return at, false
		}
		name, id := rest[space+1:space+nul], rest[space+nul+1:space+nul+1+width]
		end := at + int32(space+nul+1+width)
		rec.starts = append(rec.starts, at)
		if e, ok := t.entry(rest[:space], name, id); ok {
			rec.entries = append(rec.entries, treeEntry{at, end, e})
			if !e.blob && t.folderName(name) {
				t.folders[e.ref] = true
				e.blob = true
				rec.entries = append(rec.entries, treeEntry{at, end, e})
			}
		}
		at = end
	}
	return at, true
}

// entry tells whether an entry matters.
func (t *trees) entry(mode, name, id []byte) (edge, bool) {
	switch mode[0] {
	case '4': // a folder
		if ref, ok := t.s.db.Lookup(pack.MakeID(id)); ok {
			return edge{name: t.s.trees.name(name), ref: ref}, true
		}
		t.gone[pack.MakeID(id)] = true
	case '1':
		if len(mode) == 6 && mode[1] == '6' { // a submodule: its history is elsewhere
			t.modules[string(name)] = true
			return edge{}, false
		}
		return t.blob(name, id)
	}
	return edge{}, false
}

// blob tells whether a file matters, and notes when its content is not there.
func (t *trees) blob(name, id []byte) (edge, bool) {
	known := t.s.trees.maybe(id)
	named := t.s.opts.Set.NameMatters(name) || t.folderName(name)
	lately := &t.there[(uint(id[8])<<8|uint(id[9]))%uint(len(t.there))]
	if !known && !named && *lately == pack.MakeID(id) {
		return edge{}, false
	}
	ref, ok := t.s.db.Lookup(pack.MakeID(id))
	if !ok {
		t.gone[pack.MakeID(id)] = false
		return edge{}, false
	}
	*lately = pack.MakeID(id)
	if known {
		_, known = t.s.blobs[ref]
		known = known || t.s.samples[ref]
	}
	if !known && !named {
		return edge{}, false
	}
	return edge{name: t.s.trees.name(name), ref: ref, blob: true}, true
}

// folderName notes a folder whose name holds something.
func (t *trees) folderName(name []byte) bool {
	sights := t.names.Look(name)
	if len(sights) > 0 {
		t.named[string(name)] = sights
	}
	return len(sights) > 0
}
