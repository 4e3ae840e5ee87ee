package source

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// history is a scan of every object of a repository: all branches, tags and
// stashes, and objects that nothing reaches any more.
type history struct {
	path string
	repo *git.Repository
	max  int64
}

// Git scans the whole history of the repository that p is in. Nothing of the
// repository is run: no hook, no filter, no configured command.
func Git(p string, maxBytes int64) (Source, error) {
	repo, err := open(p)
	if err != nil {
		return nil, err
	}
	if maxBytes == 0 {
		maxBytes = DefaultMaxBytes
	}
	return history{path: p, repo: repo, max: maxBytes}, nil
}

// Info describes the repository.
func (h history) Info() Info {
	i := Info{Kind: "git", Path: h.path}
	if head, err := h.repo.Head(); err == nil {
		i.Head = head.Hash().String()
	}
	return i
}

// walker gathers, for each blob, the places where it stands.
type walker struct {
	history

	sink    Sink
	commits map[plumbing.Hash]*object.Commit
	branch  map[plumbing.Hash]bool // reached by a branch or a tag
	stash   map[plumbing.Hash]bool // reached by the stash alone
	head    map[placeID]bool       // blobs of HEAD's tree
	places  map[plumbing.Hash][]Place
	seen    map[placeID]bool // trees and blobs already placed
	shallow map[plumbing.Hash]bool
	bad     map[string]bool // objects and packs reported as damaged
}

type placeID struct {
	hash plumbing.Hash
	path string
}

// Walk reads every object once.
func (h history) Walk(ctx context.Context, sink Sink) error {
	w := &walker{
		history: h, sink: sink, commits: map[plumbing.Hash]*object.Commit{}, branch: map[plumbing.Hash]bool{},
		stash: map[plumbing.Hash]bool{}, head: map[placeID]bool{}, places: map[plumbing.Hash][]Place{}, seen: map[placeID]bool{}, shallow: map[plumbing.Hash]bool{}, bad: map[string]bool{},
	}
	for _, store := range w.objects().gone {
		sink.Skip(Skip{What: "object store", Why: "objects are borrowed from it, and it is not there", Example: store, Gap: true})
	}
	if err := w.checkShallow(); err != nil {
		return err
	}
	if err := w.loadCommits(ctx); err != nil {
		return err
	}
	if len(w.commits) == 0 && len(w.bad)+len(w.objects().gone) == 0 {
		return fmt.Errorf("%s: %w", h.path, ErrEmpty)
	}
	if err := w.reach(ctx); err != nil {
		return err
	}
	if err := w.placeAll(ctx); err != nil {
		return err
	}
	if err := w.messages(ctx); err != nil {
		return err
	}
	return w.blobs(ctx)
}

func (w *walker) checkShallow() error {
	list, err := w.repo.Storer.Shallow()
	if err != nil {
		return fmt.Errorf("read the shallow list: %w", err)
	}
	for _, s := range list {
		w.shallow[s] = true
	}
	if len(list) > 0 {
		w.sink.Shallow()
		w.sink.Skip(Skip{What: "history", Why: "the clone is shallow; get the rest with: git fetch --unshallow", Gap: true})
	}
	return nil
}

func (h history) objects() *objects { return h.repo.Storer.(*objects) }

// damaged reports what cannot be read, once.
func (w *walker) damaged(name string) {
	if !w.bad[name] {
		w.bad[name] = true
		w.sink.Skip(Skip{What: "object", Why: "damaged; see: git fsck", Example: name, Gap: true})
	}
}

// loadCommits reads every commit in the object database, reached or not.
func (w *walker) loadCommits(ctx context.Context) error {
	err := w.objects().each(ctx, plumbing.CommitObject, w.damaged, func(o plumbing.EncodedObject) error {
		c, err := object.DecodeCommit(w.repo.Storer, o)
		if err != nil { // a gap, not the end
			w.damaged(o.Hash().String())
			return nil //nolint:nilerr // see above
		}
		w.commits[c.Hash] = c
		return nil
	})
	w.sink.Count("commits", len(w.commits))
	return err
}

// reach marks the commits that branches and tags lead to, and those that only
// the stash does.
func (w *walker) reach(ctx context.Context) error {
	refs, err := w.repo.References()
	if err != nil {
		return fmt.Errorf("read the refs: %w", err)
	}
	defer refs.Close()
	count := 0
	var stashes []plumbing.Hash
	err = refs.ForEach(func(r *plumbing.Reference) error {
		if r.Type() != plumbing.HashReference {
			return ctx.Err()
		}
		count++
		tip := w.target(r.Hash())
		if w.commits[tip] == nil && w.repo.Storer.HasEncodedObject(tip) != nil {
			w.sink.Skip(Skip{What: "ref", Why: "the object that it names is missing or damaged", Example: r.Name().String() + " " + tip.String(), Gap: true})
		}
		if strings.HasPrefix(r.Name().String(), "refs/stash") {
			stashes = append(stashes, tip)
			return ctx.Err()
		}
		w.mark(tip, w.branch)
		return ctx.Err()
	})
	for _, s := range stashes {
		w.mark(s, w.stash)
	}
	w.sink.Count("refs", count)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("read the refs: %w", err)
	}
	return err
}

// maxTags bounds how many tags may name each other.
const maxTags = 100

// target follows annotated tags, which may name tags, to what they stand for.
func (w *walker) target(h plumbing.Hash) plumbing.Hash {
	for range maxTags {
		tag, err := w.repo.TagObject(h)
		if err != nil {
			break
		}
		h = tag.Target
	}
	return h
}

// mark adds everything that tip leads to.
func (w *walker) mark(tip plumbing.Hash, into map[plumbing.Hash]bool) {
	todo := []plumbing.Hash{tip}
	for len(todo) > 0 {
		h := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		c := w.commits[h]
		if into[h] || c == nil {
			continue
		}
		into[h] = true
		todo = append(todo, c.ParentHashes...)
	}
}

// placeAll walks the trees, oldest reached commit first, so that the first commit that
// holds a blob at a path is the one that is named.
func (w *walker) placeAll(ctx context.Context) error {
	if ref, err := w.repo.Head(); err == nil {
		if c := w.commits[ref.Hash()]; c != nil {
			if err := w.tree(ctx, c.TreeHash, "", func(id placeID) bool { seen := w.head[id]; w.head[id] = true; return !seen }); err != nil {
				return err
			}
		}
	}
	for _, c := range w.commits {
		for _, p := range c.ParentHashes {
			if w.commits[p] == nil && !w.shallow[c.Hash] {
				w.sink.Skip(Skip{What: "commit", Why: "missing from the object database", Example: p.String(), Gap: true})
			}
		}
	}
	for i, c := range w.oldestFirst() {
		place := w.of(c)
		place.Order = i
		err := w.tree(ctx, c.TreeHash, "", func(id placeID) bool {
			if w.seen[id] {
				return false
			}
			w.seen[id] = true
			p := place
			p.Path, p.Blob, p.Head = id.path, id.hash.String(), w.head[id]
			w.places[id.hash] = append(w.places[id.hash], p)
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// oldestFirst orders the commits: those that a branch reaches before those that a
// rebase left behind, parents before children (dates lie, and many commits share a
// second), and then by date.
func (w *walker) oldestFirst() []*object.Commit {
	byDate := slices.Collect(maps.Values(w.commits))
	slices.SortFunc(byDate, func(a, b *object.Commit) int {
		if w.branch[a.Hash] != w.branch[b.Hash] {
			return map[bool]int{true: -1, false: 1}[w.branch[a.Hash]]
		}
		return cmp.Or(a.Committer.When.Compare(b.Committer.When), strings.Compare(a.Hash.String(), b.Hash.String()))
	})
	out := make([]*object.Commit, 0, len(byDate))
	placed := make(map[plumbing.Hash]bool, len(byDate))
	for _, c := range byDate {
		for todo := []*object.Commit{c}; len(todo) > 0; {
			c := todo[len(todo)-1]
			i := slices.IndexFunc(c.ParentHashes, func(p plumbing.Hash) bool { return !placed[p] && w.commits[p] != nil })
			if i >= 0 && !placed[c.Hash] {
				todo = append(todo, w.commits[c.ParentHashes[i]])
				continue
			}
			todo = todo[:len(todo)-1]
			if !placed[c.Hash] {
				placed[c.Hash] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// of returns the place of a commit, without a path.
func (w *walker) of(c *object.Commit) Place {
	p := Place{Where: "commit", Commit: c.Hash.String(), Author: c.Author.Name + " <" + c.Author.Email + ">", Date: c.Author.When.UTC(), Branch: w.branch[c.Hash]}
	switch {
	case p.Branch:
	case w.stash[c.Hash]:
		p.Where = "stash"
	default:
		p.Where = "unreachable"
	}
	return p
}

// maxTreeDepth bounds hostile trees.
const maxTreeDepth = 1000

// tree calls visit for each tree and blob below a tree; visit says whether to go
// into it.
func (w *walker) tree(ctx context.Context, hash plumbing.Hash, dir string, visit func(placeID) bool) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !visit(placeID{hash, dir + "/"}) {
		return nil
	}
	if strings.Count(dir, "/") > maxTreeDepth {
		w.sink.Skip(Skip{What: "tree", Why: "nested too deep", Example: dir, Gap: true})
		return nil
	}
	t, err := object.GetTree(w.repo.Storer, hash)
	if err != nil { // a gap, not the end: the rest is still scanned
		w.sink.Skip(Skip{What: "tree", Why: "missing or damaged", Example: hash.String(), Gap: true})
		return nil //nolint:nilerr // see above
	}
	for _, e := range t.Entries {
		name := e.Name
		if dir != "" {
			name = dir + "/" + e.Name
		}
		switch {
		case e.Mode.IsFile():
			visit(placeID{e.Hash, name})
		case e.Mode.String() == "0160000":
			w.sink.Skip(Skip{What: "submodule", Why: "its history is a repository of its own", Example: name})
		default:
			if err := w.tree(ctx, e.Hash, name, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// messages scans what people wrote on commits and tags.
func (w *walker) messages(ctx context.Context) error {
	for _, c := range w.commits {
		p := w.of(c)
		p.Where = "commit-message"
		if err := w.sink.Fragment(ctx, Fragment{Text: c.Message, Places: []Place{p}}); err != nil {
			return err
		}
	}
	return w.objects().each(ctx, plumbing.TagObject, w.damaged, func(o plumbing.EncodedObject) error {
		t, err := object.DecodeTag(w.repo.Storer, o)
		if err != nil { // a gap, not the end
			w.damaged(o.Hash().String())
			return nil //nolint:nilerr // see above
		}
		p := Place{Where: "tag", Path: "", Author: t.Tagger.Name + " <" + t.Tagger.Email + ">", Date: t.Tagger.When.UTC(), Commit: t.Target.String(), Branch: true}
		return w.sink.Fragment(ctx, Fragment{Text: t.Message, Places: []Place{p}})
	})
}

// blobs scans every blob in the object database; one without a place is reached
// by nothing.
func (w *walker) blobs(ctx context.Context) error {
	err := w.objects().each(ctx, plumbing.BlobObject, w.damaged, func(o plumbing.EncodedObject) error {
		places := w.places[o.Hash()]
		if places == nil {
			places = []Place{{Where: "unreachable", Blob: o.Hash().String()}}
		} else {
			delete(w.places, o.Hash())
			places = slices.DeleteFunc(places, func(p Place) bool { return strings.HasSuffix(p.Path, "/") })
		}
		w.sink.Count("blobs", 1)
		return w.blob(ctx, o, places)
	})
	if err != nil {
		return err
	}
	for hash, p := range w.places {
		if !strings.HasSuffix(p[0].Path, "/") && !w.bad[hash.String()] {
			w.sink.Skip(Skip{What: "blob", Why: "missing from the object database", Example: hash.String() + " " + p[0].Path, Gap: true})
		}
	}
	return nil
}

func (w *walker) blob(ctx context.Context, o plumbing.EncodedObject, places []Place) error {
	name := o.Hash().String()
	if len(places) > 0 && places[0].Path != "" {
		name = places[0].Path
	}
	if o.Size() > w.max {
		w.sink.Skip(Skip{What: "blob", Why: fmt.Sprintf("larger than %d MB", w.max>>20), Example: name, Gap: true})
		return nil
	}
	data, err := content(o)
	if err != nil { // a gap, not the end
		w.damaged(o.Hash().String())
		return nil //nolint:nilerr // see above
	}
	if binary(data) {
		w.sink.Skip(Skip{What: "blob", Why: "binary", Example: name})
		data = nil // its name is still judged
	}
	return w.sink.Fragment(ctx, Fragment{Text: string(data), Places: places})
}

func content(o plumbing.EncodedObject) ([]byte, error) {
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, o.Size()+1))
}
