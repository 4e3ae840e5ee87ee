package revoke

import (
	"context"
	"errors"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// takeAway revokes a key with the key itself where that can be, else a person does.
func takeAway(ctx context.Context, w *effect.Worker, key func(context.Context) (credential.Credential, error), ref providers.KeyRef) machine.Event {
	r, err := effect.Ability[providers.Retirer](w)
	if err != nil || !r.Retires(ref) {
		return waitForRemoval(ctx, w, key, ref)
	}
	c, err := key(ctx)
	if err != nil {
		return w.Failed(ctx, err)
	}
	e := w.Repeatably(ctx, func(ctx context.Context) error { return r.Retire(ctx, c) })
	e.Outcome.Detail = "revoked " + ref.Mask() + " with the key itself"
	return e
}

// waitForRemoval is done when the key is refused; else it holds the run until a
// person has taken the key away. That may happen at any time from now on.
func waitForRemoval(ctx context.Context, w *effect.Worker, key func(context.Context) (credential.Credential, error), ref providers.KeyRef) machine.Event {
	c, err := key(ctx)
	if err != nil {
		return w.Failed(ctx, err)
	}
	verdict, err := asked(ctx, w, c)
	switch {
	case err != nil:
		e := w.NotSent(ctx, err)
		e.Unsure = true
		return e
	case verdict.Liveness == providers.Dead:
		return machine.Event{Result: machine.OK, Outcome: machine.Outcome{ByHand: true, Detail: ref.Mask() + " was taken away by hand, and is refused"}}
	}
	guide := w.Step.Guide
	if guide == nil { // a step of the way back is not in the plan
		g, err := effect.Ability[providers.Guide](w)
		if err != nil {
			return w.NotSent(ctx, err)
		}
		told := g.Guide(ref)
		guide = &rotate.Guide{Link: told.Link, Do: told.Retire}
	}
	e := machine.Event{Result: machine.Refused, Failure: w.Failure(errors.New("waits for you: " + effect.Instructions(guide) + "; then resume"))}
	e.Unsure = true
	return e
}

// asked asks about a key as a proof of death does: beside the new key, where the issuer's
// refusal tells nothing alone.
func asked(ctx context.Context, w *effect.Worker, c credential.Credential) (providers.Verdict, error) {
	beside, err := effect.Ability[providers.Corroborator](w)
	if err != nil {
		return w.Verdict(ctx, c)
	}
	fresh, err := w.NewKey(ctx)
	if err != nil {
		return w.Verdict(ctx, c)
	}
	if v, err := w.Verdict(ctx, fresh); err != nil || v.Liveness != providers.Live {
		return w.Verdict(ctx, c)
	}
	var verdict providers.Verdict
	err = w.Read(ctx, func(ctx context.Context) (err error) {
		verdict, err = beside.VerifyAt(ctx, beside.Endpoints()[0], c)
		return err
	})
	return verdict, err
}
