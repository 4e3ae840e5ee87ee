// Package content knows what lies in one object: the text of a blob, or the texts of
// what an archive or a document holds; and short texts such as names. It knows neither
// where the object stands nor what others hold.
//
// Start with [NewLooker]; [Matches] says what was found means on a path.
package content

import (
	"context"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/charset"
	"github.com/secretguard/secretguard/internal/scan/match"
)

// Part is a text of a blob that holds something: the blob itself, or what lies in it
// when it is an archive or a document.
type Part struct {
	Inner  string // foreign text; empty for the blob itself
	Sights []match.Sight
}

// Looker looks at whole blobs, for one goroutine.
type Looker struct {
	set    *match.Set
	finder *match.Finder
	limits archive.Limits
	texts  archive.Texts
}

// NewLooker returns one that opens so many archives inside each other, and none that
// is larger than maxSize bytes.
func NewLooker(set *match.Set, archiveDepth int, maxSize int64) *Looker {
	return &Looker{set: set, finder: set.Finder(), limits: archive.DefaultLimits(archiveDepth, maxSize)}
}

// Finder is what it looks with.
func (l *Looker) Finder() *match.Finder { return l.finder }

// Look returns what a blob holds.
func (l *Looker) Look(ctx context.Context, data []byte) []Part {
	var own []match.Sight
	plain := charset.Plain(data)
	if plain {
		own = l.Find(data)
	}
	parts, _ := l.Inside(ctx, data, plain, own, func(archive.Skip) {})
	return parts
}

// Find returns what a text holds.
func (l *Looker) Find(text []byte) []match.Sight {
	return l.finder.Settle(text, l.finder.Find(text))
}

// Inside returns what a blob holds. One that is plain text was looked at, and holds
// own. skip is told what was not read. When the context ends, so does looking: then
// the answer is not to be relied on.
func (l *Looker) Inside(ctx context.Context, data []byte, plain bool, own []match.Sight, skip func(archive.Skip)) ([]Part, Fact) {
	var parts []Part
	if len(own) > 0 {
		parts = append(parts, Part{Sights: own})
	}
	f := Fact{Size: len(data), class: plainText}
	kind := archive.None
	if l.limits.Depth > 0 {
		kind = archive.Detect(data)
	}
	if kind != archive.None {
		found, entries := l.archive(ctx, data, own, skip)
		f.Entries = entries
		return append(parts, found...), f
	}
	text, unread := l.texts.Text(data)
	f.class = classOf(unread)
	if !plain && text != nil {
		if sights := l.Find(text); len(sights) > 0 {
			parts = append(parts, Part{Sights: sights})
		}
	}
	return parts, f
}

// archive opens an archive. What its own text holds as well, as that of a notebook,
// is found there.
func (l *Looker) archive(ctx context.Context, data []byte, own []match.Sight, skip func(archive.Skip)) (parts []Part, entries int) {
	visit := func(inner string, data []byte) error {
		if inner != "" {
			entries++
		}
		text, unread := l.texts.Text(data)
		if unread != "" {
			skip(archive.Skip{What: "archive entry", Why: archive.WhyUnread(unread), Path: inner})
		}
		sights := slices.DeleteFunc(l.Find(text), func(s match.Sight) bool {
			return slices.ContainsFunc(own, func(o match.Sight) bool { return o.Secret == s.Secret })
		})
		if len(sights) > 0 || inner != "" && l.set.NameMatters([]byte(inner)) {
			parts = append(parts, Part{inner, sights})
		}
		return nil
	}
	// It ends early only with the context: then the scan ends too.
	_ = archive.Walk(ctx, unnamed, data, l.limits, visit, skip)
	return parts, entries
}
