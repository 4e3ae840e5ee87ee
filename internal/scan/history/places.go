package history

import (
	"cmp"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// hitKey names a hit.
type hitKey struct {
	rule         *match.Rule
	secret       string
	path, inner  string
	line, column int
	// where and in, an object, are empty for what lies in trees: there, the first
	// follows from the commits and the second is one of many.
	where string
	in    pack.ID
}

// placed is a hit with its stretch.
type placed struct {
	hit Hit
	at  graph.Stretch
}

// placer puts what was found in its places.
type placer struct {
	s     *scanner
	hits  map[hitKey]*placed
	shown map[int32]Commit
}

// place makes hits of what was found. Without trees, a scan that was stopped, no
// blob's place is known.
func (s *scanner) place() {
	s.res.Paths = map[pack.ID]string{}
	p := &placer{s: s, hits: map[hitKey]*placed{}, shown: map[int32]Commit{}}
	known := map[pack.Ref]bool{}
	if s.trees != nil {
		s.nodes = folders.NewNodes(s.trees)
		for _, l := range folders.Leaves(s.graph, s.nodes) {
			known[l.Blob] = true
			p.leaf(l)
		}
		s.res.TooDeep = s.nodes.TooDeep()
	}
	for ref, parts := range s.blobs {
		if !known[ref] {
			p.lost(ref, parts)
		}
	}
	for _, m := range s.messages {
		p.message(m)
	}
	s.res.Hits = p.result()
}

// leaf adds what a blob holds on a path.
func (p *placer) leaf(l folders.Leaf) {
	p.pathName(l)
	p.leafOf(l, func(match.Match) bool { return true })
}

// leafOf adds what keep, called in order, wants of it.
func (p *placer) leafOf(l folders.Leaf, keep func(match.Match) bool) {
	if p.s.samples[l.Blob] {
		p.s.res.Paths[p.s.db.ID(l.Blob)] = l.Path
	}
	if p.s.folders[l.Blob] {
		return
	}
	set, parts := p.s.opts.Set, p.s.blobs[l.Blob]
	commit := p.s.graph.ID(l.First).String()
	type spot struct {
		rule       *match.Rule
		inner      string
		start, end int
	}
	var counts map[spot]bool // what an allowlist for the commit leaves
	if set.NamesCommit(commit) {
		counts = map[spot]bool{}
		for _, m := range content.Matches(set, parts, l.Path, commit) {
			counts[spot{m.Rule, m.Inner, m.Start, m.End}] = true
		}
	}
	for _, m := range content.Matches(set, parts, l.Path, "") {
		if !keep(m.Match) {
			continue
		}
		k := hitKey{rule: m.Rule, secret: m.Secret, path: l.Path, inner: m.Inner, line: m.Line, column: m.Column}
		p.add(k, m.Match, p.s.db.ID(l.Blob), l.Stretch, counts != nil && !counts[spot{m.Rule, m.Inner, m.Start, m.End}])
	}
}

// pathName adds what the last part of a path holds in itself.
func (p *placer) pathName(l folders.Leaf) {
	path := strings.TrimSuffix(l.Path, "/")
	dir := strings.LastIndexByte(path, '/') + 1
	for _, m := range p.s.opts.Set.At(p.s.named[path[dir:]], "", "") {
		m.Column += dir
		m.EndColumn += dir
		p.add(hitKey{rule: m.Rule, secret: m.Secret, path: path, line: 1, column: m.Column, where: WherePath}, m, p.s.db.ID(l.Blob), l.Stretch, false)
	}
}

// add adds a match at a place. What its first commit says counts, but it is
// allowed by a comment only where every version says so.
func (p *placer) add(k hitKey, m match.Match, in pack.ID, st graph.Stretch, denied bool) {
	h := p.hits[k]
	if h == nil {
		p.hits[k] = &placed{hit: Hit{Match: m, Where: k.where, Path: k.path, Inner: k.inner, Blob: in, Denied: denied}, at: st}
		return
	}
	allowed := h.hit.Allowed && m.Allowed
	if st.First >= 0 {
		if p.s.graph.Compare(st.First, h.at.First) < 0 {
			h.hit.Match, h.hit.Blob, h.hit.Denied = m, in, denied
		}
		h.at = p.s.graph.Join(h.at, st)
	}
	h.hit.Allowed = allowed
}

// lost adds a blob that no commit's tree holds.
func (p *placer) lost(ref pack.Ref, parts []content.Part) {
	where := WhereUnreachable
	if !p.s.treesDone {
		where = WhereUnknown
	}
	id := p.s.db.ID(ref)
	for _, m := range content.Matches(p.s.opts.Set, parts, "", "") {
		// The blob is its only name, so each is a hit of its own.
		p.add(hitKey{rule: m.Rule, secret: m.Secret, inner: m.Inner, line: m.Line, column: m.Column, where: where, in: id}, m.Match, id, graph.Nowhere, false)
	}
}

// message adds what a commit or tag says, or who wrote it: one person is one hit,
// however many commits there are.
func (p *placer) message(m message) {
	st := graph.Nowhere
	st.Reach = graph.FromTag
	if at, ok := p.s.graph.At(m.ref); ok {
		st = p.s.graph.Stretch(at)
	}
	id := p.s.db.ID(m.ref)
	for _, x := range p.s.opts.Set.At(m.sights, "", "") {
		k := hitKey{rule: x.Rule, secret: x.Secret, line: x.Line, column: x.Column, where: m.where, in: id}
		if m.where == WherePerson && m.kind == pack.Commit {
			k.in = pack.ID{}
		}
		p.add(k, x, id, st, false)
	}
}

// result reads the commits that are shown and sorts.
func (p *placer) result() []Hit {
	out := make([]Hit, 0, len(p.hits))
	for k, x := range p.hits {
		h, at := x.hit, x.at
		h.Reach, h.InHead = at.Reach, at.Head
		switch {
		case k.where != "":
		case at.Reach.Rank() == graph.Loose:
			h.Where = WhereUnreachable
		case at.Reach.OnBranch():
			h.Where = WhereCommit
		case at.Reach&graph.FromStash != 0:
			h.Where = WhereStash
		default:
			h.Where = WhereNote
		}
		if at.First >= 0 {
			h.First, h.Last = p.commit(at.First), p.commit(at.Last)
			c := p.s.graph.Commits[at.First]
			h.Order = int64(c.Reach.Rank())<<60 + c.Time
		} else if h.Where == WhereTag || h.Where == WherePerson {
			h.First = p.s.tagged(h.Blob)
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Inner, b.Inner), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule.ID, b.Rule.ID),
			cmp.Compare(a.Secret, b.Secret), cmp.Compare(a.Where, b.Where), slices.Compare(a.Blob[:], b.Blob[:]))
	})
	return out
}

func (p *placer) commit(at int32) Commit {
	c, ok := p.shown[at]
	if !ok {
		c = p.s.show(at)
		p.shown[at] = c
	}
	return c
}

// show reads a commit again for what people want to know of it.
func (s *scanner) show(at int32) Commit {
	ref := s.graph.Commits[at].Ref
	c := Commit{ID: s.db.ID(ref)}
	if header, ok := s.header(ref); ok {
		c.Author, c.Date = graph.Who(graph.Field(header, "author"))
	}
	return c
}

// tagged returns what a tag names, and who says so.
func (s *scanner) tagged(tag pack.ID) Commit {
	var c Commit
	ref, ok := s.db.Lookup(tag)
	if !ok {
		return c
	}
	if header, ok := s.header(ref); ok {
		c.Author, c.Date = graph.Who(graph.Field(header, "tagger"))
		if id, ok := graph.Names(header, "object"); ok {
			c.ID = id
		}
	}
	return c
}

func (s *scanner) header(ref pack.Ref) ([]byte, bool) {
	_, data, err := s.db.Read(ref, s.opts.MaxSize)
	header, _ := graph.SplitHeader(data)
	return header, err == nil
}
