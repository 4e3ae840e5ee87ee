// Package deploy makes consumers take up what was stored.
package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// Latest asks for the newest and the live deploy of the step's target.
func Latest(ctx context.Context, w *effect.Worker) (providers.DeployState, error) {
	d, err := providers.DeployerOf(w.Registry, w.Step.Target.Provider)
	if err != nil {
		return providers.DeployState{}, err
	}
	var s providers.DeployState
	err = w.Read(ctx, func(ctx context.Context) (err error) {
		s, err = d.Latest(ctx, *w.Step.Target)
		return err
	})
	return s, err
}

// Look notes the newest deploy and the new key's last use, so that what
// comes after can be told from what was there.
func Look(ctx context.Context, w *effect.Worker) machine.Event {
	s, err := Latest(ctx, w)
	if err != nil {
		return w.Failed(ctx, err)
	}
	return machine.Event{Result: machine.Fits, Intent: machine.Intent{DeployID: s.Newest.ID, UsageBefore: w.Usage(ctx)}}
}

// Send starts a deploy, once: what comes back as failed before anything was
// changed may be sent again.
func Send(ctx context.Context, w *effect.Worker) machine.Event {
	d, err := providers.DeployerOf(w.Registry, w.Step.Target.Provider)
	if err != nil {
		return w.NotSent(ctx, err)
	}
	p := w.Policy()
	for try := 1; ; try++ {
		var started providers.Deploy
		err := w.Request(ctx, func(ctx context.Context) (err error) {
			started, err = d.Start(ctx, *w.Step.Target)
			return err
		})
		if err == nil {
			return machine.Event{Result: machine.OK, Outcome: machine.Outcome{DeployID: started.ID, Detail: "deploy " + started.ID + " started"}}
		}
		e := w.NotSent(ctx, err)
		if e.Result == machine.Lost || !effect.Repeatable(err) || try >= p.Tries {
			return e
		}
		pause := effect.Asked(err, p.BackOff<<(try-1))
		w.Say(fmt.Sprintf("%v; waiting %s, attempt %d of %d", err, pause.Round(time.Millisecond), try+1, p.Tries))
		if _, err := w.Pause(ctx, pause); err != nil {
			return w.Failed(ctx, err)
		}
	}
}

// Settle looks for a deploy that is newer than the one from before: two
// deploys are harmless, none is not.
func Settle(ctx context.Context, w *effect.Worker) machine.Event {
	s, err := Latest(ctx, w)
	if err != nil {
		return w.Failed(ctx, err)
	}
	if s.Newest.ID == w.Facts().Intent.DeployID {
		return machine.Event{Result: machine.NotApplied}
	}
	return machine.Event{Result: machine.Applied, Outcome: machine.Outcome{DeployID: s.Newest.ID, Detail: "found deploy " + s.Newest.ID}}
}

// Confirm waits until the deploy serves. One that a newer deploy replaced
// is followed to its successor.
func Confirm(ctx context.Context, w *effect.Worker) machine.Event {
	d, err := providers.DeployerOf(w.Registry, w.Step.Target.Provider)
	if err != nil {
		return w.Failed(ctx, err)
	}
	p, id := w.Policy(), w.Facts().DeployID
	var end providers.Deploy
	err = w.Poll(ctx, p.DeployEvery, p.DeployWithin, nil, func(ctx context.Context) (bool, string, error) {
		now, err := d.Status(ctx, *w.Step.Target, id)
		if err != nil {
			return false, "", err
		}
		if now.Phase == providers.PhaseReplaced {
			latest, err := d.Latest(ctx, *w.Step.Target)
			if err != nil || latest.Newest.ID == id {
				return false, "replaced by another deploy", err
			}
			id = latest.Newest.ID
			return false, "a newer deploy took over", nil
		}
		end = now
		return now.Phase != providers.PhaseRunning, "deploy is " + now.State, nil
	})
	if err != nil {
		return w.Failed(ctx, err)
	}
	switch end.Phase {
	case providers.PhaseLive:
		return effect.Shown(machine.Outcome{DeployID: id, Detail: "deploy " + id + " is live"})
	case providers.PhaseBuilt:
		return w.Failed(ctx, fmt.Errorf("deploy %s is ready but not published: another deploy is pinned; unlock it and resume", id))
	default:
		err := fmt.Errorf("deploy %s ended as %q: %s; mend the build, then resume", id, end.State, clean(ctx, w, end.Detail))
		return machine.Event{Result: machine.Ended, Failure: w.Failure(err)}
	}
}

// excerpt is how much of a foreign text is kept, in bytes.
const excerpt = 300

// clean shortens a foreign text, such as what a build said, and takes the values
// of both keys out of it: it ends in the journal and on screens.
func clean(ctx context.Context, w *effect.Worker, text string) string {
	for _, open := range []func(context.Context) (credential.Credential, error){w.OldKey, w.NewKey} {
		c, err := open(ctx)
		if err != nil {
			return "(its message is not shown: " + err.Error() + ")"
		}
		for _, v := range c.Parts {
			text = strings.ReplaceAll(text, v.Reveal(), v.Mask())
		}
	}
	if len(text) > excerpt {
		text = strings.ToValidUTF8(text[:excerpt], "") + " …"
	}
	return text
}
