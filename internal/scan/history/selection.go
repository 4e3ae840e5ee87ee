package history

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/history/places"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// large is the part of all objects from which on a selection of commits is judged
// by a scan of everything: that reads each object once, in the best order.
const large = 100

// selected scans what the commits of a selection brought: what stands in a file of
// one of them and in that file in none of its parents. Their messages and authors
// are looked at too. Of merges, what comes from neither side is new.
func (s *scanner) selected(ctx context.Context) error {
	s.wanted = map[pack.ID]bool{}
	for _, id := range s.opts.Commits {
		s.wanted[id] = true
	}
	d := newTreeLister(s)
	if s.opts.whole || !s.opts.few && len(s.wanted) > s.db.Len()/large {
		err := s.scanAll(ctx)
		s.inOrder()
		if err == nil {
			s.placeChanges(ctx, s.changes(folders.NewNodes(s.trees)), d)
		}
		return err
	}
	if err := s.someCommits(ctx); err != nil {
		return err
	}
	changes := s.changes(d)
	err := s.scanChanges(ctx, changes)
	s.placeChanges(ctx, changes, d)
	return err
}

// chosen reports whether a commit is of the selection.
func (s *scanner) chosen(at int32) bool { return s.wanted[s.graph.ID(at)] }

// someCommits reads the commits of the selection, and of their parents only which
// tree they have.
func (s *scanner) someCommits(ctx context.Context) error {
	v := &commits{s: s, finder: s.opts.Set.Finder(), names: content.NewNames(s.opts.Set), tags: map[pack.ID]pack.ID{}, tagSizes: map[pack.ID]uint64{}}
	read := func(id pack.ID) (pack.Ref, []byte, bool) {
		ref, ok := s.db.Lookup(id)
		if !ok {
			if !s.opts.Shallow[id] {
				s.res.MissingCommits.Add(id.String())
			}
			return 0, nil, false
		}
		kind, data, err := s.db.Read(ref, s.opts.MaxSize)
		if err != nil || kind != pack.Commit {
			s.res.Damaged.Add(id.String())
			return 0, nil, false
		}
		return ref, data, true
	}
	for _, id := range s.opts.Commits {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if ref, data, ok := read(id); ok {
			v.Visit(&pack.Object{Ref: ref, ID: id, Kind: pack.Commit, Data: data}, nil)
		}
	}
	s.res.Commits = len(v.list)
	s.someTags(v)
	outside := map[pack.ID]bool{}
	for _, c := range v.list {
		cut := s.opts.Shallow[s.db.ID(c.Ref)]
		for _, p := range c.ParentIDs {
			if !cut && !s.wanted[p] && !outside[p] {
				outside[p] = true
				if ref, data, ok := read(p); ok {
					header, _ := graph.SplitHeader(data)
					parent := v.parse(ref, header)
					parent.ParentIDs = nil // they are of no interest
					v.list = append(v.list, parent)
				}
			}
		}
	}
	s.graph.Commits, s.messages = v.list, v.found
	s.res.MissingTrees.Join(v.gone)
	gone := s.res.MissingCommits
	s.link()
	s.res.MissingCommits = gone // those above were counted above
	s.inOrder()
	return nil
}

// inOrder says of all commits that what the user named leads to them, and gives
// those of the selection the order in which they were named.
func (s *scanner) inOrder() {
	at := make(map[pack.ID]int, len(s.opts.Commits))
	for i, id := range s.opts.Commits {
		at[id] = i
	}
	for i := range s.graph.Commits {
		c := &s.graph.Commits[i]
		c.Reach, c.Time = graph.FromRef, int64(at[s.db.ID(c.Ref)])
	}
}

// someTags looks at the tags that name commits of the selection.
func (s *scanner) someTags(v *commits) {
	for _, r := range s.opts.Roots {
		ref, ok := s.db.Lookup(r.ID)
		if !ok || r.Way != graph.FromTag || s.wanted[r.ID] {
			continue
		}
		kind, data, err := s.db.Read(ref, s.opts.MaxSize)
		if err == nil && kind == pack.Tag {
			if id, ok := graph.Names(data, "object"); ok && s.wanted[id] {
				v.Visit(&pack.Object{Ref: ref, ID: r.ID, Kind: kind, Data: data}, nil)
			}
		}
	}
	s.res.Tags = len(v.tags)
}

// speaksOf reports whether a message is of a commit of the selection, or of a tag
// that names one.
func (s *scanner) speaksOf(m places.Message) bool {
	if at, ok := s.graph.At(m.Ref); ok {
		return s.chosen(at)
	}
	header, _ := graph.Header(s.db, m.Ref, s.opts.MaxSize)
	id, ok := graph.Names(header, "object")
	return ok && s.wanted[id]
}

// changes lists what the chosen commits brought.
func (s *scanner) changes(l folders.Lister) []change {
	var out []change
	for at := range s.graph.Commits {
		if s.chosen(int32(at)) {
			out = append(out, s.brought(int32(at), l)...)
		}
	}
	return out
}

// change is a file that a commit brought, and what its parents had there.
type change struct {
	commit int32
	path   string
	blob   pack.Ref
	before []pack.Ref
	folder bool // blob is a folder that is new: only its name matters
}

// brought lists the files of a commit that are in none of its parents as they are.
func (s *scanner) brought(at int32, l folders.Lister) []change {
	c := &s.graph.Commits[at]
	root, ok := l.Root(c.Tree)
	if !ok {
		return nil
	}
	var before []uint32
	for _, p := range c.Parents {
		if r, ok := l.Root(s.graph.Commits[p].Tree); ok {
			before = append(before, r)
		}
	}
	var out []change
	folders.Changes(l, root, before, func(path string, folder bool, blob uint32, old []uint32) {
		ch := change{commit: at, path: path, blob: pack.Ref(blob), folder: folder}
		for _, o := range old {
			ch.before = append(ch.before, pack.Ref(o))
		}
		out = append(out, ch)
	})
	return out
}

// scanChanges looks at the blobs of changes, and where there is something, at
// what stood there before.
func (s *scanner) scanChanges(ctx context.Context, changes []change) error {
	wanted := map[pack.Ref]bool{}
	for _, c := range changes {
		if !c.folder {
			wanted[c.blob] = true
		}
	}
	if err := s.scanSome(ctx, wanted); err != nil {
		return err
	}
	older := map[pack.Ref]bool{}
	for _, c := range changes {
		if len(s.blobs[c.blob]) > 0 {
			for _, b := range c.before {
				if !wanted[b] {
					older[b] = true
				}
			}
		}
	}
	return s.scanSome(ctx, older)
}

// scanSome looks at some blobs, one by one.
func (s *scanner) scanSome(ctx context.Context, wanted map[pack.Ref]bool) error {
	list := make([]pack.Ref, 0, len(wanted))
	for r := range wanted {
		list = append(list, r)
	}
	var next atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range s.opts.Workers {
		wg.Go(func() {
			b := s.newBlobs(ctx)
			var missing, large, damaged tally.Gone
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(list) {
					break
				}
				name := s.db.ID(list[i]).String()
				kind, data, err := s.db.Read(list[i], s.opts.MaxSize)
				switch {
				case errors.Is(err, pack.ErrTooLarge):
					large.Add(name)
				case errors.Is(err, pack.ErrMissing):
					missing.Add(name)
				case err != nil:
					damaged.Add(name)
				case kind == pack.Blob:
					b.Visit(&pack.Object{Ref: list[i], ID: s.db.ID(list[i]), Kind: kind, Data: data}, nil)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			s.res.MissingBlobs.Join(missing)
			s.res.TooLarge.Join(large)
			s.res.Damaged.Join(damaged)
			s.gather(b)
		})
	}
	wg.Wait()
	return ctx.Err()
}

// placeChanges makes hits of what the changes brought.
func (s *scanner) placeChanges(ctx context.Context, changes []change, head *treeLister) {
	p := s.placer()
	names := content.NewNames(s.opts.Set)
	for _, c := range changes {
		l := folders.Leaf{Path: c.path, Blob: c.blob, Stretch: s.graph.Stretch(c.commit)}
		if name := c.path[strings.LastIndexByte(c.path, '/')+1:]; len(c.before) == 0 {
			s.named[name] = names.Look([]byte(name))
			p.PathName(l)
		}
		if !c.folder {
			p.Leaf(l, s.fresh(c))
		}
	}
	for _, m := range s.messages {
		if s.speaksOf(m) {
			p.Message(m)
		}
	}
	p.Heads(func(k places.Key) bool { return k.Where == "" && head.holds(ctx, k) })
	s.res.Hits, s.res.Paths = p.Hits(), p.Paths
}

// fresh says of the matches in a changed file, in order, which are new: not those
// that a parent has in this file as often.
func (s *scanner) fresh(c change) func(match.Match) bool {
	type key struct {
		rule   *match.Rule
		secret string
	}
	had := map[key]int{}
	for _, b := range c.before {
		times := map[key]int{}
		for _, m := range content.Matches(s.opts.Set, s.blobs[b], c.path, "") {
			k := key{m.Rule, m.Secret}
			times[k]++
			had[k] = max(had[k], times[k])
		}
	}
	return func(m match.Match) bool {
		k := key{m.Rule, m.Secret}
		had[k]--
		return had[k] < 0
	}
}
