package history

import (
	"bytes"
	"context"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/history/places"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// treeLister lists folders by reading their trees.
type treeLister struct {
	s     *scanner
	kept  map[pack.Ref][]folders.Item
	heads map[string][]content.Match // of files in HEAD's tree, by path
	look  *content.Looker
}

func newTreeLister(s *scanner) *treeLister {
	return &treeLister{s: s, kept: map[pack.Ref][]folders.Item{}, heads: map[string][]content.Match{}, look: s.opts.looker()}
}

// Root is the tree itself.
func (l *treeLister) Root(tree pack.Ref) (uint32, bool) { return uint32(tree), tree != pack.NoRef }

// Complete is true.
func (l *treeLister) Complete() bool { return true }

// maxKept bounds how many folders are kept.
const maxKept = 1 << 14

// List lists what a tree holds.
func (l *treeLister) List(folder uint32) []folders.Item {
	r := pack.Ref(folder)
	if list, ok := l.kept[r]; ok {
		return list
	}
	if len(l.kept) >= maxKept {
		clear(l.kept)
	}
	list := l.read(r)
	l.kept[r] = list
	return list
}

func (l *treeLister) read(tree pack.Ref) []folders.Item {
	s := l.s
	_, data, err := s.db.Read(tree, s.opts.MaxSize)
	if err != nil {
		s.res.BrokenTrees.Add(s.db.ID(tree).String())
		return nil
	}
	var out []folders.Item
	for len(data) > 0 {
		mode, rest, ok := bytes.Cut(data, []byte{' '})
		name, rest, ok2 := bytes.Cut(rest, []byte{0})
		if !ok || !ok2 || len(mode) == 0 || len(rest) < s.db.Width() {
			s.res.BrokenTrees.Add(s.db.ID(tree).String())
			return out
		}
		id := pack.MakeID(rest[:s.db.Width()])
		data = rest[s.db.Width():]
		folder := mode[0] == '4'
		if !folder && (mode[0] != '1' || len(mode) == 6 && mode[1] == '6') { // a submodule
			continue
		}
		ref, there := s.db.Lookup(id)
		switch {
		case there:
			out = append(out, folders.Item{Name: string(name), Folder: folder, At: uint32(ref)})
		case folder:
			s.res.MissingTrees.Add(id.String())
		default:
			s.res.MissingBlobs.Add(id.String())
		}
	}
	return out
}

// holds reports whether HEAD's tree holds a hit at its place.
func (l *treeLister) holds(ctx context.Context, k places.Key) bool {
	list, ok := l.heads[k.Path]
	if !ok {
		list = l.inHead(ctx, k.Path)
		l.heads[k.Path] = list
	}
	for _, m := range list {
		if m.Rule == k.Rule && m.Inner == k.Inner && m.Secret == k.Secret && m.Line == k.Line && m.Column == k.Column {
			return true
		}
	}
	return false
}

// inHead looks at a file of HEAD's tree.
func (l *treeLister) inHead(ctx context.Context, path string) []content.Match {
	s := l.s
	at := pack.NoRef
	for _, r := range s.opts.Roots {
		if ref, ok := s.db.Lookup(r.ID); ok && r.Way == graph.FromHead {
			if header, ok := graph.Header(s.db, ref, s.opts.MaxSize); ok {
				id, named := graph.Names(header, "tree")
				if ref, ok := s.db.Lookup(id); ok && named {
					at = ref
				}
			}
		}
	}
	for name := range strings.SplitSeq(path, "/") {
		if at == pack.NoRef {
			return nil
		}
		next := pack.NoRef
		for _, i := range l.List(uint32(at)) {
			if i.Name == name {
				next = pack.Ref(i.At)
			}
		}
		at = next
	}
	if at == pack.NoRef {
		return nil
	}
	kind, data, err := s.db.Read(at, s.opts.MaxSize)
	if err != nil || kind != pack.Blob {
		return nil
	}
	return content.Matches(s.opts.Set, l.look.Look(ctx, data), path, "")
}
