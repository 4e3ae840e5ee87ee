package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
)

// noLimit is more than any file unpacks to.
const noLimit = math.MaxInt64

// budget is how much an archive may still unpack to.
type budget struct {
	parent *budget
	left   int64
	why    string
}

// overrun means that a budget is used up.
type overrun struct{ *budget }

func (e *overrun) Error() string { return e.why }

// share makes the budget of an archive of the size given, out of that of what it
// lies in.
func (w *walker) share(parent *budget, size int64) *budget {
	b := &budget{parent: parent, left: noLimit}
	lower := func(to int64, why string) {
		if to < b.left {
			b.left, b.why = to, why
		}
	}
	lower(w.limits.Total, fmt.Sprintf("unpacks to more than %d MB; the rest was not read", w.limits.Total>>20))
	lower(max(w.limits.RatioFree, w.limits.Ratio*size), fmt.Sprintf("unpacks to more than %d times its size; the rest was not read", w.limits.Ratio))
	if parent.left != noLimit {
		lower(parent.left/2, "unpacks to more than is left of the limit; the rest was not read")
	}
	return b
}

// spend takes n bytes from the budget and those around it.
func (b *budget) spend(n int64) error {
	for at := b; at != nil; at = at.parent {
		if at.left == noLimit {
			continue
		}
		if at.left -= n; at.left < 0 {
			return &overrun{at}
		}
	}
	return nil
}

// meter is a reader of unpacked bytes: it takes them from the budget, and ends
// with the context. Its error stays.
type meter struct {
	o   *opening
	r   io.Reader
	err error
}

func (m *meter) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	if m.err = m.o.ctx.Err(); m.err != nil {
		return 0, m.err
	}
	n, err := m.r.Read(p)
	if m.err = m.o.budget.spend(int64(n)); m.err != nil {
		return 0, m.err
	}
	m.err = err
	return n, err
}

// counter counts what is read from it, in blocks as a tar is.
type counter struct {
	r    io.Reader
	n    int64
	zero bool // the last read was one block of zeros
	end  bool // there is no more
}

func newCounter(data []byte) *counter { return &counter{r: bytes.NewReader(data)} }

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if n > 0 {
		c.zero = n == tarBlock && len(bytes.Trim(p[:n], "\x00")) == 0
	}
	c.end = c.end || errors.Is(err, io.EOF)
	return n, err
}

// errLarge means that an entry is larger than one may be.
var errLarge = errors.New("larger than an entry may be")

// buffer lends a buffer.
func (w *walker) buffer() []byte {
	if n := len(w.free); n > 0 {
		b := w.free[n-1]
		w.free = w.free[:n-1]
		return b
	}
	return make([]byte, 0, 32<<10)
}

// giveBack takes a buffer again.
func (w *walker) giveBack(b []byte) { w.free = append(w.free, b[:0]) }

// read appends what r gives to buf, up to the size of an entry. With an error the
// bytes before it are good, but for errLarge.
func (w *walker) read(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if int64(len(buf)) > w.limits.Entry {
			return buf, errLarge
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			if int64(len(buf)) > w.limits.Entry {
				return buf, errLarge
			}
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// take reads an entry and hands on its content. What was read of a damaged one is
// handed on too. The error ends the archive.
func (o *opening) take(at string, r io.Reader) error {
	buf := o.buffer()
	data, err := o.read(r, buf)
	defer func() { o.giveBack(data) }()
	switch err = o.cause(err); {
	case err == nil:
		return o.inside(at, data)
	case o.ends(err):
		return err
	case errors.Is(err, errLarge):
		o.large(at)
		return nil
	}
	o.lost("archive entry", at, err)
	if len(data) == 0 {
		return nil
	}
	return o.inside(at, data)
}

// large reports an entry that is over the limit.
func (w *walker) large(at string) {
	w.skip(Skip{What: "archive entry", Why: fmt.Sprintf("larger than %d MB", w.limits.Entry>>20), Path: at, Gap: true})
}
