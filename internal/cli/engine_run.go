package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/executor"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// liveRun is what this process knows of a run besides its journal.
type liveRun struct {
	version int64
	active  bool
	pause   context.CancelFunc
	said    rotate.Event
	feed    []rotate.Event
	ended   *screen.Problem
}

// feedLength is how many lines of talk are kept for a run.
const feedLength = 500

// live returns the entry of a run, made when there is none; the caller holds the
// lock.
func (e *engine) live(run string) *liveRun {
	if e.runs[run] == nil {
		e.runs[run] = &liveRun{}
	}
	return e.runs[run]
}

// Start approves the plan and lets it run.
func (e *engine) Start(ctx context.Context, p rotate.Plan, typed string) error {
	if typed == "" || typed != p.Phrase { // the executor takes an approval without a phrase from scripts
		return screen.Problem{Text: "the typed phrase does not match", Try: term.Clean("type: " + p.Phrase)}
	}
	approval := rotate.Approval{Digest: p.Digest, Typed: typed, Who: actor(), At: e.app.Now().UTC()}
	return e.drive(ctx, p.ID, func(ctx context.Context, x *executor.Executor) error { return x.Start(ctx, p, approval) })
}

// Resume goes on with a run.
func (e *engine) Resume(ctx context.Context, run string) error {
	return e.drive(ctx, run, func(ctx context.Context, x *executor.Executor) error { return x.Resume(ctx, run) })
}

// RollBack undoes a run.
func (e *engine) RollBack(ctx context.Context, run, reason string) error {
	return e.drive(ctx, run, func(ctx context.Context, x *executor.Executor) error { return x.Rollback(ctx, run, reason) })
}

// Supply hands a key in. A refused one leaves the run as it was: whoever called is
// told why, and nobody else has to be.
func (e *engine) Supply(ctx context.Context, run string, value secret.Text) error {
	err := e.drive(ctx, run, func(ctx context.Context, x *executor.Executor) error { return x.Supply(ctx, run, value) })
	if err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		if l := e.live(run); !l.active {
			l.ended = nil
			l.version++
		}
	}
	return err
}

// drive lets the executor work on a run in a goroutine and a context of its own,
// so that the end of the screen does not end it. It returns when the first record
// is written, or with the error of a call that was refused before.
func (e *engine) drive(ctx context.Context, run string, do func(context.Context, *executor.Executor) error) error {
	if err := e.mayChange(); err != nil {
		return err
	}
	e.mu.Lock()
	l := e.live(run)
	if l.active {
		e.mu.Unlock()
		return screen.Problem{Text: "this run is going on already"}
	}
	rctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.active, l.pause, l.ended = true, cancel, nil
	l.version++
	e.mu.Unlock()

	begun := make(chan struct{})
	first := true
	x := e.w.executor(func(ev rotate.Event) {
		if first {
			first = false
			close(begun)
		}
		e.heard(run, ev)
	})
	done := make(chan error, 1)
	e.wg.Go(func() {
		defer cancel()
		err := do(rctx, x)
		e.over(run, err)
		done <- err
	})
	select {
	case <-begun:
		return nil
	case err := <-done:
		return forPeople(settled(err))
	case <-ctx.Done():
		return nil // it goes on; the snapshot tells how
	}
}

// settled drops the errors that only say how a run stands: the snapshot says it
// better.
func settled(err error) error {
	for _, known := range []error{rotate.ErrHeld, rotate.ErrPaused, rotate.ErrRolledBack} {
		if errors.Is(err, known) {
			return nil
		}
	}
	return err
}

// heard takes an event in. It is called by the executor and does not block.
func (e *engine) heard(run string, ev rotate.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.live(run)
	l.said = ev
	l.feed = append(l.feed, ev)
	if n := len(l.feed) - feedLength; n > 0 {
		l.feed = slices.Clone(l.feed[n:])
	}
	l.version++
	e.hint(run)
}

// over notes how a call of the executor ended.
func (e *engine) over(run string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.live(run)
	l.active, l.pause = false, nil
	if err := settled(err); err != nil {
		l.ended = &screen.Problem{Text: term.Clean(err.Error()), Try: term.Clean(remedy(err))}
	}
	l.version++
	e.hint(run)
}

// Waive accepts what a held step has shown so far.
func (e *engine) Waive(ctx context.Context, run, step, reason string) error {
	if err := e.mayChange(); err != nil {
		return err
	}
	// What is accepted is that no more can be shown: the lowest level.
	return forPeople(e.w.executor(nil).Waive(ctx, run, step, rotate.L0, reason))
}

func (e *engine) mayChange() error {
	switch {
	case e.app.readOnly:
		return screen.Problem{Text: "read-only mode changes nothing", Try: "start without --read-only"}
	case e.offline:
		return screen.Problem{Text: "offline, as asked for", Try: "start without --offline"}
	}
	return nil
}

// Pause stops a run at its next safe point.
func (e *engine) Pause(run string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.runs[run]; l != nil && l.pause != nil {
		l.pause()
	}
}

// Snapshot returns a run as it stands.
func (e *engine) Snapshot(ctx context.Context, run string) (screen.Run, error) {
	e.mu.Lock()
	l := e.live(run)
	out := screen.Run{Version: l.version, Active: l.active, Said: l.said, Ended: l.ended, Feed: slices.Clone(l.feed)}
	e.mu.Unlock()
	// The journal is read after the version was taken: what is shown is at least
	// that new.
	s, err := runs.Load(ctx, e.w.journal, run)
	if err != nil {
		return out, forPeople(err)
	}
	out.Snapshot = s.Snapshot()
	out.Feed = merge(out.Log, out.Feed)
	return out, nil
}

// merge adds the talk between the records to the journal's own lines. A line that
// both have is shown once.
func merge(log, talk []rotate.Event) []rotate.Event {
	type line struct {
		seq    int64
		text   string
		detail string
	}
	seen := map[line]bool{}
	out := slices.Clone(log)
	for _, ev := range log {
		seen[line{ev.Seq, ev.Text, ev.Detail}] = true
	}
	for _, ev := range talk {
		if k := (line{ev.Seq, ev.Text, ev.Detail}); !seen[k] {
			seen[k] = true
			out = append(out, ev)
		}
	}
	slices.SortStableFunc(out, func(a, b rotate.Event) int { return a.Time.Compare(b.Time) })
	return out
}

// Unfinished returns the runs of the journal that still need something.
func (e *engine) Unfinished(ctx context.Context) ([]screen.Run, error) {
	ids, err := e.w.journal.Runs(ctx)
	if err != nil {
		return nil, forPeople(err)
	}
	var out []screen.Run
	for _, id := range ids {
		r, err := e.Snapshot(ctx, id)
		if err != nil {
			return out, err
		}
		if r.Unfinished() {
			out = append(out, r)
		}
	}
	return out, nil
}

// stop pauses everything, waits until it stands still, and returns the runs that
// this engine worked on: those that are not finished, and those that are.
func (e *engine) stop(ctx context.Context) (open, closed []screen.Run) {
	e.mu.Lock()
	var worked []string
	for id, l := range e.runs {
		if l.version > 0 {
			worked = append(worked, id)
		}
		if l.pause != nil {
			l.pause()
		}
	}
	e.mu.Unlock()
	e.wg.Wait()
	slices.Sort(worked)
	for _, id := range worked {
		switch r, err := e.Snapshot(ctx, id); {
		case err != nil || r.Status == "": // never approved
		case r.Unfinished():
			open = append(open, r)
		default:
			closed = append(closed, r)
		}
	}
	return open, closed
}

// failed is the error of the newest scan.
func (e *engine) failed() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.loadErr
}

// running reports whether a run is going on.
func (e *engine) running() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.runs {
		if l.active {
			return true
		}
	}
	return false
}
