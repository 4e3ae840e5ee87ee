package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// ability returns an ability of the run's issuer.
func ability[T any](r *runner) (T, error) {
	var zero T
	p, ok := r.x.Registry.Get(r.state.plan.Issuer)
	if !ok {
		return zero, fmt.Errorf("provider %s is not configured: %w", r.state.plan.Issuer, providers.ErrUnsupported)
	}
	a, ok := providers.As[T](p)
	if !ok {
		return zero, fmt.Errorf("%s: %w", r.state.plan.Issuer, providers.ErrUnsupported)
	}
	return a, nil
}

// siblings lists the owner's keys besides the old one.
func (r *runner) siblings(ctx context.Context) ([]string, error) {
	old, err := r.oldKey(ctx)
	if err != nil {
		return nil, err
	}
	in, err := ability[providers.Inspector](r)
	if err != nil {
		return nil, err
	}
	var ks providers.KeyState
	err = r.request(ctx, func(ctx context.Context) (err error) {
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

// issue makes the new key, once. The request is never repeated before Reconcile
// has said what became of the last one.
func (r *runner) issue(ctx context.Context, step Step, recovering bool) (result, error) {
	issuer, err := ability[providers.Issuer](r)
	if err != nil {
		return result{}, err
	}
	if recovering {
		if err := r.reconcile(ctx, step, issuer); err != nil {
			return result{}, err
		}
	}
	for lost := 0; ; lost++ {
		out, err := r.issueOnce(ctx, step, issuer)
		switch {
		case err == nil:
			return out, nil
		case errors.Is(err, providers.ErrAmbiguous):
		case lost > 0 && (errors.Is(err, providers.ErrQuota) || errors.Is(err, ErrStale)):
			// The lost key is there, and a listing was too old to show it.
		case lost > 0:
			return out, unsettled{err}
		default:
			return out, err
		}
		if lost >= 2 {
			return result{}, unsettled{fmt.Errorf("the answer was lost, and %d times more nothing came of it: %w", lost, err)}
		}
		if err := r.write(ctx, recUnknown, step.ID, outcome{Detail: err.Error()}, nil); err != nil {
			return result{}, err
		}
		if err := r.reconcile(ctx, step, issuer); err != nil {
			return result{}, unsettled{err}
		}
	}
}

// unsettled is an error after a lost answer: whatever its cause says of the last
// try, an earlier one may have been carried out, so that a resume reconciles.
type unsettled struct{ error }

// Is hides errNothingSent and nothing else.
func (u unsettled) Is(target error) bool {
	return target != errNothingSent && errors.Is(u.error, target)
}

// As finds what the cause holds.
func (u unsettled) As(target any) bool { return errors.As(u.error, target) }

func (r *runner) issueRequest(before []string) providers.IssueRequest {
	id := r.state.plan.ID
	return providers.IssueRequest{
		Old: r.state.plan.Old, Name: "sg_" + strings.ReplaceAll(id, "-", "_"), Before: before, Since: r.state.peek("issue").began, EffectID: id,
	}
}

func (r *runner) issueOnce(ctx context.Context, step Step, issuer providers.Issuer) (result, error) {
	now, err := r.siblings(ctx)
	if err != nil {
		return result{}, errors.Join(errNothingSent, err)
	}
	planned := slices.Sorted(slices.Values(r.state.plan.Siblings))
	if !slices.Equal(now, planned) {
		return result{}, fmt.Errorf("%w: %s has other keys now (%d, planned with %d); plan again: %w",
			ErrStale, r.state.plan.Old.Owner, len(now)+1, len(planned)+1, errNothingSent)
	}
	before := append(now, r.state.plan.Old.ID)
	if err := r.write(ctx, recIntent, step.ID, intent{Before: before}, nil); err != nil {
		return result{}, err
	}
	var issued providers.Issued
	err = r.request(ctx, func(ctx context.Context) (err error) {
		issued, err = issuer.Issue(ctx, r.issueRequest(before))
		return err
	})
	if err != nil {
		if !errors.Is(err, providers.ErrAmbiguous) {
			err = errors.Join(errNothingSent, err)
		}
		return result{}, err
	}
	if err := r.at("effect " + step.ID); err != nil {
		return result{}, err
	}
	if err := r.differs(ctx, issued.Credential); err != nil {
		return result{}, err
	}
	out := result{seal: map[string]secret.Text{}}
	for part, v := range issued.Credential.Parts {
		out.seal[blobNew+string(part)] = v
	}
	mask := secret.Mask(issued.Ref.ID)
	out.outcome = outcome{New: &issued.Ref, NewMask: mask, Detail: "new key " + mask + ", sealed and read back"}
	return out, nil
}

// differs refuses a "new" key that has a part in common with the old one.
func (r *runner) differs(ctx context.Context, c credential.Credential) error {
	old, err := r.oldKey(ctx)
	if err != nil {
		return err
	}
	if !c.Complete() {
		return errors.New("the issuer answered without a whole key")
	}
	for part, v := range c.Parts {
		if v.Equal(old.Part(part)) {
			return fmt.Errorf("the issuer returned the %s of the old key again", part)
		}
	}
	return nil
}

// reconcile settles a lost issue: nothing was made, or exactly one unused key
// whose value nobody has, which is deleted. Everything else is for a person.
func (r *runner) reconcile(ctx context.Context, step Step, issuer providers.Issuer) error {
	before := r.state.peek(step.ID).intent.Before
	begin := r.x.Now()
	for {
		var rec providers.Reconciliation
		err := r.request(ctx, func(ctx context.Context) (err error) {
			rec, err = issuer.Reconcile(ctx, r.issueRequest(before))
			return err
		})
		if err != nil {
			return fmt.Errorf("find out what became of the issue: %w", err)
		}
		switch rec.Outcome {
		case providers.Orphaned:
			orphan := rec.Candidates[0].Ref
			r.say(step, "deleting the key whose value was lost: "+secret.Mask(orphan.ID))
			if _, err := r.remove(ctx, step, orphan); err != nil {
				return fmt.Errorf("delete the orphan %s: %w", secret.Mask(orphan.ID), err)
			}
			return nil
		case providers.Unclear:
			return fmt.Errorf("cannot tell which key came from the lost request: %s; look at the keys of %s, delete the one that is not in use, then resume",
				rec.Detail, r.state.plan.Old.Owner)
		case providers.NotApplied:
		}
		// A listing may lag behind the write: wait its window out first.
		if r.x.Now().Sub(begin) >= r.state.plan.Policy.ReconcileFor {
			return nil
		}
		if err := r.x.Sleep(ctx, min(r.state.plan.Policy.ReconcileFor/4+time.Millisecond, 5*time.Second)); err != nil {
			return err
		}
	}
}

// validate shows that the new key works, several times in a row, and speaks for
// the same account as the old one.
func (r *runner) validate(ctx context.Context, step Step) (result, error) {
	v, err := ability[providers.Verifier](r)
	if err != nil {
		return result{}, err
	}
	c, err := r.newKey(ctx)
	if err != nil {
		return result{}, err
	}
	p := r.state.plan.Policy
	if err := r.write(ctx, recIntent, step.ID, intent{}, nil); err != nil {
		return result{}, err
	}
	good := 0
	var who providers.Identity
	err = r.poll(ctx, step, p.ReadyEvery, p.ReadyWithin, func(ctx context.Context) (bool, string, error) {
		verdict, err := v.Verify(ctx, c)
		if err != nil {
			return false, "", err
		}
		if verdict.Liveness != providers.Live {
			good = 0
			return false, "the new key is not accepted yet: " + verdict.Detail, nil
		}
		if a := r.state.plan.Account; a != "" && verdict.Identity.Account != a {
			return false, "", fmt.Errorf("the new key belongs to account %s, the old one to %s", verdict.Identity.Account, a)
		}
		good++
		who = verdict.Identity
		return good >= p.ReadyNeeded, fmt.Sprintf("accepted %d of %d times", good, p.ReadyNeeded), nil
	})
	if err != nil {
		return result{}, err
	}
	return result{outcome: outcome{Detail: fmt.Sprintf("accepted %d times in a row as %s", good, who.Who)}}, nil
}

// disable stops the old key, waits until it is refused, and then looks at the
// consumers once more: if one of them broke, the key is enabled again.
func (r *runner) disable(ctx context.Context, step Step) (result, error) {
	d, err := ability[providers.Disabler](r)
	if err != nil {
		return result{}, err
	}
	if err := r.stillWorks(ctx, step); err != nil {
		return result{}, err
	}
	if err := r.write(ctx, recIntent, step.ID, intent{}, nil); err != nil {
		return result{}, err
	}
	old := r.state.plan.Old
	if err := r.again(ctx, step, func(ctx context.Context) error { return d.Disable(ctx, old) }); err != nil {
		return result{}, err
	}
	if err := r.at("effect " + step.ID); err != nil {
		return result{}, err
	}
	refused := "the old key is refused"
	if r.state.peek(step.ID).waived != nil {
		refused = "the old key may still be accepted while disabled, which a person accepted"
	} else if err := r.untilRefused(ctx, step); err != nil {
		return result{}, fmt.Errorf("%w; wait and resume, or go on to delete it: secretguard rotate waive %s %s --reason …", err, r.state.plan.ID, step.ID)
	}
	if r.state.plan.Strategy == ContainFirst {
		return result{outcome: outcome{Detail: refused + "; consumers fail until they have the new one"}}, nil
	}
	if err := r.consumersWell(ctx, step); err != nil {
		back := r.again(ctx, step, func(ctx context.Context) error { return d.Enable(ctx, old) })
		if back != nil {
			return result{}, fmt.Errorf("%w; and the old key could not be enabled again: %w", err, back)
		}
		return result{}, fmt.Errorf("%w; the old key was enabled again: %w", err, errNothingSent)
	}
	return result{outcome: outcome{Detail: refused + "; every consumer with a health URL is well"}}, nil
}

// stillWorks asks once more for the new key before the old one is stopped:
// somebody may have deleted it since it was checked.
func (r *runner) stillWorks(ctx context.Context, step Step) error {
	if r.state.plan.Strategy == ContainFirst || r.state.peek(step.ID).open {
		return nil // there is no new key yet, or the old one may be stopped already
	}
	v, err := ability[providers.Verifier](r)
	if err != nil {
		return errors.Join(errNothingSent, err)
	}
	if err := r.control(ctx, step, v); err != nil {
		return fmt.Errorf("the old key is left alone: %w; roll back, or see who works against you: %w", err, errNothingSent)
	}
	return nil
}

// untilRefused waits until a disabled key is refused.
func (r *runner) untilRefused(ctx context.Context, step Step) error {
	v, err := ability[providers.Verifier](r)
	if err != nil {
		return err
	}
	c, err := r.oldKey(ctx)
	if err != nil {
		return err
	}
	p := r.state.plan.Policy
	return r.poll(ctx, step, p.ProofEvery, p.DisableWithin, func(ctx context.Context) (bool, string, error) {
		verdict, err := v.Verify(ctx, c)
		if err != nil {
			return false, "", err
		}
		return verdict.Liveness == providers.Dead, "the disabled key is still accepted", nil
	})
}

func (r *runner) enable(ctx context.Context, step Step) (result, error) {
	d, err := ability[providers.Disabler](r)
	if err != nil {
		return result{}, err
	}
	if err := r.write(ctx, recIntent, step.ID, intent{}, nil); err != nil {
		return result{}, err
	}
	err = r.again(ctx, step, func(ctx context.Context) error { return d.Enable(ctx, r.state.plan.Old) })
	if err != nil {
		return result{}, err
	}
	return result{outcome: outcome{Detail: "the leaked key works again"}}, nil
}

// remove deletes a key that the plan or the journal names. Gone already is done.
func (r *runner) remove(ctx context.Context, step Step, ref providers.KeyRef) (result, error) {
	d, err := ability[providers.Deleter](r)
	if err != nil {
		return result{}, err
	}
	if err := r.write(ctx, recIntent, step.ID, r.state.peek(step.ID).intent, nil); err != nil {
		return result{}, err
	}
	if err := r.again(ctx, step, func(ctx context.Context) error { return d.Delete(ctx, ref) }); err != nil {
		return result{}, err
	}
	if err := r.at("effect " + step.ID); err != nil {
		return result{}, err
	}
	return result{outcome: outcome{Detail: "deleted " + secret.Mask(ref.ID)}}, nil
}

// removeNew ends a roll back. When the issue's answer was lost, the key is found
// first; no key at all is fine.
func (r *runner) removeNew(ctx context.Context, step Step) (result, error) {
	if r.state.newRef.ID != "" {
		return r.remove(ctx, step, r.state.newRef)
	}
	issuer, err := ability[providers.Issuer](r)
	if err != nil {
		return result{}, err
	}
	issue, _ := r.state.plan.Step("issue")
	if err := r.reconcile(ctx, issue, issuer); err != nil {
		return result{}, err
	}
	return result{outcome: outcome{Detail: "no new key is left"}}, nil
}
