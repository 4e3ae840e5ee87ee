package history

import (
	"context"
	"maps"
	"strings"
	"sync"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// scanTrees finds out which trees hold the blobs that matter, and what trees name
// that is not there.
func (s *scanner) scanTrees(ctx context.Context) error {
	if s.trees == nil {
		s.trees = folders.NewIndex(s.db.Len())
	}
	wanted := &sieve{}
	for ref := range s.blobs {
		wanted.mark(s.db.ID(ref))
	}
	s.sample(wanted)
	var mu sync.Mutex
	var all []*trees
	err := s.visit(ctx, pack.Of(pack.Tree), func() pack.Visitor {
		t := &trees{s: s, wanted: wanted, names: content.NewNames(s.opts.Set), named: map[string][]match.Sight{}, folders: map[pack.Ref]bool{}, gone: map[pack.ID]bool{}, modules: map[string]bool{}, again: map[pack.Ref]bool{}}
		t.reader = folders.NewReader(s.db.Width(), t.entry)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, t)
		return t
	})
	gone, modules := map[pack.ID]bool{}, map[string]bool{}
	if s.memory != nil {
		gone, modules = s.memory.Gone, s.memory.Modules
	}
	for _, t := range all {
		s.res.Trees += t.count
		s.res.BrokenTrees.Join(t.broken)
		maps.Copy(gone, t.gone)
		maps.Copy(modules, t.modules)
		maps.Copy(s.named, t.named)
		maps.Copy(s.folders, t.folders)
		for i, ref := range t.refs {
			s.trees.Set(ref, t.found[i])
		}
		if m := s.memory; m != nil {
			m.Trees = append(m.Trees, t.all...)
			maps.Copy(m.TreeAgain, t.again)
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
func (s *scanner) sample(wanted *sieve) {
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
				wanted.mark(id)
			}
		}
	}
}

// trees visits trees for one worker.
type trees struct {
	s      *scanner
	reader *folders.Reader
	wanted *sieve
	all    []pack.Ref        // read, when somebody wants to know
	again  map[pack.Ref]bool // those that are no good
	refs   []pack.Ref
	found  [][]folders.Edge // of refs
	count  int
	broken tally.Gone

	there   [1 << 12]pack.ID // names of blobs that are there, found lately
	gone    map[pack.ID]bool // names of what is not; true for a folder
	names   *content.Names
	named   map[string][]match.Sight
	folders map[pack.Ref]bool
	modules map[string]bool
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
	before, _ := base.(*folders.Seen)
	seen, ok := t.reader.Read(o, before)
	if o.Dup {
		return seen
	}
	if !ok {
		t.broken.Add(o.ID.String())
		t.again[o.Ref] = true
	}
	if list := t.reader.Edges(seen); list != nil {
		t.refs = append(t.refs, o.Ref)
		t.found = append(t.found, list)
	}
	return seen
}

// entry adds what an entry is worth: a blob that matters, or a folder, and a folder
// whose name matters as a blob too.
func (t *trees) entry(to []folders.Edge, mode, name, id []byte) []folders.Edge {
	switch mode[0] {
	case '4': // a folder
		ref, ok := t.s.db.Lookup(pack.MakeID(id))
		if !ok {
			t.gone[pack.MakeID(id)] = true
			return to
		}
		e := folders.Edge{Name: t.s.trees.Number(name), Ref: ref}
		to = append(to, e)
		if t.nameHolds(name) {
			t.folders[ref] = true
			e.Blob = true
			to = append(to, e)
		}
	case '1':
		if len(mode) == 6 && mode[1] == '6' { // a submodule: its history is elsewhere
			t.modules[string(name)] = true
			return to
		}
		return t.blob(to, name, id)
	}
	return to
}

// blob adds a file that matters, and notes when its content is not there.
func (t *trees) blob(to []folders.Edge, name, id []byte) []folders.Edge {
	known := t.wanted.maybe(id)
	named := t.s.opts.Set.NameMatters(name) || t.nameHolds(name)
	lately := &t.there[(uint(id[8])<<8|uint(id[9]))%uint(len(t.there))]
	if !known && !named && *lately == pack.MakeID(id) {
		return to
	}
	ref, ok := t.s.db.Lookup(pack.MakeID(id))
	if !ok {
		t.gone[pack.MakeID(id)] = false
		return to
	}
	*lately = pack.MakeID(id)
	if known {
		_, known = t.s.blobs[ref]
		known = known || t.s.samples[ref]
	}
	if !known && !named {
		return to
	}
	return append(to, folders.Edge{Name: t.s.trees.Number(name), Ref: ref, Blob: true})
}

// nameHolds notes a name that holds something.
func (t *trees) nameHolds(name []byte) bool {
	sights := t.names.Look(name)
	if len(sights) > 0 {
		t.named[string(name)] = sights
	}
	return len(sights) > 0
}

// sieve says of most ids that they are of no blob that matters, by their first 20 bits.
type sieve [1 << 20 / 64]uint64

func (s *sieve) mark(id pack.ID) {
	k := uint32(id[0])<<12 | uint32(id[1])<<4 | uint32(id[2])>>4
	s[k>>6] |= 1 << (k & 63)
}

func (s *sieve) maybe(id []byte) bool {
	k := uint32(id[0])<<12 | uint32(id[1])<<4 | uint32(id[2])>>4
	return s[k>>6]>>(k&63)&1 == 1
}
