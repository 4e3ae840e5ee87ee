package history

import (
	"bytes"
	"context"
	"maps"
	"sync"

	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/history/places"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// commits visits commits and tags for one worker.
type commits struct {
	s      *scanner
	finder *match.Finder
	names  *content.Names
	list   []graph.Commit
	found  []places.Message
	tags   map[pack.ID]pack.ID // tag -> what it names
	gone   tally.Gone          // root folders

	tagSizes map[pack.ID]uint64
}

// scanCommits reads all commits and tags and looks at their messages.
func (s *scanner) scanCommits(ctx context.Context) error {
	var mu sync.Mutex
	var all []*commits
	err := s.visit(ctx, pack.Of(pack.Commit, pack.Tag), func() pack.Visitor {
		c := &commits{s: s, finder: s.opts.Set.Finder(), names: content.NewNames(s.opts.Set), tags: map[pack.ID]pack.ID{}, tagSizes: map[pack.ID]uint64{}}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, c)
		return c
	})
	tags := map[pack.ID]pack.ID{}
	if s.memory != nil {
		tags = s.memory.Tags
	}
	for _, c := range all {
		s.graph.Commits = append(s.graph.Commits, c.list...)
		s.messages = append(s.messages, c.found...)
		s.res.MissingTrees.Join(c.gone)
		maps.Copy(tags, c.tags)
		if s.memory != nil {
			maps.Copy(s.memory.TagSizes, c.tagSizes)
		}
	}
	s.res.Commits, s.res.Tags = len(s.graph.Commits), len(tags)
	s.link()
	s.graph.Order()
	s.graph.Mark(s.opts.Roots, tags, func(name string, id pack.ID) { s.res.MissingRefs.Add(name + " " + id.String()) })
	return err
}

// link makes a graph of the commits. That a shallow clone ends somewhere is no gap here.
func (s *scanner) link() {
	s.graph.Link(func(child, parent pack.ID) {
		if !s.opts.Shallow[child] {
			s.res.MissingCommits.Add(parent.String())
		}
	})
}

// Visit reads one commit or tag.
func (c *commits) Visit(o *pack.Object, _ any) any {
	if o.Dup {
		return nil
	}
	header, text := graph.SplitHeader(o.Data)
	c.s.step("commits", len(text))
	c.people(o, header)
	where := places.WhereMessage
	if o.Kind == pack.Tag {
		where = places.WhereTag
		if id, ok := graph.Names(header, "object"); ok {
			c.tags[o.ID] = id
			c.tagSizes[o.ID] = uint64(len(text))
		}
	} else {
		c.list = append(c.list, c.parse(o.Ref, header))
		c.list[len(c.list)-1].Size = int64(len(text))
	}
	if sights := c.finder.Settle(text, c.finder.Find(text)); len(sights) > 0 {
		c.found = append(c.found, places.Message{Ref: o.Ref, Where: where, Sights: sights})
	}
	return nil
}

// people looks at who wrote a commit or tag.
func (c *commits) people(o *pack.Object, header []byte) {
	for _, field := range []string{"author ", "committer ", "tagger "} {
		for line := range bytes.Lines(header) {
			who, ok := bytes.CutPrefix(line, []byte(field))
			if !ok {
				continue
			}
			who = who[:bytes.LastIndexByte(who, '>')+1]
			if sights := c.names.Look(who); len(sights) > 0 {
				c.found = append(c.found, places.Message{Ref: o.Ref, Where: places.WherePerson, Sights: sights})
			}
		}
	}
}

func (c *commits) parse(ref pack.Ref, header []byte) graph.Commit {
	out := graph.Commit{Ref: ref, Tree: pack.NoRef, ParentIDs: graph.Parents(header)}
	if id, ok := graph.Names(header, "tree"); ok {
		if t, there := c.s.db.Lookup(id); there {
			out.Tree = t
		} else {
			c.gone.Add(id.String())
		}
	}
	_, out.Time = graph.Signature(graph.Field(header, "committer"))
	return out
}
