package executor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

func (w *worker) deployer(name string) (providers.Deployer, error) {
	p, ok := w.x.Registry.Get(name)
	if !ok {
		return nil, fmt.Errorf("provider %s is not configured: %w", name, providers.ErrUnsupported)
	}
	d, ok := providers.As[providers.Deployer](p)
	if !ok {
		return nil, fmt.Errorf("provider %s cannot deploy: %w", name, providers.ErrUnsupported)
	}
	return d, nil
}

func (w *worker) latest(ctx context.Context) (providers.DeployState, error) {
	d, err := w.deployer(w.step.Target.Provider)
	if err != nil {
		return providers.DeployState{}, err
	}
	var s providers.DeployState
	err = w.read(ctx, func(ctx context.Context) (err error) {
		s, err = d.Latest(ctx, *w.step.Target)
		return err
	})
	return s, err
}

// lookDeploy notes the newest deploy and the new key's last use, so that what
// comes after can be told from what was there.
func (w *worker) lookDeploy(ctx context.Context) machine.Event {
	s, err := w.latest(ctx)
	if err != nil {
		return w.failed(ctx, err)
	}
	return machine.Event{Result: machine.Fits, Intent: machine.Intent{DeployID: s.Newest.ID, UsageBefore: w.usage(ctx)}}
}

// sendDeploy starts a deploy, once: what comes back as failed before anything was
// changed may be sent again.
func (w *worker) sendDeploy(ctx context.Context) machine.Event {
	d, err := w.deployer(w.step.Target.Provider)
	if err != nil {
		return w.notSent(ctx, err)
	}
	p := w.policy()
	for try := 1; ; try++ {
		var started providers.Deploy
		err := w.request(ctx, func(ctx context.Context) (err error) {
			started, err = d.Start(ctx, *w.step.Target)
			return err
		})
		if err == nil {
			return machine.Event{Result: machine.OK, Outcome: machine.Outcome{DeployID: started.ID, Detail: "deploy " + started.ID + " started"}}
		}
		e := w.notSent(ctx, err)
		if e.Result == machine.Lost || !repeatable(err) || try >= p.Tries {
			return e
		}
		pause := asked(err, p.BackOff<<(try-1))
		w.say(fmt.Sprintf("%v; waiting %s, attempt %d of %d", err, pause.Round(time.Millisecond), try+1, p.Tries))
		if err := w.x.Sleep(ctx, pause); err != nil {
			return w.failed(ctx, err)
		}
	}
}

// settleDeploy looks for a deploy that is newer than the one from before: two
// deploys are harmless, none is not.
func (w *worker) settleDeploy(ctx context.Context) machine.Event {
	s, err := w.latest(ctx)
	if err != nil {
		return w.failed(ctx, err)
	}
	if s.Newest.ID == w.facts().Intent.DeployID {
		return machine.Event{Result: machine.NotApplied}
	}
	return machine.Event{Result: machine.Applied, Outcome: machine.Outcome{DeployID: s.Newest.ID, Detail: "found deploy " + s.Newest.ID}}
}

// confirmDeploy waits until the deploy serves. One that a newer deploy replaced
// is followed to its successor.
func (w *worker) confirmDeploy(ctx context.Context) machine.Event {
	d, err := w.deployer(w.step.Target.Provider)
	if err != nil {
		return w.failed(ctx, err)
	}
	p, id := w.policy(), w.facts().DeployID
	var end providers.Deploy
	err = w.poll(ctx, p.DeployEvery, p.DeployWithin, nil, func(ctx context.Context) (bool, string, error) {
		now, err := d.Status(ctx, *w.step.Target, id)
		if err != nil {
			return false, "", err
		}
		if now.Phase == providers.PhaseReplaced {
			latest, err := d.Latest(ctx, *w.step.Target)
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
		return w.failed(ctx, err)
	}
	switch end.Phase {
	case providers.PhaseLive:
		return shown(machine.Outcome{DeployID: id, Detail: "deploy " + id + " is live"})
	case providers.PhaseBuilt:
		return w.failed(ctx, fmt.Errorf("deploy %s is ready but not published: another deploy is pinned; unlock it and resume", id))
	default:
		err := fmt.Errorf("deploy %s ended as %q: %s; mend the build, then resume", id, end.State, w.clear(ctx, end.Detail))
		return machine.Event{Result: machine.Ended, Failure: w.failure(err)}
	}
}

// excerpt is how much of a foreign text is kept, in bytes.
const excerpt = 300

// clear shortens a foreign text, such as what a build said, and takes the values
// of both keys out of it: it ends in the journal and on screens.
func (w *worker) clear(ctx context.Context, text string) string {
	for _, open := range []func(context.Context) (credential.Credential, error){w.oldKey, w.newKey} {
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

// usage reads the new key's last use; what cannot be read counts as none, which
// can only lower a later attestation.
func (w *worker) usage(ctx context.Context) providers.Usage {
	u, err := ability[providers.UsageReporter](w)
	if err != nil || w.s.New().ID == "" {
		return providers.Usage{}
	}
	var used providers.Usage
	err = w.request(ctx, func(ctx context.Context) (err error) {
		used, err = u.LastUsed(ctx, w.s.New())
		return err
	})
	if err != nil {
		return providers.Usage{}
	}
	used.At = used.At.Truncate(time.Second)
	return used
}
