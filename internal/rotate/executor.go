package rotate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/secret"
)

// Errors that end a call to the executor.
var (
	// ErrNoRun means that the journal knows no such run.
	ErrNoRun = errors.New("no such run in this machine's journal")
	// ErrHeld means that a person must decide; the run can be resumed.
	ErrHeld = errors.New("the rotation needs a person")
	// ErrPaused means that the run stopped at a safe point, as asked.
	ErrPaused = errors.New("the rotation is paused at a safe point")
	// ErrRolledBack means that the run went back: the old key works.
	ErrRolledBack = errors.New("the rotation was rolled back")
	// ErrBusy means that another unfinished run works on the same key.
	ErrBusy = errors.New("another run over this key is not finished")
	// ErrStale means that the world is no longer as it was planned.
	ErrStale = errors.New("the plan is stale")
)

// Executor carries plans out. It is used by one goroutine at a time for a run;
// different runs may use executors of their own over the same journal.
type Executor struct {
	Registry providers.Registry
	Journal  *journal.Journal
	Actor    string
	// Health asks a consumer's health URL; nil error means well.
	Health func(ctx context.Context, url string) error
	// OnEvent is told of each record and of progress in between. It must not block.
	OnEvent func(Event)
	// Abort, when closed, cancels the request in flight. Cancelling the context
	// only stops the run before its next effect.
	Abort <-chan struct{}
	Sleep func(context.Context, time.Duration) error
	Now   func() time.Time
	// Failpoint, when set, is called at each boundary of an effect; an error
	// ends the call at once without another journal write, as a crash would.
	Failpoint func(point string) error
}

// errCrash marks an error of a failpoint: nothing more may be written.
type errCrash struct{ error }

// Unwrap gives the failpoint's own error to errors.Is.
func (e errCrash) Unwrap() error { return e.error }

// Save writes a plan and the leaked parts (sealed) to the journal, so that the
// plan can be approved and executed by another process on this machine.
func Save(ctx context.Context, j *journal.Journal, p Plan, c credential.Credential, actor string) error {
	lease, err := j.Lease(ctx, p.ID, "plan/"+p.ID, actor)
	if err != nil {
		return fmt.Errorf("save plan %s: %w", p.ID, err)
	}
	seal := map[string]secret.Text{}
	for part, v := range c.Parts {
		seal[blobOld+string(part)] = v
	}
	_, err = lease.Append(ctx, journal.Entry{Run: p.ID, Actor: actor, Kind: recPlanned, Body: p, Seal: seal})
	return errors.Join(err, lease.Release())
}

// Start approves the saved plan and carries it out. See Resume for the errors.
func (x *Executor) Start(ctx context.Context, p Plan, a Approval) error {
	s, err := Load(ctx, x.Journal, p.ID)
	if err != nil {
		return fmt.Errorf("%w; a plan is carried out on the machine that made it: plan again here", err)
	}
	if s.Closed() {
		return fmt.Errorf("plan %s was carried out already and is %s; plan again to go on", p.ID, s.status)
	}
	if s.approved {
		return fmt.Errorf("%w: plan %s was approved before; run: secretguard rotate resume %s", ErrBusy, p.ID, p.ID)
	}
	if s.plan.Digest != p.Digest {
		return fmt.Errorf("%w: the saved plan is another one; plan again", ErrDigest)
	}
	if err := a.Check(p, x.Now()); err != nil {
		return err
	}
	return x.with(ctx, s.plan, func(r *runner) error {
		if err := x.unique(ctx, p); err != nil {
			return err
		}
		if err := r.write(ctx, recApproved, "", a, nil); err != nil {
			return err
		}
		return r.loop(ctx)
	})
}

// Resume continues a run from what the journal says. It returns nil when the
// old key is proven dead, and wraps ErrHeld, ErrPaused or ErrRolledBack
// otherwise. It may be called any number of times.
func (x *Executor) Resume(ctx context.Context, run string) error {
	s, err := Load(ctx, x.Journal, run)
	if err != nil {
		return err
	}
	if !s.approved {
		return fmt.Errorf("plan %s was never approved; plan again", run)
	}
	return x.with(ctx, s.plan, func(r *runner) error {
		if !r.state.Closed() {
			if err := r.write(ctx, recRetry, "", struct{}{}, nil); err != nil {
				return err
			}
		}
		return r.loop(ctx)
	})
}

// Rollback undoes a run: the old key works again, every value is put back and
// deployed, the new key is deleted last. It refuses once the deletion of the old
// key was begun.
func (x *Executor) Rollback(ctx context.Context, run, reason string) error {
	s, err := Load(ctx, x.Journal, run)
	if err != nil {
		return err
	}
	if !s.approved || s.Closed() {
		return fmt.Errorf("run %s is %s: there is nothing to roll back", run, orWord(s.status, "not approved"))
	}
	if touched(s, "delete") {
		return fmt.Errorf("run %s: the old key may already be deleted, going back would leave no working key; run: secretguard rotate resume %s", run, run)
	}
	return x.with(ctx, s.plan, func(r *runner) error {
		if err := r.write(ctx, recRollback, "", waiver{Reason: reason}, nil); err != nil {
			return err
		}
		return r.loop(ctx)
	})
}

// Waive records that a person accepts less of one step: a lower level of an
// attest step, or that the disabled key is not refused yet.
func (x *Executor) Waive(ctx context.Context, run, step string, level Level, reason string) error {
	s, err := Load(ctx, x.Journal, run)
	if err != nil {
		return err
	}
	if !s.approved || s.Closed() {
		return fmt.Errorf("run %s is %s: there is nothing to accept", run, orWord(s.status, "not approved"))
	}
	if st, ok := s.plan.Step(step); !ok || st.Action != ActAttest && st.Action != ActDisable {
		return fmt.Errorf("run %s has no step %q that can be waived", run, step)
	}
	if reason == "" {
		return errors.New("accepting less needs a reason: add --reason")
	}
	return x.with(ctx, s.plan, func(r *runner) error {
		return r.write(ctx, recWaived, step, waiver{Level: level, Reason: reason}, nil)
	})
}

func orWord(s RunStatus, word string) string {
	if s == "" {
		return word
	}
	return string(s)
}

// with takes the lease on the plan's key and reads the state again under it:
// another process may have moved the run on in between.
func (x *Executor) with(ctx context.Context, p Plan, do func(*runner) error) error {
	lease, err := x.Journal.Lease(ctx, p.ID, p.Resource(), x.Actor)
	if err != nil {
		return err
	}
	s, err := Load(ctx, x.Journal, p.ID)
	if err != nil {
		return errors.Join(err, lease.Release())
	}
	err = do(&runner{x: x, lease: lease, state: s})
	return errors.Join(err, lease.Release())
}

// Unfinished returns the run over this credential that was approved and has not
// ended, empty when there is none: a second plan would take its new key for a
// stranger's.
func Unfinished(ctx context.Context, j *journal.Journal, c credential.Credential) (string, error) {
	runs, err := j.Runs(ctx)
	if err != nil {
		return "", err
	}
	for _, id := range runs {
		s, err := Load(ctx, j, id)
		if err != nil {
			return "", err
		}
		if !s.approved || s.Closed() {
			continue
		}
		for part, v := range c.Parts {
			if h := s.plan.KeyHashes[part]; h != "" && h == j.HashKey().HMAC(v) {
				return id, nil
			}
		}
	}
	return "", nil
}

// unique refuses a second run over a key while one is unfinished.
func (x *Executor) unique(ctx context.Context, p Plan) error {
	runs, err := x.Journal.Runs(ctx)
	if err != nil {
		return err
	}
	for _, id := range runs {
		if id == p.ID {
			continue
		}
		o, err := Load(ctx, x.Journal, id)
		if err != nil {
			return err
		}
		if o.approved && !o.Closed() && o.plan.Resource() == p.Resource() {
			return fmt.Errorf("%w: run %s; run: secretguard rotate resume %s (or rollback)", ErrBusy, id, id)
		}
	}
	return nil
}
