// Package search looks, at the end of a run, where the old key's value still stands:
// in variables of every service, and in the files that the leak was found in.
package search

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

// Confirm looks everywhere anew. A variable that still holds the dead key holds the
// run: whoever reads it there fails, or will. A file of the repository is told, and
// so is what could not be looked at: the run ends with a list of what is left.
func Confirm(ctx context.Context, w *effect.Worker) machine.Event {
	l, err := look(ctx, w)
	if err != nil {
		return w.Failed(ctx, err)
	}
	left := slices.Concat(l.variables, l.failed, l.files, l.unseen)
	if w.Facts().Waived != nil {
		return effect.Shown(machine.Outcome{Left: left, Detail: "a person accepts what still holds the old key: " + l.counts()})
	}
	waive := fmt.Sprintf("secretguard rotate waive %s %s --reason …", w.Plan().ID, w.Step.ID)
	switch {
	case len(l.variables) > 0:
		return w.Failed(ctx, fmt.Errorf("the old key is dead, and its value still stands where somebody may read it: %s; put the new value there or take it out, and resume to look again; or accept it: %s",
			few(l.variables), waive))
	case len(l.failed) > 0:
		return w.Failed(ctx, fmt.Errorf("whether the dead key still stands somewhere is not known: %s; resume to look again; or accept that: %s", few(l.failed), waive))
	}
	return effect.Shown(machine.Outcome{Left: left, Detail: l.counts()})
}

// looked is what was found; the lines hold foreign names.
type looked struct {
	compared  int
	variables []string // hold the old key
	failed    []string // services that could not be asked
	files     []string // hold the old key
	unseen    []string // could not be looked at, as was known from the start
}

func (l looked) counts() string {
	out := fmt.Sprintf("%d variables were compared, %d hold the old key", l.compared, len(l.variables))
	if n := len(l.files); n > 0 {
		out += fmt.Sprintf("; %d lines of files do", n)
	}
	if n := len(l.failed) + len(l.unseen); n > 0 {
		out += fmt.Sprintf("; %d places could not be looked at", n)
	}
	return out
}

func look(ctx context.Context, w *effect.Worker) (looked, error) {
	var l looked
	old, err := w.OldKey(ctx)
	if err != nil {
		return l, err
	}
	var wanted []providers.Wanted // without names: a name is no value
	var values []secret.Text
	for _, part := range old.PartNames() {
		wanted = append(wanted, providers.Wanted{Part: part, Value: old.Part(part)})
		values = append(values, old.Part(part))
	}
	for _, p := range w.Registry.Sinks() {
		if err := l.sink(ctx, w, p, wanted); err != nil {
			return l, err
		}
	}
	return l, l.repository(ctx, w, values)
}

// sink compares the variables of one service.
func (l *looked) sink(ctx context.Context, w *effect.Worker, p providers.Provider, wanted []providers.Wanted) error {
	sink, ok := providers.As[providers.Sink](p)
	if !ok {
		return nil
	}
	var found providers.Located
	err := w.Read(ctx, func(ctx context.Context) (err error) {
		found, err = sink.Locate(ctx, wanted)
		return err
	})
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return err
	case err != nil:
		l.failed = append(l.failed, fmt.Sprintf("%s could not be searched: %v", p.Describe().Name, err))
	}
	l.compared += found.Searched
	for _, f := range found.Placements {
		l.variables = append(l.variables, fmt.Sprintf("%s of %s %s still holds the old key", nameOf(f), f.Provider, f.ResourceName))
	}
	for _, g := range found.Gaps {
		l.unseen = append(l.unseen, fmt.Sprintf("not searched for the old key: %s (%s)", g.What, g.Why))
	}
	return nil
}

func nameOf(p providers.Placement) string {
	out := p.Key
	if p.Context != "" {
		out += " (" + strings.TrimSuffix(p.Context+" "+p.ContextParam, " ") + ")"
	}
	return out
}

// repository looks through the files that the leak was found in, where this process
// can and they are still there.
func (l *looked) repository(ctx context.Context, w *effect.Worker, values []secret.Text) error {
	dir := w.Plan().Source
	if dir == "" || w.Files == nil {
		return nil
	}
	found, unread, err := w.Files(ctx, dir, values)
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return err
	case err != nil:
		l.unseen = append(l.unseen, fmt.Sprintf("not searched for the old key: the files in %s (%v)", dir, err))
	}
	for _, f := range found {
		l.files = append(l.files, fmt.Sprintf("%s in %s still holds the old key: take it out", f, dir))
	}
	for _, u := range unread {
		l.unseen = append(l.unseen, "not searched for the old key: "+u)
	}
	return nil
}

// most is how many lines a message names.
const most = 5

// few joins the first lines.
func few(lines []string) string {
	if n := len(lines) - most; n > 0 {
		return strings.Join(lines[:most], "; ") + fmt.Sprintf("; and %d more", n)
	}
	return strings.Join(lines, "; ")
}
