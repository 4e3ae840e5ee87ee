package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// attest shows, level by level, that a consumer works with the new key.
func (w *worker) attest(ctx context.Context) machine.Event {
	need := w.step.Required
	if f := w.facts(); f.Waived != nil {
		need = *f.Waived
	}
	level, evidence, err := w.deployed(ctx)
	if err != nil {
		return w.unattested(ctx, err)
	}
	switch {
	case w.step.Target.HealthURL == "":
	case w.excused(w.step.ID):
		evidence += "; health was not looked at, which a person accepted"
	default:
		if err := w.healthy(ctx, *w.step.Target); err != nil {
			return w.failed(ctx, err)
		}
		level = rotate.L2
		evidence += fmt.Sprintf("; health answered well %d times in a row", w.policy().HealthNeeded)
	}
	if used, ok := w.usedByConsumer(ctx, need); ok {
		level = rotate.L4
		evidence += "; the issuer saw the new key used by " + used
	}
	if level < need {
		return w.failed(ctx, fmt.Errorf("%s reaches L%d (%s), L%d is wanted; wait and resume, or accept it: secretguard rotate waive %s %s --level %d --reason …",
			w.step.Target.Name, level, evidence, need, w.plan().ID, w.step.ID, level))
	}
	return shown(machine.Outcome{Level: &level, Detail: fmt.Sprintf("L%d: %s", level, evidence)})
}

// errChanged means that a value is not what we stored any more.
var errChanged = fmt.Errorf("%w: it was changed by somebody else after we stored it", rotate.ErrStale)

// unattested holds the step. When a value was changed, a retry stores and deploys
// it anew, if it is then what it was before.
func (w *worker) unattested(ctx context.Context, err error) machine.Event {
	e := w.failed(ctx, err)
	if errors.Is(err, errChanged) {
		for _, s := range w.plan().Steps {
			if s.Action == rotate.ActStore && rotate.Feeds(*s.Placement, *w.step.Target) || s.ID == rotate.Of(rotate.ActDeploy, *w.step.Target) {
				e.Failure.Redo = append(e.Failure.Redo, s.ID)
			}
		}
	}
	return e
}

// deployed shows L1: what serves now is not what served before the push, and
// every value of this consumer still reads as we wrote it.
func (w *worker) deployed(ctx context.Context) (rotate.Level, string, error) {
	latest, err := w.latest(ctx)
	if err != nil {
		return rotate.L0, "", err
	}
	dep := w.s.Of(rotate.Of(rotate.ActDeploy, *w.step.Target))
	if latest.LiveID == "" || latest.LiveID == dep.Intent.DeployID {
		return rotate.L0, "", fmt.Errorf("%s still serves the deploy from before the push", w.step.Target.Name)
	}
	for _, s := range w.plan().Steps {
		if s.Action != rotate.ActStore || !rotate.Feeds(*s.Placement, *w.step.Target) {
			continue
		}
		if err := w.unchanged(ctx, s); err != nil {
			return rotate.L0, "", err
		}
	}
	return rotate.L1, "deploy " + latest.LiveID + " is live, newer than the push", nil
}

// unchanged checks that a stored value is still ours.
func (w *worker) unchanged(ctx context.Context, store rotate.Step) error {
	if store.Placement.WriteOnly {
		return nil
	}
	sink, err := w.sink(store.Placement.Provider)
	if err != nil {
		return err
	}
	return w.read(ctx, func(ctx context.Context) error {
		got, err := sink.Read(ctx, *store.Placement)
		if err != nil {
			return err
		}
		if w.hash(got) != w.s.Of(store.ID).Hash {
			return fmt.Errorf("%s of %s: %w", store.Placement.Key, store.Placement.ResourceName, errChanged)
		}
		return nil
	})
}

// healthy asks the health URL until it answers well several times in a row.
func (w *worker) healthy(ctx context.Context, t providers.Target) error {
	p := w.policy()
	good := 0
	err := w.poll(ctx, p.HealthEvery, p.AttestWithin, nil, func(ctx context.Context) (bool, string, error) {
		ill := w.x.Health(ctx, t.HealthURL)
		if ill != nil { // not well is an answer, not an error
			good = 0
			return false, "health: " + ill.Error(), nil //nolint:nilerr // see above
		}
		good++
		return good >= p.HealthNeeded, fmt.Sprintf("health: well %d of %d times", good, p.HealthNeeded), nil
	})
	if err != nil {
		return fmt.Errorf("%s is not well on the new key: %w", t.Name, err)
	}
	return nil
}

// excused reports whether a person accepted that a consumer is not seen to be
// well: less than L2.
func (w *worker) excused(attest string) bool {
	waived := w.s.Of(attest).Waived
	return waived != nil && *waived < rotate.L2
}

// consumersWell looks at every attested consumer that has a health URL.
func (w *worker) consumersWell(ctx context.Context) error {
	for _, s := range w.plan().Steps {
		if s.Action != rotate.ActAttest || s.Target.HealthURL == "" || w.excused(s.ID) {
			continue
		}
		if err := w.healthy(ctx, *s.Target); err != nil {
			return err
		}
	}
	return nil
}

// usedByConsumer reports a use of the new key that the issuer saw after this
// deploy began and that was not our own check. It counts for a first consumer that
// is changed alone: another one's use cannot be told from those that use the key
// already. It waits only where the level hangs on it.
func (w *worker) usedByConsumer(ctx context.Context, need rotate.Level) (string, bool) {
	for _, s := range w.plan().Steps {
		if s.Action == rotate.ActAttest && s.ID != w.step.ID && s.Stage <= w.step.Stage {
			return "", false
		}
	}
	issuer, ok := w.x.Registry.Get(w.plan().Issuer)
	if !ok || issuer.Describe().ProbeService == "" {
		return "", false
	}
	before := w.s.Of(rotate.Of(rotate.ActDeploy, *w.step.Target)).Intent.UsageBefore
	seen := func() (string, bool) {
		u := w.usage(ctx)
		fresh := u.At.After(before.At) || u.Service != before.Service
		return u.Service, fresh && !u.At.IsZero() && u.Service != issuer.Describe().ProbeService
	}
	if need < rotate.L3 {
		return seen()
	}
	var service string
	p := w.policy()
	err := w.poll(ctx, p.HealthEvery, p.AttestWithin, nil, func(context.Context) (bool, string, error) {
		s, ok := seen()
		service = s
		return ok, "waiting for the issuer to see the new key used", nil
	})
	return service, err == nil
}
