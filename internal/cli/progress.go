package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/scan"
)

// inPlace returns what shows a line of progress in the place of the last one, and what
// takes it away. Nothing is shown in the first second, and nothing at all when stderr is
// no terminal: then the first is nil.
func (a *app) inPlace() (show func(line func(since time.Duration) string), done func()) {
	if a.quiet || a.json || !a.Facts.ErrTTY {
		return nil, func() {}
	}
	begin, shown := a.Now(), false
	return func(line func(time.Duration) string) {
			since := a.Now().Sub(begin)
			if since < time.Second {
				return
			}
			shown = true
			_, _ = fmt.Fprintf(a.Err, "\r\x1b[K%s", line(since)) // a lost line of progress is no loss
		}, func() {
			if shown {
				_, _ = fmt.Fprint(a.Err, "\r\x1b[K") // as above
			}
		}
}

// progress returns a callback that shows how far a long scan is, and one that takes the
// line away again. The first is nil when nobody would see it.
func (a *app) progress() (tell func(scan.Progress), done func()) {
	show, done := a.inPlace()
	if show == nil {
		return nil, done
	}
	return func(p scan.Progress) {
		show(func(since time.Duration) string { return progressLine(p, since) })
	}, done
}

// progressLine says how far a scan is, how fast it goes, and about how long it
// will take.
func progressLine(p scan.Progress, since time.Duration) string {
	line := fmt.Sprintf("%.1f MB at %.0f MB/s", float64(p.Bytes)/1e6, float64(p.Bytes)/1e6/max(since.Seconds(), 0.001))
	if p.Total == 0 || p.Done == 0 {
		return fmt.Sprintf("%d files, %s", p.Done, line)
	}
	left := time.Duration(float64(since) / float64(p.Done) * float64(max(p.Total-p.Done, 0)))
	return fmt.Sprintf("%d of %d objects, %s, about %v left", min(p.Done, p.Total), p.Total, line, left.Round(time.Second))
}

// watching returns a context with which a search for consumers shows how far it is, and
// what takes the line away again.
func (a *app) watching(ctx context.Context) (watched context.Context, done func()) {
	show, done := a.inPlace()
	if show == nil {
		return ctx, done
	}
	return providers.Watch(ctx, func(l providers.Looked) {
		show(func(time.Duration) string {
			return fmt.Sprintf("looking for consumers: %s, %d of %d", l.Provider, l.Places, l.Of)
		})
	}), done
}
