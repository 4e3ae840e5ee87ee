package tui

import (
	"context"
	"os/exec"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// Time limits of requests. A scan has none of its own worth naming: esc stops it.
const (
	scanLimit   = 12 * time.Hour
	verifyLimit = 90 * time.Second
	searchLimit = 10 * time.Minute
	startLimit  = 2 * time.Minute
	localLimit  = 30 * time.Second
)

// revealFor is how long a secret stays on the screen.
const revealFor = 10 * time.Second

// work carries out the actions that need the engine.
func (m *Root) work(a screen.Action) tea.Cmd {
	switch a := a.(type) {
	case screen.Reload:
		return m.load()
	case screen.StopLoading:
		m.interrupt("load")
		m.say("stopping the scan")
	case screen.StopPlanning:
		m.drop("plan")
		m.store.Planning = ""
		m.back()
		m.say("planning was stopped; nothing was changed")
	case screen.Consent:
		return m.verify(a)
	case screen.Look:
		return m.look(a.Case)
	case screen.LookAt:
		return m.lookAt(a.Case, a.Finding)
	case screen.MakePlan:
		return m.makePlan(a)
	case screen.Start:
		return m.start(a)
	case screen.Resume:
		return m.drive(a.Run, "continue", func(ctx context.Context) error { return m.engine.Resume(ctx, a.Run) })
	case screen.UndoRun:
		return m.drive(a.Run, "roll back", func(ctx context.Context) error { return m.engine.RollBack(ctx, a.Run, a.Reason) })
	case screen.Supply:
		return m.handIn(a)
	case screen.AcceptLess:
		return m.acceptLess(a)
	case screen.Stop:
		m.say("pausing: the step in flight is finished first")
		return func() tea.Msg {
			m.engine.Pause(a.Run)
			return wake{}
		}
	default:
		return m.desk(a)
	}
	return nil
}

// desk carries out what happens on this machine.
func (m *Root) desk(a screen.Action) tea.Cmd {
	switch a := a.(type) {
	case screen.WritePlan:
		return ask(m, "save", localLimit, func(ctx context.Context) (string, error) { return m.engine.SavePlan(ctx, a.Plan) },
			func(file string, err error) tea.Cmd { return m.wrote(err, "the plan is in", file) })
	case screen.WriteReport:
		return ask(m, "report", localLimit, func(ctx context.Context) ([]string, error) { return m.engine.Report(ctx, a.Run) },
			func(files []string, err error) tea.Cmd { return m.wrote(err, "written:", strings.Join(files, ", ")) })
	case screen.AcceptCase:
		return m.accept(a)
	case screen.ShowSecret:
		return m.reveal(a)
	case screen.OpenEditor:
		return m.edit(a)
	case screen.CopyText:
		m.say(a.What + " copied, if the terminal allows it: " + a.Text)
		return tea.SetClipboard(string(a.Text))
	}
	return nil
}

func (m *Root) wrote(err error, what term.Safe, file string) tea.Cmd {
	if err != nil {
		m.failed("cannot write", err)
		return nil
	}
	m.say(what + " " + term.Clean(file))
	m.store.Note(false, what+" "+term.Clean(file))
	return nil
}

// failed says what went wrong and what to do next.
func (m *Root) failed(what term.Safe, err error) {
	p := problem(err)
	text := what + ": " + p.Text
	if p.Try != "" {
		text += "; try: " + p.Try
	}
	m.complain(text)
}

func (m *Root) listen() tea.Cmd {
	ctx := m.ctx
	return func() tea.Msg {
		h, err := m.engine.Next(ctx)
		if err != nil {
			return nil // the program ends
		}
		return hinted{h}
	}
}

// hinted fetches what a hint speaks of.
func (m *Root) hinted(h Hint) tea.Cmd {
	if h.Progress != nil {
		m.store.Progress = *h.Progress
	}
	if h.Run == "" {
		return nil
	}
	return m.fetch(h.Run)
}

func (m *Root) accept(a screen.AcceptCase) tea.Cmd {
	return ask(m, "accept", localLimit, func(ctx context.Context) (string, error) {
		return m.engine.Accept(ctx, a.Case, a.Reason, a.Owner, a.Until)
	}, func(file string, err error) tea.Cmd {
		if err != nil {
			m.failed("cannot write the baseline", err)
			return nil
		}
		for len(m.screens) > 1 {
			m.back()
		}
		if c := m.store.Case(a.Case); c != nil {
			m.store.Board.Accepted += len(c.Findings)
		}
		m.store.Board.Baseline = file
		m.store.Drop(a.Case)
		m.changed()
		return m.wrote(nil, "accepted; scans need: --baseline-path", file)
	})
}

func (m *Root) reveal(a screen.ShowSecret) tea.Cmd {
	c := m.store.Case(a.Case)
	if m.store.WhyNoReveal(c) != "" {
		return nil
	}
	m.store.RevealAgreed = true
	return ask(m, "reveal", localLimit, func(ctx context.Context) (secret.Text, error) { return m.engine.Reveal(ctx, a.Case, a.Part) },
		func(v secret.Text, err error) tea.Cmd {
			if err != nil {
				m.failed("nothing is shown", err)
				return nil
			}
			m.store.Note(false, "the secret of "+c.Short()+" was shown")
			m.top().Update(screen.Revealed{Value: v, Until: m.store.Now.Add(revealFor)})
			return m.after(revealFor, wake{})
		})
}

// edit gives the terminal to the editor and takes it back.
func (m *Root) edit(a screen.OpenEditor) tea.Cmd {
	return ask(m, "editor", localLimit, func(context.Context) (*exec.Cmd, error) { return m.engine.Editor(a.Case, a.Finding) },
		func(cmd *exec.Cmd, err error) tea.Cmd {
			if err != nil {
				m.failed("no editor", err)
				return nil
			}
			return tea.ExecProcess(cmd, func(err error) tea.Msg { return edited{err} })
		})
}
