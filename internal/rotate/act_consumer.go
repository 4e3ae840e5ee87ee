package rotate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// store writes one variable. Right before, it looks at what is there: only the
// value that was planned with, or the new one, may be overwritten.
func (r *runner) store(ctx context.Context, step Step) (result, error) {
	p := *step.Placement
	sink, err := sinkOf(r.x.Registry, p.Provider)
	if err != nil {
		return result{}, errors.Join(errNothingSent, err)
	}
	value, seal, err := r.valueFor(ctx, step, sink)
	if err != nil {
		return result{}, err
	}
	if err := r.write(ctx, recIntent, step.ID, intent{}, seal); err != nil {
		return result{}, err
	}
	if err := r.again(ctx, step, func(ctx context.Context) error { return sink.Store(ctx, p, value) }); err != nil {
		return result{}, err
	}
	if err := r.at("effect " + step.ID); err != nil {
		return result{}, err
	}
	return r.readBack(ctx, step, sink, p, value)
}

// valueFor returns what to write, and what to seal for a roll back.
func (r *runner) valueFor(ctx context.Context, step Step, sink providers.Sink) (secret.Text, map[string]secret.Text, error) {
	p := *step.Placement
	newKey, err := r.newKey(ctx)
	if err != nil {
		return secret.Text{}, nil, err
	}
	oldKey, err := r.oldKey(ctx)
	if err != nil {
		return secret.Text{}, nil, err
	}
	fresh, leaked := newKey.Part(p.Part), oldKey.Part(p.Part)
	if fresh.Empty() {
		return secret.Text{}, nil, fmt.Errorf("the new key has no %s: %w", p.Part, errNothingSent)
	}
	var current secret.Text
	err = r.again(ctx, step, func(ctx context.Context) (err error) {
		current, err = sink.Read(ctx, p)
		return err
	})
	if errors.Is(err, providers.ErrUnreadable) {
		return fresh, map[string]secret.Text{blobValue: leaked}, nil
	}
	if err != nil {
		return secret.Text{}, nil, err
	}
	value := fresh
	if p.Match == providers.MatchInside {
		value = replaceParts(current, oldKey, newKey)
	}
	inside := p.Match == providers.MatchInside && strings.Contains(current.Reveal(), fresh.Reveal())
	if value.Equal(current) && (current.Equal(fresh) || inside) {
		return current, nil, nil // ours already, from before a crash
	}
	if r.x.Journal.HashKey().HMAC(current) != step.PreImage {
		return secret.Text{}, nil, fmt.Errorf("%w: %s of %s was changed since the plan was made; plan again: %w",
			ErrStale, p.Key, p.ResourceName, errNothingSent)
	}
	return value, map[string]secret.Text{blobValue: current}, nil
}

// replaceParts changes every part of the old key in a larger value at once: a
// connection string may hold the id and the secret.
func replaceParts(value secret.Text, old, fresh credential.Credential) secret.Text {
	text := value.Reveal()
	for _, part := range old.PartNames() {
		if with := fresh.Part(part); !with.Empty() {
			text = strings.ReplaceAll(text, old.Part(part).Reveal(), with.Reveal())
		}
	}
	return secret.New(text)
}

// readBack shows that the sink holds the value now (level L0), where it can.
func (r *runner) readBack(ctx context.Context, step Step, sink providers.Sink, p providers.Placement, want secret.Text) (result, error) {
	hash := r.x.Journal.HashKey().HMAC(want)
	unreadable := false
	err := r.poll(ctx, step, r.state.plan.Policy.BackOff, r.state.plan.Policy.ReconcileFor, func(ctx context.Context) (bool, string, error) {
		got, err := sink.Read(ctx, p)
		if errors.Is(err, providers.ErrUnreadable) {
			unreadable = true
			return true, "", nil
		}
		return err == nil && got.Equal(want), "the value does not read back as written", err
	})
	if err != nil {
		return result{}, err
	}
	detail := "reads back equal"
	if unreadable {
		detail = "stored; write-only, cannot be read back"
	}
	return result{outcome: outcome{Detail: detail, Hash: hash}}, nil
}

// restore puts back what a variable held before, from the sealed value.
func (r *runner) restore(ctx context.Context, step Step) (result, error) {
	p := *step.Placement
	sink, err := sinkOf(r.x.Registry, p.Provider)
	if err != nil {
		return result{}, err
	}
	blob := r.state.peek(strings.TrimPrefix(step.ID, "undo:")).oldValue
	if blob == "" {
		return result{outcome: outcome{Detail: "it was never overwritten", Skipped: true}}, nil
	}
	value, err := r.x.Journal.Unseal(ctx, blob)
	if err != nil {
		return result{}, err
	}
	if err := r.write(ctx, recIntent, step.ID, intent{}, nil); err != nil {
		return result{}, err
	}
	if err := r.again(ctx, step, func(ctx context.Context) error { return sink.Store(ctx, p, value) }); err != nil {
		return result{}, err
	}
	if err := r.at("effect " + step.ID); err != nil {
		return result{}, err
	}
	return r.readBack(ctx, step, sink, p, value)
}

// deploy starts a deploy and waits until it serves. A start whose answer was
// lost, or that a crash cut off, is found by being newer than the one before.
func (r *runner) deploy(ctx context.Context, step Step) (result, error) {
	d, err := deployerOf(r.x.Registry, step.Target.Provider)
	if err != nil {
		return result{}, err
	}
	id, err := r.started(ctx, step, d)
	if err != nil {
		return result{}, err
	}
	p := r.state.plan.Policy
	var end providers.Deploy
	err = r.poll(ctx, step, p.DeployEvery, p.DeployWithin, func(ctx context.Context) (bool, string, error) {
		now, err := d.Status(ctx, *step.Target, id)
		if err != nil {
			return false, "", err
		}
		if now.Phase == providers.PhaseReplaced {
			latest, err := d.Latest(ctx, *step.Target)
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
		return result{}, err
	}
	switch end.Phase {
	case providers.PhaseLive:
		return result{outcome: outcome{DeployID: id, Detail: "deploy " + id + " is live"}}, nil
	case providers.PhaseBuilt:
		return result{}, fmt.Errorf("deploy %s is ready but not published: another deploy is pinned; unlock it and resume", id)
	default:
		return result{}, fmt.Errorf("deploy %s ended as %q: %s; mend the build, then resume: %w", id, end.State, r.clean(ctx, end.Detail), errNothingSent)
	}
}

// excerpt is how much of a foreign text is kept, in bytes.
const excerpt = 300

// clean shortens a foreign text, such as what a build said, and takes the values
// of both keys out of it: it ends in the journal and on screens.
func (r *runner) clean(ctx context.Context, text string) string {
	for _, open := range []func(context.Context) (credential.Credential, error){r.oldKey, r.newKey} {
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

// started returns the id of the deploy that this step began, starting it when
// there is none.
func (r *runner) started(ctx context.Context, step Step, d providers.Deployer) (string, error) {
	st := r.state.peek(step.ID)
	if st.open && st.deployID != "" {
		return st.deployID, nil
	}
	for try := 1; ; try++ {
		latest, err := r.latest(ctx, step, d)
		if err != nil {
			return "", err
		}
		st := r.state.peek(step.ID)
		if st.open && latest.Newest.ID != st.intent.DeployID {
			return latest.Newest.ID, r.write(ctx, recProgress, step.ID, outcome{DeployID: latest.Newest.ID, Detail: "found deploy " + latest.Newest.ID}, nil)
		}
		in := intent{DeployID: latest.Newest.ID, UsageBefore: r.usage(ctx)}
		if err := r.write(ctx, recIntent, step.ID, in, nil); err != nil {
			return "", err
		}
		var started providers.Deploy
		err = r.request(ctx, func(ctx context.Context) (err error) {
			started, err = d.Start(ctx, *step.Target)
			return err
		})
		if err == nil {
			if err := r.at("effect " + step.ID); err != nil {
				return "", err
			}
			return started.ID, r.write(ctx, recProgress, step.ID, outcome{DeployID: started.ID, Detail: "deploy " + started.ID + " started"}, nil)
		}
		if !repeatable(err) || try >= r.state.plan.Policy.Tries {
			return "", err
		}
		r.say(step, err.Error())
		if err := r.x.Sleep(ctx, asked(err, r.state.plan.Policy.BackOff<<(try-1))); err != nil {
			return "", err
		}
	}
}

func (r *runner) latest(ctx context.Context, step Step, d providers.Deployer) (providers.DeployState, error) {
	var s providers.DeployState
	err := r.again(ctx, step, func(ctx context.Context) (err error) {
		s, err = d.Latest(ctx, *step.Target)
		return err
	})
	return s, err
}

// usage reads the new key's last use; what cannot be read counts as none, which
// can only lower a later attestation.
func (r *runner) usage(ctx context.Context) providers.Usage {
	u, err := ability[providers.UsageReporter](r)
	if err != nil || r.state.newRef.ID == "" {
		return providers.Usage{}
	}
	var used providers.Usage
	err = r.request(ctx, func(ctx context.Context) (err error) {
		used, err = u.LastUsed(ctx, r.state.newRef)
		return err
	})
	if err != nil {
		return providers.Usage{}
	}
	used.At = used.At.Truncate(time.Second)
	return used
}
