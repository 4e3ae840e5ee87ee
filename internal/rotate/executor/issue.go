package executor

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
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

// siblings lists the owner's keys besides the old one.
func (w *worker) siblings(ctx context.Context) ([]string, error) {
	old, err := w.oldKey(ctx)
	if err != nil {
		return nil, err
	}
	in, err := ability[providers.Inspector](w)
	if err != nil {
		return nil, err
	}
	var ks providers.KeyState
	err = w.request(ctx, func(ctx context.Context) (err error) {
		ks, err = in.Inspect(ctx, old)
		return err
	})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, k := range ks.Siblings {
		ids = append(ids, k.Ref.ID)
	}
	slices.Sort(ids)
	return ids, nil
}

// lookIssue compares the owner's keys with those that were planned with: a key
// that came since may be a stranger's, or one that we lost.
func (w *worker) lookIssue(ctx context.Context) machine.Event {
	now, err := w.siblings(ctx)
	if err != nil {
		return w.failed(ctx, err)
	}
	planned := slices.Sorted(slices.Values(w.plan().Siblings))
	if !slices.Equal(now, planned) {
		err := fmt.Errorf("%w: %s has other keys now (%d, planned with %d); plan again", rotate.ErrStale, w.plan().Old.Owner, len(now)+1, len(planned)+1)
		return machine.Event{Result: machine.Stale, Failure: w.failure(err)}
	}
	return machine.Event{Result: machine.Fits, Intent: machine.Intent{Before: append(now, w.plan().Old.ID)}}
}

func (w *worker) issueRequest() providers.IssueRequest {
	id, f := w.plan().ID, w.s.Of("issue")
	return providers.IssueRequest{
		Old: w.plan().Old, Name: "sg_" + strings.ReplaceAll(id, "-", "_"), Before: f.Intent.Before, Since: f.Began, EffectID: id,
	}
}

// sendIssue makes the new key, once.
func (w *worker) sendIssue(ctx context.Context) machine.Event {
	if w.step.Guide != nil {
		return w.waitForKey()
	}
	issuer, err := ability[providers.Issuer](w)
	if err != nil {
		return w.notSent(ctx, err)
	}
	var issued providers.Issued
	err = w.request(ctx, func(ctx context.Context) (err error) {
		issued, err = issuer.Issue(ctx, w.issueRequest())
		return err
	})
	if err != nil {
		return w.notSent(ctx, err)
	}
	return w.issued(ctx, machine.OK, issued, "new key %s, sealed and read back")
}

// issued is what is written down of a new key, unless it is none.
func (w *worker) issued(ctx context.Context, result machine.Result, is providers.Issued, detail string) machine.Event {
	if err := w.differs(ctx, is.Credential); err != nil {
		return machine.Event{Result: machine.Failed, Failure: w.failure(err)}
	}
	mask := secret.Mask(is.Ref.ID)
	return machine.Event{
		Result: result, Seal: machine.NewKeySeal(is.Credential),
		Outcome: machine.Outcome{New: &is.Ref, NewMask: mask, Detail: fmt.Sprintf(detail, mask)},
	}
}

// adopt takes the key that a lost issue made, where the issuer shows it again.
func (w *worker) adopt(ctx context.Context, rec providers.Reconciliation) machine.Event {
	if rec.Issued == nil {
		return machine.Event{Result: machine.Unclear, Failure: w.failure(errors.New("the issuer shows the lost key again, and its value is missing: a mistake in the provider; look at the owner's keys, then resume"))}
	}
	return w.issued(ctx, machine.Applied, *rec.Issued, "the answer was lost; key %s, adopted, sealed and read back")
}

// differs refuses a key that the issuer has handed out before.
func (w *worker) differs(ctx context.Context, c credential.Credential) error {
	old, err := w.oldKey(ctx)
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

// settleIssue finds out what a lost issue did: nothing, or one key whose value is
// lost.
func (w *worker) settleIssue(ctx context.Context) machine.Event {
	if st, _ := w.plan().Step("issue"); st.Guide != nil {
		return machine.Event{Result: machine.NotApplied} // nothing was sent: a person makes the key
	}
	issuer, err := ability[providers.Issuer](w)
	if err != nil {
		return w.failed(ctx, err)
	}
	begin := w.x.Now()
	for {
		var rec providers.Reconciliation
		err := w.request(ctx, func(ctx context.Context) (err error) {
			rec, err = issuer.Reconcile(ctx, w.issueRequest())
			return err
		})
		if err != nil {
			return w.failed(ctx, fmt.Errorf("find out what became of the issue: %w", err))
		}
		switch rec.Outcome {
		case providers.Adopted:
			return w.adopt(ctx, rec)
		case providers.Orphaned:
			return machine.Event{Result: machine.Orphaned, Orphan: &machine.Orphan{Ref: rec.Candidates[0].Ref}}
		case providers.Unclear:
			err := fmt.Errorf("cannot tell which key came from the lost request: %s; look at the keys of %s, delete the one that is not in use, then resume",
				rec.Detail, w.plan().Old.Owner)
			return machine.Event{Result: machine.Unclear, Failure: w.failure(err)}
		case providers.NotApplied:
		}
		// A listing may lag behind the write: wait its window out first.
		if w.x.Now().Sub(begin) >= w.policy().ReconcileFor {
			return machine.Event{Result: machine.NotApplied}
		}
		if err := w.x.Sleep(ctx, min(w.policy().ReconcileFor/4+time.Millisecond, 5*time.Second)); err != nil {
			return w.failed(ctx, err)
		}
	}
}

// clean deletes the key that a lost issue left behind. The journal names it.
func (w *worker) clean(ctx context.Context) machine.Event {
	w.say("deleting the key whose value was lost: " + secret.Mask(w.orphan.Ref.ID))
	e := w.deleteKey(ctx, w.orphan.Ref)
	if e.Result != machine.OK && e.Result != machine.Interrupted {
		e.Failure.Text = fmt.Sprintf("delete the orphan %s: %s", secret.Mask(w.orphan.Ref.ID), e.Failure.Text)
	}
	return e
}

// validate shows that the new key works, several times in a row, and speaks for
// the same account as the old one.
func (w *worker) validate(ctx context.Context) machine.Event {
	v, err := ability[providers.Verifier](w)
	if err != nil {
		return w.failed(ctx, err)
	}
	c, err := w.newKey(ctx)
	if err != nil {
		return w.failed(ctx, err)
	}
	p := w.policy()
	good := 0
	var who providers.Identity
	err = w.poll(ctx, p.ReadyEvery, p.ReadyWithin, func() { good = 0 }, func(ctx context.Context) (bool, string, error) {
		verdict, err := v.Verify(ctx, c)
		if err != nil {
			return false, "", err
		}
		if verdict.Liveness != providers.Live {
			good = 0
			return false, "the new key is not accepted yet: " + verdict.Detail, nil
		}
		// A narrow key of an issuer without calls may not tell its account.
		untold := verdict.Identity.Account == "" && w.byHand()
		if a := w.plan().Account; a != "" && verdict.Identity.Account != a && !untold {
			return false, "", fmt.Errorf("the new key belongs to account %s, the old one to %s", verdict.Identity.Account, a)
		}
		good++
		who = verdict.Identity
		return good >= p.ReadyNeeded, fmt.Sprintf("accepted %d of %d times", good, p.ReadyNeeded), nil
	})
	if err != nil {
		return w.failed(ctx, err)
	}
	return shown(machine.Outcome{Detail: fmt.Sprintf("accepted %d times in a row as %s", good, who.Who)})
}

func shown(o machine.Outcome) machine.Event { return machine.Event{Result: machine.Shown, Outcome: o} }

// lookRemoveNew says whether there is a new key to delete.
func (w *worker) lookRemoveNew(context.Context) machine.Event {
	if w.s.New().ID == "" {
		return machine.Event{Result: machine.Already, Outcome: machine.Outcome{Detail: "no new key is left"}}
	}
	return machine.Event{Result: machine.Fits}
}

// removeNew ends a roll back.
func (w *worker) removeNew(ctx context.Context) machine.Event {
	if w.byHand() {
		return w.waitForRemoval(ctx, w.newKey, w.s.New())
	}
	return w.deleteKey(ctx, w.s.New())
}
