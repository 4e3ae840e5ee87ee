// Package prove shows that the old key is dead.
package prove

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

// Confirm shows that the old key is dead: refused many times in a row over a
// window, while the new key is accepted at the same endpoint before and after.
func Confirm(ctx context.Context, w *effect.Worker) machine.Event {
	v, err := effect.Ability[providers.Verifier](w)
	if err != nil {
		return w.Failed(ctx, err)
	}
	if err := Control(ctx, w, v); err != nil {
		return w.Failed(ctx, err)
	}
	proof, err := refusals(ctx, w, v)
	if err != nil {
		return w.Failed(ctx, fmt.Errorf("the old key is not proven dead: %w", err))
	}
	if err := Control(ctx, w, v); err != nil {
		return w.Failed(ctx, err)
	}
	proof.Control = "the new key was accepted by the same endpoint before and after"
	proof.From, proof.To = proof.From.UTC().Round(0), proof.To.UTC().Round(0)
	detail := fmt.Sprintf("refused %d times in a row over %s (%s)", proof.Refusals, proof.Window.Round(time.Millisecond), proof.Code)
	detail += strangers(ctx, w)
	return effect.Shown(machine.Outcome{Proof: &proof, Detail: detail})
}

// refusals asks for the old key until it was refused often enough, over long
// enough, with no other answer in between: a row that an answer is missing from
// proves nothing.
func refusals(ctx context.Context, w *effect.Worker, v providers.Verifier) (rotate.DeathProof, error) {
	p := w.Policy()
	var proof rotate.DeathProof
	old, err := w.OldKey(ctx)
	if err != nil {
		return proof, err
	}
	anew := func() { proof = rotate.DeathProof{} }
	err = w.Poll(ctx, p.ProofEvery, p.ProofWithin, anew, func(ctx context.Context) (bool, string, error) {
		verdict, err := v.Verify(ctx, old)
		if err != nil {
			return false, "", err
		}
		now := w.Now()
		switch verdict.Liveness {
		case providers.Live:
			anew()
			return false, "STILL ALIVE: the deleted key is accepted", nil
		case providers.Unknown:
			anew()
			return false, "no answer that proves anything: " + verdict.Detail, nil
		case providers.Dead:
		}
		if proof.Refusals == 0 {
			proof.From = now
		}
		proof.Refusals++
		// The window is measured on the monotonic clock that now carries.
		proof.Code, proof.To, proof.Window = verdict.Code, now, now.Sub(proof.From)
		done := proof.Refusals >= p.ProofRefusals && proof.Window >= p.ProofWindow
		return done, fmt.Sprintf("refused %d times over %s", proof.Refusals, proof.Window.Round(100*time.Millisecond)), nil
	})
	return proof, err
}

// Control is the request that shows that network and endpoint work: without it,
// a refusal could be anything.
func Control(ctx context.Context, w *effect.Worker, v providers.Verifier) error {
	c, err := w.NewKey(ctx)
	if err != nil {
		return err
	}
	return w.Poll(ctx, w.Policy().ProofEvery, w.Policy().ReadyWithin, nil, func(ctx context.Context) (bool, string, error) {
		verdict, err := v.Verify(ctx, c)
		if err != nil {
			return false, "", err
		}
		return verdict.Liveness == providers.Live, "control request: the new key is not accepted: " + verdict.Detail, nil
	})
}

// strangers names the owner's keys that came while the old one was being stopped:
// who had it may have made himself another.
func strangers(ctx context.Context, w *effect.Worker) string {
	l, err := effect.Ability[providers.Lister](w)
	if err != nil {
		return ""
	}
	var keys []providers.KeyInfo
	err = w.Read(ctx, func(ctx context.Context) (err error) {
		keys, err = l.Keys(ctx, w.Plan().Old)
		return err
	})
	if err != nil {
		return "; whether other keys appeared could not be looked at: " + err.Error()
	}
	var out strings.Builder
	for _, k := range keys {
		if k.Ref.ID != w.Plan().Old.ID && k.Ref.ID != w.State.New().ID && !slices.Contains(w.Plan().Siblings, k.Ref.ID) {
			fmt.Fprintf(&out, "; A KEY APPEARED that is not ours: %s of %s, made %s: look who made it, and delete it", secret.Mask(k.Ref.ID), k.Ref.Owner, k.Created.UTC().Format(time.DateTime))
		}
	}
	return out.String()
}
