package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/dialog"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// globals are the keys that work on every screen.
func (m *Root) globals() []screen.Binding {
	return []screen.Binding{screen.InBar(screen.Help, nil), screen.InBar(screen.Quit, nil), screen.Hidden(screen.Palette, nil), screen.Hidden(screen.Log, nil)}
}

// bindings are the keys that work now: a dialog's own, or the screen's and the
// global ones.
func (m *Root) bindings() []screen.Binding {
	if !m.global() {
		return m.top().Keys()
	}
	return append(m.top().Keys(), m.globals()...)
}

// global reports whether the global keys work now: not under a dialog, and not
// while every key goes to a field.
func (m *Root) global() bool { return len(m.dialogs) == 0 && !typing(m.top()) }

func typing(s screen.Screen) bool {
	t, ok := s.(screen.Typer)
	return ok && t.Typing()
}

func (m *Root) key(k tea.KeyPressMsg) tea.Cmd {
	pressed := k.String()
	if pressed == "ctrl+c" {
		return m.interrupted()
	}
	// What opened by itself gets no key that was meant for the screen below.
	early := m.store.Now.Before(m.calm)
	if early {
		m.calm = m.store.Now.Add(calmDown)
		return nil
	}
	m.flash = ""
	m.tell(screen.Disturbed{})
	if screen.ClassOf(m.width, m.height) == screen.TooSmall {
		if pressed == "q" {
			return m.interrupted()
		}
		return nil
	}
	if typing(m.top()) {
		return m.perform(m.top().Update(screen.Typed{Key: k}))
	}
	b, ok := screen.Lookup(m.bindings(), pressed)
	if !ok {
		return nil
	}
	return m.press(b)
}

// press does what a binding stands for, or says why not.
func (m *Root) press(b screen.Binding) tea.Cmd {
	if why := b.Why(); why != "" {
		m.say(b.Label + " " + b.Help + ": " + why)
		return nil
	}
	switch b.ID {
	case screen.Help:
		m.show(dialog.NewHelp(m.bindings(), m.g), false)
	case screen.Palette:
		m.show(dialog.NewPalette(m.bindings(), m.g), false)
	case screen.Log:
		m.show(dialog.NewTail("Log", m.logLines, m.g), false)
	case screen.Quit:
		return m.perform(screen.Leave{})
	default:
		return m.perform(m.top().Update(screen.Press{ID: b.ID}))
	}
	return nil
}

// interrupted is ctrl+c: with a run in flight the first one asks, the second one
// ends the screen.
func (m *Root) interrupted() tea.Cmd {
	if m.store.ActiveRuns() == 0 || m.leaving {
		return m.leave()
	}
	cmd := m.perform(screen.Leave{})
	m.leaving = true
	m.say("press ctrl+c again to leave now; the step in flight is finished first")
	return cmd
}

func (m *Root) paste(p tea.PasteMsg) tea.Cmd {
	if !typing(m.top()) {
		m.say("there is no field to paste into")
		return nil
	}
	return m.perform(m.top().Update(screen.Pasted{Text: p.Content}))
}

func (m *Root) wheel(w tea.MouseWheelMsg) tea.Cmd {
	const lines = 3
	switch w.Button {
	case tea.MouseWheelUp:
		return m.perform(m.top().Update(screen.Scrolled{By: -lines}))
	case tea.MouseWheelDown:
		return m.perform(m.top().Update(screen.Scrolled{By: lines}))
	default:
	}
	return nil
}

func (m *Root) click(c tea.MouseClickMsg) tea.Cmd {
	if c.Button != tea.MouseLeft || len(m.dialogs) > 0 || m.store.Now.Before(m.calm) {
		return nil // a dialog is answered with keys: a stray click answers nothing
	}
	return m.perform(m.top().Update(screen.Clicked{X: c.X, Y: c.Y}))
}

// help is the bar at the bottom, made from the bindings: what works first. A key
// that is off is in parentheses, so that it can be told without colour.
func (m *Root) help(width int) widget.Line {
	bindings := m.bindings()
	var tail widget.Line
	if m.global() {
		for _, b := range m.globals() {
			if b.Bar {
				tail = tail.Add(widget.Key, " "+b.Label).Add(widget.Muted, " "+b.Help+" ")
			}
		}
	}
	line, off := widget.L(""), widget.L("")
	for _, b := range bindings {
		if !b.Bar || m.global() && (b.ID == screen.Help || b.ID == screen.Quit) {
			continue
		}
		if b.Why() != "" {
			off = off.Add(widget.Off, " ("+b.Label+" "+b.Help+")")
			continue
		}
		if part := term.Width(b.Label) + term.Width(b.Help) + 3; line.Width()+part+tail.Width() <= width {
			line = line.Add(widget.Key, " "+b.Label).Add(widget.Muted, " "+b.Help+" ")
		}
	}
	for _, s := range off {
		if line.Width()+term.Width(s.Text)+tail.Width() <= width {
			line = append(line, s)
		}
	}
	return append(line, tail...)
}

// tooSmall says what is needed; nothing else would fit.
func (m *Root) tooSmall() []widget.Line {
	need := term.Clean(fmt.Sprintf("needs %dx%d, is %dx%d", screen.MinWidth, screen.MinHeight, m.width, m.height))
	lines := widget.Wrapped(nil, widget.Strong, need, max(1, m.width))
	lines = append(lines, widget.Wrapped(nil, widget.Plain, "make the window larger, or q to leave; --accessible needs no size", max(1, m.width))...)
	if n := m.store.ActiveRuns(); n > 0 {
		lines = append(lines, widget.Wrapped(nil, widget.Plain, screen.Count(n, "run")+" going on", max(1, m.width))...)
	}
	return widget.Fill(lines, max(1, m.height))
}
