// Package screen is what the screens of the responder share: what a screen is,
// the keys as data, the actions that a screen asks for, and the store that all of
// them read.
//
// A screen is a state machine without any input or output: messages go in, an
// [Action] comes out, and the root carries it out. Screens never see an engine or
// a provider.
package screen

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// Screen is one screen or dialog.
type Screen interface {
	// Update takes one of the messages below and returns what should happen; nil
	// for nothing.
	Update(msg any) Action
	// View draws at most r.H lines of at most r.W cells.
	View(r Rect) []widget.Line
	// Keys are the keys that the screen offers now, those of the root apart.
	Keys() []Binding
}

// Typer is a screen that may want raw keys, for a text field.
type Typer interface {
	// Typing reports whether keys go to a field now.
	Typing() bool
}

// Messages of a screen.
type (
	// Press is a key that was looked up in the screen's own keys and works.
	Press struct{ ID ID }
	// Typed is a raw key for a screen that is typing.
	Typed struct{ Key tea.KeyPressMsg }
	// Pasted is text that the terminal marks as pasted.
	Pasted struct{ Text string }
	// Scrolled is a turn of the wheel, in lines.
	Scrolled struct{ By int }
	// Clicked is a click inside the screen, counted from its own corner.
	Clicked struct{ X, Y int }
	// Changed says that the store holds something new.
	Changed struct{}
	// Disturbed says that a key was pressed, or that the window was resized or
	// lost the focus. It comes before the key itself.
	Disturbed struct{}
	// Rejected says why a key that was handed in for a run was not taken.
	Rejected struct {
		Run     string
		Problem Problem
	}
	// Revealed hands a secret to the screen that asked for it, to be shown until a
	// moment and no longer.
	Revealed struct {
		Value secret.Text
		Until time.Time
	}
)

// Rect is the room that a screen has, in cells.
type Rect struct{ W, H int }

// Class is how much room there is.
type Class int

// Classes.
const (
	TooSmall Class = iota
	Narrow         // one pane, the others behind tab
	Medium         // two panes
	Wide           // three panes
)

// Sizes at which the layout changes, of the whole terminal.
const (
	MinWidth    = 60
	MinHeight   = 15
	MediumWidth = 80
	WideWidth   = 120
	WideHeight  = 30
)

// ClassOf says how much room a terminal has.
func ClassOf(width, height int) Class {
	switch {
	case width < MinWidth || height < MinHeight:
		return TooSmall
	case width < MediumWidth:
		return Narrow
	case width < WideWidth || height < WideHeight:
		return Medium
	}
	return Wide
}

// Chrome is how many lines the root keeps for itself below a screen.
const Chrome = 2

// Class says how much room a screen's rectangle leaves.
func (r Rect) Class() Class { return ClassOf(r.W, r.H+Chrome) }

// Problem is an error for a person: what happened, and what to do next.
type Problem struct {
	Text term.Safe
	Try  term.Safe
}

// Error gives the text.
func (p Problem) Error() string { return string(p.Text) }
