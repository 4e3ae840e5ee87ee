package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

func (m *Root) load() tea.Cmd {
	m.store.Loading, m.store.LoadErr = true, nil
	return ask(m, "load", scanLimit, m.engine.Load, func(b screen.Board, err error) tea.Cmd {
		m.store.Loading = false
		if err != nil {
			m.store.LoadErr = problem(err)
			m.store.Note(true, "the scan failed: "+m.store.LoadErr.Text)
		} else {
			m.store.SetBoard(b)
			m.store.Note(false, "scanned "+term.Clean(b.Target.Path)+": "+screen.Count(len(b.Cases), "credential"))
		}
		m.changed()
		return nil
	})
}

func (m *Root) verify(a screen.Consent) tea.Cmd {
	for _, p := range a.Issuers {
		m.store.Asked[p] = true
	}
	var cmds []tea.Cmd
	for _, id := range a.Cases {
		c := m.store.Case(id)
		if c == nil || m.store.WhyNoVerify(c) != "" {
			continue
		}
		c.Asking = true
		cmds = append(cmds, ask(m, "verify "+id, verifyLimit, func(ctx context.Context) (triage.Liveness, error) { return m.engine.Verify(ctx, id) },
			func(l triage.Liveness, err error) tea.Cmd { return m.verified(id, l, err) }))
	}
	m.say("asking about " + screen.Count(len(cmds), "key"))
	return tea.Batch(cmds...)
}

func (m *Root) verified(id string, l triage.Liveness, err error) tea.Cmd {
	c := m.store.Case(id)
	if c == nil {
		return nil
	}
	if l.Value == "" { // no verdict at all: say so instead of keeping an old one
		l = triage.Liveness{Value: string(providers.Unknown)}
	}
	if l.Verdict.At.IsZero() {
		l.Verdict.At = m.store.Now
	}
	if err != nil && l.Verdict.Detail == "" {
		l.Verdict.Detail = "the check failed: " + string(problem(err).Text)
	}
	c.SetLiveness(l)
	if err != nil {
		m.failed("cannot verify "+c.Short(), err)
	} else {
		m.store.Note(false, "verified "+c.Short()+": "+c.State().Word)
	}
	m.changed()
	asking := 0
	for _, other := range m.store.Cases {
		if other.Asking {
			asking++
		}
	}
	if asking == 0 && !m.flashBad {
		m.say("every issuer that can be asked has answered")
	}
	return nil
}

func (m *Root) look(id string) tea.Cmd {
	c := m.store.Case(id)
	if c == nil {
		return nil
	}
	c.Looking = true
	return ask(m, "locate "+id, searchLimit, func(ctx context.Context) (screen.Located, error) { return m.engine.Locate(ctx, id) },
		func(l screen.Located, err error) tea.Cmd {
			c := m.store.Case(id)
			if c == nil {
				return nil
			}
			if err != nil {
				l.Problem = string(problem(err).Text)
				l.Gaps = append(l.Gaps, providers.Gap{What: "consumers", Why: l.Problem})
			}
			c.SetLocated(&l)
			m.changed()
			return nil
		})
}

func (m *Root) lookAt(id string, finding int) tea.Cmd {
	return ask(m, "excerpt", localLimit, func(ctx context.Context) (screen.Excerpt, error) { return m.engine.Excerpt(ctx, id, finding) },
		func(e screen.Excerpt, err error) tea.Cmd {
			c := m.store.Case(id)
			if c == nil {
				return nil
			}
			if err != nil {
				e = screen.Excerpt{Why: string(problem(err).Text)}
			}
			c.Excerpt[finding] = &e
			return nil
		})
}
