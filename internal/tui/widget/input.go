package widget

import (
	"unicode"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/term"
)

// Input is a one-line text field. Editing is the library's; drawing is ours,
// since what was typed or pasted is cleaned like any foreign text.
type Input struct{ field textinput.Model }

// NewInput returns a field that takes at most limit characters.
func NewInput(limit int) Input {
	f := textinput.New()
	f.CharLimit = limit
	f.SetVirtualCursor(false)
	// The library's paste key would run a clipboard program.
	f.KeyMap.Paste = key.NewBinding(key.WithDisabled())
	f.Focus()
	return Input{f}
}

// Press takes a key; control keys that mean nothing to a field do nothing.
func (i *Input) Press(k tea.KeyPressMsg) { i.field, _ = i.field.Update(k) }

// Paste inserts text. Fields that must not take it do not call this.
func (i *Input) Paste(text string) { i.field, _ = i.field.Update(tea.PasteMsg{Content: text}) }

// Value returns what stands in the field.
func (i *Input) Value() string { return i.field.Value() }

// Set replaces what stands in the field.
func (i *Input) Set(text string) { i.field.SetValue(text) }

// Line draws the field at most width cells wide, with a cursor when focused.
func (i *Input) Line(width int, focused bool, g Glyphs) Line {
	runes := []rune(i.field.Value())
	pos := pastMarks(runes, min(i.field.Position(), len(runes)))
	before, at, after := term.Clean(string(runes[:pos])), term.Safe("_"), term.Safe("")
	if pos == len(runes) && !focused {
		at = ""
	}
	if pos < len(runes) {
		next := pastMarks(runes, pos+1)
		at, after = term.Clean(string(runes[pos:next])), term.Clean(string(runes[next:]))
	}
	if !focused {
		return Line{{before, Strong}, {at, Strong}, {after, Strong}}.Fit(width, g)
	}
	// Keep the cursor in sight: what is left of it may be cut.
	for room := width - term.Width(at) - 1; term.Width(before) > room && len(before) > 0; {
		r := []rune(string(before))
		before = term.Clean(string(r[1:]))
	}
	return Line{{before, Strong}, {at, Cursor}, {after, Strong}}.Fit(width, g)
}

// pastMarks returns the place behind the combining marks at pos: they belong to the
// letter before them, and are cleaned with it.
func pastMarks(runes []rune, pos int) int {
	for pos < len(runes) && unicode.In(runes[pos], unicode.Mn, unicode.Me) {
		pos++
	}
	return pos
}
