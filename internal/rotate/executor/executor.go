// Package executor carries plans out. What is to be done next is decided by
// package machine; this package does it: it writes records, sends requests, waits,
// and tells the machine what came of it. A run that was killed goes on from what
// its journal says.
//
// Start with [runs.Save] and [Executor.Start]; continue with [Executor.Resume].
package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect/issue"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/rotate/record"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/secret"
)

// Executor carries plans out. It is used by one goroutine at a time for a run;
// different runs may use executors of their own over the same journal.
type Executor struct {
	Registry providers.Registry
	Journal  *journal.Journal
	Actor    string
	// Health asks a consumer's health URL; nil error means well.
	Health func(ctx context.Context, url string) error
	// Echo asks a consumer's echo endpoint.
	Echo func(ctx context.Context, address, variable, nonce string) (string, error)
	// Check runs a check that a person declared; see effect.Env.
	Check func(ctx context.Context, c rotate.Check, address string) (passed bool, detail string, err error)
	// Doctor looks at a consumer as it was declared and returns what is wrong there; only
	// plans with such declarations need it.
	Doctor func(ctx context.Context, declaration json.RawMessage) (wrong []string, err error)
	// Files looks for values in the files of a folder: where they stand, and what could
	// not be read. Nil: files are not looked at.
	Files func(ctx context.Context, dir string, values []secret.Text) (found, unread []string, err error)
	// Until, when set, is the step after which the run pauses.
	Until string
	// OnEvent is told of each record and of progress in between, one call at a
	// time. It must not block.
	OnEvent func(rotate.Event)
	// Abort, when closed, cancels the request in flight. Cancelling the context
	// only stops the run before its next effect.
	Abort <-chan struct{}
	Sleep func(context.Context, time.Duration) error
	Now   func() time.Time
	// Failpoint, when set, is called at each boundary of an effect; an error
	// ends the call at once without another journal write, as a crash would.
	Failpoint func(point string) error
}

// Start approves the saved plan and carries it out. See Resume for the errors.
func (x *Executor) Start(ctx context.Context, p rotate.Plan, a rotate.Approval) error {
	s, err := runs.Load(ctx, x.Journal, p.ID)
	if err != nil {
		return fmt.Errorf("%w; a plan is carried out on the machine that made it: plan again here", err)
	}
	if s.Closed() {
		return fmt.Errorf("plan %s was carried out already and is %s; plan again to go on", p.ID, s.Status())
	}
	if s.Approved() {
		return fmt.Errorf("%w: plan %s was approved before; run: secretguard rotate resume %s", rotate.ErrBusy, p.ID, p.ID)
	}
	if s.Plan().Digest != p.Digest {
		return fmt.Errorf("%w: the saved plan is another one; plan again", rotate.ErrDigest)
	}
	if err := a.Check(p, x.Now()); err != nil {
		return err
	}
	return x.with(ctx, s.Plan(), func(r *runner) error {
		if err := x.unique(ctx, p); err != nil {
			return err
		}
		if slices.ContainsFunc(r.state.ApprovedBy(), func(who string) bool { return samePerson(who, a.Who) }) {
			return fmt.Errorf("%w: %s has approved it already", rotate.ErrWaits, a.Who)
		}
		if err := r.write(ctx, machine.ApproveEntry(a)); err != nil {
			return err
		}
		if !r.state.Approved() {
			return fmt.Errorf("%w: %d of %d are there", rotate.ErrWaits, len(r.state.ApprovedBy()), p.Policy.Approvals)
		}
		return r.loop(ctx)
	})
}

// samePerson compares names as people write them: spaces and capitals make nobody another
// person. Who lies about the name is not found out; the journal tells the account.
func samePerson(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// Resume continues a run from what the journal says. It returns nil when the
// old key is proven dead, and wraps rotate.ErrHeld, ErrPaused or ErrRolledBack
// otherwise. It may be called any number of times.
func (x *Executor) Resume(ctx context.Context, run string) error {
	s, err := runs.Load(ctx, x.Journal, run)
	if err != nil {
		return err
	}
	if !s.Approved() {
		return fmt.Errorf("plan %s was never approved; plan again", run)
	}
	return x.with(ctx, s.Plan(), func(r *runner) error {
		if !r.state.Closed() {
			if err := r.write(ctx, machine.RetryEntry()); err != nil {
				return err
			}
		}
		return r.loop(ctx)
	})
}

// Rollback undoes a run: the old key works again, every value is put back and
// deployed, the new key is deleted last. A run that only contained can be undone
// after its end too. It refuses once the deletion of the old
// key was begun.
func (x *Executor) Rollback(ctx context.Context, run, reason string) error {
	s, err := runs.Load(ctx, x.Journal, run)
	if err != nil {
		return err
	}
	if !s.Approved() || s.Closed() && s.Status() != rotate.RunContained {
		return fmt.Errorf("run %s is %s: there is nothing to roll back", run, orWord(s.Status(), "not approved"))
	}
	if s.Touched("delete") {
		return fmt.Errorf("run %s: the old key may already be deleted, going back would leave no working key; run: secretguard rotate resume %s", run, run)
	}
	if s.Cut() {
		return fmt.Errorf("run %s: the old key ended when the new one took its place, going back would leave no working key; run: secretguard rotate resume %s", run, run)
	}
	return x.with(ctx, s.Plan(), func(r *runner) error {
		if err := r.write(ctx, machine.RollbackEntry(reason)); err != nil {
			return err
		}
		return r.loop(ctx)
	})
}

// Abandon gives a run up: it is closed as it stands, with a list of what is left
// in the journal and in its snapshot. Nothing is changed at any service, and the
// sealed values are destroyed: what they were for is in that list.
func (x *Executor) Abandon(ctx context.Context, run, reason string) error {
	s, err := runs.Load(ctx, x.Journal, run)
	if err != nil {
		return err
	}
	if !s.Approved() || s.Closed() {
		return fmt.Errorf("run %s is %s: there is nothing to abandon", run, orWord(s.Status(), "not approved"))
	}
	if reason == "" {
		return errors.New("giving a run up needs a reason: add --reason")
	}
	return x.with(ctx, s.Plan(), func(r *runner) error {
		if r.state.Closed() { // by another process, in between
			return fmt.Errorf("run %s is %s: there is nothing to abandon", run, r.state.Status())
		}
		if err := r.write(ctx, machine.AbandonEntry(r.state, reason)); err != nil {
			return err
		}
		return r.end(ctx, r.state, r.state.Status())
	})
}

// Waive records that a person accepts less of one step: a lower level of an
// attest step, that the old key is still in use, that the disabled key is not
// refused yet, or what still holds the dead key.
func (x *Executor) Waive(ctx context.Context, run, step string, level rotate.Level, reason string) error {
	return x.accept(ctx, run, step, reason, machine.WaiveEntry(step, level, reason))
}

// CallHostile records that a person says that the traffic on the old key is the
// thief's: nobody waits for its end.
func (x *Executor) CallHostile(ctx context.Context, run, reason string) error {
	return x.accept(ctx, run, string(rotate.ActQuiet), reason, machine.HostileEntry(reason))
}

// waivable are the actions that wait for evidence and not for an effect.
var waivable = []rotate.Action{rotate.ActAttest, rotate.ActQuiet, rotate.ActDisable, rotate.ActSoak, rotate.ActSearch}

func (x *Executor) accept(ctx context.Context, run, step, reason string, e record.Entry) error {
	s, err := runs.Load(ctx, x.Journal, run)
	if err != nil {
		return err
	}
	if !s.Approved() || s.Closed() {
		return fmt.Errorf("run %s is %s: there is nothing to accept", run, orWord(s.Status(), "not approved"))
	}
	if st, ok := s.Plan().Step(step); !ok || !slices.Contains(waivable, st.Action) {
		return fmt.Errorf("run %s has no step %q that can be waived", run, step)
	}
	if reason == "" {
		return errors.New("accepting less needs a reason: add --reason")
	}
	return x.with(ctx, s.Plan(), func(r *runner) error {
		return r.write(ctx, e)
	})
}

func orWord(s rotate.RunStatus, word string) string {
	if s == "" {
		return word
	}
	return string(s)
}

// with takes the lease on the plan's key and reads the state again under it:
// another process may have moved the run on in between.
func (x *Executor) with(ctx context.Context, p rotate.Plan, do func(*runner) error) error {
	lease, err := x.Journal.Lease(ctx, p.ID, p.Resource(), x.Actor)
	if err != nil {
		return err
	}
	s, err := runs.Load(ctx, x.Journal, p.ID)
	if err != nil {
		return errors.Join(err, lease.Release())
	}
	err = do(&runner{x: x, lease: lease, state: s})
	return errors.Join(err, lease.Release())
}

// unique refuses a second run over a key while one is unfinished.
func (x *Executor) unique(ctx context.Context, p rotate.Plan) error {
	id, err := runs.Find(ctx, x.Journal, func(s *machine.State) bool {
		return s.Plan().ID != p.ID && s.Plan().Resource() == p.Resource()
	})
	if err == nil && id != "" {
		err = fmt.Errorf("%w: run %s; run: secretguard rotate resume %s (or rollback)", rotate.ErrBusy, id, id)
	}
	return err
}

// Supply hands in the key that a person made where the issuer has no call for it,
// and goes on with the run. The key is checked first: its form, that it is not the
// old one, and, with a request that reads, that it works and speaks for the same
// account. What does not fit is refused, and nothing is written.
func (x *Executor) Supply(ctx context.Context, run string, value secret.Text) error {
	s, err := runs.Load(ctx, x.Journal, run)
	if err != nil {
		return err
	}
	return x.with(ctx, s.Plan(), func(r *runner) error {
		if at := r.state.HeldAt(); at.Action != rotate.ActIssue || at.Guide == nil {
			return fmt.Errorf("run %s does not wait for a key; run: secretguard rotate status %s", run, run)
		}
		w := r.worker(r.state, r.state.HeldAt())
		w.Say = func(string) {}
		issued, err := issue.Pasted(ctx, &w, value)
		if err != nil {
			return err
		}
		if err := r.write(ctx, machine.SupplyEntry(issued.Ref, issued.Credential)); err != nil {
			return err
		}
		if err := r.write(ctx, machine.RetryEntry()); err != nil {
			return err
		}
		return r.loop(ctx)
	})
}

// write appends a record outside of the loop and folds it into the state.
func (r *runner) write(ctx context.Context, e record.Entry) error {
	rec, err := r.append(ctx, e)
	if err != nil {
		return err
	}
	s, err := r.state.With(rec)
	if err != nil {
		return err
	}
	r.tell(s, rec)
	r.state = s
	return r.at("after " + point(e))
}
