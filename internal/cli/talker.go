package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
)

// quietFor is how long progress within a step is kept back after a line of it.
const quietFor = 5 * time.Second

// talker prints events as lines for people. Progress that comes too soon after
// another line is kept back, not lost: what a step waits for may be said once and
// then be true for minutes.
type talker struct {
	out io.Writer

	mu    sync.Mutex
	seen  int64     // the newest journal record
	told  time.Time // when the last line was printed, by the events' clock
	kept  *rotate.Event
	later *time.Timer
}

// hear takes an event. Each event of a new record is printed at once.
func (t *talker) hear(e rotate.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	progress := e.Seq == t.seen // the journal has nothing new
	t.seen = e.Seq
	if wait := quietFor - e.Time.Sub(t.told); progress && wait > 0 {
		if t.kept = &e; t.later == nil {
			t.later = time.AfterFunc(wait, t.catchUp)
		}
		return
	}
	t.drop()
	t.print(e)
}

// catchUp prints what was kept back, if nothing newer has come.
func (t *talker) catchUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil {
		return
	}
	e, now := *t.kept, t.told.Add(quietFor)
	t.drop()
	t.print(e)
	t.told = now
}

// stop forgets what is kept back: what comes now says more. It may be repeated.
func (t *talker) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drop()
}

func (t *talker) drop() {
	if t.later != nil {
		t.later.Stop()
	}
	t.kept, t.later = nil, nil
}

func (t *talker) print(e rotate.Event) {
	t.told = e.Time
	line := fmt.Sprintf("%s  %s", e.Time.Local().Format(time.TimeOnly), term.Clean(e.Text))
	if e.Detail != "" {
		line += "  " + string(term.Clean(e.Detail))
	}
	_, _ = fmt.Fprintln(t.out, line) // a reader that went away must not stop a rotation
}
