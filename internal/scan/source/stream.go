package source

import (
	"context"
	"fmt"
	"io"
)

// stream is a scan of one reader.
type stream struct {
	r    io.Reader
	opts Options
}

// Stdin scans a stream as one file: a text, or an archive.
func Stdin(r io.Reader, o Options) Source { return stream{r, o.withDefaults()} }

// Info describes the stream.
func (stream) Info() Info { return Info{Kind: "stdin", Path: "-"} }

// Walk reads the stream to its end.
func (s stream) Walk(ctx context.Context, sink Sink) error {
	b, err := io.ReadAll(io.LimitReader(s.r, s.opts.MaxBytes+1))
	if err != nil {
		return err
	}
	if int64(len(b)) > s.opts.MaxBytes {
		sink.Skip(Skip{What: "stdin", Why: fmt.Sprintf("only the first %d MB were scanned", s.opts.MaxBytes>>20), Gap: true})
		b = b[:s.opts.MaxBytes]
	}
	sink.Files(1)
	c := content{opts: s.opts, sink: sink, what: "stdin"}
	return c.file(ctx, Place{Where: "stdin"}, b)
}
