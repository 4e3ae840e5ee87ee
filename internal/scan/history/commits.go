package history

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// commit is what is kept of every commit.
type commit struct {
	ref     pack.Ref
	tree    pack.Ref
	parents []int32 // places in scanner.commits
	time    int64   // the committer's, in seconds; corrected by order
	reach   Reach
	ids     []pack.ID // parents, until they are resolved
	// parentRefs are parents that are known already.
	parentRefs []uint32
	cut        bool  // some parents are not there
	size       int64 // of the message, in bytes
}

// message is a text of a commit or tag with sights.
type message struct {
	ref    pack.Ref
	kind   pack.Kind
	where  string
	sights []match.Sight
}

// commits visits commits and tags for one worker.
type commits struct {
	s      *scanner
	finder *match.Finder
	names  *content.Names
	list   []commit
	found  []message
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
		tags = s.memory.tags
	}
	for _, c := range all {
		s.commits = append(s.commits, c.list...)
		s.messages = append(s.messages, c.found...)
		s.res.MissingTrees.Join(c.gone)
		maps.Copy(tags, c.tags)
		if s.memory != nil {
			maps.Copy(s.memory.tagSizes, c.tagSizes)
		}
	}
	s.res.Commits, s.res.Tags = len(s.commits), len(tags)
	s.link()
	s.order()
	s.reach(tags)
	return err
}

// Visit reads one commit or tag.
func (c *commits) Visit(o *pack.Object, _ any) any {
	if o.Dup {
		return nil
	}
	header, text := splitHeader(o.Data)
	c.s.step("commits", len(text))
	c.people(o, header)
	where := WhereMessage
	if o.Kind == pack.Tag {
		where = WhereTag
		if id, err := pack.ParseID(string(field(header, "object"))); err == nil {
			c.tags[o.ID] = id
			c.tagSizes[o.ID] = uint64(len(text))
		}
	} else {
		c.list = append(c.list, c.parse(o.Ref, header))
		c.list[len(c.list)-1].size = int64(len(text))
	}
	if sights := c.finder.Settle(text, c.finder.Find(text)); len(sights) > 0 {
		c.found = append(c.found, message{o.Ref, o.Kind, where, sights})
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
				c.found = append(c.found, message{o.Ref, o.Kind, WherePerson, sights})
			}
		}
	}
}

func (c *commits) parse(ref pack.Ref, header []byte) commit {
	out := commit{ref: ref, tree: pack.NoRef}
	if id, err := pack.ParseID(string(field(header, "tree"))); err == nil {
		if t, ok := c.s.db.Lookup(id); ok {
			out.tree = t
		} else {
			c.gone.Add(id.String())
		}
	}
	for line := range bytes.Lines(header) {
		line = bytes.TrimSuffix(line, []byte{'\n'})
		if p, ok := bytes.CutPrefix(line, []byte("parent ")); ok {
			if id, err := pack.ParseID(string(p)); err == nil {
				out.ids = append(out.ids, id)
			}
		}
	}
	_, out.time = signature(field(header, "committer"))
	return out
}

// splitHeader divides a commit or tag.
func splitHeader(data []byte) (header, text []byte) {
	header, text, _ = bytes.Cut(data, []byte("\n\n"))
	return header, text
}

// field returns the first header line of a name.
func field(header []byte, name string) []byte {
	for line := range bytes.Lines(header) {
		if v, ok := bytes.CutPrefix(line, []byte(name+" ")); ok {
			return bytes.TrimSuffix(v, []byte{'\n'})
		}
	}
	return nil
}

// signature reads "Name <mail> 1700000000 +0100".
func signature(b []byte) (who string, seconds int64) {
	i := bytes.LastIndexByte(b, '>')
	if i < 0 {
		return string(b), 0
	}
	when, _, _ := bytes.Cut(bytes.TrimSpace(b[i+1:]), []byte{' '})
	seconds, err := strconv.ParseInt(string(when), 10, 64)
	if err != nil {
		seconds = 0
	}
	return string(b[:i+1]), seconds
}

// link turns the ids of parents into places.
func (s *scanner) link() {
	slices.SortFunc(s.commits, func(a, b commit) int { return int(a.ref) - int(b.ref) })
	s.commitAt = make(map[pack.Ref]int32, len(s.commits))
	for i, c := range s.commits {
		s.commitAt[c.ref] = int32(i)
	}
	for i := range s.commits {
		c := &s.commits[i]
		for _, id := range c.ids {
			if at, ok := s.commitOf(id); ok {
				c.parents = append(c.parents, at)
				continue
			}
			c.cut = true
			if !s.opts.Shallow[s.db.ID(c.ref)] {
				s.res.MissingCommits.Add(id.String())
			}
		}
		for _, r := range c.parentRefs {
			if at, ok := s.commitAt[pack.Ref(r)]; ok {
				c.parents = append(c.parents, at)
			}
		}
		c.ids, c.parentRefs = nil, nil
	}
}

func (s *scanner) commitOf(id pack.ID) (int32, bool) {
	ref, ok := s.db.Lookup(id)
	if !ok {
		return 0, false
	}
	at, ok := s.commitAt[ref]
	return at, ok
}

// order corrects times so that no commit is older than its parents: clocks are
// wrong, the order of commits is not.
func (s *scanner) order() {
	done := make([]bool, len(s.commits))
	var stack []int32
	for i := range s.commits {
		stack = append(stack[:0], int32(i))
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			c := &s.commits[at]
			waiting := false
			for _, p := range c.parents {
				if !done[p] {
					stack = append(stack, p)
					waiting = true
				}
			}
			if waiting {
				continue
			}
			stack = stack[:len(stack)-1]
			if done[at] {
				continue
			}
			done[at] = true
			for _, p := range c.parents {
				c.time = max(c.time, s.commits[p].time+1)
			}
		}
	}
}

// reach marks every commit with the ways that lead to it.
func (s *scanner) reach(tags map[pack.ID]pack.ID) {
	byWay := map[Reach][]int32{}
	gone := map[pack.ID]string{}
	for _, r := range s.opts.Roots {
		id := r.ID
		for range 10 { // a tag may name a tag
			to, ok := tags[id]
			if !ok {
				break
			}
			id = to
		}
		if at, ok := s.commitOf(id); ok {
			byWay[r.Way] = append(byWay[r.Way], at)
			if r.Way == FromHead {
				s.head = at
			}
		} else if _, there := s.db.Lookup(id); !there && r.Way != FromReflog { // a reflog outlives what it names
			gone[id] = max(gone[id], r.Name) // HEAD stands for a branch
		}
	}
	for id, name := range gone {
		s.res.MissingRefs.Add(name + " " + id.String())
	}
	for way, todo := range byWay {
		for len(todo) > 0 {
			at := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if s.commits[at].reach&way != 0 {
				continue
			}
			s.commits[at].reach |= way
			todo = append(todo, s.commits[at].parents...)
		}
	}
}
