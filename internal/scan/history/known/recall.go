package known

import (
	"slices"

	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/pack"
	"github.com/secretguard/secretguard/internal/scan/seen"
)

// Recall takes what an earlier scan knew. It is called at most once, before anything
// else is noted.
func (m *Book) Recall(k *seen.Known) {
	m.Seen, m.Index = make([]bool, m.db.Len()), folders.NewIndex(m.db.Len())
	m.commits(k)
	m.trees(k)
	for i, r := range m.db.Refs(k.BlobIDs) {
		if r != pack.NoRef {
			m.Seen[r] = true
			m.Facts[r] = k.Blobs[i] + 1
			f := content.FactOf(k.Blobs[i])
			m.Bytes += int64(f.Size)
			m.Counts.AddBlob(f, func() string { return m.db.ID(r).String() })
		}
	}
	for i, r := range m.db.Refs(k.TagIDs) {
		if r != pack.NoRef {
			m.Seen[r] = true
			m.Bytes += int64(k.Tags[i])
			m.TagSizes[m.db.ID(r)] = k.Tags[i]
			m.Tags[m.db.ID(r)] = pack.MakeID(k.Targets[i*k.Width : (i+1)*k.Width])
		}
	}
	for r := range pack.Ref(m.db.Len()) {
		if m.Seen[r] {
			m.Known++
		}
		if !m.Seen[r] && !m.db.Dup(r) {
			m.Fresh = append(m.Fresh, r)
		}
	}
}

// commits recalls those of which everything is there still.
func (m *Book) commits(k *seen.Known) {
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
		m.Seen[r] = true
		m.Commits = append(m.Commits, graph.Commit{Ref: r, Tree: trees[c.Tree], Time: c.Time, Size: int64(c.Size), ParentRefs: c.Parents})
		m.Bytes += int64(c.Size)
	}
	for i := range m.Commits {
		c := &m.Commits[i]
		for j, p := range c.ParentRefs { // from places in CommitIDs to Refs, in place: the slice is ours
			c.ParentRefs[j] = uint32(refs[p])
		}
	}
}

// trees recalls those that are known, if nothing came or went that they name.
func (m *Book) trees(k *seen.Known) {
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
			m.Seen[r] = true
		}
	}
	for _, i := range k.AgainTrees {
		if refs[i] != pack.NoRef {
			m.Seen[refs[i]] = false
		}
	}
	names := make([]uint32, len(k.Names))
	for i, n := range k.Names {
		names[i] = m.Index.Number([]byte(n))
	}
	for _, t := range k.Trees {
		r := refs[t.Tree]
		if r == pack.NoRef || !m.Seen[r] {
			continue
		}
		list := make([]folders.Edge, 0, len(t.Edges))
		for _, e := range t.Edges {
			list = append(list, folders.Edge{Name: names[e.Name], Ref: ends[e.At], Blob: e.Kind == seen.File})
		}
		m.Index.Set(r, list)
	}
	for _, r := range refs {
		if r != pack.NoRef && m.Seen[r] {
			m.Trees = append(m.Trees, r)
		}
	}
	for i := 0; i+k.Width <= len(k.GoneTrees); i += k.Width {
		m.Gone[pack.MakeID(k.GoneTrees[i:i+k.Width])] = true
	}
	for i := 0; i+k.Width <= len(k.GoneBlobs); i += k.Width {
		m.Gone[pack.MakeID(k.GoneBlobs[i:i+k.Width])] = false
	}
	for _, n := range k.Submodules {
		m.Modules[n] = true
	}
}
