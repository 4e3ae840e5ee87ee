package scan

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/gitdir"
	"github.com/secretguard/secretguard/internal/scan/history"
	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/history/places"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/pack"
	"github.com/secretguard/secretguard/internal/scan/seen"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// repository scans every object of a repository.
func (c *collector) repository(ctx context.Context, r *source.Repository) error {
	db, err := r.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // only read
	o := history.Options{Set: c.scanner.set, MaxSize: r.Options.MaxBytes, ArchiveDepth: r.Options.ArchiveDepth, Roots: roots(r.Refs, r.Logs), Shallow: map[pack.ID]bool{}, Progress: c.tell()}
	for _, s := range r.Shallow {
		if id, err := pack.ParseID(s); err == nil {
			o.Shallow[id] = true
		}
	}
	if dir := c.scanner.opts.CacheDir; dir != "" && !r.Selected {
		o.Memory, o.Version = seen.NewStore(dir, r.Dir.Objects()), c.scanner.opts.Version
	}
	if r.Selected {
		o.Commits = []pack.ID{}
		for _, s := range r.Commits {
			if id, err := pack.ParseID(s); err == nil {
				o.Commits = append(o.Commits, id)
			}
		}
	}
	res, err := history.Scan(ctx, db, o)
	c.count(len(r.Refs.List), db.Len(), res)
	for _, h := range res.Hits {
		if h.Where == places.WhereUnreachable && h.Path == "" && c.indexed[h.Blob.String()] {
			continue // found where it is staged
		}
		c.findings = append(c.findings, c.hit(h))
	}
	if !r.Selected {
		c.refNames(r.Refs.List)
	}
	for _, l := range r.Refs.Lost {
		c.Skip(source.Skip{What: "ref", Why: l.Why, Example: l.Name, Gap: true})
	}
	if r.AskGit != "" {
		c.Skip(source.Skip{What: "fast reading", Why: "git read what is in a format that is not known here", Example: r.AskGit})
	}
	if len(r.Shallow) > 0 {
		c.cov.Shallow = true
		c.Skip(source.Skip{What: "history", Why: "the clone is shallow; get the rest with: git fetch --unshallow", Gap: true})
	}
	c.unseen(db.Problems(), res, r.Traits.Partial, r.Options.MaxBytes)
	if err == nil && !r.Selected && res.Commits+res.Blobs+res.Tags == 0 && len(c.skips) == 0 {
		err = fmt.Errorf("%s: %w", r.Info().Path, source.ErrEmpty)
	}
	return err
}

// count adds to the receipt what was seen of a history.
func (c *collector) count(refs, objects int, res history.Result) {
	known := res.Known
	if res.Recalled {
		known = objects
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cov.Refs += refs
	c.cov.Commits += res.Commits
	c.cov.Blobs += res.Blobs
	c.cov.Entries += res.Entries
	c.cov.Bytes += res.Bytes
	c.cov.Known += known
	c.cov.Fresh += max(0, objects-known)
}

// unseen counts what was not scanned.
func (c *collector) unseen(problems []pack.Problem, res history.Result, partial bool, limit int64) {
	named := func(example string) string {
		blob, inner, _ := strings.Cut(example, archive.Separator)
		if id, err := pack.ParseID(blob); err == nil && res.Paths[id] != "" {
			return archive.Name(path.Join(c.under, res.Paths[id]), content.Inner(res.Paths[id], inner))
		}
		if inner != "" {
			return archive.Name(blob, content.Inner("", inner))
		}
		return example
	}
	for _, p := range problems {
		example := named(p.Example)
		if example != p.Example && !strings.HasPrefix(p.Why, "larger") { // to look for it in the objects
			example = p.Example + " " + example
		}
		c.skip(Skip{What: p.What, Why: p.Why, Example: example, Count: max(1, p.Objects), Gap: true})
	}
	for _, u := range res.Unread {
		c.skip(Skip{What: u.What, Why: u.Why, Example: named(u.Example), Count: u.Count, Gap: u.Gap})
	}
	gone := "missing from the object database"
	if partial {
		gone += "; this is a partial clone, get the rest with: git fetch --refetch --no-filter"
	}
	for _, s := range []struct {
		what, why string
		gone      tally.Gone
		gap       bool
	}{
		{"ref", "the object that it names is missing or damaged", res.MissingRefs, true},
		{"commit", gone, res.MissingCommits, true},
		{"tree", gone, res.MissingTrees, true},
		{"blob", gone, res.MissingBlobs, true},
		{"tree", "damaged; see: git fsck", res.BrokenTrees, true},
		{"object", "damaged; see: git fsck", res.Damaged, true},
		{"blob", pack.TooLarge(limit), res.TooLarge, true},
		{"tree", "nested too deep", tally.Gone{Count: res.TooDeep}, true},
		{"blob", "binary", res.Binary, false},
		{"submodule", "its history is a repository of its own", res.Submodules, false},
	} {
		if s.gone.Count > 0 {
			c.skip(Skip{What: s.what, Why: s.why, Example: named(s.gone.Example), Count: s.gone.Count, Gap: s.gap})
		}
	}
}

// roots lists what leads to commits.
func roots(refs gitdir.Refs, logs []gitdir.Reflog) []graph.Root {
	var out []graph.Root
	add := func(name, hex string, way graph.Reach) {
		if id, err := pack.ParseID(hex); err == nil {
			out = append(out, graph.Root{Name: name, ID: id, Way: way})
		}
	}
	add("HEAD", refs.Head.ID, graph.FromHead)
	for _, r := range refs.List {
		add(r.Name, r.ID, wayOf(r.Name))
	}
	for _, l := range logs {
		way := graph.FromReflog
		if l.Ref == "refs/stash" { // every stash but the newest is only here
			way = graph.FromStash
		}
		for _, id := range l.IDs {
			add(l.Ref, id, way)
		}
	}
	return out
}

// wayOf tells what kind of name a ref has, as gitglossary(7) divides them.
func wayOf(ref string) graph.Reach {
	for _, w := range []struct {
		prefix string
		way    graph.Reach
	}{
		{"refs/heads/", graph.FromBranch},
		{"refs/remotes/", graph.FromRemote},
		{"refs/tags/", graph.FromTag},
		{"refs/stash", graph.FromStash},
		{"refs/notes/", graph.FromNote},
		{"worktrees/", graph.FromWorktree},
	} {
		if strings.HasPrefix(ref, w.prefix) {
			return w.way
		}
	}
	return graph.FromRef
}

// hit makes a finding of a hit.
func (c *collector) hit(h places.Hit) Finding {
	p := source.Place{Where: h.Where, Path: h.Path, Inner: h.Inner, Author: h.First.Author, Date: h.First.Date, Head: h.InHead, Branch: h.Reach.OnBranch()}
	if h.First.ID != (pack.ID{}) {
		p.Commit = h.First.ID.String()
	}
	if h.Where != places.WhereMessage && h.Where != places.WhereTag {
		p.Blob = h.Blob.String()
	}
	p.Path = path.Join(c.under, p.Path)
	f := c.finding(h.Match, p, h.Denied)
	f.order, f.ReachedBy = h.Order, h.Reach.Names()
	if h.Where == places.WherePerson {
		f.Name = h.First.Author
	}
	if h.Last.ID != (pack.ID{}) {
		f.LastCommit, f.LastDate = h.Last.ID.String(), h.Last.Date
	}
	return f
}

// tell passes on how far a history is.
func (c *collector) tell() func(history.Progress) {
	to := c.scanner.opts.Progress
	if to == nil {
		return nil
	}
	var mu sync.Mutex
	var last time.Time
	return func(p history.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) > tellEvery {
			last = time.Now()
			to(Progress{Done: p.Done, Total: p.Total, Bytes: p.Bytes})
		}
	}
}
