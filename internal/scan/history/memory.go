package history

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/pack"
	"github.com/secretguard/secretguard/internal/scan/seen"
)

// Memory keeps what a scan knows of a repository for the next one. What it gives
// back may be damaged or old; that it keeps nothing is no harm.
type Memory interface {
	Load(name string) []byte
	Save(name string, data []byte)
}

// indexed is an object database that can find many names at once.
type indexed interface {
	Refs(names []byte) []pack.Ref
	Fingerprint() [32]byte
	Dup(r pack.Ref) bool
}

// memory is what a scan remembers, and collects to be remembered.
type memory struct {
	db    indexed
	store Memory

	key   [32]byte
	seen  []bool // by Ref: was looked at in an earlier scan and held nothing
	fresh []pack.Ref
	kept  *seen.Known

	tags      map[pack.ID]pack.ID
	tagSizes  map[pack.ID]uint64
	facts     []uint64          // of blobs by Ref: encoded, and one; zero for others
	trees     []pack.Ref        // read in this scan
	treeAgain map[pack.Ref]bool // to be read in every scan
	gone      map[pack.ID]bool  // true for a folder
	modules   map[string]bool
}

// keyOf names everything that decides what a scan finds in an object.
func (o Options) keyOf() [32]byte {
	return sha256.Sum256([]byte(fmt.Sprintf("%s\n%d\n%d\n%s\n", o.Set.Hash(), o.MaxSize, o.ArchiveDepth, o.Version)))
}

// recall finds out which objects are known. Without a memory, or with one that is of
// no use, everything is fresh.
func (s *scanner) recall() {
	db, ok := s.db.(indexed)
	if !ok || s.opts.Memory == nil {
		return
	}
	m := &memory{
		db: db, store: s.opts.Memory, key: s.opts.keyOf(), tags: map[pack.ID]pack.ID{}, tagSizes: map[pack.ID]uint64{}, facts: make([]uint64, s.db.Len()),
		treeAgain: map[pack.Ref]bool{}, gone: map[pack.ID]bool{}, modules: map[string]bool{},
	}
	s.memory = m
	k, err := seen.Decode(m.store.Load("seen"))
	if err != nil || k.Key != m.key || k.Width != s.db.Width() {
		return
	}
	m.kept, m.seen = k, make([]bool, s.db.Len())
	s.recallCommits(k)
	s.recallTrees(k)
	for i, r := range db.Refs(k.BlobIDs) {
		if r != pack.NoRef {
			m.seen[r] = true
			m.facts[r] = k.Blobs[i] + 1
			f := content.FactOf(k.Blobs[i])
			s.bytes.Add(int64(f.Size))
			s.res.AddBlob(f, func() string { return s.db.ID(r).String() })
		}
	}
	for i, r := range db.Refs(k.TagIDs) {
		if r != pack.NoRef {
			m.seen[r] = true
			s.bytes.Add(int64(k.Tags[i]))
			m.tagSizes[s.db.ID(r)] = k.Tags[i]
			m.tags[s.db.ID(r)] = pack.MakeID(k.Targets[i*k.Width : (i+1)*k.Width])
		}
	}
	for r := range pack.Ref(s.db.Len()) {
		if m.seen[r] {
			s.res.Known++
		}
		if !m.seen[r] && !db.Dup(r) {
			m.fresh = append(m.fresh, r)
		}
	}
}

func (s *scanner) recallCommits(k *seen.Known) {
	m := s.memory
	refs, trees := m.db.Refs(k.CommitIDs), m.db.Refs(k.TreeIDs)
	again := map[uint32]bool{}
	for _, i := range k.AgainCommits {
		again[i] = true
	}
	for i, r := range refs {
		c := &k.Commits[i]
		if r == pack.NoRef || again[uint32(i)] || c.Tree == seen.None || trees[c.Tree] == pack.NoRef ||
			slices.ContainsFunc(c.Parents, func(p uint32) bool { return p == seen.None || refs[p] == pack.NoRef }) {
			continue
		}
		m.seen[r] = true
		s.graph.Commits = append(s.graph.Commits, graph.Commit{Ref: r, Tree: trees[c.Tree], Time: c.Time, Size: int64(c.Size), ParentRefs: c.Parents})
		s.bytes.Add(int64(c.Size))
	}
	for i := range s.graph.Commits {
		c := &s.graph.Commits[i]
		for j, p := range c.ParentRefs { // from places in CommitIDs to Refs, in place: the slice is ours
			c.ParentRefs[j] = uint32(refs[p])
		}
	}
}

func (s *scanner) recallTrees(k *seen.Known) {
	m := s.memory
	s.trees = folders.NewIndex(s.db.Len())
	for _, slab := range [][]byte{k.GoneTrees, k.GoneBlobs} {
		for _, r := range m.db.Refs(slab) {
			if r != pack.NoRef { // it came: folders that name it have to be read again
				return
			}
		}
	}
	refs, ends := m.db.Refs(k.TreeIDs), m.db.Refs(k.EdgeIDs)
	if slices.Contains(refs, pack.NoRef) || slices.Contains(m.db.Refs(k.BlobIDs), pack.NoRef) || slices.Contains(ends, pack.NoRef) {
		return // something went away: a folder may name it
	}
	for _, r := range refs {
		if r != pack.NoRef {
			m.seen[r] = true
		}
	}
	for _, i := range k.AgainTrees {
		if refs[i] != pack.NoRef {
			m.seen[refs[i]] = false
		}
	}
	names := make([]uint32, len(k.Names))
	for i, n := range k.Names {
		names[i] = s.trees.Number([]byte(n))
	}
	for _, t := range k.Trees {
		r := refs[t.Tree]
		if r == pack.NoRef || !m.seen[r] {
			continue
		}
		list := make([]folders.Edge, 0, len(t.Edges))
		for _, e := range t.Edges {
			list = append(list, folders.Edge{Name: names[e.Name], Ref: ends[e.At], Blob: e.Kind == seen.File})
		}
		s.trees.Set(r, list)
	}
	for _, r := range refs {
		if r != pack.NoRef && m.seen[r] {
			m.trees = append(m.trees, r)
			s.res.Trees++
		}
	}
	for i := 0; i+k.Width <= len(k.GoneTrees); i += k.Width {
		m.gone[pack.MakeID(k.GoneTrees[i:i+k.Width])] = true
	}
	for i := 0; i+k.Width <= len(k.GoneBlobs); i += k.Width {
		m.gone[pack.MakeID(k.GoneBlobs[i:i+k.Width])] = false
	}
	for _, n := range k.Submodules {
		m.modules[n] = true
	}
}

// worthKeeping is the part of all objects from which on new ones are kept: a few
// are as soon looked at again.
const worthKeeping = 300

// keep writes down what is known now.
func (s *scanner) keep() {
	m := s.memory
	if m == nil || len(s.db.Problems()) > 0 || s.res.TooDeep > 0 || s.res.Damaged.Count > 0 {
		return
	}
	if m.kept != nil && len(m.fresh)-s.heldSomething() <= s.db.Len()/worthKeeping {
		return
	}
	m.store.Save("seen", s.known().Encode())
}

// heldSomething is about how many objects are fresh in every scan.
func (s *scanner) heldSomething() int {
	return len(s.blobs) + s.again + len(s.messages) + len(s.memory.treeAgain)
}

// known is what is known now, as it is kept.
func (s *scanner) known() *seen.Known {
	m := s.memory
	k := &seen.Known{Key: m.key, Width: s.db.Width()}
	speaks := map[pack.Ref]bool{}
	for _, x := range s.messages {
		speaks[x.Ref] = true
	}
	s.secretNames()
	commits := slices.Clone(s.graph.Commits)
	id := func(r pack.Ref) []byte {
		n := s.db.ID(r)
		return n[:k.Width]
	}
	slices.SortFunc(commits, func(a, b graph.Commit) int { return s.byID(a.Ref, b.Ref) }) // they are in the order of Refs: nearly sorted
	s.sort(m.trees)
	treeAt := make(map[pack.Ref]uint32, len(m.trees))
	for i, r := range m.trees {
		k.TreeIDs = append(k.TreeIDs, id(r)...)
		treeAt[r] = uint32(i)
		if m.treeAgain[r] {
			k.AgainTrees = append(k.AgainTrees, uint32(i))
		}
	}
	place := make([]uint32, len(commits)) // in s.graph.Commits -> in CommitIDs
	for i, c := range commits {
		at, _ := s.graph.At(c.Ref)
		place[at] = uint32(i)
	}
	for i, c := range commits {
		k.CommitIDs = append(k.CommitIDs, id(c.Ref)...)
		out := seen.Commit{Tree: seen.None, Time: c.Time, Size: uint64(c.Size)}
		if at, ok := treeAt[c.Tree]; ok && c.Tree != pack.NoRef {
			out.Tree = at
		}
		for _, p := range c.Parents {
			out.Parents = append(out.Parents, place[p])
		}
		if speaks[c.Ref] || c.Cut || out.Tree == seen.None {
			k.AgainCommits = append(k.AgainCommits, uint32(i))
		}
		k.Commits = append(k.Commits, out)
	}
	s.knownBlobs(k, id)
	s.knownTags(k, speaks, id)
	s.knownTrees(k, id)
	return k
}

// secretNames marks the folders that hold a name which is a secret: it is not kept.
func (s *scanner) secretNames() {
	for _, r := range s.memory.trees {
		for _, e := range s.trees.Of(r) {
			if len(s.named[s.trees.Name(e.Name)]) > 0 {
				s.memory.treeAgain[r] = true
			}
		}
	}
}

func (s *scanner) byID(a, b pack.Ref) int {
	x, y := s.db.ID(a), s.db.ID(b)
	return slices.Compare(x[:], y[:])
}

// sort puts Refs in the order of their names. Within a pack that is their own order.
func (s *scanner) sort(refs []pack.Ref) {
	slices.Sort(refs)
	slices.SortFunc(refs, s.byID)
}

func (s *scanner) knownBlobs(k *seen.Known, id func(pack.Ref) []byte) {
	var refs []pack.Ref
	for r, known := range s.memory.facts {
		if known != 0 && len(s.blobs[pack.Ref(r)]) == 0 {
			refs = append(refs, pack.Ref(r))
		}
	}
	s.sort(refs)
	for _, r := range refs {
		k.BlobIDs = append(k.BlobIDs, id(r)...)
		k.Blobs = append(k.Blobs, s.memory.facts[r]-1)
	}
}

func (s *scanner) knownTags(k *seen.Known, speaks map[pack.Ref]bool, id func(pack.Ref) []byte) {
	var refs []pack.Ref
	for tag := range s.memory.tags {
		if r, ok := s.db.Lookup(tag); ok && !speaks[r] {
			refs = append(refs, r)
		}
	}
	s.sort(refs)
	for _, r := range refs {
		k.TagIDs = append(k.TagIDs, id(r)...)
		to := s.memory.tags[s.db.ID(r)]
		k.Targets = append(k.Targets, to[:k.Width]...)
		k.Tags = append(k.Tags, s.memory.tagSizes[s.db.ID(r)])
	}
}

// knownTrees keeps the edges that matter, but no name that is a secret itself.
func (s *scanner) knownTrees(k *seen.Known, id func(pack.Ref) []byte) {
	var ends []pack.Ref
	for _, list := range s.trees.All() {
		for _, e := range list {
			if s.nodes.Leads(e) {
				ends = append(ends, e.Ref)
			}
		}
	}
	s.sort(ends)
	ends = slices.Compact(ends)
	endAt := make(map[pack.Ref]uint32, len(ends))
	for i, r := range ends {
		endAt[r] = uint32(i)
		k.EdgeIDs = append(k.EdgeIDs, id(r)...)
	}
	nameAt := map[uint32]uint32{}
	for i, r := range s.memory.trees {
		list := s.trees.Of(r)
		if len(list) == 0 || s.memory.treeAgain[r] {
			continue
		}
		t := seen.Tree{Tree: uint32(i)}
		for _, e := range list {
			if !s.nodes.Leads(e) {
				continue
			}
			n, ok := nameAt[e.Name]
			if !ok {
				n = uint32(len(k.Names))
				nameAt[e.Name] = n
				k.Names = append(k.Names, s.trees.Name(e.Name))
			}
			kind := seen.Folder
			if e.Blob {
				kind = seen.File
			}
			t.Edges = append(t.Edges, seen.Edge{Name: n, Kind: kind, At: endAt[e.Ref]})
		}
		if len(t.Edges) > 0 {
			k.Trees = append(k.Trees, t)
		}
	}
	var gone [2][][]byte
	for n, folder := range s.memory.gone {
		at := 0
		if folder {
			at = 1
		}
		gone[at] = append(gone[at], slices.Clone(n[:k.Width]))
	}
	k.GoneBlobs, k.GoneTrees = seen.Sorted(gone[0]), seen.Sorted(gone[1])
	for n := range s.memory.modules {
		k.Submodules = append(k.Submodules, n)
	}
	slices.Sort(k.Submodules)
}
