package dialog

import (
	"strings"

	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// Field is one line of a form.
type Field struct {
	Label term.Safe
	Hint  term.Safe // shown while the field is empty
	Value string    // what stands in it at first
	// Check gives what is wrong with the value; nil accepts everything.
	Check func(string) term.Safe
}

// Form asks for a few values. Enter goes to the next field, on the last one it
// sends the form, but only when every value is good.
type Form struct {
	title  term.Safe
	body   []term.Safe
	fields []Field
	inputs []widget.Input
	at     int
	do     func(values []string) screen.Action
	wrong  term.Safe
	g      widget.Glyphs
}

// NewForm returns a form; do makes the action from the values.
func NewForm(title term.Safe, body []term.Safe, fields []Field, do func([]string) screen.Action, g widget.Glyphs) *Form {
	f := &Form{title: title, body: body, fields: fields, do: do, g: g}
	for _, field := range fields {
		in := widget.NewInput(200)
		in.Set(field.Value)
		f.inputs = append(f.inputs, in)
	}
	return f
}

// Typing is always true.
func (f *Form) Typing() bool { return true }

// Keys are shown only: the form takes raw keys.
func (f *Form) Keys() []screen.Binding {
	enter := "send"
	if f.at < len(f.fields)-1 {
		enter = "next field"
	}
	keys := []screen.Binding{screen.InBar(screen.Open, nil).Named(term.Clean(enter)), screen.InBar(screen.Back, nil).Named("cancel")}
	if len(f.fields) > 1 {
		keys = append(keys, screen.InBar(screen.NextPane, nil).Named("field"))
	}
	return keys
}

// Update edits, moves and sends.
func (f *Form) Update(msg any) screen.Action {
	switch msg := msg.(type) {
	case screen.Pasted:
		f.inputs[f.at].Paste(msg.Text)
	case screen.Typed:
		switch msg.Key.String() {
		case "esc":
			return screen.GoBack{}
		case "tab", "down":
			f.at = (f.at + 1) % len(f.fields)
		case "shift+tab", "up":
			f.at = (f.at + len(f.fields) - 1) % len(f.fields)
		case "enter":
			return f.enter()
		default:
			f.wrong = ""
			f.inputs[f.at].Press(msg.Key)
		}
	}
	return nil
}

func (f *Form) enter() screen.Action {
	if f.wrong = f.check(f.at); f.wrong != "" {
		return nil
	}
	if f.at < len(f.fields)-1 {
		f.at++
		return nil
	}
	values := make([]string, len(f.fields))
	for i := range f.fields {
		if f.wrong = f.check(i); f.wrong != "" {
			f.at = i
			return nil
		}
		values[i] = strings.TrimSpace(f.inputs[i].Value())
	}
	return screen.Then{Do: f.do(values)}
}

func (f *Form) check(i int) term.Safe {
	if f.fields[i].Check == nil {
		return ""
	}
	return f.fields[i].Check(strings.TrimSpace(f.inputs[i].Value()))
}

// View draws the box.
func (f *Form) View(r screen.Rect) []widget.Line {
	w := boxWidth(r.W)
	var lines []widget.Line
	for _, b := range f.body {
		lines = append(lines, widget.Wrapped(nil, widget.Plain, b, w-4)...)
	}
	lines = append(lines, nil)
	label := 0
	for _, field := range f.fields {
		label = max(label, term.Width(field.Label)+1)
	}
	for i, field := range f.fields {
		mark := term.Safe("  ")
		if i == f.at {
			mark = "> "
		}
		line := widget.Line{widget.S(widget.Key, mark), widget.S(widget.Muted, term.Pad(field.Label, label))}
		if f.inputs[i].Value() == "" && field.Hint != "" {
			if i == f.at {
				line = line.Add(widget.Cursor, "_")
			}
			line = line.Add(widget.Muted, " ("+field.Hint+")")
		} else {
			line = append(line, f.inputs[i].Line(w-6-label, i == f.at, f.g)...)
		}
		lines = append(lines, line)
	}
	if f.wrong != "" {
		lines = append(lines, nil, widget.As(widget.Bad, f.wrong))
	}
	return widget.Box(f.title, lines, w, f.g)
}

// Needed refuses an empty value.
func Needed(what term.Safe) func(string) term.Safe {
	return func(s string) term.Safe {
		if s == "" {
			return what
		}
		return ""
	}
}
