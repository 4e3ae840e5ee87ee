package history

import (
	"cmp"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// hitKey names a hit: the n-th time that a secret stands in a file.
type hitKey struct {
	rule   *match.Rule
	secret string
	path   string
	where  string
	n      int
}

// place puts what was found in its places.
func (s *scanner) place() {
	p := &placer{s: s, hits: map[hitKey]*placed{}, shown: map[int32]Commit{}}
	if s.trees != nil {
		n := newNodes(s.db.Len(), s.trees.of)
		placedBlobs := map[pack.Ref]bool{}
		for _, l := range s.leaves(n) {
			placedBlobs[l.blob] = true
			p.leaf(l)
		}
		s.res.TooDeep = n.deep
		for ref, sights := range s.blobs {
			if !placedBlobs[ref] {
				p.lost(ref, sights)
			}
		}
	}
	for _, m := range s.messages {
		p.message(m)
	}
	s.res.Hits = p.result()
}

type placer struct {
	s     *scanner
	hits  map[hitKey]*placed
	shown map[int32]Commit
}

// placed is a hit with its stretch.
type placed struct {
	Hit

	stretch
	lines map[int]bool
}

// leaf adds what a blob holds on a path.
func (p *placer) leaf(l leaf) {
	sights := p.s.blobs[l.blob]
	matches := p.s.opts.Set.At(sights, l.path, p.s.db.ID(p.s.commits[l.first].ref).String())
	times := map[hitKey]int{}
	for _, m := range matches {
		k := hitKey{rule: m.Rule, secret: m.Secret, path: l.path, where: whereOf(l.reach)}
		k.n = times[k]
		times[k]++
		k.n++
		p.add(k, m, l)
	}
}

func whereOf(r Reach) string {
	switch {
	case r&kept != 0:
		return WhereCommit
	case r&FromStash != 0:
		return WhereStash
	case r&FromNote != 0:
		return WhereNote
	case r == 0:
		return WhereUnreachable
	}
	return WhereCommit
}

func (p *placer) add(k hitKey, m match.Match, l leaf) {
	h := p.hits[k]
	if h == nil {
		h = &placed{Hit: Hit{Match: m, Where: k.where, Path: l.path, Blob: p.s.db.ID(l.blob)}, stretch: l.stretch, lines: map[int]bool{}}
		p.hits[k] = h
	} else {
		if p.s.compare(l.first, h.first) < 0 {
			h.Match, h.Blob = m, p.s.db.ID(l.blob)
		}
		// Allowed by a comment only where every version says so.
		allowed := h.Match.Allowed && m.Allowed
		h.stretch = p.s.join(h.stretch, l.stretch)
		h.Match.Allowed = allowed
	}
	h.lines[m.Line] = true
	if l.head {
		h.InHead, h.HeadLine = true, m.Line
	}
}

// lost adds a blob that no commit's tree holds.
func (p *placer) lost(ref pack.Ref, sights []match.Sight) {
	for n, m := range p.s.opts.Set.At(sights, "", "") {
		k := hitKey{rule: m.Rule, secret: m.Secret, path: "", where: WhereUnreachable, n: n}
		if p.hits[k] == nil {
			p.hits[k] = &placed{Hit: Hit{Match: m, Where: WhereUnreachable, Blob: p.s.db.ID(ref)}, stretch: stretch{first: -1, last: -1}, lines: map[int]bool{m.Line: true}}
		}
	}
}

// message adds what a commit or tag says.
func (p *placer) message(m message) {
	where, st := WhereTag, stretch{first: -1, last: -1, reach: FromTag}
	if m.kind == pack.Commit {
		at := p.s.commitAt[m.ref]
		where, st = WhereMessage, stretch{first: at, last: at, reach: p.s.commits[at].reach}
	}
	for _, x := range p.s.opts.Set.At(m.sights, "", "") {
		k := hitKey{rule: x.Rule, secret: x.Secret, where: where, n: x.Line}
		h := p.hits[k]
		if h == nil {
			h = &placed{Hit: Hit{Match: x, Where: where, Blob: p.s.db.ID(m.ref)}, stretch: st, lines: map[int]bool{x.Line: true}}
			p.hits[k] = h
			continue
		}
		if st.first >= 0 {
			if p.s.compare(st.first, h.first) < 0 {
				h.Blob = p.s.db.ID(m.ref)
			}
			h.stretch = p.s.join(h.stretch, st)
		}
	}
}

// result reads the commits that are shown and sorts.
func (p *placer) result() []Hit {
	out := make([]Hit, 0, len(p.hits))
	for _, h := range p.hits {
		h.Hit.Reach = h.reach
		if h.first >= 0 {
			h.First, h.Last = p.commit(h.first), p.commit(h.last)
		}
		for line := range h.lines {
			h.Lines = append(h.Lines, line)
		}
		slices.Sort(h.Lines)
		out = append(out, h.Hit)
	}
	slices.SortFunc(out, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Rule.ID, b.Rule.ID),
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
