// Package store writes the new key into variables, and puts back what was there.
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

// variable is what a placement holds and shall hold.
type variable struct {
	sink       providers.Sink
	unreadable bool
	current    secret.Text // what is there now
	base       secret.Text // what was there before we wrote it; what is there now, if we did not
	leaked     secret.Text // the old key's part
	want       secret.Text // the base with the new key in place of the old one
}

// variableOf reads a placement and works out what it shall hold.
func variableOf(ctx context.Context, w *effect.Worker) (variable, error) {
	p := *w.Step.Placement
	var v variable
	sink, err := w.Sink(p.Provider)
	if err != nil {
		return v, err
	}
	newKey, err := w.NewKey(ctx)
	if err != nil {
		return v, err
	}
	oldKey, err := w.OldKey(ctx)
	if err != nil {
		return v, err
	}
	v.sink, v.leaked, v.want = sink, oldKey.Part(p.Part), newKey.Part(p.Part)
	err = w.Read(ctx, func(ctx context.Context) (err error) {
		v.current, err = sink.Read(ctx, p)
		return err
	})
	if errors.Is(err, providers.ErrUnreadable) {
		v.unreadable = true
		return v, nil
	}
	if err != nil {
		return v, err
	}
	before, f, err := before(ctx, w)
	if err != nil {
		return v, err
	}
	v.base = v.current
	if f.OldValue != "" {
		v.base = before
	}
	if p.Match == providers.MatchInside {
		v.want = replaceParts(v.base, oldKey, newKey)
	}
	return v, nil
}

// replaceParts changes every part of the old key in a larger value at once: a
// connection string may hold the id and the secret.
func replaceParts(value secret.Text, old, fresh credential.Credential) secret.Text {
	for _, part := range old.PartNames() {
		if with := fresh.Part(part); !with.Empty() {
			value = providers.Replace(value, old.Part(part), with)
		}
	}
	return value
}

// Look looks at what is there: only the value that was planned with may be
// overwritten.
func Look(ctx context.Context, w *effect.Worker) machine.Event {
	v, err := variableOf(ctx, w)
	switch {
	case err != nil:
		return w.Failed(ctx, err)
	case v.want.Empty():
		return w.Failed(ctx, fmt.Errorf("the new key has no %s", w.Step.Placement.Part))
	case v.unreadable:
		return machine.Event{Result: machine.Fits, Seal: machine.ValueSeal(v.leaked)}
	case w.Hash(v.current) == w.Step.PreImage:
		return machine.Event{Result: machine.Fits, Seal: machine.ValueSeal(v.current)}
	case v.want.Equal(v.current) && w.Facts().OldValue != "":
		return machine.Event{Result: machine.Already} // ours, from before a crash
	}
	return machine.Event{Result: machine.Stale, Failure: w.Failure(changed(w, "since the plan was made; plan again"))}
}

// changed says that somebody else wrote the variable.
func changed(w *effect.Worker, what string) error {
	return fmt.Errorf("%w: %s of %s was changed %s", rotate.ErrStale, w.Step.Placement.Key, w.Step.Placement.ResourceName, what)
}

// Send writes one variable, if it is still what it was when it was looked at.
func Send(ctx context.Context, w *effect.Worker) machine.Event {
	v, err := variableOf(ctx, w)
	switch {
	case err != nil:
		return w.NotSent(ctx, err)
	case !v.unreadable && !v.current.Equal(v.base) && !v.current.Equal(v.want):
		return w.NotSent(ctx, changed(w, "at this very moment; resume"))
	}
	return put(ctx, w, v.sink, v.want)
}

func put(ctx context.Context, w *effect.Worker, sink providers.Sink, value secret.Text) machine.Event {
	return w.Repeatably(ctx, func(ctx context.Context) error { return sink.Store(ctx, *w.Step.Placement, value) })
}

// Confirm shows that the sink holds the value now (level L0), where it can.
func Confirm(ctx context.Context, w *effect.Worker) machine.Event {
	v, err := variableOf(ctx, w)
	if err != nil {
		return w.Failed(ctx, err)
	}
	return readBack(ctx, w, v.sink, v.want)
}

func readBack(ctx context.Context, w *effect.Worker, sink providers.Sink, want secret.Text) machine.Event {
	unreadable := false
	err := w.Poll(ctx, w.Policy().BackOff, w.Policy().ReconcileFor, nil, func(ctx context.Context) (bool, string, error) {
		got, err := sink.Read(ctx, *w.Step.Placement)
		if errors.Is(err, providers.ErrUnreadable) {
			unreadable = true
			return true, "", nil
		}
		return err == nil && got.Equal(want), "the value does not read back as written", err
	})
	if err != nil {
		return w.Failed(ctx, err)
	}
	detail := "reads back equal"
	if unreadable {
		detail = "stored; write-only, cannot be read back"
	}
	return effect.Shown(machine.Outcome{Detail: detail, Hash: w.Hash(want)})
}

// before opens what a variable held before we wrote it; empty when we never did.
func before(ctx context.Context, w *effect.Worker) (secret.Text, machine.Facts, error) {
	f := w.State.Of(strings.TrimPrefix(w.Step.ID, "undo:"))
	if f.OldValue == "" {
		return secret.Text{}, f, nil
	}
	v, err := w.Secrets.Unseal(context.WithoutCancel(ctx), f.OldValue)
	return v, f, err
}
