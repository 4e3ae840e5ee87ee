// Package runs saves plans in the journal, and reads what became of them: which runs
// there are, which has not ended, and whose sealed values are of no more use.
package runs

import (
	"context"
	"errors"
	"fmt"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// Load reads a run from the journal; an unknown run is rotate.ErrNoRun. Of a damaged
// journal it is what stands before the first record that cannot be understood.
func Load(ctx context.Context, j *journal.Journal, run string) (*machine.State, error) {
	recs, err := j.Records(ctx, run)
	if err != nil {
		return nil, err
	}
	if run == "" || len(recs) == 0 {
		return nil, fmt.Errorf("%w: %q", rotate.ErrNoRun, run)
	}
	s, err := machine.Fold(recs)
	for n := len(recs) - 1; err != nil && n > 0 && j.Broken() != nil; n-- { // as far as it can be understood
		s, err = machine.Fold(recs[:n])
	}
	return s, err
}

// Save writes a plan and the leaked parts (sealed) to the journal, so that the
// plan can be approved and executed by another process on this machine. onto is the
// key that takes the old one's place, or empty.
func Save(ctx context.Context, j *journal.Journal, p rotate.Plan, c, onto credential.Credential, actor string) error {
	lease, err := j.Lease(ctx, p.ID, "plan/"+p.ID, actor)
	if err != nil {
		return fmt.Errorf("save plan %s: %w", p.ID, err)
	}
	e := machine.PlanEntry(p, c, onto)
	e.Actor = actor
	_, err = lease.Append(ctx, e)
	return errors.Join(err, lease.Release())
}

// Unfinished returns the run over this credential that was approved and has not
// ended, empty when there is none: a second plan would take its new key for a
// stranger's.
func Unfinished(ctx context.Context, j *journal.Journal, c credential.Credential) (string, error) {
	return Find(ctx, j, func(s *machine.State) bool {
		for part, v := range c.Parts {
			if h := s.Plan().KeyHashes[part]; h != "" && h == j.HashKey().HMAC(v) {
				return true
			}
		}
		return false
	})
}

// Find returns an approved run that has not ended and fits.
func Find(ctx context.Context, j *journal.Journal, fits func(*machine.State) bool) (string, error) {
	runs, err := j.Runs(ctx)
	if err != nil {
		return "", err
	}
	for _, id := range runs {
		s, err := Load(ctx, j, id)
		if err != nil {
			return "", err
		}
		if s.Approved() && !s.Closed() && fits(s) {
			return id, nil
		}
	}
	return "", nil
}
