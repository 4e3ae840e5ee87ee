package history

import (
	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/places"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// placer puts what is known of all objects in its places.
func (s *scanner) placer() *places.Placer {
	return places.New(s.db, s.opts.MaxSize, places.Found{Set: s.opts.Set, Graph: s.graph, Blobs: s.blobs, Names: s.named, Folders: s.folders, Wanted: s.samples})
}

// place makes hits of what was found. Without trees, a scan that was stopped, no
// blob's place is known.
func (s *scanner) place() {
	p := s.placer()
	known := map[pack.Ref]bool{}
	if s.trees != nil {
		s.nodes = folders.NewNodes(s.trees)
		for _, l := range folders.Leaves(s.graph, s.nodes) {
			known[l.Blob] = true
			p.PathName(l)
			p.Leaf(l, nil)
		}
		s.res.TooDeep = s.nodes.TooDeep()
	}
	where := places.WhereUnreachable
	if !s.treesDone {
		where = places.WhereUnknown
	}
	for ref := range s.blobs {
		if !known[ref] {
			p.Lost(ref, where)
		}
	}
	for _, m := range s.messages {
		p.Message(m)
	}
	s.res.Hits, s.res.Paths = p.Hits(), p.Paths
}
