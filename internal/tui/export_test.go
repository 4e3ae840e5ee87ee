package tui

import (
	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/tui/screen"
)

// Heard is the message of a hint.
func Heard(h Hint) tea.Msg { return hinted{h} }

// Calm is how long keys are dropped after something opened by itself.
const Calm = calmDown

// Top is the dialog or screen on top.
func (m *Root) Top() any { return m.top() }

// Bindings are the keys that work or are off now.
var Bindings = (*Root).bindings

// Size sets the picture's size without telling the screens.
func (m *Root) Size(w, h int) { m.width, m.height = w, h }

// Crashed is the place of a panic; empty for none.
func (m *Root) Crashed() string { return string(m.crashed) }

// SetStore puts other credentials into the list.
func (m *Root) SetStore(s *screen.Store) {
	m.store.SetBoard(s.Board)
	m.changed()
}
