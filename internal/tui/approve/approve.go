// Package approve is the dialog in which a person types a phrase to approve what
// cannot be taken back. It is apart from the other dialogs because its rules are
// stricter: nothing but the exact phrase, typed key by key, gives the action.
package approve

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// typingPause is how long after the last character an Enter is taken for typed.
// A terminal without bracketed paste sends a pasted line, line feed and all, as
// keys in one burst; no hand is that fast.
const typingPause = 40 * time.Millisecond

// Dialog asks for a phrase.
type Dialog struct {
	title  term.Safe
	body   []term.Safe
	verb   term.Safe // the button that approves
	phrase string
	do     func(typed string) screen.Action
	now    func() time.Time

	input   widget.Input
	last    time.Time // when the last character came
	cancel  bool      // the matching text is there, and Cancel has the focus all the same
	refused term.Safe
	g       widget.Glyphs
}

// New returns the dialog. do makes the action from what was typed, which is then
// the phrase.
func New(title term.Safe, body []term.Safe, verb term.Safe, phrase string, do func(string) screen.Action, now func() time.Time, g widget.Glyphs) *Dialog {
	return &Dialog{title: title, body: body, verb: verb, phrase: phrase, do: do, now: now, input: widget.NewInput(200), g: g}
}

// Typing is always true: every key goes to the field.
func (d *Dialog) Typing() bool { return true }

// Keys are shown in the help bar; the dialog takes raw keys.
func (d *Dialog) Keys() []screen.Binding {
	enter := screen.InBar(screen.Open, func() term.Safe {
		if !d.matches() {
			return "type the phrase first"
		}
		return ""
	}).Named(d.verb)
	if d.cancel {
		enter = enter.Named("cancel")
	}
	return []screen.Binding{screen.InBar(screen.Back, nil).Named("cancel"), enter, screen.InBar(screen.NextPane, nil).Named("button")}
}

// matches reports whether exactly the phrase was typed.
func (d *Dialog) matches() bool { return d.phrase != "" && d.input.Value() == d.phrase }

// Update takes keys. A paste is refused.
func (d *Dialog) Update(msg any) screen.Action {
	switch msg := msg.(type) {
	case screen.Pasted:
		d.refused = "paste is refused here: type it"
	case screen.Typed:
		return d.typed(msg.Key)
	}
	return nil
}

func (d *Dialog) typed(k tea.KeyPressMsg) screen.Action {
	switch k.String() {
	case "esc":
		return screen.GoBack{}
	case "tab", "shift+tab":
		d.cancel = !d.cancel && d.matches()
		return nil
	case "enter":
		return d.enter()
	}
	// A key that carries more than one character was not typed.
	if len([]rune(k.Text)) > 1 {
		d.refused = "paste is refused here: type it"
		return nil
	}
	before := d.input.Value()
	d.input.Press(k)
	d.cancel, d.refused = false, ""
	if d.input.Value() != before {
		d.last = d.now()
	}
	return nil
}

func (d *Dialog) enter() screen.Action {
	switch {
	case !d.matches():
		return nil
	case d.cancel:
		return screen.GoBack{}
	case d.now().Sub(d.last) < typingPause:
		d.refused = "that came too fast to be typed; press enter again"
		return nil
	}
	return screen.Then{Do: d.do(d.input.Value())}
}

// View draws the box.
func (d *Dialog) View(r screen.Rect) []widget.Line {
	w := min(r.W-2, 84)
	var lines []widget.Line
	for _, b := range d.body {
		lines = append(lines, widget.Wrapped(nil, widget.Plain, b, w-4)...)
	}
	lines = append(lines,
		widget.Line{widget.S(widget.Plain, "To continue, type:  "), widget.S(widget.Strong, term.Clean(d.phrase))},
		append(widget.As(widget.Key, "> "), d.input.Line(w-6, true, d.g)...),
		d.buttons())
	if d.refused != "" {
		lines = append(lines, widget.As(widget.Bad, d.refused))
	}
	return widget.Box(d.title, lines, w, d.g)
}

func (d *Dialog) buttons() widget.Line {
	cancel, verb := widget.S(widget.Chosen, "[ Cancel ]"), widget.S(widget.Off, "  "+d.verb+" (typed text must match)")
	switch {
	case d.matches() && d.cancel:
		verb = widget.S(widget.Plain, "  "+d.verb+" ")
	case d.matches():
		cancel, verb = widget.S(widget.Plain, "  Cancel  "), widget.S(widget.Chosen, "[ "+d.verb+" ]")
	}
	return widget.Line{widget.S(widget.Plain, "  "), cancel, widget.S(widget.Plain, "   "), verb}
}
