package effect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
)

// Again runs a request that may be repeated, until it succeeds, fails for good
// or has been tried often enough. A lost answer is repeated too: the effect is
// the same each time. It reports whether an answer was lost on the way.
func (w *Worker) Again(ctx context.Context, do func(context.Context) error) (lost bool, err error) {
	p := w.Policy()
	wait := p.BackOff
	for try := 1; ; try++ {
		err := w.Request(ctx, do)
		lost = lost || errors.Is(err, providers.ErrAmbiguous)
		if err == nil || !Repeatable(err) {
			return lost, err
		}
		if try >= p.Tries {
			return lost, fmt.Errorf("tried %d times: %w", try, err)
		}
		pause := Asked(err, wait)
		w.Say(fmt.Sprintf("%v; waiting %s, attempt %d of %d", err, pause.Round(time.Millisecond), try+1, p.Tries))
		if _, err := w.Pause(ctx, pause); err != nil {
			return lost, err
		}
		wait *= 2
	}
}

// Read repeats a request that changes nothing.
func (w *Worker) Read(ctx context.Context, do func(context.Context) error) error {
	_, err := w.Again(ctx, do)
	return err
}

// Asked returns the wait that the provider asked for, or our own.
func Asked(err error, own time.Duration) time.Duration {
	var pe *providers.Error
	if errors.As(err, &pe) && pe.RetryAfter > 0 {
		return pe.RetryAfter
	}
	return own
}

// Repeatable reports whether a failure may pass by itself.
func Repeatable(err error) bool {
	for _, class := range []error{providers.ErrTransient, providers.ErrRateLimited, providers.ErrConflict, providers.ErrAmbiguous} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}

// Poll calls look every interval, or as rarely as the provider asks, until it
// says done, fails, or limit is over. What look last said is part of the error.
// A look whose request failed in a way that may pass is no end; missed, when not
// nil, is told of it, and of a sleep of the machine between two looks.
func (w *Worker) Poll(ctx context.Context, every, limit time.Duration, missed func(), look func(context.Context) (done bool, said string, err error)) error {
	begin := w.Now()
	last := ""
	for {
		var done bool
		var said string
		pause := every
		err := w.Request(ctx, func(ctx context.Context) (err error) {
			done, said, err = look(ctx)
			return err
		})
		switch {
		case err != nil && !Repeatable(err):
			return err
		case err != nil:
			said = err.Error()
			pause = max(pause, Asked(err, 0))
			if missed != nil {
				missed()
			}
		case done:
			return nil
		}
		if said != last {
			w.Say(said)
			last = said
		}
		if w.Now().Sub(begin) >= limit {
			return fmt.Errorf("not done after %s: %s", limit, last)
		}
		slept, err := w.Pause(ctx, pause)
		if err != nil {
			return err
		}
		if slept {
			w.Say("this machine slept; it is looked at anew")
			if missed != nil {
				missed()
			}
		}
	}
}
