package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/gitdir"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// staged is a scan of what the next commit would change: the index's content,
// not the working files.
type staged struct {
	path   string
	dir    gitdir.Dir
	traits gitdir.Traits
	index  string // file; empty for the repository's own
	under  string // put before paths
	opts   Options
}

// GitEnv is what git tells a hook by its environment. For "git commit -a" and
// "git commit FILE" the index of the commit is not the repository's own: a hook
// that reads that one sees nothing. Source: githooks(5), git(1).
type GitEnv struct {
	Dir       string // GIT_DIR
	IndexFile string // GIT_INDEX_FILE
}

// Staged scans the index of the repository that p is in, or that env names.
func Staged(p string, env GitEnv, o Options) (Source, error) {
	dir, err := gitdir.Find(p)
	if env.Dir != "" {
		dir, err = gitdir.At(env.Dir, p)
	}
	var traits gitdir.Traits
	if err == nil {
		traits, err = readable(p, dir)
	}
	if err != nil {
		return nil, notRepository(p, err)
	}
	if dir.Root == "" {
		return nil, fmt.Errorf("%s: %w", p, ErrBare)
	}
	if traits.Unknown != "" {
		return nil, fmt.Errorf("%s: %w (%s)", p, ErrUnsupported, traits.Unknown)
	}
	return staged{path: p, dir: dir, traits: traits, index: env.IndexFile, opts: o.withDefaults()}, nil
}

// Info describes the index.
func (s staged) Info() Info { return Info{Kind: "staged", Path: s.path, MayBeEmpty: true} }

// Walk reads the staged content of every file that differs from HEAD.
func (s staged) Walk(ctx context.Context, sink Sink) error {
	index, err := s.dir.Index(s.index)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	ref, err := s.head(ctx)
	if err != nil {
		return err
	}
	db, err := pack.OpenFew(s.dir.Objects(), s.traits.Width())
	if err != nil {
		return fmt.Errorf("open the object database: %w", err)
	}
	defer func() { _ = db.Close() }() // only read
	d := differ{db: db, sink: sink}
	head := ""
	if ref.ID != "" {
		if head, err = treeOf(db, ref.ID); err != nil {
			return fmt.Errorf("read HEAD's commit: %w", err)
		}
	}
	c := content{opts: s.opts, sink: sink, what: "staged file"}
	for _, e := range d.folder(index.Entries, "", index.Root, head, 0) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.file(ctx, db, e, &c); err != nil {
			return err
		}
	}
	return nil
}

// head returns where HEAD leads.
func (s staged) head(ctx context.Context) (gitdir.Ref, error) {
	if foreign(s.traits) == "" {
		return s.dir.Head()
	}
	r, _, err := refs(ctx, s.dir, s.traits)
	return r.Head, err
}

// file scans one staged file.
func (s staged) file(ctx context.Context, db *pack.DB, e gitdir.Entry, c *content) error {
	id := pack.MakeID([]byte(e.ID))
	if e.IntentToAdd { // only the name is staged
		return nil
	}
	c.sink.Files(1)
	name := path.Join(s.under, e.Path)
	_, data, err := db.ReadID(id, s.opts.MaxBytes)
	why := ""
	switch {
	case errors.Is(err, pack.ErrTooLarge):
		why = fmt.Sprintf("larger than %d MB", s.opts.MaxBytes>>20)
	case errors.Is(err, pack.ErrMissing):
		why = "its content is missing from the object database"
	case err != nil:
		why = "damaged"
	}
	if why != "" {
		c.sink.Skip(Skip{What: "staged file", Why: why, Example: name, Gap: true})
		return nil
	}
	return c.file(ctx, Place{Where: "index", Path: name, Blob: id.String()}, data)
}

// treeOf returns the raw id of a commit's tree.
func treeOf(db *pack.DB, commit string) (string, error) {
	id, err := pack.ParseID(commit)
	if err != nil {
		return "", err
	}
	_, data, err := db.ReadID(id, DefaultMaxBytes)
	if err != nil {
		return "", err
	}
	line, _, _ := bytes.Cut(data, []byte{'\n'})
	tree, err := pack.ParseID(strings.TrimPrefix(string(line), "tree "))
	if err != nil {
		return "", fmt.Errorf("%w: the commit names no tree", pack.ErrDamaged)
	}
	return string(tree[:db.Width()]), nil
}

// differ compares an index with a tree. Folders that the index knows to be
// unchanged are not looked into: in a large repository that is nearly all.
type differ struct {
	db   *pack.DB
	sink Sink
}

// maxTreeDepth bounds hostile trees.
const maxTreeDepth = 1000

// folder returns the entries of list, which lie below prefix, that the tree does
// not hold as they are.
func (d differ) folder(list []gitdir.Entry, prefix string, cached *gitdir.CachedTree, tree string, depth int) []gitdir.Entry {
	if cached != nil && cached.ID != "" && cached.ID == tree || len(list) == 0 {
		return nil
	}
	have, ok := d.tree(tree)
	if !ok || depth > maxTreeDepth {
		// A missing tree must not hide what is staged: all of it counts as new.
		if tree != "" {
			d.sink.Skip(Skip{What: "tree", Why: "missing or damaged; everything staged below it was scanned", Example: prefix + "."})
		}
		return plain(list)
	}
	var out []gitdir.Entry
	for len(list) > 0 {
		name, rest, below := strings.Cut(list[0].Path[len(prefix):], "/")
		if below && rest == "" && list[0].IsFolder() {
			out = append(out, d.whole(list[0], have["d"+name], depth+1)...)
			list = list[1:]
			continue
		}
		if !below {
			if e := list[0]; e.IsFile() && have["f"+name] != e.ID {
				out = append(out, e)
			}
			list = list[1:]
			continue
		}
		sub := prefix + name + "/"
		n := 1
		for n < len(list) && strings.HasPrefix(list[n].Path, sub) {
			n++
		}
		var next *gitdir.CachedTree
		if cached != nil {
			next = cached.Sub[name]
		}
		out = append(out, d.folder(list[:n], sub, next, have["d"+name], depth+1)...)
		list = list[n:]
	}
	return out
}

// whole returns what a folder of a sparse index holds that the tree does not.
func (d differ) whole(e gitdir.Entry, tree string, depth int) []gitdir.Entry {
	if e.ID == tree {
		return nil
	}
	files, ok := d.tree(e.ID)
	if !ok || depth > maxTreeDepth {
		d.sink.Skip(Skip{What: "tree", Why: "missing or damaged", Example: e.Path, Gap: true})
		return nil
	}
	have, _ := d.tree(tree) // all counts as new when it is missing
	var out []gitdir.Entry
	for _, k := range slices.Sorted(maps.Keys(files)) {
		n := gitdir.Entry{Path: e.Path + k[1:], ID: files[k], Mode: 0o100644}
		switch {
		case k[0] == 'd':
			n.Path += "/"
			out = append(out, d.whole(n, have[k], depth+1)...)
		case k[0] == 'f' && have[k] != n.ID:
			out = append(out, n)
		}
	}
	return out
}

func plain(list []gitdir.Entry) []gitdir.Entry {
	return slices.DeleteFunc(slices.Clone(list), func(e gitdir.Entry) bool { return !e.IsFile() })
}

// tree lists a tree: "f" or "d" and the name, to the raw id. No tree is empty.
func (d differ) tree(id string) (map[string]string, bool) {
	out := map[string]string{}
	if id == "" {
		return out, true
	}
	_, data, err := d.db.ReadID(pack.MakeID([]byte(id)), DefaultMaxBytes)
	if err != nil {
		return nil, false
	}
	for s := string(data); len(s) > 0; {
		mode, rest, ok := strings.Cut(s, " ")
		name, rest, ok2 := strings.Cut(rest, "\x00")
		if !ok || !ok2 || mode == "" || len(rest) < d.db.Width() {
			return nil, false
		}
		kind := "o" // a link or a submodule
		if mode[0] == '4' {
			kind = "d"
		} else if strings.HasPrefix(mode, "100") {
			kind = "f"
		}
		out[kind+name] = rest[:d.db.Width()]
		s = rest[d.db.Width():]
	}
	return out, true
}
