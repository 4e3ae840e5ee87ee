// Package soak leaves the old key disabled for a while before it is deleted: whoever
// used it unseen breaks while it can still be enabled again.
package soak

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/effect/attest"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// waitsFor is the longest soak that a run waits for; a longer one is left to a resume.
const waitsFor = 10 * time.Minute

// Confirm waits until the old key was disabled for as long as the plan says, and
// looks at the consumers all the while, with each resume of a long soak, and once more
// at its end: one that fell ill may need the key, which can still be enabled again. The
// machine does that, or asks where a person chose to stop the key first. Who accepts a
// shorter time has not accepted that a consumer is ill: only who was told of it has.
//
// The time counts from the record of the disabling, by the wall clock, as it may span
// processes. A clock that was set back makes it longer, never shorter than it shows.
func Confirm(ctx context.Context, w *effect.Worker) machine.Event {
	since := w.State.Of("disable").Ended
	soaked := func() time.Duration { return w.Now().Round(0).Sub(since.Round(0)) }
	p, f := w.Policy(), w.Facts()
	if f.IllAccepted {
		return effect.Shown(machine.Outcome{Detail: fmt.Sprintf("disabled for %s; a person accepts that a consumer is ill without it", soaked().Round(time.Second))})
	}
	err := attest.ConsumersStillWell(ctx, w)
	if left := p.SoakFor - soaked(); err == nil && f.Waived == nil && left > waitsFor {
		return w.Failed(ctx, fmt.Errorf("the old key is disabled and refused, every consumer with a health URL is well, and it can be enabled again until it is deleted: that waits until %s, as who used it may have gone unseen; resume then, or at any time to look at the consumers again, or do not wait: %s",
			w.Now().Add(left).UTC().Format(time.DateTime+" UTC"), waive(w)))
	}
	for err == nil && f.Waived == nil && soaked() < p.SoakFor {
		w.Say("the old key stays disabled for a while before it is deleted")
		if _, err := w.Pause(ctx, min(p.HealthEvery, p.SoakFor-soaked())); err != nil {
			return w.Failed(ctx, err)
		}
		err = attest.ConsumersStillWell(ctx, w)
	}
	if err == nil {
		err = attest.ConsumersWell(ctx, w)
	}
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return w.Failed(ctx, err)
	case err != nil:
		return ill(w, err)
	}
	detail := fmt.Sprintf("disabled for %s, and every consumer with a health URL is well", soaked().Round(time.Second))
	if f.Waived != nil {
		detail += fmt.Sprintf("; a person accepts that, in place of %s", p.SoakFor)
	}
	return effect.Shown(machine.Outcome{Detail: detail})
}

// ill says that a consumer broke while the key was disabled, and what a person can do,
// with the commands.
func ill(w *effect.Worker, err error) machine.Event {
	id := w.Plan().ID
	back := "find what of it needs the old key, then resume, and the key is disabled and watched anew: " + w.ResumeCommand()
	if w.Plan().Strategy.StopsFirst() {
		back = "you chose to stop the old key first, so it is not enabled again without you; to let it work again, which opens the leak: secretguard rotate rollback " + id +
			"; if it is ill for another reason, make it well and resume: " + w.ResumeCommand()
	}
	e := machine.Event{Result: machine.Harmed, Failure: w.Failure(fmt.Errorf("a consumer fell ill while the old key was disabled: %w; %s; or delete the key although it is ill: %s", err, back, waive(w)))}
	e.Failure.Ill = true
	return e
}

func waive(w *effect.Worker) string {
	return fmt.Sprintf("secretguard rotate waive %s %s --reason …", w.Plan().ID, w.Step.ID)
}
