package known

import (
	"slices"

	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/pack"
	"github.com/secretguard/secretguard/internal/scan/seen"
)

// Now is what a scan knows, besides what stands in the book.
type Now struct {
	Graph  *graph.Graph
	Trees  *folders.Index
	Nodes  *folders.Nodes
	Speaks func(pack.Ref) bool // whether the message of a commit or tag holds something
	Holds  func(pack.Ref) bool // whether a blob does
	Secret func(string) bool   // whether a name does
}

// Now is what is known now, as it is kept, but for its key.
func (m *Book) Now(s Now) *seen.Known {
	k := &seen.Known{Width: m.db.Width()}
	m.secretNames(s)
	commits := slices.Clone(s.Graph.Commits)
	id := func(r pack.Ref) []byte {
		n := m.db.ID(r)
		return n[:k.Width]
	}
	slices.SortFunc(commits, func(a, b graph.Commit) int { return m.byID(a.Ref, b.Ref) }) // they are in the order of Refs: nearly sorted
	m.sort(m.Trees)
	treeAt := make(map[pack.Ref]uint32, len(m.Trees))
	for i, r := range m.Trees {
		k.TreeIDs = append(k.TreeIDs, id(r)...)
		treeAt[r] = uint32(i)
		if m.TreeAgain[r] {
			k.AgainTrees = append(k.AgainTrees, uint32(i))
		}
	}
	place := make([]uint32, len(commits)) // in s.Graph.Commits -> in CommitIDs
	for i, c := range commits {
		at, _ := s.Graph.At(c.Ref)
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
		if s.Speaks(c.Ref) || c.Cut || out.Tree == seen.None {
			k.AgainCommits = append(k.AgainCommits, uint32(i))
		}
		k.Commits = append(k.Commits, out)
	}
	m.blobs(k, s, id)
	m.tags(k, s, id)
	m.edges(k, s, id)
	m.gone(k)
	return k
}

// secretNames marks the folders that hold a name which is a secret: it is not kept.
func (m *Book) secretNames(s Now) {
	for _, r := range m.Trees {
		for _, e := range s.Trees.Of(r) {
			if s.Secret(s.Trees.Name(e.Name)) {
				m.TreeAgain[r] = true
			}
		}
	}
}

func (m *Book) byID(a, b pack.Ref) int {
	x, y := m.db.ID(a), m.db.ID(b)
	return slices.Compare(x[:], y[:])
}

// sort puts Refs in the order of their names. Within a pack that is their own order.
func (m *Book) sort(refs []pack.Ref) {
	slices.Sort(refs)
	slices.SortFunc(refs, m.byID)
}

func (m *Book) blobs(k *seen.Known, s Now, id func(pack.Ref) []byte) {
	var refs []pack.Ref
	for r, known := range m.Facts {
		if known != 0 && !s.Holds(pack.Ref(r)) {
			refs = append(refs, pack.Ref(r))
		}
	}
	m.sort(refs)
	for _, r := range refs {
		k.BlobIDs = append(k.BlobIDs, id(r)...)
		k.Blobs = append(k.Blobs, m.Facts[r]-1)
	}
}

func (m *Book) tags(k *seen.Known, s Now, id func(pack.Ref) []byte) {
	var refs []pack.Ref
	for tag := range m.Tags {
		if r, ok := m.db.Lookup(tag); ok && !s.Speaks(r) {
			refs = append(refs, r)
		}
	}
	m.sort(refs)
	for _, r := range refs {
		k.TagIDs = append(k.TagIDs, id(r)...)
		to := m.Tags[m.db.ID(r)]
		k.Targets = append(k.Targets, to[:k.Width]...)
		k.Tags = append(k.Tags, m.TagSizes[m.db.ID(r)])
	}
}

// edges keeps the edges that matter, but no name that is a secret itself.
func (m *Book) edges(k *seen.Known, s Now, id func(pack.Ref) []byte) {
	var ends []pack.Ref
	for _, list := range s.Trees.All() {
		for _, e := range list {
			if s.Nodes.Leads(e) {
				ends = append(ends, e.Ref)
			}
		}
	}
	m.sort(ends)
	ends = slices.Compact(ends)
	endAt := make(map[pack.Ref]uint32, len(ends))
	for i, r := range ends {
		endAt[r] = uint32(i)
		k.EdgeIDs = append(k.EdgeIDs, id(r)...)
	}
	nameAt := map[uint32]uint32{}
	for i, r := range m.Trees {
		list := s.Trees.Of(r)
		if len(list) == 0 || m.TreeAgain[r] {
			continue
		}
		t := seen.Tree{Tree: uint32(i)}
		for _, e := range list {
			if !s.Nodes.Leads(e) {
				continue
			}
			n, ok := nameAt[e.Name]
			if !ok {
				n = uint32(len(k.Names))
				nameAt[e.Name] = n
				k.Names = append(k.Names, s.Trees.Name(e.Name))
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
}

// gone keeps what is named and is not there, and names of submodules.
func (m *Book) gone(k *seen.Known) {
	var gone [2][][]byte
	for n, folder := range m.Gone {
		at := 0
		if folder {
			at = 1
		}
		gone[at] = append(gone[at], slices.Clone(n[:k.Width]))
	}
	k.GoneBlobs, k.GoneTrees = seen.Sorted(gone[0]), seen.Sorted(gone[1])
	for n := range m.Modules {
		k.Submodules = append(k.Submodules, n)
	}
	slices.Sort(k.Submodules)
}
