package tui

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/dialog"
	"github.com/secretguard/secretguard/internal/tui/guided"
	"github.com/secretguard/secretguard/internal/tui/plan"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// watch follows a run that another process works on, so that a second person
// sees it move.
func (m *Root) watch() tea.Cmd {
	var cmds []tea.Cmd
	for _, s := range m.screens {
		if shown, ok := s.(runScreen); ok {
			if r := m.store.Runs[shown.RunID()]; r != nil && r.Unfinished() && !r.Active {
				cmds = append(cmds, m.fetch(shown.RunID()))
			}
		}
	}
	return tea.Batch(cmds...)
}

// fetch gets the newest snapshot of a run. Hints come faster than snapshots are
// read: one fetch is under way at a time, and what came meanwhile is fetched
// after it.
func (m *Root) fetch(id string) tea.Cmd {
	key := "run " + id
	if _, busy := m.pending[key]; busy {
		m.again[id] = true
		return nil
	}
	return ask(m, key, localLimit, func(ctx context.Context) (screen.Run, error) { return m.engine.Snapshot(ctx, id) },
		func(r screen.Run, err error) tea.Cmd {
			if err != nil {
				m.failed("cannot read run "+term.Clean(id), err)
				delete(m.again, id)
				return nil
			}
			cmd := m.take(&r)
			if m.again[id] {
				delete(m.again, id)
				return tea.Batch(cmd, m.fetch(id))
			}
			return cmd
		})
}

// take puts a snapshot into the store and opens the summary when it is the end.
func (m *Root) take(r *screen.Run) tea.Cmd {
	old := m.store.Runs[r.Plan.ID]
	if !m.store.SetRun(r) {
		return nil
	}
	m.changed()
	if old == nil || !old.Unfinished() || r.Unfinished() {
		return nil
	}
	m.store.Note(false, "run "+term.Clean(r.Plan.ID)+" is "+term.Clean(string(r.Status)))
	// The consumers hold other values now.
	cmd := m.look(r.Plan.Case)
	for i, s := range m.screens {
		if shown, ok := s.(runScreen); ok && shown.RunID() == r.Plan.ID {
			m.screens = m.screens[:i]
			m.closeDialogs()
			m.openRun(r.Plan.ID)
			m.settle(true)
			return cmd
		}
	}
	m.say("run " + term.Clean(r.Plan.ID) + " is " + term.Clean(string(r.Status)))
	return cmd
}

func (m *Root) findUnfinished() tea.Cmd {
	return ask(m, "unfinished", localLimit, m.engine.Unfinished, func(runs []screen.Run, err error) tea.Cmd {
		if err != nil {
			m.failed("cannot read the journal", err)
			return nil
		}
		for i := range runs {
			m.store.SetRun(&runs[i])
		}
		m.changed()
		if list := m.store.Unfinished(); len(list) > 0 {
			m.offer(list)
		}
		return nil
	})
}

func (m *Root) makePlan(a screen.MakePlan) tea.Cmd {
	c := m.store.Case(a.Case)
	if c == nil {
		return nil
	}
	m.store.Planning = a.Case
	what := term.Safe("Planning a rotation of ")
	if a.Strategy == rotate.ContainFirst {
		what = "Planning to contain "
	}
	m.show(dialog.NewBusy("Reading only", what+c.Who()+": asking the issuer, searching every variable of every service. Nothing is changed.", screen.StopPlanning{}, m.g), false)
	return ask(m, "plan", searchLimit, func(ctx context.Context) (rotate.Plan, error) { return m.engine.Plan(ctx, a.Case, a.Strategy) },
		func(p rotate.Plan, err error) tea.Cmd {
			m.store.Planning = ""
			m.closeDialogs()
			if err != nil {
				m.refused("No plan", err)
				return nil
			}
			if _, ok := m.top().(*plan.Plan); ok {
				m.back()
			}
			m.push(plan.New(m.store, p, m.g), true)
			return nil
		})
}

// refused opens a page with a problem: it came by itself and must be read.
func (m *Root) refused(title term.Safe, err error) {
	p := problem(err)
	body := []term.Safe{p.Text}
	if p.Try != "" {
		body = append(body, "try: "+p.Try)
	}
	m.store.Note(true, title+": "+p.Text)
	m.show(dialog.NewNotice(title, body, m.g), true)
}

func (m *Root) start(a screen.Start) tea.Cmd {
	if m.store.ReadOnly {
		return nil
	}
	return ask(m, "start", startLimit, func(ctx context.Context) (screen.Run, error) {
		if err := m.engine.Start(ctx, a.Plan, a.Typed); err != nil {
			return screen.Run{}, err
		}
		return m.engine.Snapshot(ctx, a.Plan.ID)
	}, func(r screen.Run, err error) tea.Cmd {
		if err != nil {
			m.refused("Not started", err)
			return nil
		}
		if _, ok := m.top().(*plan.Plan); ok {
			m.back()
		}
		m.store.Note(false, "run "+term.Clean(r.Plan.ID)+" was approved")
		m.store.SetRun(&r)
		m.changed()
		m.openRun(r.Plan.ID)
		return nil
	})
}

// drive goes on with a run in some direction.
func (m *Root) drive(id string, what term.Safe, do func(context.Context) error) tea.Cmd {
	if m.store.ReadOnly {
		return nil
	}
	return ask(m, "drive "+id, startLimit, func(ctx context.Context) (screen.Run, error) {
		if err := do(ctx); err != nil {
			return screen.Run{}, err
		}
		return m.engine.Snapshot(ctx, id)
	}, func(r screen.Run, err error) tea.Cmd {
		if err != nil {
			m.refused("Cannot "+what, err)
			return m.fetch(id)
		}
		return m.take(&r)
	})
}

// acceptLess waives and then goes on: that is what the person wants.
func (m *Root) acceptLess(a screen.AcceptLess) tea.Cmd {
	return m.drive(a.Run, "accept less", func(ctx context.Context) error {
		if err := m.engine.Waive(ctx, a.Run, a.Step, a.Reason); err != nil {
			return err
		}
		return m.engine.Resume(ctx, a.Run)
	})
}

// handIn gives a key to the run that waits for it. A key that is refused leaves the
// dialog open, so that the next try is one paste away.
func (m *Root) handIn(a screen.Supply) tea.Cmd {
	if m.store.ReadOnly {
		return nil
	}
	return ask(m, "drive "+a.Run, startLimit, func(ctx context.Context) (screen.Run, error) {
		if err := m.engine.Supply(ctx, a.Run, a.Value); err != nil {
			return screen.Run{}, err
		}
		return m.engine.Snapshot(ctx, a.Run)
	}, func(r screen.Run, err error) tea.Cmd {
		open := slices.ContainsFunc(m.dialogs, func(d screen.Screen) bool { return asksFor(d, a.Run) })
		switch {
		case err != nil && open:
			p := problem(err)
			m.store.Note(true, "a key was not taken: "+p.Text)
			m.tell(screen.Rejected{Run: a.Run, Problem: *p})
			return m.fetch(a.Run)
		case err != nil:
			m.refused("The key was not taken", err)
			return m.fetch(a.Run)
		}
		m.dialogs = slices.DeleteFunc(m.dialogs, func(d screen.Screen) bool { return asksFor(d, a.Run) })
		m.store.Note(false, "a new key was handed in for run "+term.Clean(a.Run))
		m.say("the new key works and is sealed; the run goes on")
		return m.take(&r)
	})
}

// asksFor reports whether a dialog is that of a run's step by hand.
func asksFor(d screen.Screen, run string) bool {
	g, ok := d.(*guided.Dialog)
	return ok && g.RunID() == run
}
