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
// window, everywhere where it can be asked about, while the new key is accepted at the
// same places before and after.
func Confirm(ctx context.Context, w *effect.Worker) machine.Event {
	at, notAsked, err := places(ctx, w)
	if err != nil {
		return w.Failed(ctx, err)
	}
	proof, alive, err := refusals(ctx, w, at)
	if err != nil {
		return unproven(ctx, w, alive, err)
	}
	for _, p := range at {
		if err := p.control(ctx, w); err != nil {
			return w.Failed(ctx, err)
		}
	}
	proof.Control, proof.NotAsked = "the new key was accepted by the same endpoint before and after", notAsked
	if len(at) > 1 {
		proof.Control = "the new key was accepted at each of them before and after"
	}
	proof.From, proof.To = proof.From.UTC().Round(0), proof.To.UTC().Round(0)
	detail := fmt.Sprintf("refused %d times in a row over %s (%s)", proof.Refusals, proof.Window.Round(time.Millisecond), proof.Code)
	if len(proof.Endpoints) > 0 {
		detail += ", each time at " + strings.Join(proof.Endpoints, " and ")
	}
	for _, why := range notAsked {
		detail += "; not asked at " + why
	}
	detail += strangers(ctx, w)
	return effect.Shown(machine.Outcome{Proof: &proof, Detail: detail})
}

// unproven holds the run; a key that is accepted raises an alarm.
func unproven(ctx context.Context, w *effect.Worker, alive string, err error) machine.Event {
	e := w.Failed(ctx, fmt.Errorf("the old key is not proven dead: %w", err))
	if e.Result == machine.Failed && alive != "" {
		e.Failure.Alarm = fmt.Sprintf("%s of %s was deleted and is STILL ACCEPTED%s: whoever has it can use it; take its owner's rights away, ask the issuer's support, and resume to ask again",
			w.Plan().OldMask, w.Plan().Old.Owner, alive)
	}
	return e
}

// place is where a key can be asked about; its name is empty where there is one only.
type place struct {
	name string
	of   providers.Verifier
}

// where words the place for a sentence.
func (p place) where() string {
	if p.name == "" {
		return ""
	}
	return " at " + p.name
}

// places returns where the old key is asked about: where the new one is accepted. A
// further place that does not answer is named and left out; the first must.
func places(ctx context.Context, w *effect.Worker) (at []place, notAsked []string, err error) {
	v, err := effect.Ability[providers.Verifier](w)
	if err != nil {
		return nil, nil, err
	}
	at = []place{{of: v}}
	if c, err := effect.Ability[providers.Corroborator](w); err == nil {
		at = nil
		for _, name := range c.Endpoints() {
			at = append(at, place{name, providers.At(c, name)})
		}
	}
	var out []place
	for i, p := range at {
		err := p.control(ctx, w)
		switch {
		case err == nil:
			out = append(out, p)
		case i == 0 || ctx.Err() != nil:
			return nil, nil, err
		default:
			notAsked = append(notAsked, p.name+" ("+err.Error()+")")
		}
	}
	return out, notAsked, nil
}

// refusals asks for the old key until it was refused often enough everywhere, over
// long enough, with no other answer in between: a row that an answer is missing from
// proves nothing. alive says where it was accepted when it was asked last.
func refusals(ctx context.Context, w *effect.Worker, at []place) (proof rotate.DeathProof, alive string, err error) {
	p := w.Policy()
	old, err := w.OldKey(ctx)
	if err != nil {
		return proof, "", err
	}
	anew := func() { proof = rotate.DeathProof{} }
	err = w.Poll(ctx, p.ProofEvery, p.ProofWithin, anew, func(ctx context.Context) (bool, string, error) {
		for _, place := range at {
			verdict, err := place.of.Verify(ctx, old)
			if err != nil {
				return false, "", err
			}
			switch verdict.Liveness {
			case providers.Live:
				anew()
				alive = place.where()
				if alive == "" {
					alive = " by its issuer"
				}
				return false, "STILL ALIVE: the deleted key is accepted" + place.where(), nil
			case providers.Unknown:
				anew()
				return false, "no answer that proves anything" + place.where() + ": " + verdict.Detail, nil
			case providers.Dead:
				proof.Code = verdict.Code
			}
		}
		now := w.Now()
		alive = ""
		if proof.Refusals == 0 {
			proof.From = now
		}
		proof.Refusals++
		// The window is measured on the monotonic clock that now carries.
		proof.To, proof.Window = now, now.Sub(proof.From)
		done := proof.Refusals >= p.ProofRefusals && proof.Window >= p.ProofWindow
		return done, fmt.Sprintf("refused %d times over %s", proof.Refusals, proof.Window.Round(100*time.Millisecond)), nil
	})
	for _, place := range at {
		if place.name != "" {
			proof.Endpoints = append(proof.Endpoints, place.name)
		}
	}
	return proof, alive, err
}

// Control is the request that shows that network and endpoint work: without it,
// a refusal could be anything.
func Control(ctx context.Context, w *effect.Worker, v providers.Verifier) error {
	return place{of: v}.control(ctx, w)
}

func (p place) control(ctx context.Context, w *effect.Worker) error {
	c, err := w.NewKey(ctx)
	if err != nil {
		return err
	}
	return w.Poll(ctx, w.Policy().ProofEvery, w.Policy().ReadyWithin, nil, func(ctx context.Context) (bool, string, error) {
		verdict, err := p.of.Verify(ctx, c)
		if err != nil {
			return false, "", err
		}
		return verdict.Liveness == providers.Live, "control request: the new key is not accepted" + p.where() + ": " + verdict.Detail, nil
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
