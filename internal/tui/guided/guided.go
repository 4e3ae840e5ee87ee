// Package guided is the dialog of a step that a person carries out: it says what to
// do and where, and takes the new key. What is typed or pasted is never drawn, not
// even masked: only how long it is.
package guided

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// longest is how many characters a key may have.
const longest = 16 << 10

// Dialog shows one step.
type Dialog struct {
	store *screen.Store
	run   string

	input    widget.Input
	checking bool
	wrong    screen.Problem // why the last key was not taken
	offset   int            // of the instructions
	last     int            // the greatest offset
	g        widget.Glyphs
}

// New returns the dialog of the step that a run waits for.
func New(store *screen.Store, run string, g widget.Glyphs) *Dialog {
	return &Dialog{store: store, run: run, input: widget.NewInput(longest), g: g}
}

// RunID is the run that waits.
func (d *Dialog) RunID() string { return d.run }

// turn is what the run waits for now; another process may have moved it on.
func (d *Dialog) turn() (screen.Turn, bool) {
	r := d.store.Runs[d.run]
	if r == nil {
		return screen.Turn{}, false
	}
	return r.Turn()
}

// Typing is true while a key is asked for: every character goes to the field.
func (d *Dialog) Typing() bool {
	t, ok := d.turn()
	return ok && t.Key || d.checking
}

// Keys are what the help bar shows.
func (d *Dialog) Keys() []screen.Binding {
	first := screen.InBar(screen.Retry, d.whyNoCheck).Named("it is gone: check")
	if d.Typing() {
		first = screen.InBar(screen.Open, d.whyNoKey).Named("hand it in")
	}
	return append([]screen.Binding{first, screen.InBar(screen.Skip, d.whyNoSkip), screen.InBar(screen.Back, nil)}, d.scrolling()...)
}

func (d *Dialog) whyNoSkip() term.Safe {
	if d.checking {
		return "the key is being checked"
	}
	if _, yours := d.turn(); !yours {
		return "the run does not wait for you any more"
	}
	return ""
}

func (d *Dialog) scrolling() []screen.Binding {
	if d.last == 0 {
		return screen.Bind(screen.Up, screen.Down)
	}
	return []screen.Binding{screen.InBar(screen.Down, nil).Named("scroll"), screen.Hidden(screen.Up, nil)}
}

func (d *Dialog) whyNoKey() term.Safe {
	switch {
	case d.checking:
		return "it is being checked"
	case d.value() == "":
		return "paste or type the new key first"
	}
	return ""
}

func (d *Dialog) whyNoCheck() term.Safe { return d.store.WhyNoResume(d.store.Runs[d.run]) }

// value is what was typed, without the spaces and line ends that come along when a
// key is copied.
func (d *Dialog) value() string { return strings.TrimSpace(d.input.Value()) }

// Update takes keys, a paste, and the reason why a key was not taken.
func (d *Dialog) Update(msg any) screen.Action {
	switch msg := msg.(type) {
	case screen.Pasted:
		d.pasted(msg.Text)
	case screen.Typed:
		return d.typed(msg.Key)
	case screen.Scrolled:
		d.scroll(msg.By)
	case screen.Press:
		return d.pressed(msg.ID)
	case screen.Rejected:
		if msg.Run == d.run {
			d.checking, d.wrong = false, msg.Problem
		}
	}
	return nil
}

// pasted replaces what is there: half of one key and half of another is none.
func (d *Dialog) pasted(text string) {
	if d.checking {
		return
	}
	d.input.Set("")
	d.input.Paste(strings.TrimSpace(text))
	d.wrong = screen.Problem{}
}

func (d *Dialog) typed(k tea.KeyPressMsg) screen.Action {
	switch k.String() {
	case "esc":
		return screen.GoBack{}
	case "up":
		d.scroll(-1)
	case "down":
		d.scroll(1)
	case "enter":
		return d.handIn()
	case screen.KeyOf(screen.Skip).Keys[0]:
		return d.skip()
	default:
		if !d.checking {
			d.input.Press(k)
			d.wrong = screen.Problem{}
		}
	}
	return nil
}

func (d *Dialog) pressed(id screen.ID) screen.Action {
	switch id {
	case screen.Back:
		return screen.GoBack{}
	case screen.Up:
		d.scroll(-1)
	case screen.Down:
		d.scroll(1)
	case screen.Skip:
		return d.skip()
	case screen.Retry:
		return screen.Then{Do: screen.Resume{Run: d.run}}
	default:
	}
	return nil
}

// skip asks first: who leaves a step of an incident must know what waits.
func (d *Dialog) skip() screen.Action {
	if why := d.whyNoSkip(); why != "" {
		d.wrong = screen.Problem{Text: why}
		return nil
	}
	return screen.AskSkip{Run: d.run}
}

// handIn gives the key away, and keeps none of it.
func (d *Dialog) handIn() screen.Action {
	if d.checking {
		return nil
	}
	if d.value() == "" {
		d.wrong = screen.Problem{Text: d.whyNoKey()}
		return nil
	}
	value := secret.New(d.value())
	d.input = widget.NewInput(longest)
	d.checking, d.wrong = true, screen.Problem{}
	return screen.Supply{Run: d.run, Value: value}
}

func (d *Dialog) scroll(by int) { d.offset = max(0, min(d.offset+by, d.last)) }

// View draws the box. What to do stands above and can be scrolled; the field and
// what is wrong with the key are always in sight.
func (d *Dialog) View(r screen.Rect) []widget.Line {
	w := min(r.W-2, 84)
	t, ok := d.turn()
	if !ok {
		text := term.Safe("the run does not wait for you any more")
		if d.checking {
			text = "the key is being checked"
		}
		return widget.Box(" Your turn ", []widget.Line{widget.L(text)}, w, d.g)
	}
	above, below := d.instructions(t, w-4), d.field(t, w-4)
	room := max(1, r.H-2-len(below))
	d.last = max(0, len(above)-room)
	d.offset = min(d.offset, d.last)
	title := term.Safe("Your turn")
	if d.last > 0 {
		title += " (down shows more)"
		if d.offset == d.last {
			title = "Your turn (up shows more)"
		}
	}
	return widget.Box(title, append(above[d.offset:min(len(above), d.offset+room)], below...), w, d.g)
}

// instructions is what to do, and where.
func (d *Dialog) instructions(t screen.Turn, width int) []widget.Line {
	out := widget.Wrapped(nil, widget.Strong, term.Clean(t.Step.Title), width)
	out = append(out, widget.Wrapped(widget.As(widget.Muted, "at "), widget.Key, term.Clean(t.Guide.Link), width)...)
	return append(out, Numbered(t.Guide.Do, width)...)
}

// Numbered is a list of things to do, in order.
func Numbered(do []string, width int) []widget.Line {
	var out []widget.Line
	for i, line := range do {
		out = append(out, widget.Wrapped(widget.L(screen.Ordinal(i+1)), widget.Plain, term.Clean(line), width)...)
	}
	return out
}

func (d *Dialog) field(t screen.Turn, width int) []widget.Line {
	if !t.Key {
		return widget.Wrapped(nil, widget.Muted, "When it is gone, t asks the issuer; the run goes on when the key is refused.", width)
	}
	out := []widget.Line{{widget.S(widget.Key, "new key > ")}}
	switch n := len([]rune(d.value())); {
	case d.checking:
		out[0] = out[0].Add(widget.Strong, "being checked: its form, that it works, and whose it is")
	case n == 0:
		out[0] = out[0].Add(widget.Cursor, "_").Add(widget.Muted, " paste it here; it is not shown")
	default:
		out[0] = out[0].Add(widget.Strong, screen.Count(n, "character")+", not shown").Add(widget.Cursor, "_")
	}
	if d.wrong.Text != "" {
		out = append(out, widget.Wrapped(nil, widget.Bad, "NOT TAKEN: "+d.wrong.Text, width)...)
	}
	if d.wrong.Try != "" {
		out = append(out, widget.Wrapped(nil, widget.Plain, "try: "+d.wrong.Try, width)...)
	}
	return out
}
