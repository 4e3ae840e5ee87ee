package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/gitdir"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// staged is a scan of what the next commit would change: the index's content,
// not the working files.
type staged struct {
	path string
	dir  gitdir.Dir
	max  int64
}

// Staged scans the index of the repository that p is in.
func Staged(p string, maxBytes int64) (Source, error) {
	dir, _, err := open(p)
	if err != nil {
		return nil, err
	}
	if maxBytes == 0 {
		maxBytes = DefaultMaxBytes
	}
	return staged{p, dir, maxBytes}, nil
}

// Info describes the index.
func (s staged) Info() Info { return Info{Kind: "staged", Path: s.path, MayBeEmpty: true} }

// Walk reads the staged content of every file that differs from HEAD.
func (s staged) Walk(ctx context.Context, sink Sink) error {
	index, err := s.dir.Index()
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	refs, err := s.dir.Refs()
	if err != nil {
		return err
	}
	db, err := pack.OpenFew(s.dir.Objects())
	if err != nil {
		return fmt.Errorf("open the object database: %w", err)
	}
	defer func() { _ = db.Close() }() // only read
	d := differ{db: db, sink: sink}
	head := ""
	if refs.Head.ID != "" {
		if head, err = treeOf(db, refs.Head.ID); err != nil {
			return fmt.Errorf("read HEAD's commit: %w", err)
		}
	}
	changed := d.folder(index.Entries, "", index.Root, head, 0)
	for _, e := range changed {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.file(ctx, db, e, sink); err != nil {
			return err
		}
	}
	return nil
}

// file scans one staged file.
func (s staged) file(ctx context.Context, db *pack.DB, e gitdir.Entry, sink Sink) error {
	id := pack.ID([]byte(e.ID))
	if e.IntentToAdd { // only the name is staged
		return nil
	}
	sink.Files(1)
	_, data, err := db.ReadID(id, s.max)
	why := ""
	switch {
	case errors.Is(err, pack.ErrTooLarge):
		why = fmt.Sprintf("larger than %d MB", s.max>>20)
	case errors.Is(err, pack.ErrMissing):
		why = "its content is missing from the object database"
	case err != nil:
		why = "damaged"
	}
	if why != "" {
		sink.Skip(Skip{What: "staged file", Why: why, Example: e.Path, Gap: true})
		return nil
	}
	f := Fragment{Places: []Place{{Where: "index", Path: e.Path, Blob: id.String()}}}
	if binary(data) {
		sink.Skip(Skip{What: "staged file", Why: "binary", Example: e.Path})
	} else {
		f.Text = string(data)
	}
	return sink.Fragment(ctx, f)
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
	return string(tree[:]), nil
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
		name, _, below := strings.Cut(list[0].Path[len(prefix):], "/")
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

func plain(list []gitdir.Entry) []gitdir.Entry {
	return slices.DeleteFunc(slices.Clone(list), func(e gitdir.Entry) bool { return !e.IsFile() })
}

// tree lists a tree: "f" or "d" and the name, to the raw id. No tree is empty.
func (d differ) tree(id string) (map[string]string, bool) {
	out := map[string]string{}
	if id == "" {
		return out, true
	}
	_, data, err := d.db.ReadID(pack.ID([]byte(id)), DefaultMaxBytes)
	if err != nil {
		return nil, false
	}
	for s := string(data); len(s) > 0; {
		mode, rest, ok := strings.Cut(s, " ")
		name, rest, ok2 := strings.Cut(rest, "\x00")
		if !ok || !ok2 || len(rest) < pack.IDSize {
			return nil, false
		}
		kind := "f"
		if strings.HasPrefix(mode, "4") {
			kind = "d"
		}
		out[kind+name] = rest[:pack.IDSize]
		s = rest[pack.IDSize:]
	}
	return out, true
}
