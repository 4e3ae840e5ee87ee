// Package dialog holds the boxes that lie over a screen: questions, menus, forms,
// pages of text. The safe choice has the focus, and nothing is confirmed by a
// letter that means something else on the screen below.
package dialog

import (
	"strings"

	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// Widest is how wide a box gets at most.
const Widest = 84

// boxWidth is the width of a box in a screen of w cells.
func boxWidth(w int) int { return min(w-2, Widest) }

// Confirm asks a question with two answers; "no" has the focus.
type Confirm struct {
	title   term.Safe
	body    []term.Safe
	no, yes term.Safe
	do      screen.Action
	onYes   bool
	g       widget.Glyphs
}

// NewConfirm returns a question. yes is the button that does the action.
func NewConfirm(title term.Safe, body []term.Safe, no, yes term.Safe, do screen.Action, g widget.Glyphs) *Confirm {
	return &Confirm{title: title, body: body, no: no, yes: yes, do: do, g: g}
}

// Keys are tab, enter and esc.
func (c *Confirm) Keys() []screen.Binding {
	choose := screen.InBar(screen.NextPane, nil).Named("choose")
	return []screen.Binding{choose, screen.Hidden(screen.PrevPane, nil), screen.InBar(screen.Open, nil).Named("press the button"), screen.InBar(screen.Back, nil).Named("cancel")}
}

// Update moves between the buttons and presses one.
func (c *Confirm) Update(msg any) screen.Action {
	p, ok := msg.(screen.Press)
	if !ok {
		return nil
	}
	switch p.ID {
	case screen.NextPane, screen.PrevPane:
		c.onYes = !c.onYes
	case screen.Back:
		return screen.GoBack{}
	case screen.Open:
		if c.onYes {
			return screen.Then{Do: c.do}
		}
		return screen.GoBack{}
	default:
	}
	return nil
}

// View draws the box.
func (c *Confirm) View(r screen.Rect) []widget.Line {
	w := boxWidth(r.W)
	var lines []widget.Line
	for _, b := range c.body {
		lines = append(lines, widget.Wrapped(nil, widget.Plain, b, w-4)...)
	}
	lines = append(lines, nil, Buttons(c.no, c.yes, c.onYes, true))
	return widget.Box(c.title, lines, w, c.g)
}

// Buttons draws two buttons; the one with the focus has brackets. A button that
// does nothing yet says so by its role and has no brackets ever.
func Buttons(no, yes term.Safe, onYes, works bool) widget.Line {
	left, right := widget.S(widget.Chosen, "[ "+no+" ]"), widget.S(widget.Plain, "  "+yes+"  ")
	if onYes {
		left, right = widget.S(widget.Plain, "  "+no+"  "), widget.S(widget.Chosen, "[ "+yes+" ]")
	}
	if !works {
		right.Role = widget.Off
	}
	return widget.Line{widget.S(widget.Plain, "  "), left, widget.S(widget.Plain, "     "), right}
}

// NewNotice returns a page with a message that must be read; esc or enter closes it.
func NewNotice(title term.Safe, body []term.Safe, g widget.Glyphs) *Text {
	t := NewText(title, func(width int) []widget.Line {
		var lines []widget.Line
		for i, b := range body {
			if i > 0 {
				lines = append(lines, nil)
			}
			lines = append(lines, widget.Wrapped(nil, widget.Plain, b, width)...)
		}
		return lines
	}, g)
	t.notice = true
	return t
}

// Text is a page of text to scroll through.
type Text struct {
	title  term.Safe
	lines  func(width int) []widget.Line
	offset int
	height int
	count  int
	tail   bool // keep the end in sight
	notice bool // enter closes it too
	g      widget.Glyphs
}

// NewText returns a page; lines is asked again at each drawing.
func NewText(title term.Safe, lines func(width int) []widget.Line, g widget.Glyphs) *Text {
	return &Text{title: title, lines: lines, g: g}
}

// NewTail returns a page that begins at its end and follows it.
func NewTail(title term.Safe, lines func(width int) []widget.Line, g widget.Glyphs) *Text {
	return &Text{title: title, lines: lines, tail: true, g: g}
}

// Keys scroll and close.
func (t *Text) Keys() []screen.Binding {
	keys := []screen.Binding{screen.InBar(screen.Back, nil).Named("close")}
	if t.notice {
		keys = append(keys, screen.InBar(screen.Open, nil).Named("close"))
	}
	if t.count > t.height {
		keys = append(keys, screen.InBar(screen.Down, nil).Named("scroll"))
	}
	return append(keys, screen.Bind(screen.Lines...)...)
}

// Update scrolls.
func (t *Text) Update(msg any) screen.Action {
	last := max(0, t.count-t.height)
	switch msg := msg.(type) {
	case screen.Scrolled:
		t.offset = max(0, min(t.offset+msg.By, last))
		t.tail = t.tail && t.offset == last
	case screen.Press:
		if msg.ID == screen.Back || msg.ID == screen.Open {
			return screen.GoBack{}
		}
		if n, ok := screen.Step(msg.ID, t.offset, t.height, last+1); ok {
			t.offset = n
			t.tail = t.tail && n == last || msg.ID == screen.Last
		}
	}
	return nil
}

// View draws the visible part and says which one it is.
func (t *Text) View(r screen.Rect) []widget.Line {
	w := boxWidth(r.W)
	lines := t.lines(w - 4)
	t.count, t.height = len(lines), min(len(lines), r.H-2)
	last := max(0, t.count-t.height)
	if t.tail {
		t.offset = last
	}
	t.offset = min(t.offset, last)
	title := t.title
	if last > 0 {
		title += term.Clean(position(t.offset+1, t.offset+t.height, t.count))
	}
	return widget.Box(title, lines[t.offset:t.offset+t.height], w, t.g)
}

// Busy says that something is under way, and lets a person stop it.
type Busy struct {
	title term.Safe
	body  term.Safe
	stop  screen.Action
	g     widget.Glyphs
}

// NewBusy returns the box; esc does stop.
func NewBusy(title, body term.Safe, stop screen.Action, g widget.Glyphs) *Busy {
	return &Busy{title, body, stop, g}
}

// Keys is esc.
func (b *Busy) Keys() []screen.Binding {
	return []screen.Binding{screen.InBar(screen.Back, nil).Named("stop")}
}

// Update stops.
func (b *Busy) Update(msg any) screen.Action {
	if p, ok := msg.(screen.Press); ok && p.ID == screen.Back {
		return b.stop
	}
	return nil
}

// View draws the box.
func (b *Busy) View(r screen.Rect) []widget.Line {
	w := min(boxWidth(r.W), 64)
	return widget.Box(b.title, widget.Wrapped(nil, widget.Plain, b.body, w-4), w, b.g)
}

// fold makes text comparable for a search.
func fold(s term.Safe) string { return strings.ToLower(string(s)) }
