package history

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/charset"
	"github.com/secretguard/secretguard/internal/scan/match"
)

// part is a text of a blob that holds something: the blob itself, or what lies in it
// when it is an archive or a document.
type part struct {
	inner  string // foreign text; empty for the blob itself
	sights []match.Sight
}

// Unread is what was not read of blobs.
type Unread struct {
	What, Why string
	Gap       bool
	Gone
}

// unreadList counts what was not read, in the order of What and Why.
type unreadList []Unread

func (l *unreadList) add(u Unread) {
	i, ok := slices.BinarySearchFunc(*l, u, func(a, b Unread) int { return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why)) })
	if ok {
		(*l)[i].join(u.Gone)
		return
	}
	*l = slices.Insert(*l, i, u)
}

// class is what a blob is that holds nothing; from aKind on, the place of its name in
// unreadKinds.
type class uint8

const (
	plainText class = iota
	noText
	aKind
)

var unreadKinds = archive.UnreadKinds()

// fact is what is remembered of a blob that holds nothing.
type fact struct {
	size, entries int
	class         class
}

// Bits of an encoded fact: more entries than fit are not remembered.
const (
	classBits, sizeBits = 6, 40
	maxFactEntries      = 1 << (64 - classBits - sizeBits)
)

func (f fact) encode() uint64 {
	return uint64(f.entries)<<(classBits+sizeBits) | uint64(f.size)<<classBits | uint64(f.class)
}

func factOf(n uint64) fact {
	return fact{int(n >> classBits & (1<<sizeBits - 1)), int(n >> (classBits + sizeBits)), class(n & (1<<classBits - 1))}
}

// count adds to a result what a fact says of a blob.
func (r *Result) count(f fact, name func() string) {
	r.Blobs++
	r.Entries += f.entries
	if f.class == plainText {
		return
	}
	id := name()
	switch {
	case f.class == noText:
		r.Binary.add(id)
	case f.class >= aKind && int(f.class-aKind) < len(unreadKinds):
		(*unreadList)(&r.Unread).add(Unread{What: "blob", Why: archive.WhyUnread(unreadKinds[f.class-aKind]), Gone: Gone{1, id}})
	}
}

// content looks at whole blobs, for one goroutine.
type content struct {
	set    *match.Set
	finder *match.Finder
	limits archive.Limits
	texts  archive.Texts
}

func newContent(o Options) *content {
	return &content{set: o.Set, finder: o.Set.Finder(), limits: archive.DefaultLimits(o.ArchiveDepth, o.MaxSize)}
}

// look returns what a blob holds.
func (c *content) look(ctx context.Context, data []byte) []part {
	var own []match.Sight
	plain := charset.Plain(data)
	if plain {
		own = c.find(data)
	}
	parts, _ := c.inside(ctx, data, plain, own, func(archive.Skip) {})
	return parts
}

func (c *content) find(text []byte) []match.Sight {
	return c.finder.Settle(text, c.finder.Find(text))
}

// inside returns what a blob holds. One that is plain text was looked at, and holds
// own. skip is told what was not read.
func (c *content) inside(ctx context.Context, data []byte, plain bool, own []match.Sight, skip func(archive.Skip)) ([]part, fact) {
	var parts []part
	if len(own) > 0 {
		parts = append(parts, part{sights: own})
	}
	f := fact{size: len(data), class: plainText}
	kind := archive.None
	if c.limits.Depth > 0 {
		kind = archive.Detect(data)
	}
	if kind != archive.None {
		found, entries := c.archive(ctx, data, own, skip)
		f.entries = entries
		return append(parts, found...), f
	}
	text, unread := c.texts.Text(data)
	switch unread {
	case "":
	case archive.Binary:
		f.class = noText
	default:
		f.class = aKind + class(slices.Index(unreadKinds, unread))
	}
	if !plain && text != nil {
		if sights := c.find(text); len(sights) > 0 {
			parts = append(parts, part{sights: sights})
		}
	}
	return parts, f
}

// archive opens an archive. What its own text holds as well, as that of a notebook,
// is found there.
func (c *content) archive(ctx context.Context, data []byte, own []match.Sight, skip func(archive.Skip)) (parts []part, entries int) {
	visit := func(inner string, data []byte) error {
		if inner != "" {
			entries++
		}
		text, unread := c.texts.Text(data)
		if unread != "" {
			skip(archive.Skip{What: "archive entry", Why: archive.WhyUnread(unread), Path: inner})
		}
		sights := slices.DeleteFunc(c.find(text), func(s match.Sight) bool {
			return slices.ContainsFunc(own, func(o match.Sight) bool { return o.Secret == s.Secret })
		})
		if len(sights) > 0 || inner != "" && c.set.NameMatters([]byte(inner)) {
			parts = append(parts, part{inner, sights})
		}
		return nil
	}
	// It ends early only with the context: then the scan ends too.
	_ = archive.Walk(ctx, unnamed, data, c.limits, visit, skip)
	return parts, entries
}

// matches lists what the parts of a blob hold on a path, and what the path itself
// says.
func matches(set *match.Set, parts []part, path, commit string) []innerMatch {
	var out []innerMatch
	add := func(p part) {
		inner := Inner(path, p.inner)
		for _, m := range set.At(p.sights, archive.Name(path, inner), commit) {
			out = append(out, innerMatch{inner, m})
		}
	}
	if !slices.ContainsFunc(parts, func(p part) bool { return p.inner == "" }) {
		add(part{})
	}
	for _, p := range parts {
		add(p)
	}
	return out
}

// unnamed stands for what is in a compressed file, which has its name from the file.
const unnamed = "\x00"

// Inner is the path inside of a blob that has the path given: what a compressed
// file unpacks to is called after that.
func Inner(path, inner string) string {
	if inner != unnamed && !strings.HasPrefix(inner, unnamed+archive.Separator) {
		return inner
	}
	return archive.UnpackedName(path) + inner[len(unnamed):]
}

// innerMatch is a match and where in the blob it is.
type innerMatch struct {
	inner string
	match.Match
}
