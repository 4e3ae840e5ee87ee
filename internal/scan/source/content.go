package source

import (
	"context"
	"path"

	"github.com/secretguard/secretguard/internal/scan/archive"
)

// content judges what files hold, and hands on the texts in them. It is used by one
// goroutine.
type content struct {
	opts Options
	sink Sink
	what string // what a file of this source is called

	texts archive.Texts
}

// file takes the content of a file: a text, or an archive in which texts lie.
func (c *content) file(ctx context.Context, p Place, data []byte) error {
	kind := archive.Detect(data)
	switch {
	case kind == archive.None, kind == archive.Notebook && c.opts.ArchiveDepth == 0: // a notebook is text too
		return c.text(ctx, c.what, p, data)
	case c.opts.ArchiveDepth == 0:
		c.sink.Skip(Skip{What: c.what, Why: "an archive; to look inside: --max-archive-depth 3", Example: p.Path})
	default:
		if err := c.archive(ctx, p, data); err != nil {
			return err
		}
	}
	return c.sink.Fragment(ctx, Fragment{Places: []Place{p}}) // its name is judged in any case
}

func (c *content) archive(ctx context.Context, p Place, data []byte) error {
	visit := func(inner string, data []byte) error {
		at := p
		if inner == "" { // in front of the archive
			return c.text(ctx, c.what, at, data)
		}
		c.sink.Entries(1)
		at.Where, at.Inner = "archive", inner
		return c.text(ctx, "archive entry", at, data)
	}
	skip := func(s archive.Skip) {
		at := p
		at.Inner = s.Path
		c.sink.Skip(Skip{What: s.What, Why: s.Why, Example: at.Name(), Gap: s.Gap})
	}
	return archive.Walk(ctx, path.Base(p.Path), data, archive.DefaultLimits(c.opts.ArchiveDepth, c.opts.MaxBytes), visit, skip)
}

// text takes what is no archive.
func (c *content) text(ctx context.Context, what string, p Place, data []byte) error {
	text, kind := c.texts.Text(data) // without a text its name is still judged
	if kind != "" {
		c.sink.Skip(Skip{What: what, Why: archive.WhyUnread(kind), Example: p.Name()})
	}
	return c.sink.Fragment(ctx, Fragment{Text: text, Places: []Place{p}})
}
