package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

// Supply hands in the key that a person made where the issuer has no call for it,
// and goes on with the run. The key is checked first: its form, that it is not the
// old one, and, with a request that reads, that it works and speaks for the same
// account. What does not fit is refused, and nothing is written.
func (x *Executor) Supply(ctx context.Context, run string, value secret.Text) error {
	s, err := Load(ctx, x.Journal, run)
	if err != nil {
		return err
	}
	return x.with(ctx, s.Plan(), func(r *runner) error {
		if at := r.state.HeldAt(); at.Action != rotate.ActIssue || at.Guide == nil {
			return fmt.Errorf("run %s does not wait for a key; run: secretguard rotate status %s", run, run)
		}
		w := &worker{x: x, s: r.state, step: r.state.HeldAt(), at: r.at, held: r.lease.Held, say: func(string) {}}
		issued, err := w.pasted(ctx, value)
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

// pasted checks a key that a person handed in.
func (w *worker) pasted(ctx context.Context, value secret.Text) (providers.Issued, error) {
	guide, err := ability[providers.Guide](w)
	if err != nil {
		return providers.Issued{}, err
	}
	issued, err := guide.Pasted(w.plan().Old, value)
	if err != nil {
		return issued, err
	}
	if err := w.differs(ctx, issued.Credential); err != nil {
		return issued, errors.New("that is the old key, the one that leaked: make a new one, and hand that in")
	}
	verdict, err := w.verdictOf(ctx, issued.Credential)
	switch {
	case err != nil:
		return issued, fmt.Errorf("check the new key: %w", err)
	case verdict.Liveness != providers.Live:
		return issued, fmt.Errorf("the issuer does not accept that key (%s); copy it again, or make another one", verdict.Detail)
	case w.plan().Account != "" && verdict.Identity.Account != "" && verdict.Identity.Account != w.plan().Account:
		return issued, fmt.Errorf("that key belongs to account %s, and the old one to %s: make it in the same account", verdict.Identity.Account, w.plan().Account)
	}
	return issued, nil
}

func (w *worker) verdictOf(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v, err := ability[providers.Verifier](w)
	if err != nil {
		return providers.Verdict{}, err
	}
	var verdict providers.Verdict
	err = w.read(ctx, func(ctx context.Context) (err error) {
		verdict, err = v.Verify(ctx, c)
		return err
	})
	return verdict, err
}

// waitForKey holds the run until a person hands the new key in.
func (w *worker) waitForKey() machine.Event {
	return machine.Event{Result: machine.Refused, Failure: machine.Failure{
		Text:   "waits for you: " + instructions(w.step.Guide),
		Remedy: "secretguard rotate supply " + w.plan().ID,
	}}
}

// waitForRemoval is done when the key is refused; else it holds the run until a
// person has taken the key away. That may happen at any time from now on.
func (w *worker) waitForRemoval(ctx context.Context, key func(context.Context) (credential.Credential, error), ref providers.KeyRef) machine.Event {
	c, err := key(ctx)
	if err != nil {
		return w.failed(ctx, err)
	}
	verdict, err := w.verdictOf(ctx, c)
	switch {
	case err != nil:
		e := w.notSent(ctx, err)
		e.Unsure = true
		return e
	case verdict.Liveness == providers.Dead:
		return machine.Event{Result: machine.OK, Outcome: machine.Outcome{Detail: secret.Mask(ref.ID) + " was taken away by hand, and is refused"}}
	}
	guide := w.step.Guide
	if guide == nil { // a step of the way back is not in the plan
		g, err := ability[providers.Guide](w)
		if err != nil {
			return w.notSent(ctx, err)
		}
		told := g.Guide(ref)
		guide = &rotate.Guide{Link: told.Link, Do: told.Retire}
	}
	e := machine.Event{Result: machine.Refused, Failure: w.failure(errors.New("waits for you: " + instructions(guide) + "; then resume"))}
	e.Unsure = true
	return e
}

// instructions puts what a person is to do into a line.
func instructions(g *rotate.Guide) string {
	return g.Link + " : " + strings.Join(g.Do, "; ")
}
