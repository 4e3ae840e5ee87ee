// Package issue makes the new key, finds out what became of a request to make one
// whose answer was lost, and shows that the new key works.
package issue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// Look compares the owner's keys with those that were planned with: a key
// that came since may be a stranger's, or one that we lost.
func Look(ctx context.Context, w *effect.Worker) machine.Event {
	value, sent, err := chosen(ctx, w)
	switch {
	case err != nil:
		return w.Failed(ctx, err)
	case sent: // the old key may have ended, and tell nothing any more
		return machine.Event{Result: machine.Fits}
	}
	now, err := w.Siblings(ctx)
	if err != nil {
		return w.Failed(ctx, err)
	}
	planned := slices.Sorted(slices.Values(w.Plan().Siblings))
	if !slices.Equal(now, planned) {
		err := fmt.Errorf("%w: %s has other keys now (%d, planned with %d); plan again", rotate.ErrStale, w.Plan().Old.Owner, len(now)+1, len(planned)+1)
		return machine.Event{Result: machine.Stale, Failure: w.Failure(err)}
	}
	e := machine.Event{Result: machine.Fits, Intent: machine.Intent{Before: append(now, w.Plan().Old.ID)}}
	if !value.Empty() {
		e.Seal = machine.ValueSeal(value)
	}
	return e
}

func issueRequest(ctx context.Context, w *effect.Worker) (providers.IssueRequest, error) {
	id, f := w.Plan().ID, w.State.Of("issue")
	value, err := sealedValue(ctx, w)
	return providers.IssueRequest{
		Old: w.Plan().Old, Name: "sg_" + strings.ReplaceAll(id, "-", "_"), Before: f.Intent.Before, Since: f.Began, EffectID: id, Value: value,
	}, err
}

// Send makes the new key, once.
func Send(ctx context.Context, w *effect.Worker) machine.Event {
	if w.Step.Guide != nil {
		return waitForKey(w)
	}
	if w.Plan().OntoCase != "" {
		return onto(ctx, w)
	}
	issuer, err := effect.Ability[providers.Issuer](w)
	if err != nil {
		return w.NotSent(ctx, err)
	}
	if e := claim(ctx, w); e != nil {
		return *e
	}
	req, err := issueRequest(ctx, w)
	if err != nil {
		return w.NotSent(ctx, err)
	}
	var issued providers.Issued
	err = w.Request(ctx, func(ctx context.Context) (err error) {
		issued, err = issuer.Issue(ctx, req)
		return err
	})
	if err != nil {
		return w.NotSent(ctx, err)
	}
	return made(ctx, w, machine.OK, issued, "new key %s, sealed and read back")
}

// onto takes another leaked key of the owner in place of a new one; nothing is sent.
func onto(ctx context.Context, w *effect.Worker) machine.Event {
	c, err := w.OntoKey(ctx)
	if err != nil {
		return w.NotSent(ctx, err)
	}
	return made(ctx, w, machine.OK, providers.Issued{Ref: w.Plan().Onto, Credential: c}, "the other leaked key, %s, takes its place for now")
}

// made is what is written down of a new key, unless it is none.
func made(ctx context.Context, w *effect.Worker, result machine.Result, is providers.Issued, detail string) machine.Event {
	if err := differs(ctx, w, is.Credential); err != nil {
		return machine.Event{Result: machine.Failed, Failure: w.Failure(err)}
	}
	mask := is.Ref.Mask()
	return machine.Event{
		Result: result, Seal: machine.NewKeySeal(is.Credential),
		Outcome: machine.Outcome{New: &is.Ref, NewMask: mask, Detail: fmt.Sprintf(detail, mask)},
	}
}

// Settle finds out what a lost issue did: nothing, or one key whose value is
// lost.
func Settle(ctx context.Context, w *effect.Worker) machine.Event {
	if st, _ := w.Plan().Step("issue"); st.Guide != nil || w.Plan().OntoCase != "" {
		return machine.Event{Result: machine.NotApplied} // nothing was sent: a person makes the key, or one is there
	}
	issuer, err := effect.Ability[providers.Issuer](w)
	if err != nil {
		return w.Failed(ctx, err)
	}
	req, err := issueRequest(ctx, w)
	if err != nil {
		return w.Failed(ctx, err)
	}
	begin := w.Now()
	for {
		var rec providers.Reconciliation
		err := w.Request(ctx, func(ctx context.Context) (err error) {
			rec, err = issuer.Reconcile(ctx, req)
			return err
		})
		if err != nil {
			return w.Failed(ctx, fmt.Errorf("find out what became of the issue: %w", err))
		}
		switch rec.Outcome {
		case providers.Adopted:
			return adopt(ctx, w, rec)
		case providers.Orphaned:
			if why := ours(ctx, w, rec.Candidates[0]); why != "" {
				return unclear(w, rec.Detail+", and "+why)
			}
			return machine.Event{Result: machine.Orphaned, Orphan: &machine.Orphan{Ref: rec.Candidates[0].Ref}}
		case providers.Unclear:
			return unclear(w, rec.Detail)
		case providers.Superseded:
			w.Say("the answer was lost, and the next request replaces whatever it did: " + rec.Detail)
			return machine.Event{Result: machine.NotApplied}
		case providers.NotApplied:
		}
		// A listing may lag behind the write: wait its window out first.
		if w.Now().Sub(begin) >= w.Policy().ReconcileFor {
			return machine.Event{Result: machine.NotApplied}
		}
		if _, err := w.Pause(ctx, min(w.Policy().ReconcileFor/4+time.Millisecond, 5*time.Second)); err != nil {
			return w.Failed(ctx, err)
		}
	}
}

// unclear asks a person: nothing that may be somebody's is deleted.
func unclear(w *effect.Worker, why string) machine.Event {
	err := fmt.Errorf("cannot tell which key came from the lost request: %s; look at the keys of %s and who made them (the issuer's audit log names this run, %s, in the user agent), delete the one that is not in use, then resume",
		why, w.Plan().Old.Owner, w.Plan().ID)
	return machine.Event{Result: machine.Unclear, Failure: w.Failure(err)}
}

// adopt takes the key that a lost issue made, where the issuer shows it again.
func adopt(ctx context.Context, w *effect.Worker, rec providers.Reconciliation) machine.Event {
	if rec.Issued == nil {
		return machine.Event{Result: machine.Unclear, Failure: w.Failure(errors.New("the issuer shows the lost key again, and its value is missing: a mistake in the provider; look at the owner's keys, then resume"))}
	}
	return made(ctx, w, machine.Applied, *rec.Issued, "the answer was lost; key %s, adopted, sealed and read back")
}

// differs refuses a key that the issuer has handed out before.
func differs(ctx context.Context, w *effect.Worker, c credential.Credential) error {
	old, err := w.OldKey(ctx)
	if err != nil {
		return err
	}
	for part, v := range c.Parts {
		if v.Equal(old.Part(part)) {
			return fmt.Errorf("the issuer returned the %s of the old key again; wait, look at the owner's keys, then resume", part)
		}
	}
	return nil
}

// Validate shows that the new key works, several times in a row, and speaks for
// the same account as the old one.
func Validate(ctx context.Context, w *effect.Worker) machine.Event {
	v, err := effect.Ability[providers.Verifier](w)
	if err != nil {
		return w.Failed(ctx, err)
	}
	c, err := w.NewKey(ctx)
	if err != nil {
		return w.Failed(ctx, err)
	}
	p := w.Policy()
	good := 0
	var who providers.Identity
	err = w.Poll(ctx, p.ReadyEvery, p.ReadyWithin, func() { good = 0 }, func(ctx context.Context) (bool, string, error) {
		verdict, err := v.Verify(ctx, c)
		if err != nil {
			return false, "", err
		}
		if verdict.Liveness != providers.Live {
			good = 0
			return false, "the new key is not accepted yet: " + verdict.Detail, nil
		}
		// A narrow key of an issuer without calls may not tell its account.
		untold := verdict.Identity.Account == "" && w.ByHand()
		if a := w.Plan().Account; a != "" && verdict.Identity.Account != a && !untold {
			return false, "", fmt.Errorf("the new key belongs to account %s, the old one to %s", verdict.Identity.Account, a)
		}
		good++
		who = verdict.Identity
		return good >= p.ReadyNeeded, fmt.Sprintf("accepted %d of %d times", good, p.ReadyNeeded), nil
	})
	if err != nil {
		return w.Failed(ctx, err)
	}
	return effect.Shown(machine.Outcome{Detail: fmt.Sprintf("accepted %d times in a row as %s", good, who.Who)})
}
