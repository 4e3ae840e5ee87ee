package places

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

// placed is a hit with its stretch.
type placed struct {
	hit Hit
	at  graph.Stretch
}

// Found is what objects hold, before it is known where they stand.
type Found struct {
	Set   *match.Set
	Graph *graph.Graph
	Blobs map[pack.Ref][]content.Part
	// Names are names of files and folders that hold something themselves; Folders are
	// the folders that have such a name, which are listed as blobs too.
	Names   map[string][]match.Sight
	Folders map[pack.Ref]bool
	// Wanted are blobs whose path is wanted, whatever they hold.
	Wanted map[pack.Ref]bool
}

// Objects is the object database of what was found.
type Objects interface {
	graph.Objects
	graph.Reader
}

// Placer puts what was found in its places, for one goroutine.
type Placer struct {
	Found

	// Paths is one path of each blob that is wanted; foreign text.
	Paths map[pack.ID]string

	db    Objects
	limit int64 // bytes of an object
	hits  map[Key]*placed
	shown map[int32]Commit
}

// New returns a placer without hits. limit is the size of objects, in bytes, up to
// which they are read.
func New(db Objects, limit int64, f Found) *Placer {
	return &Placer{Found: f, Paths: map[pack.ID]string{}, db: db, limit: limit, hits: map[Key]*placed{}, shown: map[int32]Commit{}}
}

// Leaf adds what a blob holds on a path of which keep, called in order, wants it; a
// keep of nil wants everything.
func (p *Placer) Leaf(l folders.Leaf, keep func(match.Match) bool) {
	if p.Wanted[l.Blob] {
		p.Paths[p.db.ID(l.Blob)] = l.Path
	}
	if p.Folders[l.Blob] {
		return
	}
	set, parts := p.Set, p.Blobs[l.Blob]
	commit := p.Graph.ID(l.First).String()
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
		if keep != nil && !keep(m.Match) {
			continue
		}
		k := Key{Rule: m.Rule, Secret: m.Secret, Path: l.Path, Inner: m.Inner, Line: m.Line, Column: m.Column}
		p.add(k, m.Match, p.db.ID(l.Blob), l.Stretch, counts != nil && !counts[spot{m.Rule, m.Inner, m.Start, m.End}])
	}
}

// PathName adds what the last part of a path holds in itself.
func (p *Placer) PathName(l folders.Leaf) {
	path := strings.TrimSuffix(l.Path, "/")
	dir := strings.LastIndexByte(path, '/') + 1
	for _, m := range p.Set.At(p.Names[path[dir:]], "", "") {
		m.Column += dir
		m.EndColumn += dir
		p.add(Key{Rule: m.Rule, Secret: m.Secret, Path: path, Line: 1, Column: m.Column, Where: WherePath}, m, p.db.ID(l.Blob), l.Stretch, false)
	}
}

// add adds a match at a place. What its first commit says counts, but it is
// allowed by a comment only where every version says so.
func (p *Placer) add(k Key, m match.Match, in pack.ID, st graph.Stretch, denied bool) {
	h := p.hits[k]
	if h == nil {
		p.hits[k] = &placed{hit: Hit{Match: m, Where: k.Where, Path: k.Path, Inner: k.Inner, Blob: in, Denied: denied}, at: st}
		return
	}
	allowed := h.hit.Allowed && m.Allowed
	if st.First >= 0 {
		if p.Graph.Compare(st.First, h.at.First) < 0 {
			h.hit.Match, h.hit.Blob, h.hit.Denied = m, in, denied
		}
		h.at = p.Graph.Join(h.at, st)
	}
	h.hit.Allowed = allowed
}

// Lost adds a blob that no commit's tree holds: it is [WhereUnreachable], or
// [WhereUnknown] when not all trees were read.
func (p *Placer) Lost(ref pack.Ref, where string) {
	id := p.db.ID(ref)
	for _, m := range content.Matches(p.Set, p.Blobs[ref], "", "") {
		// The blob is its only name, so each is a hit of its own.
		p.add(Key{Rule: m.Rule, Secret: m.Secret, Inner: m.Inner, Line: m.Line, Column: m.Column, Where: where, In: id}, m.Match, id, graph.Nowhere, false)
	}
}

// Heads says of every hit whether HEAD's tree holds it.
func (p *Placer) Heads(holds func(Key) bool) {
	for k, h := range p.hits {
		h.at.Head = holds(k)
	}
}

// Message adds what a commit or tag says, or who wrote it: one person is one hit,
// however many commits there are.
func (p *Placer) Message(m Message) {
	st := graph.Nowhere
	st.Reach = graph.FromTag
	at, isCommit := p.Graph.At(m.Ref)
	if isCommit {
		st = p.Graph.Stretch(at)
	}
	id := p.db.ID(m.Ref)
	for _, x := range p.Set.At(m.Sights, "", "") {
		k := Key{Rule: x.Rule, Secret: x.Secret, Line: x.Line, Column: x.Column, Where: m.Where, In: id}
		if m.Where == WherePerson && isCommit {
			k.In = pack.ID{}
		}
		p.add(k, x, id, st, false)
	}
}

// Hits reads the commits that are shown, and lists all hits in order.
func (p *Placer) Hits() []Hit {
	out := make([]Hit, 0, len(p.hits))
	for k, x := range p.hits {
		h, at := x.hit, x.at
		h.Reach, h.InHead = at.Reach, at.Head
		switch {
		case k.Where != "":
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
			c := p.Graph.Commits[at.First]
			h.Order = int64(c.Reach.Rank())<<60 + c.Time
		} else if h.Where == WhereTag || h.Where == WherePerson {
			h.First = p.tagged(h.Blob)
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Inner, b.Inner), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule.ID, b.Rule.ID),
			cmp.Compare(a.Secret, b.Secret), cmp.Compare(a.Where, b.Where), slices.Compare(a.Blob[:], b.Blob[:]))
	})
	return out
}

func (p *Placer) commit(at int32) Commit {
	c, ok := p.shown[at]
	if !ok {
		c = p.show(at)
		p.shown[at] = c
	}
	return c
}

// show reads a commit again for what people want to know of it.
func (p *Placer) show(at int32) Commit {
	ref := p.Graph.Commits[at].Ref
	c := Commit{ID: p.db.ID(ref)}
	if header, ok := graph.Header(p.db, ref, p.limit); ok {
		c.Author, c.Date = graph.Who(graph.Field(header, "author"))
	}
	return c
}

// tagged returns what a tag names, and who says so.
func (p *Placer) tagged(tag pack.ID) Commit {
	var c Commit
	ref, ok := p.db.Lookup(tag)
	if !ok {
		return c
	}
	if header, ok := graph.Header(p.db, ref, p.limit); ok {
		c.Author, c.Date = graph.Who(graph.Field(header, "tagger"))
		if id, ok := graph.Names(header, "object"); ok {
			c.ID = id
		}
	}
	return c
}
