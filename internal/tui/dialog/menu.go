package dialog

import (
	"fmt"
	"strings"

	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// Item is one entry of a menu.
type Item struct {
	Label term.Safe
	Hint  term.Safe
	Do    screen.Action
	Off   term.Safe // why it cannot be chosen
}

// Menu lets a person choose one of several things. A palette is a menu with a
// search field.
type Menu struct {
	title  term.Safe
	body   []term.Safe
	items  []Item
	shown  []Item
	cursor int
	offset int
	height int
	search *widget.Input
	g      widget.Glyphs
}

// NewMenu returns a menu; the first entry has the focus.
func NewMenu(title term.Safe, body []term.Safe, items []Item, g widget.Glyphs) *Menu {
	return &Menu{title: title, body: body, items: items, shown: items, g: g}
}

// NewPalette returns a menu of all commands with a search field.
func NewPalette(bindings []screen.Binding, g widget.Glyphs) *Menu {
	var items []Item
	seen := map[screen.ID]bool{}
	for _, b := range bindings {
		if seen[b.ID] || b.Group == screen.Moving || b.ID == screen.Palette {
			continue
		}
		seen[b.ID] = true
		items = append(items, Item{Label: b.Help, Hint: b.Label + "  " + b.More, Do: screen.PressBelow{ID: b.ID}, Off: b.Why()})
	}
	in := widget.NewInput(40)
	m := NewMenu("Commands", nil, items, g)
	m.search = &in
	return m
}

// Typing reports whether there is a search field.
func (m *Menu) Typing() bool { return m.search != nil }

// Keys choose and close.
func (m *Menu) Keys() []screen.Binding {
	keys := []screen.Binding{screen.InBar(screen.Open, nil).Named("choose"), screen.InBar(screen.Back, nil).Named("close")}
	return append(keys, screen.Bind(screen.Lines...)...)
}

// Update moves, searches and chooses.
func (m *Menu) Update(msg any) screen.Action {
	switch msg := msg.(type) {
	case screen.Scrolled:
		m.move(m.cursor + msg.By)
	case screen.Pasted:
		if m.search != nil {
			m.search.Paste(msg.Text)
			m.narrow()
		}
	case screen.Typed:
		return m.typed(msg)
	case screen.Press:
		return m.press(msg.ID)
	}
	return nil
}

func (m *Menu) typed(msg screen.Typed) screen.Action {
	switch msg.Key.String() {
	case "enter":
		return m.press(screen.Open)
	case "esc":
		return screen.GoBack{}
	case "up", "ctrl+p":
		m.move(m.cursor - 1)
	case "down", "ctrl+n":
		m.move(m.cursor + 1)
	default:
		m.search.Press(msg.Key)
		m.narrow()
	}
	return nil
}

func (m *Menu) press(id screen.ID) screen.Action {
	if n, ok := screen.Step(id, m.cursor, max(1, m.height), len(m.shown)); ok {
		m.move(n)
		return nil
	}
	switch id {
	case screen.Back:
		return screen.GoBack{}
	case screen.Open:
		if m.cursor >= len(m.shown) {
			return nil
		}
		if off := m.shown[m.cursor].Off; off != "" {
			return screen.Flash{Text: off, Bad: true}
		}
		return screen.Then{Do: m.shown[m.cursor].Do}
	default:
	}
	return nil
}

func (m *Menu) move(to int) { m.cursor = max(0, min(to, len(m.shown)-1)) }

// narrow keeps the entries that fit what was typed, the best first.
func (m *Menu) narrow() {
	want := strings.ToLower(m.search.Value())
	m.shown, m.cursor = nil, 0
	for rank := range noFit {
		for _, it := range m.items {
			if fit(it, want) == rank {
				m.shown = append(m.shown, it)
			}
		}
	}
}

// noFit is the rank of an entry that does not fit.
const noFit = 4

// fit ranks an entry: its name begins with the text, holds it, holds its letters
// in their order, or the explanation holds it.
func fit(it Item, want string) int {
	label := fold(it.Label)
	switch {
	case strings.HasPrefix(label, want):
		return 0
	case strings.Contains(label, want):
		return 1
	case holds(label, want):
		return 2
	case strings.Contains(fold(it.Hint), want):
		return 3
	}
	return noFit
}

// holds reports whether text has the letters of want in their order.
func holds(text, want string) bool {
	for _, r := range want {
		i := strings.IndexRune(text, r)
		if i < 0 {
			return false
		}
		text = text[i+len(string(r)):]
	}
	return true
}

// View draws the box.
func (m *Menu) View(r screen.Rect) []widget.Line {
	w := boxWidth(r.W)
	var lines []widget.Line
	for _, b := range m.body {
		lines = append(lines, widget.Wrapped(nil, widget.Plain, b, w-4)...)
	}
	if m.search != nil {
		lines = append(lines, append(widget.As(widget.Key, ": "), m.search.Line(w-6, true, m.g)...), nil)
	}
	m.height = max(1, min(len(m.shown), r.H-2-len(lines)))
	m.offset = widget.Window(m.cursor, m.offset, m.height, len(m.shown))
	label := 0
	for _, it := range m.items {
		label = max(label, term.Width(it.Label))
	}
	for i := m.offset; i < len(m.shown) && i < m.offset+m.height; i++ {
		lines = append(lines, m.item(i, label, w-4))
	}
	if len(m.shown) == 0 {
		lines = append(lines, widget.As(widget.Muted, "nothing fits; esc closes"))
	}
	title := m.title
	if len(m.shown) > m.height {
		title += term.Clean(position(m.offset+1, m.offset+m.height, len(m.shown)))
	}
	return widget.Box(title, lines, w, m.g)
}

func (m *Menu) item(i, label, width int) widget.Line {
	it := m.shown[i]
	mark, role, hint := term.Safe("  "), widget.Plain, it.Hint
	if it.Off != "" {
		role, hint = widget.Off, "("+it.Off+")"
	}
	if i == m.cursor {
		mark = "> "
	}
	line := widget.Line{widget.S(widget.Plain, mark), widget.S(role, term.Pad(it.Label, label)), widget.S(widget.Muted, "  "+hint)}.Fit(width, m.g)
	if i == m.cursor {
		return line.Painted(widget.Chosen)
	}
	return line
}

func position(from, to, of int) string { return fmt.Sprintf("  %d-%d of %d", from, to, of) }
