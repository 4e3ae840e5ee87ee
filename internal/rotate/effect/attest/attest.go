// Package attest shows, level by level, that consumers work with the new key.
package attest

import (
	"context"
	"errors"
	"fmt"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/effect/deploy"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// Confirm shows, level by level, that a consumer works with the new key.
func Confirm(ctx context.Context, w *effect.Worker) machine.Event {
	need := w.Step.Required
	if f := w.Facts(); f.Waived != nil {
		need = *f.Waived
	}
	level, evidence, err := deployed(ctx, w)
	if err != nil {
		return unattested(ctx, w, err)
	}
	switch {
	case w.Step.Target.HealthURL == "":
	case excused(w, w.Step.ID):
		evidence += "; health was not looked at, which a person accepted"
	default:
		if err := healthy(ctx, w, *w.Step.Target); err != nil {
			return w.Failed(ctx, err)
		}
		level = rotate.L2
		evidence += fmt.Sprintf("; health answered well %d times in a row", w.Policy().HealthNeeded)
	}
	if echo := w.Step.Echo; echo != nil && need >= rotate.L3 {
		if err := echoes(ctx, w, *echo); err != nil {
			return w.Failed(ctx, err)
		}
		level = rotate.L3
		evidence += fmt.Sprintf("; it showed %d times in a row that it holds the new key in %s, as it showed the old one before", w.Policy().HealthNeeded, echo.Variable)
	}
	switch c := w.Step.Check; {
	case c == nil:
	case excused(w, w.Step.ID):
		evidence += "; its declared check was not run, which a person accepted"
	default:
		shown, said, err := checked(ctx, w, *c)
		if err != nil {
			return w.Failed(ctx, err)
		}
		level = max(level, shown)
		evidence += said
	}
	switch d := w.Step.Doctor; {
	case d == nil:
	case excused(w, w.Step.ID):
		evidence += "; doctor did not look, which a person accepted"
	default:
		if err := examined(ctx, w, d); err != nil {
			return w.Failed(ctx, err)
		}
		evidence += "; doctor finds nothing wrong with it"
	}
	if used, ok := usedByConsumer(ctx, w, need); ok {
		level = rotate.L4
		evidence += "; the issuer saw the new key used by " + used
	}
	if level < need {
		return w.Failed(ctx, fmt.Errorf("%s reaches L%d (%s), L%d is wanted; wait and resume, or accept it: secretguard rotate waive %s %s --level %d --reason …",
			w.Step.Target.Name, level, evidence, need, w.Plan().ID, w.Step.ID, level))
	}
	return effect.Shown(machine.Outcome{Level: &level, Detail: fmt.Sprintf("L%d: %s", level, evidence)})
}

// errChanged means that a value is not what we stored any more.
var errChanged = fmt.Errorf("%w: it was changed by somebody else after we stored it", rotate.ErrStale)

// unattested holds the step. When a value was changed, a retry stores and deploys
// it anew, if it is then what it was before.
func unattested(ctx context.Context, w *effect.Worker, err error) machine.Event {
	e := w.Failed(ctx, err)
	if errors.Is(err, errChanged) {
		for _, s := range w.Plan().Steps {
			if s.Action == rotate.ActStore && rotate.Feeds(*s.Placement, *w.Step.Target) || s.ID == rotate.Of(rotate.ActDeploy, *w.Step.Target) {
				e.Failure.Redo = append(e.Failure.Redo, s.ID)
			}
		}
	}
	return e
}

// deployed shows L1: what serves now is not what served before the push, and
// every value of this consumer still reads as we wrote it.
func deployed(ctx context.Context, w *effect.Worker) (rotate.Level, string, error) {
	latest, err := deploy.Latest(ctx, w)
	if err != nil {
		return rotate.L0, "", err
	}
	dep := w.State.Of(rotate.Of(rotate.ActDeploy, *w.Step.Target))
	if latest.LiveID == "" || latest.LiveID == dep.Intent.DeployID {
		return rotate.L0, "", fmt.Errorf("%s still serves the deploy from before the push", w.Step.Target.Name)
	}
	for _, s := range w.Plan().Steps {
		if s.Action != rotate.ActStore || !rotate.Feeds(*s.Placement, *w.Step.Target) {
			continue
		}
		if err := unchanged(ctx, w, s); err != nil {
			return rotate.L0, "", err
		}
	}
	return rotate.L1, "deploy " + latest.LiveID + " is live, newer than the push", nil
}

// unchanged checks that a stored value is still ours.
func unchanged(ctx context.Context, w *effect.Worker, store rotate.Step) error {
	if store.Placement.WriteOnly {
		return nil
	}
	sink, err := w.Sink(store.Placement.Provider)
	if err != nil {
		return err
	}
	return w.Read(ctx, func(ctx context.Context) error {
		got, err := sink.Read(ctx, *store.Placement)
		if err != nil {
			return err
		}
		if w.Hash(got) != w.State.Of(store.ID).Hash {
			return fmt.Errorf("%s of %s: %w", store.Placement.Key, store.Placement.ResourceName, errChanged)
		}
		return nil
	})
}

// healthy asks the health URL until it answers well several times in a row.
func healthy(ctx context.Context, w *effect.Worker, t providers.Target) error {
	err := inARow(ctx, w, func(ctx context.Context) (bool, string, error) {
		if ill := w.Health(ctx, t.HealthURL); ill != nil { // not well is an answer, not an error
			return false, "health: " + ill.Error(), nil //nolint:nilerr // see above
		}
		return true, "health: well", nil
	})
	if err != nil {
		return fmt.Errorf("%s is not well on the new key: %w", t.Name, err)
	}
	return nil
}

// inARow asks until the answer was good as many times in a row as the policy wants. said
// is what the answer was, in words.
func inARow(ctx context.Context, w *effect.Worker, ask func(context.Context) (well bool, said string, err error)) error {
	p := w.Policy()
	good := 0
	return w.Poll(ctx, p.HealthEvery, p.AttestWithin, nil, func(ctx context.Context) (bool, string, error) {
		well, said, err := ask(ctx)
		if err != nil || !well {
			good = 0
			return false, said, err
		}
		good++
		return good >= p.HealthNeeded, fmt.Sprintf("%s %d of %d times", said, good, p.HealthNeeded), nil
	})
}

// excused reports whether a person accepted that a consumer is not seen to be
// well: less than L2.
func excused(w *effect.Worker, attest string) bool {
	waived := w.State.Of(attest).Waived
	return waived != nil && *waived < rotate.L2
}

// usedByConsumer reports a use of the new key that the issuer saw after this
// deploy began and that was not our own check. It counts for a first consumer that
// is changed alone: another one's use cannot be told from those that use the key
// already. It waits only where the level hangs on it.
func usedByConsumer(ctx context.Context, w *effect.Worker, need rotate.Level) (string, bool) {
	for _, s := range w.Plan().Steps {
		if s.Action == rotate.ActAttest && s.ID != w.Step.ID && s.Stage <= w.Step.Stage {
			return "", false
		}
	}
	issuer, ok := w.Registry.Get(w.Plan().Issuer)
	if w.Plan().OntoCase != "" {
		return "", false // others use that key already
	}
	if !ok || issuer.Describe().ProbeService == "" {
		return "", false
	}
	before := w.State.Of(rotate.Of(rotate.ActDeploy, *w.Step.Target)).Intent.UsageBefore
	seen := func() (string, bool) {
		u := w.Usage(ctx)
		fresh := u.At.After(before.At) || u.Service != before.Service
		return u.Service, fresh && !u.At.IsZero() && u.Service != issuer.Describe().ProbeService
	}
	if need < rotate.L3 {
		return seen()
	}
	var service string
	p := w.Policy()
	err := w.Poll(ctx, p.HealthEvery, p.AttestWithin, nil, func(context.Context) (bool, string, error) {
		s, ok := seen()
		service = s
		return ok, "waiting for the issuer to see the new key used", nil
	})
	return service, err == nil
}
