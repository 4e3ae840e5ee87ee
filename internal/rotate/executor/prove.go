package executor

import (
	"context"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// prove shows that the old key is dead: refused many times in a row over a
// window, while the new key is accepted at the same endpoint before and after.
func (w *worker) prove(ctx context.Context) machine.Event {
	v, err := ability[providers.Verifier](w)
	if err != nil {
		return w.failed(ctx, err)
	}
	if err := w.control(ctx, v); err != nil {
		return w.failed(ctx, err)
	}
	proof, err := w.refusals(ctx, v)
	if err != nil {
		return w.failed(ctx, fmt.Errorf("the old key is not proven dead: %w", err))
	}
	if err := w.control(ctx, v); err != nil {
		return w.failed(ctx, err)
	}
	proof.Control = "the new key was accepted by the same endpoint before and after"
	proof.From, proof.To = proof.From.UTC().Round(0), proof.To.UTC().Round(0)
	detail := fmt.Sprintf("refused %d times in a row over %s (%s)", proof.Refusals, proof.Window.Round(time.Millisecond), proof.Code)
	return shown(machine.Outcome{Proof: &proof, Detail: detail})
}

// refusals asks for the old key until it was refused often enough, over long
// enough, with no other answer in between: a row that an answer is missing from
// proves nothing.
func (w *worker) refusals(ctx context.Context, v providers.Verifier) (rotate.DeathProof, error) {
	p := w.policy()
	var proof rotate.DeathProof
	old, err := w.oldKey(ctx)
	if err != nil {
		return proof, err
	}
	anew := func() { proof = rotate.DeathProof{} }
	err = w.poll(ctx, p.ProofEvery, p.ProofWithin, anew, func(ctx context.Context) (bool, string, error) {
		verdict, err := v.Verify(ctx, old)
		if err != nil {
			return false, "", err
		}
		now := w.x.Now()
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

// control is the request that shows that network and endpoint work: without it,
// a refusal could be anything.
func (w *worker) control(ctx context.Context, v providers.Verifier) error {
	c, err := w.newKey(ctx)
	if err != nil {
		return err
	}
	return w.poll(ctx, w.policy().ProofEvery, w.policy().ReadyWithin, nil, func(ctx context.Context) (bool, string, error) {
		verdict, err := v.Verify(ctx, c)
		if err != nil {
			return false, "", err
		}
		return verdict.Liveness == providers.Live, "control request: the new key is not accepted: " + verdict.Detail, nil
	})
}
