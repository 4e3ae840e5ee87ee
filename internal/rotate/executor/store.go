package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

func (w *worker) sink(name string) (providers.Sink, error) {
	p, ok := w.x.Registry.Get(name)
	if !ok {
		return nil, fmt.Errorf("provider %s is not configured: %w", name, providers.ErrUnsupported)
	}
	s, ok := providers.As[providers.Sink](p)
	if !ok {
		return nil, fmt.Errorf("provider %s stores no values: %w", name, providers.ErrUnsupported)
	}
	return s, nil
}

// variable is what a placement holds and shall hold.
type variable struct {
	sink       providers.Sink
	unreadable bool
	current    secret.Text // what is there now
	base       secret.Text // what was there before we wrote it; what is there now, if we did not
	leaked     secret.Text // the old key's part
	want       secret.Text // the base with the new key in place of the old one
}

// variable reads a placement and works out what it shall hold.
func (w *worker) variable(ctx context.Context) (variable, error) {
	p := *w.step.Placement
	var v variable
	sink, err := w.sink(p.Provider)
	if err != nil {
		return v, err
	}
	newKey, err := w.newKey(ctx)
	if err != nil {
		return v, err
	}
	oldKey, err := w.oldKey(ctx)
	if err != nil {
		return v, err
	}
	v.sink, v.leaked, v.want = sink, oldKey.Part(p.Part), newKey.Part(p.Part)
	err = w.read(ctx, func(ctx context.Context) (err error) {
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
	before, f, err := w.before(ctx)
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
	text := value.Reveal()
	for _, part := range old.PartNames() {
		if with := fresh.Part(part); !with.Empty() {
			text = strings.ReplaceAll(text, old.Part(part).Reveal(), with.Reveal())
		}
	}
	return secret.New(text)
}

// lookStore looks at what is there: only the value that was planned with may be
// overwritten.
func (w *worker) lookStore(ctx context.Context) machine.Event {
	v, err := w.variable(ctx)
	switch {
	case err != nil:
		return w.failed(ctx, err)
	case v.want.Empty():
		return w.failed(ctx, fmt.Errorf("the new key has no %s", w.step.Placement.Part))
	case v.unreadable:
		return machine.Event{Result: machine.Fits, Seal: machine.ValueSeal(v.leaked)}
	case w.hash(v.current) == w.step.PreImage:
		return machine.Event{Result: machine.Fits, Seal: machine.ValueSeal(v.current)}
	case v.want.Equal(v.current) && w.facts().OldValue != "":
		return machine.Event{Result: machine.Already} // ours, from before a crash
	}
	return machine.Event{Result: machine.Stale, Failure: w.failure(w.changed("since the plan was made; plan again"))}
}

// changed says that somebody else wrote the variable.
func (w *worker) changed(what string) error {
	return fmt.Errorf("%w: %s of %s was changed %s", rotate.ErrStale, w.step.Placement.Key, w.step.Placement.ResourceName, what)
}

// sendStore writes one variable, if it is still what it was when it was looked at.
func (w *worker) sendStore(ctx context.Context) machine.Event {
	v, err := w.variable(ctx)
	switch {
	case err != nil:
		return w.notSent(ctx, err)
	case !v.unreadable && !v.current.Equal(v.base) && !v.current.Equal(v.want):
		return w.notSent(ctx, w.changed("at this very moment; resume"))
	}
	return w.put(ctx, v.sink, v.want)
}

func (w *worker) put(ctx context.Context, sink providers.Sink, value secret.Text) machine.Event {
	return w.repeatably(ctx, func(ctx context.Context) error { return sink.Store(ctx, *w.step.Placement, value) })
}

// confirmStore shows that the sink holds the value now (level L0), where it can.
func (w *worker) confirmStore(ctx context.Context) machine.Event {
	v, err := w.variable(ctx)
	if err != nil {
		return w.failed(ctx, err)
	}
	return w.readBack(ctx, v.sink, v.want)
}

func (w *worker) readBack(ctx context.Context, sink providers.Sink, want secret.Text) machine.Event {
	unreadable := false
	err := w.poll(ctx, w.policy().BackOff, w.policy().ReconcileFor, nil, func(ctx context.Context) (bool, string, error) {
		got, err := sink.Read(ctx, *w.step.Placement)
		if errors.Is(err, providers.ErrUnreadable) {
			unreadable = true
			return true, "", nil
		}
		return err == nil && got.Equal(want), "the value does not read back as written", err
	})
	if err != nil {
		return w.failed(ctx, err)
	}
	detail := "reads back equal"
	if unreadable {
		detail = "stored; write-only, cannot be read back"
	}
	return shown(machine.Outcome{Detail: detail, Hash: w.hash(want)})
}

// before opens what a variable held before we wrote it; empty when we never did.
func (w *worker) before(ctx context.Context) (secret.Text, machine.Facts, error) {
	f := w.s.Of(strings.TrimPrefix(w.step.ID, "undo:"))
	if f.OldValue == "" {
		return secret.Text{}, f, nil
	}
	v, err := w.x.Journal.Unseal(context.WithoutCancel(ctx), f.OldValue)
	return v, f, err
}

// lookRestore looks at what is there: only what we wrote may be overwritten.
func (w *worker) lookRestore(ctx context.Context) machine.Event {
	old, f, err := w.before(ctx)
	if err != nil {
		return w.failed(ctx, err)
	}
	if f.OldValue == "" {
		return machine.Event{Result: machine.Already, Outcome: machine.Outcome{Detail: "it was never overwritten", Skipped: true}}
	}
	v, err := w.variable(ctx)
	switch {
	case err != nil:
		return w.failed(ctx, err)
	case v.current.Equal(old):
		return machine.Event{Result: machine.Already}
	case v.unreadable, w.hash(v.current) == f.Hash, f.Hash == "" && w.oursInside(ctx, v.current):
		return machine.Event{Result: machine.Fits}
	}
	return machine.Event{Result: machine.Stale, Failure: w.failure(w.changed("by somebody else after we stored it; put it right by hand, then resume"))}
}

// oursInside reports whether a value holds the new key: a crash may have kept us
// from writing down that we stored it.
func (w *worker) oursInside(ctx context.Context, value secret.Text) bool {
	c, err := w.newKey(ctx)
	if err != nil {
		return false
	}
	part := c.Part(w.step.Placement.Part)
	return !part.Empty() && strings.Contains(value.Reveal(), part.Reveal())
}

func (w *worker) sendRestore(ctx context.Context) machine.Event {
	old, _, err := w.before(ctx)
	if err != nil {
		return w.notSent(ctx, err)
	}
	sink, err := w.sink(w.step.Placement.Provider)
	if err != nil {
		return w.notSent(ctx, err)
	}
	return w.put(ctx, sink, old)
}

func (w *worker) confirmRestore(ctx context.Context) machine.Event {
	old, _, err := w.before(ctx)
	if err != nil {
		return w.failed(ctx, err)
	}
	sink, err := w.sink(w.step.Placement.Provider)
	if err != nil {
		return w.failed(ctx, err)
	}
	return w.readBack(ctx, sink, old)
}
