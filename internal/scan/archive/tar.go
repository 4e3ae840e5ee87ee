package archive

import (
	"archive/tar"
	"errors"
	"io"
)

// tar reads the entries of a tar. Only plain files have content; links lead to
// what is read elsewhere, and devices hold nothing.
func (o *opening) tar(c *counter) error {
	r := tar.NewReader(c)
	for {
		h, err := r.Next()
		switch err = o.cause(err); {
		case errors.Is(err, io.EOF):
			if c.end && !c.zero { // a block of zeros marks the end
				return errCut
			}
			return nil
		case err != nil:
			return err
		}
		at, err := o.entry(h.Name)
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeRegA, tar.TypeCont, tar.TypeGNUSparse: //nolint:staticcheck // old tars have them
		case tar.TypeDir, tar.TypeXGlobalHeader:
			continue
		case tar.TypeLink, tar.TypeSymlink:
			o.skip(Skip{What: "archive entry", Why: "a link", Path: at})
			continue
		default:
			o.skip(Skip{What: "archive entry", Why: "not a plain file", Path: at})
			continue
		}
		if h.Size > o.limits.Entry {
			o.large(at)
			continue
		}
		if err := o.take(at, &holes{o: o, r: r, packed: c, from: c.n}); err != nil {
			return err
		}
	}
}

// holes takes from the budget what a tar makes out of nothing: the holes of sparse
// files. Everything else was counted where it was unpacked.
type holes struct {
	o      *opening
	r      io.Reader
	packed *counter
	from   int64
	made   int64
}

func (h *holes) Read(p []byte) (int, error) {
	if err := h.o.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := h.r.Read(p)
	h.made += int64(n)
	if extra := h.made - (h.packed.n - h.from); extra > 0 {
		h.made -= extra
		if over := h.o.budget.spend(extra); over != nil {
			return n, over
		}
	}
	return n, err
}
