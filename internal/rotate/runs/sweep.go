package runs

import (
	"context"
	"errors"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// Sweep destroys sealed values that nobody can use any more: those of a run that
// was killed between its end and the destruction, and those of a plan that
// expired without an approval. What another process works on is left alone. It
// may be repeated.
func Sweep(ctx context.Context, j *journal.Journal, actor string, now time.Time) error {
	runs, err := j.Sealed(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range runs {
		s, err := Load(ctx, j, id)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !useless(s, now) {
			continue
		}
		if err := shred(ctx, j, s.Plan(), actor, now); err != nil && !errors.Is(err, journal.ErrLocked) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// useless reports whether nobody can need the run's sealed values again.
func useless(s *machine.State, now time.Time) bool {
	return s.Closed() || !s.Approved() && now.After(s.Plan().Expires)
}

// shred looks again under the lease: an approval may just have come in.
func shred(ctx context.Context, j *journal.Journal, p rotate.Plan, actor string, now time.Time) error {
	lease, err := j.Lease(ctx, p.ID, p.Resource(), actor)
	if err != nil {
		return err
	}
	s, err := Load(ctx, j, p.ID)
	if err == nil && useless(s, now) {
		err = lease.Shred(ctx)
	}
	return errors.Join(err, lease.Release())
}
