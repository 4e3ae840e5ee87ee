// Package revoke takes keys away: it disables and deletes the old key, or lets it
// work again, and deletes a new one that is not needed.
package revoke

import (
	"context"
	"errors"
	"fmt"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/effect/attest"
	"github.com/secretguard/secretguard/internal/rotate/effect/prove"
	"github.com/secretguard/secretguard/internal/rotate/effect/quiet"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

// Look asks once more for the new key before the old one is stopped: somebody may
// have deleted it since it was checked, and somebody may have used the old one since
// it was silent.
func Look(ctx context.Context, w *effect.Worker) machine.Event {
	if w.Plan().Strategy.StopsFirst() || w.Facts().Open && stopped(ctx, w) {
		return machine.Event{Result: machine.Fits} // there is no new key yet, or the old one is stopped already
	}
	v, err := effect.Ability[providers.Verifier](w)
	if err == nil {
		err = prove.Control(ctx, w, v)
	}
	if err == nil && w.Plan().Self {
		_, err = w.Siblings(ctx) // with the new key: it may manage the old one
	}
	if err != nil {
		return w.Failed(ctx, fmt.Errorf("the old key is left alone: %w; roll back, or see who works against you", err))
	}
	if err := quiet.Again(ctx, w); err != nil {
		e := w.Failed(ctx, fmt.Errorf("the old key is left alone: %w", err))
		e.Failure.Redo = []string{string(rotate.ActQuiet)}
		return e
	}
	return machine.Event{Result: machine.Fits}
}

// stopped reports whether the old key is disabled: an intent from before a crash or a
// sleep was carried out. The issuer is asked with our own access: a request with the
// old key would be a use of it on the record.
func stopped(ctx context.Context, w *effect.Worker) bool {
	old, err := w.OldKey(ctx)
	if err != nil {
		return false
	}
	in, err := effect.Ability[providers.Inspector](w)
	if err != nil {
		return false
	}
	var s providers.KeyState
	err = w.Read(ctx, func(ctx context.Context) (err error) {
		s, err = in.Inspect(ctx, old)
		return err
	})
	return err == nil && !s.Key.Active
}

// Disable stops the old key so that it can be let work again.
func Disable(ctx context.Context, w *effect.Worker) machine.Event {
	d, err := effect.Ability[providers.Disabler](w)
	if err != nil {
		return w.NotSent(ctx, err)
	}
	return w.Repeatably(ctx, func(ctx context.Context) error { return d.Disable(ctx, w.Plan().Old) })
}

// Confirm waits until the old key is refused, and then looks at the
// consumers once more: one that broke means that the key must be enabled again.
func Confirm(ctx context.Context, w *effect.Worker) machine.Event {
	refused := "the old key is refused"
	if w.Facts().Waived != nil {
		refused = "the old key may still be accepted while disabled, which a person accepted"
	} else if err := untilRefused(ctx, w); err != nil {
		return w.Failed(ctx, fmt.Errorf("%w; wait and resume, or go on to delete it: secretguard rotate waive %s %s --reason …", err, w.Plan().ID, w.Step.ID))
	}
	if w.Plan().Strategy.StopsFirst() {
		return effect.Shown(machine.Outcome{Detail: refused + "; consumers fail until they have the new one"})
	}
	if w.State.Of(string(rotate.ActSoak)).IllAccepted {
		return effect.Shown(machine.Outcome{Detail: refused + "; a consumer may be ill without it, which a person accepted"})
	}
	err := attest.ConsumersWell(ctx, w)
	switch {
	case err == nil:
		return effect.Shown(machine.Outcome{Detail: refused + "; every consumer with a health URL is well"})
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return w.Failed(ctx, err)
	}
	return ill(w, err)
}

// ill says that a consumer broke as the key was disabled, and what a person can do.
func ill(w *effect.Worker, err error) machine.Event {
	ways := "find what of it needs the old key, then resume: " + w.ResumeCommand()
	if _, soaks := w.Plan().Step(string(rotate.ActSoak)); soaks {
		ways += fmt.Sprintf("; or delete the key although it is ill: secretguard rotate waive %s %s --reason …", w.Plan().ID, rotate.ActSoak)
	}
	e := machine.Event{Result: machine.Harmed, Failure: w.Failure(fmt.Errorf("a consumer fell ill when the old key was disabled: %w; %s", err, ways))}
	e.Failure.Ill = true
	return e
}

// untilRefused waits until a disabled key is refused.
func untilRefused(ctx context.Context, w *effect.Worker) error {
	v, err := effect.Ability[providers.Verifier](w)
	if err != nil {
		return err
	}
	c, err := w.OldKey(ctx)
	if err != nil {
		return err
	}
	p := w.Policy()
	return w.Poll(ctx, p.ProofEvery, p.DisableWithin, nil, func(ctx context.Context) (bool, string, error) {
		verdict, err := w.Probe(ctx, v, c)
		if err != nil {
			return false, "", err
		}
		return verdict.Liveness == providers.Dead, "the disabled key is still accepted", nil
	})
}

// Enable lets the leaked key work again: in a roll back, or when a consumer broke.
func Enable(ctx context.Context, w *effect.Worker) machine.Event {
	d, err := effect.Ability[providers.Disabler](w)
	if err != nil {
		return w.NotSent(ctx, err)
	}
	e := w.Repeatably(ctx, func(ctx context.Context) error { return d.Enable(ctx, w.Plan().Old) })
	e.Outcome.Detail = "the leaked key works again"
	return e
}

// Delete deletes the old key, or asks a person to take it away.
func Delete(ctx context.Context, w *effect.Worker) machine.Event {
	if _, err := effect.Ability[providers.Replacer](w); err == nil {
		// There is no call for it. Whether that is true the proof asks, not this step.
		return machine.Event{Result: machine.OK, Outcome: machine.Outcome{Detail: "nothing was sent: " + w.Plan().OldMask + " ended when the new one took its place"}}
	}
	if w.ByHand() {
		return takeAway(ctx, w, w.OldKey, w.Plan().Old)
	}
	return deleteKey(ctx, w, w.Plan().Old)
}

// deleteKey deletes a key that the plan or the journal names. Gone already is
// done.
func deleteKey(ctx context.Context, w *effect.Worker, ref providers.KeyRef) machine.Event {
	d, err := effect.Ability[providers.Deleter](w)
	if err != nil {
		return w.NotSent(ctx, err)
	}
	e := w.Repeatably(ctx, func(ctx context.Context) error { return d.Delete(ctx, ref) })
	e.Outcome.Detail = "deleted " + ref.Mask()
	return e
}

// Clean deletes the key that a lost issue left behind. The journal names it.
func Clean(ctx context.Context, w *effect.Worker) machine.Event {
	w.Say("deleting the key whose value was lost: " + secret.Mask(w.Orphan.Ref.ID))
	e := deleteKey(ctx, w, w.Orphan.Ref)
	if e.Result != machine.OK && e.Result != machine.Interrupted {
		e.Failure.Text = fmt.Sprintf("delete the orphan %s: %s", secret.Mask(w.Orphan.Ref.ID), e.Failure.Text)
	}
	return e
}

// LookRemoveNew says whether there is a new key to delete.
func LookRemoveNew(_ context.Context, w *effect.Worker) machine.Event {
	if w.State.New().ID == "" {
		return machine.Event{Result: machine.Already, Outcome: machine.Outcome{Detail: "no new key is left"}}
	}
	return machine.Event{Result: machine.Fits}
}

// RemoveNew ends a roll back.
func RemoveNew(ctx context.Context, w *effect.Worker) machine.Event {
	if w.ByHand() {
		return takeAway(ctx, w, w.NewKey, w.State.New())
	}
	return deleteKey(ctx, w, w.State.New())
}
