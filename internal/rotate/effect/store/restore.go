package store

import (
	"context"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

// LookBack looks at what is there: only what we wrote may be overwritten.
func LookBack(ctx context.Context, w *effect.Worker) machine.Event {
	old, f, err := before(ctx, w)
	if err != nil {
		return w.Failed(ctx, err)
	}
	if f.OldValue == "" {
		return machine.Event{Result: machine.Already, Outcome: machine.Outcome{Detail: "it was never overwritten", Skipped: true}}
	}
	v, err := variableOf(ctx, w)
	switch {
	case err != nil:
		return w.Failed(ctx, err)
	case v.current.Equal(old):
		return machine.Event{Result: machine.Already}
	case v.unreadable, w.Hash(v.current) == f.Hash, f.Hash == "" && oursInside(ctx, w, v.current):
		return machine.Event{Result: machine.Fits}
	}
	return machine.Event{Result: machine.Stale, Failure: w.Failure(changed(w, "by somebody else after we stored it; put it right by hand, then resume"))}
}

// oursInside reports whether a value holds the new key: a crash may have kept us
// from writing down that we stored it.
func oursInside(ctx context.Context, w *effect.Worker, value secret.Text) bool {
	c, err := w.NewKey(ctx)
	if err != nil {
		return false
	}
	return providers.Holds(value, c.Part(w.Step.Placement.Part))
}

// SendBack writes the value from before.
func SendBack(ctx context.Context, w *effect.Worker) machine.Event {
	old, _, err := before(ctx, w)
	if err != nil {
		return w.NotSent(ctx, err)
	}
	sink, err := w.Sink(w.Step.Placement.Provider)
	if err != nil {
		return w.NotSent(ctx, err)
	}
	return put(ctx, w, sink, old)
}

// ConfirmBack shows that the sink holds the value from before.
func ConfirmBack(ctx context.Context, w *effect.Worker) machine.Event {
	old, _, err := before(ctx, w)
	if err != nil {
		return w.Failed(ctx, err)
	}
	sink, err := w.Sink(w.Step.Placement.Provider)
	if err != nil {
		return w.Failed(ctx, err)
	}
	return readBack(ctx, w, sink, old)
}
