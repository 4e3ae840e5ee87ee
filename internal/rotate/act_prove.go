package rotate

import (
	"context"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
)

// attest shows, level by level, that a consumer works with the new key.
func (r *runner) attest(ctx context.Context, step Step) (result, error) {
	if err := r.write(ctx, recIntent, step.ID, intent{}, nil); err != nil {
		return result{}, err
	}
	need := step.Required
	if w := r.state.peek(step.ID).waived; w != nil {
		need = *w
	}
	level, evidence, err := r.deployed(ctx, step)
	if err != nil {
		return result{}, err
	}
	switch {
	case step.Target.HealthURL == "":
	case r.excused(step.ID):
		evidence += "; health was not looked at, which a person accepted"
	default:
		if err := r.healthy(ctx, step); err != nil {
			return result{}, err
		}
		level = L2
		evidence += fmt.Sprintf("; health answered well %d times in a row", r.state.plan.Policy.HealthNeeded)
	}
	if used, ok := r.usedByConsumer(ctx, step, need); ok {
		level = L4
		evidence += "; the issuer saw the new key used by " + used
	}
	if level < need {
		return result{}, fmt.Errorf("%s reaches L%d (%s), L%d is wanted; wait and resume, or accept it: secretguard rotate waive %s %s --level %d --reason …",
			step.Target.Name, level, evidence, need, r.state.plan.ID, step.ID, level)
	}
	return result{outcome: outcome{Level: &level, Detail: fmt.Sprintf("L%d: %s", level, evidence)}}, nil
}

// deployed shows L1: what serves now is not what served before the push, and
// every value of this consumer still reads as we wrote it.
func (r *runner) deployed(ctx context.Context, step Step) (Level, string, error) {
	d, err := deployerOf(r.x.Registry, step.Target.Provider)
	if err != nil {
		return L0, "", err
	}
	latest, err := r.latest(ctx, step, d)
	if err != nil {
		return L0, "", err
	}
	dep := r.state.peek("deploy:" + step.Target.Provider + "/" + step.Target.ID)
	if latest.LiveID == "" || latest.LiveID == dep.intent.DeployID {
		return L0, "", fmt.Errorf("%s still serves the deploy from before the push", step.Target.Name)
	}
	for _, s := range r.state.plan.Steps {
		if s.Action != ActStore || !feeds(*s.Placement, *step.Target) {
			continue
		}
		if err := r.unchanged(ctx, step, s); err != nil {
			return L0, "", err
		}
	}
	return L1, "deploy " + latest.LiveID + " is live, newer than the push", nil
}

// unchanged checks that a stored value is still ours.
func (r *runner) unchanged(ctx context.Context, step, store Step) error {
	if store.Placement.WriteOnly {
		return nil
	}
	sink, err := sinkOf(r.x.Registry, store.Placement.Provider)
	if err != nil {
		return err
	}
	return r.again(ctx, step, func(ctx context.Context) error {
		got, err := sink.Read(ctx, *store.Placement)
		if err != nil {
			return err
		}
		if r.x.Journal.HashKey().HMAC(got) != r.state.peek(store.ID).hash {
			return fmt.Errorf("%w: %s of %s was changed by somebody else after we stored it", ErrStale, store.Placement.Key, store.Placement.ResourceName)
		}
		return nil
	})
}

// healthy asks the health URL until it answers well several times in a row.
func (r *runner) healthy(ctx context.Context, step Step) error {
	p := r.state.plan.Policy
	good := 0
	err := r.poll(ctx, step, p.HealthEvery, p.AttestWithin, func(ctx context.Context) (bool, string, error) {
		ill := r.x.Health(ctx, step.Target.HealthURL)
		if ill != nil { // not well is an answer, not an error
			good = 0
			return false, "health: " + ill.Error(), nil //nolint:nilerr // see above
		}
		good++
		return good >= p.HealthNeeded, fmt.Sprintf("health: well %d of %d times", good, p.HealthNeeded), nil
	})
	if err != nil {
		return fmt.Errorf("%s is not well on the new key: %w", step.Target.Name, err)
	}
	return nil
}

// excused reports whether a person accepted that a consumer is not seen to be
// well: less than L2.
func (r *runner) excused(attest string) bool {
	w := r.state.peek(attest).waived
	return w != nil && *w < L2
}

// consumersWell looks at every attested consumer that has a health URL.
func (r *runner) consumersWell(ctx context.Context, step Step) error {
	for _, s := range r.state.plan.Steps {
		if s.Action != ActAttest || s.Target.HealthURL == "" || r.excused(s.ID) {
			continue
		}
		probe := s
		probe.ID, probe.N = step.ID, step.N
		if err := r.healthy(ctx, probe); err != nil {
			return err
		}
	}
	return nil
}

// usedByConsumer reports a use of the new key that the issuer saw after this
// deploy began and that was not our own check. It counts for the first consumer
// only: a later one cannot be told from those that use the key already. It waits
// only where the level hangs on it.
func (r *runner) usedByConsumer(ctx context.Context, step Step, need Level) (string, bool) {
	for _, s := range r.state.plan.Steps {
		if s.ID == step.ID {
			break
		}
		if s.Action == ActAttest {
			return "", false
		}
	}
	issuer, ok := r.x.Registry.Get(r.state.plan.Issuer)
	if !ok || issuer.Describe().ProbeService == "" {
		return "", false
	}
	dep := r.state.peek("deploy:" + step.Target.Provider + "/" + step.Target.ID)
	seen := func() (string, bool) {
		u := r.usage(ctx)
		fresh := u.At.After(dep.intent.UsageBefore.At) || u.Service != dep.intent.UsageBefore.Service
		return u.Service, fresh && !u.At.IsZero() && u.Service != issuer.Describe().ProbeService
	}
	if need < L3 {
		return seen()
	}
	var service string
	p := r.state.plan.Policy
	err := r.poll(ctx, step, p.HealthEvery, p.AttestWithin, func(context.Context) (bool, string, error) {
		s, ok := seen()
		service = s
		return ok, "waiting for the issuer to see the new key used", nil
	})
	return service, err == nil
}

// prove shows that the old key is dead: refused many times in a row over a
// window, while the new key is accepted at the same endpoint before and after.
func (r *runner) prove(ctx context.Context, step Step) (result, error) {
	v, err := ability[providers.Verifier](r)
	if err != nil {
		return result{}, err
	}
	old, err := r.oldKey(ctx)
	if err != nil {
		return result{}, err
	}
	if err := r.write(ctx, recIntent, step.ID, intent{}, nil); err != nil {
		return result{}, err
	}
	if err := r.control(ctx, step, v); err != nil {
		return result{}, err
	}
	p := r.state.plan.Policy
	proof := DeathProof{}
	err = r.poll(ctx, step, p.ProofEvery, p.ProofWithin, func(ctx context.Context) (bool, string, error) {
		verdict, err := v.Verify(ctx, old)
		if err != nil {
			return false, "", err
		}
		now := r.x.Now()
		switch verdict.Liveness {
		case providers.Live:
			proof = DeathProof{}
			return false, "STILL ALIVE: the deleted key is accepted", nil
		case providers.Unknown:
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
	if err != nil {
		return result{}, fmt.Errorf("the old key is not proven dead: %w", err)
	}
	if err := r.control(ctx, step, v); err != nil {
		return result{}, err
	}
	proof.Control = "the new key was accepted by the same endpoint before and after"
	proof.From, proof.To = proof.From.UTC().Round(0), proof.To.UTC().Round(0)
	detail := fmt.Sprintf("refused %d times in a row over %s (%s)", proof.Refusals, proof.Window.Round(time.Millisecond), proof.Code)
	return result{outcome: outcome{Proof: &proof, Detail: detail}}, nil
}

// control is the request that shows that network and endpoint work: without it,
// a refusal could be anything.
func (r *runner) control(ctx context.Context, step Step, v providers.Verifier) error {
	c, err := r.newKey(ctx)
	if err != nil {
		return err
	}
	return r.poll(ctx, step, r.state.plan.Policy.ProofEvery, r.state.plan.Policy.ReadyWithin, func(ctx context.Context) (bool, string, error) {
		verdict, err := v.Verify(ctx, c)
		if err != nil {
			return false, "", err
		}
		return verdict.Liveness == providers.Live, "control request: the new key is not accepted: " + verdict.Detail, nil
	})
}
