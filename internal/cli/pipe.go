package cli

import (
	"io"
)

// pipe is an output whose reader may go away, as in "rules list | head -1". What
// is written after that is dropped without an error: the exit code still tells
// how the work ended, and a rotation is not stopped by a pager that was closed.
// Any other failure to write, such as a full disk, comes back as it is.
type pipe struct{ w io.Writer }

// Write writes, or drops when nobody reads any more.
func (p pipe) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	if err != nil && readerGone(err) {
		return len(b), nil
	}
	return n, err
}
