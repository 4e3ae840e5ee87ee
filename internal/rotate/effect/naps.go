package effect

import (
	"context"
	"sync"
	"time"
)

// Nap is from when on a time that nobody asked for counts as sleep: of the machine,
// or of a process that was stopped.
const Nap = time.Minute

// Naps notices that this machine slept while a run was under way. It is used from
// many goroutines; a nil one notices nothing.
type Naps struct {
	mu    sync.Mutex
	total time.Duration
}

// Elapsed is how long it is from one time to another, by whichever clock went further:
// the monotonic one stands still while a machine sleeps, and the other one can be set.
func Elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// Note takes in that something which should have taken that long took from begin to
// end. It reports whether that was a nap.
func (n *Naps) Note(begin, end time.Time, expected time.Duration) bool {
	over := Elapsed(begin, end) - expected
	if n == nil || over < Nap {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.total += over
	return true
}

// Total is how long the machine slept so far.
func (n *Naps) Total() time.Duration {
	if n == nil {
		return 0
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.total
}

// Pause waits, and reports whether it took much longer than was asked for.
func (w *Worker) Pause(ctx context.Context, d time.Duration) (slept bool, err error) {
	begin := w.Now()
	err = w.Sleep(ctx, d)
	return w.Naps.Note(begin, w.Now(), d), err
}
