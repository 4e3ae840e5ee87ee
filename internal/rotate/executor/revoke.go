package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

// lookDisable asks once more for the new key before the old one is stopped:
// somebody may have deleted it since it was checked.
func (w *worker) lookDisable(ctx context.Context) machine.Event {
	if w.plan().Strategy.StopsFirst() || w.facts().Open {
		return machine.Event{Result: machine.Fits} // there is no new key yet, or the old one may be stopped already
	}
	v, err := ability[providers.Verifier](w)
	if err == nil {
		err = w.control(ctx, v)
	}
	if err == nil && w.plan().Self {
		_, err = w.siblings(ctx) // with the new key: it may manage the old one
	}
	if err != nil {
		return w.failed(ctx, fmt.Errorf("the old key is left alone: %w; roll back, or see who works against you", err))
	}
	return machine.Event{Result: machine.Fits}
}

func (w *worker) sendDisable(ctx context.Context) machine.Event {
	d, err := ability[providers.Disabler](w)
	if err != nil {
		return w.notSent(ctx, err)
	}
	return w.repeatably(ctx, func(ctx context.Context) error { return d.Disable(ctx, w.plan().Old) })
}

// confirmDisable waits until the old key is refused, and then looks at the
// consumers once more: one that broke means that the key must be enabled again.
func (w *worker) confirmDisable(ctx context.Context) machine.Event {
	refused := "the old key is refused"
	if w.facts().Waived != nil {
		refused = "the old key may still be accepted while disabled, which a person accepted"
	} else if err := w.untilRefused(ctx); err != nil {
		return w.failed(ctx, fmt.Errorf("%w; wait and resume, or go on to delete it: secretguard rotate waive %s %s --reason …", err, w.plan().ID, w.step.ID))
	}
	if w.plan().Strategy.StopsFirst() {
		return shown(machine.Outcome{Detail: refused + "; consumers fail until they have the new one"})
	}
	err := w.consumersWell(ctx)
	switch {
	case err == nil:
		return shown(machine.Outcome{Detail: refused + "; every consumer with a health URL is well"})
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return w.failed(ctx, err)
	}
	return machine.Event{Result: machine.Harmed, Failure: w.failure(fmt.Errorf("%w; the old key is enabled again", err))}
}

// untilRefused waits until a disabled key is refused.
func (w *worker) untilRefused(ctx context.Context) error {
	v, err := ability[providers.Verifier](w)
	if err != nil {
		return err
	}
	c, err := w.oldKey(ctx)
	if err != nil {
		return err
	}
	p := w.policy()
	return w.poll(ctx, p.ProofEvery, p.DisableWithin, nil, func(ctx context.Context) (bool, string, error) {
		verdict, err := v.Verify(ctx, c)
		if err != nil {
			return false, "", err
		}
		return verdict.Liveness == providers.Dead, "the disabled key is still accepted", nil
	})
}

// enable lets the leaked key work again: in a roll back, or when a consumer broke.
func (w *worker) enable(ctx context.Context) machine.Event {
	d, err := ability[providers.Disabler](w)
	if err != nil {
		return w.notSent(ctx, err)
	}
	e := w.repeatably(ctx, func(ctx context.Context) error { return d.Enable(ctx, w.plan().Old) })
	e.Outcome.Detail = "the leaked key works again"
	return e
}

func (w *worker) deleteOld(ctx context.Context) machine.Event {
	if w.byHand() {
		return w.waitForRemoval(ctx, w.oldKey, w.plan().Old)
	}
	return w.deleteKey(ctx, w.plan().Old)
}

// byHand reports whether a person takes this issuer's keys away.
func (w *worker) byHand() bool {
	_, deletes := ability[providers.Deleter](w)
	_, guides := ability[providers.Guide](w)
	return deletes != nil && guides == nil
}

// deleteKey deletes a key that the plan or the journal names. Gone already is
// done.
func (w *worker) deleteKey(ctx context.Context, ref providers.KeyRef) machine.Event {
	d, err := ability[providers.Deleter](w)
	if err != nil {
		return w.notSent(ctx, err)
	}
	e := w.repeatably(ctx, func(ctx context.Context) error { return d.Delete(ctx, ref) })
	e.Outcome.Detail = "deleted " + secret.Mask(ref.ID)
	return e
}
