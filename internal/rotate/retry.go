package rotate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
)

// again runs an effect that may be repeated, until it succeeds, fails for good
// or has been tried often enough. A lost answer is repeated too: the effect is
// the same each time.
func (r *runner) again(ctx context.Context, step Step, do func(context.Context) error) error {
	p := r.state.plan.Policy
	wait := p.BackOff
	for try := 1; ; try++ {
		err := r.request(ctx, do)
		if err == nil || !repeatable(err) {
			return err
		}
		if try >= p.Tries {
			return fmt.Errorf("tried %d times: %w", try, err)
		}
		pause := asked(err, wait)
		r.say(step, fmt.Sprintf("%v; waiting %s, attempt %d of %d", err, pause.Round(time.Millisecond), try+1, p.Tries))
		if err := r.x.Sleep(ctx, pause); err != nil {
			return err
		}
		wait *= 2
	}
}

// asked returns the wait that the provider asked for, or our own.
func asked(err error, own time.Duration) time.Duration {
	var pe *providers.Error
	if errors.As(err, &pe) && pe.RetryAfter > 0 {
		return pe.RetryAfter
	}
	return own
}

// repeatable reports whether a failure may pass by itself.
func repeatable(err error) bool {
	for _, class := range []error{providers.ErrTransient, providers.ErrRateLimited, providers.ErrConflict, providers.ErrAmbiguous} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}

// poll calls look every interval, or as rarely as the provider asks, until it
// says done, fails, or limit is over.
// What look last said is part of the error.
func (r *runner) poll(ctx context.Context, step Step, every, limit time.Duration, look func(context.Context) (done bool, said string, err error)) error {
	begin := r.x.Now()
	last := ""
	for {
		var done bool
		var said string
		pause := every
		err := r.request(ctx, func(ctx context.Context) (err error) {
			done, said, err = look(ctx)
			return err
		})
		switch {
		case err != nil && !repeatable(err):
			return err
		case err != nil:
			said = err.Error()
			pause = max(pause, asked(err, 0))
		case done:
			return nil
		}
		if said != last {
			r.say(step, said)
			last = said
		}
		if r.x.Now().Sub(begin) >= limit {
			return fmt.Errorf("not done after %s: %s", limit, last)
		}
		if err := r.x.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}
