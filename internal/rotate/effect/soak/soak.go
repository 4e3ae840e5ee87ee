// Package soak leaves the old key disabled for a while before it is deleted: whoever
// used it unseen breaks while it can still be enabled again.
package soak

import (
	"context"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/effect/attest"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// waitsFor is the longest soak that a run waits for; a longer one is left to a resume.
const waitsFor = 10 * time.Minute

// Confirm waits until the old key was disabled for as long as the plan says, looks at
// the consumers meanwhile, and goes on if a person accepts less. The time counts
// from the record of the disabling, by the wall clock, as it may span processes. A
// clock that was set back makes it longer, never shorter than it shows.
func Confirm(ctx context.Context, w *effect.Worker) machine.Event {
	since := w.State.Of("disable").Ended
	soaked := func() time.Duration { return w.Now().Round(0).Sub(since.Round(0)) }
	p := w.Policy()
	if w.Facts().Waived != nil {
		return effect.Shown(machine.Outcome{Detail: fmt.Sprintf("disabled for %s; a person accepts that, in place of %s", soaked().Round(time.Second), p.SoakFor)})
	}
	left := p.SoakFor - soaked()
	waive := fmt.Sprintf("secretguard rotate waive %s %s --reason …", w.Plan().ID, w.Step.ID)
	if left > waitsFor {
		return w.Failed(ctx, fmt.Errorf("the old key is disabled and refused, and can be enabled again until it is deleted: that waits until %s, as who used it may have gone unseen; resume then, or do not wait: %s",
			w.Now().Add(left).UTC().Format(time.DateTime+" UTC"), waive))
	}
	err := w.Poll(ctx, p.HealthEvery, left+time.Second+p.HealthEvery, nil, func(context.Context) (bool, string, error) {
		return soaked() >= p.SoakFor, "the old key stays disabled for a while before it is deleted", nil
	})
	if err == nil && !w.Plan().Strategy.StopsFirst() {
		err = attest.ConsumersWell(ctx, w)
	}
	if err != nil {
		return w.Failed(ctx, fmt.Errorf("%w; resume, or let the old key work again: secretguard rotate rollback %s", err, w.Plan().ID))
	}
	return effect.Shown(machine.Outcome{Detail: fmt.Sprintf("disabled for %s, and every consumer with a health URL is well", soaked().Round(time.Second))})
}
