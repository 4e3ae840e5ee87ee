package scan

import (
	"context"
	"errors"
	"fmt"

	"github.com/secretguard/secretguard/internal/scan/source"
)

// whole scans the parts of a repository. One that cannot be read to its end leaves
// a gap.
func (c *collector) whole(ctx context.Context, w *source.Whole) error {
	for _, s := range w.Skips {
		c.Skip(s)
	}
	var empty error
	seen := 0 // files in working trees
	for _, p := range w.Parts {
		files := c.cov.Files
		err := c.part(ctx, p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if p.What == source.WorkingTree {
			seen += c.cov.Files - files
		}
		switch {
		case err == nil:
		case errors.Is(err, source.ErrEmpty) && p.Under == "":
			empty = err
		case errors.Is(err, source.ErrEmpty): // a submodule that was begun
			c.Skip(source.Skip{What: p.What, Why: "has no commit yet", Example: p.Under})
		default:
			c.Skip(source.Skip{What: p.What, Why: "cannot be read: " + err.Error(), Example: p.Under, Gap: true})
		}
	}
	if seen+len(c.findings) > 0 {
		return nil // without commits, but with files
	}
	return empty
}

func (c *collector) part(ctx context.Context, p source.Part) error {
	c.under = p.Under
	defer func() { c.under = "" }()
	switch src := p.Source.(type) {
	case *source.Repository:
		return c.repository(ctx, src)
	case source.Walker:
		return c.texts(ctx, src)
	}
	return fmt.Errorf("a source of the type %T cannot be scanned", p.Source)
}
