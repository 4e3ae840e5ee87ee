package tui

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/list"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/summary"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// Config is how the responder looks and what it may do.
type Config struct {
	Facts   screen.Facts
	NoColor bool
	ASCII   bool
	NoMouse bool
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Root is the model of the program.
type Root struct {
	ctx    context.Context //nolint:containedctx // the life of the program; commands derive theirs from it
	engine Engine
	config Config
	store  *screen.Store
	styles styles
	g      widget.Glyphs

	screens []screen.Screen
	dialogs []screen.Screen
	width   int
	height  int

	flash    term.Safe
	flashBad bool
	pending  map[string]pending
	again    map[string]bool // runs to fetch once more
	requests uint64

	calm    time.Time // keys before this moment are dropped: something just opened by itself
	leaving bool      // ctrl+c was pressed once
	quit    bool
	crashed term.Safe
}

// NewRoot returns the model; ctx ends all its requests.
func NewRoot(ctx context.Context, engine Engine, config Config) *Root {
	if config.Now == nil {
		config.Now = time.Now
	}
	g := widget.Unicode()
	if config.ASCII {
		g = widget.ASCII()
	}
	store := screen.NewStore(config.Facts, config.Now())
	m := &Root{
		ctx: ctx, engine: engine, config: config, store: store, g: g, styles: newStyles(config.NoColor, true),
		pending: map[string]pending{}, again: map[string]bool{}, width: screen.MediumWidth, height: 24,
	}
	m.screens = []screen.Screen{list.New(store, g)}
	return m
}

// Messages of the root itself.
type (
	tick     struct{}
	wake     struct{} // only to draw again
	hinted   struct{ hint Hint }
	shutdown struct{} // from outside: a signal
	edited   struct{ err error }
)

// Init starts the scan, the clock and the listening.
func (m *Root) Init() tea.Cmd {
	cmds := []tea.Cmd{m.load(), m.listen(), m.after(time.Second, tick{}), m.findUnfinished()}
	if !m.config.NoColor {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	return tea.Batch(cmds...)
}

// Update handles one message. A panic ends the program without printing a value.
func (m *Root) Update(msg tea.Msg) (model tea.Model, cmd tea.Cmd) {
	defer func() {
		if recover() != nil {
			m.crashed, m.quit = caller(), true
			model, cmd = m, tea.Quit
		}
	}()
	if m.crashed != "" {
		return m, tea.Quit
	}
	m.store.Now = m.config.Now()
	return m, m.handle(msg)
}

func (m *Root) handle(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.tell(screen.Disturbed{})
	case tea.BlurMsg:
		m.tell(screen.Disturbed{})
	case tea.BackgroundColorMsg:
		m.styles = newStyles(m.config.NoColor, msg.IsDark())
	case tea.KeyPressMsg:
		return m.key(msg)
	case tea.PasteMsg:
		return m.paste(msg)
	case tea.MouseWheelMsg:
		return m.wheel(msg)
	case tea.MouseClickMsg:
		return m.click(msg)
	case answer:
		return m.answered(msg)
	case hinted:
		return tea.Batch(m.hinted(msg.hint), m.listen())
	case tick:
		return tea.Batch(m.after(time.Second, tick{}), m.watch())
	case shutdown:
		return m.leave()
	case edited:
		if msg.err != nil {
			m.failed("the editor ended with an error", msg.err)
		}
	}
	return nil
}

// top is the dialog on top, or the screen.
func (m *Root) top() screen.Screen {
	if n := len(m.dialogs); n > 0 {
		return m.dialogs[n-1]
	}
	return m.screens[len(m.screens)-1]
}

// tell hands a message to every screen and dialog.
func (m *Root) tell(msg any) {
	for _, s := range m.screens {
		s.Update(msg)
	}
	for _, d := range m.dialogs {
		d.Update(msg)
	}
}

// changed tells all screens that the store holds something new.
func (m *Root) changed() { m.tell(screen.Changed{}) }

func (m *Root) say(text term.Safe) { m.flash, m.flashBad = text, false }
func (m *Root) complain(text term.Safe) {
	m.flash, m.flashBad = text, true
	m.store.Note(true, text)
}

// push opens a screen; open says that it came by itself, so that keys meant for
// what was there before do not reach it.
func (m *Root) push(s screen.Screen, byItself bool) {
	m.screens = append(m.screens, s)
	m.settle(byItself)
}

func (m *Root) show(d screen.Screen, byItself bool) {
	m.dialogs = append(m.dialogs, d)
	m.settle(byItself)
}

// calmDown is how long keys are dropped after something opened by itself, and
// after each key that is typed on meanwhile.
const calmDown = 250 * time.Millisecond

func (m *Root) settle(byItself bool) {
	if byItself {
		m.calm = m.store.Now.Add(calmDown)
	}
}

// closeDialogs takes every dialog away: what they asked about is over.
func (m *Root) closeDialogs() { m.dialogs = nil }

// back closes the dialog on top, or the screen.
func (m *Root) back() {
	switch {
	case len(m.dialogs) > 0:
		m.dialogs = m.dialogs[:len(m.dialogs)-1]
	case isSummary(m.top()): // what lies between is over
		m.screens = m.screens[:1]
		m.screens[0].Update(screen.Press{ID: screen.First})
	case len(m.screens) > 1:
		m.screens = m.screens[:len(m.screens)-1]
	}
	m.leaving = false
}

func isSummary(s screen.Screen) bool {
	_, ok := s.(*summary.Summary)
	return ok
}

// View draws everything.
func (m *Root) View() (view tea.View) {
	defer func() {
		if recover() != nil {
			m.crashed = caller()
			view = tea.NewView("an internal error; press ctrl+c\n")
		}
	}()
	v := tea.NewView(m.Screen())
	v.AltScreen = true
	v.ReportFocus = true
	v.WindowTitle = "secretguard" // never with data of a finding
	if !m.config.NoMouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

// Screen is the whole picture as styled text.
func (m *Root) Screen() string {
	lines := m.lines()
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = m.styles.render(l.Fit(m.width, m.g))
	}
	return strings.Join(out, "\n")
}

// Plain is the picture without any styling, for tests.
func (m *Root) Plain() string {
	lines := m.lines()
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimRight(string(l.Fit(m.width, m.g).Text()), " ")
	}
	return strings.Join(out, "\n") + "\n"
}

func (m *Root) lines() []widget.Line {
	if screen.ClassOf(m.width, m.height) == screen.TooSmall {
		return m.tooSmall()
	}
	r := screen.Rect{W: m.width, H: m.height - screen.Chrome}
	body := widget.Fill(m.screens[len(m.screens)-1].View(r), r.H)
	for _, d := range m.dialogs {
		body = widget.Overlay(body, d.View(r), r.W, r.H, m.g)
	}
	said := m.message()
	body = append(body[:r.H+1-len(said)], said...)
	return append(body, m.help(m.width))
}

// message is what was said last. A long one takes the lines above too: half an
// explanation is none.
func (m *Root) message() []widget.Line {
	role := widget.Strong
	if m.flashBad {
		role = widget.Bad
	}
	lines := widget.Wrapped(widget.L(" "), role, m.flash, m.width-1)
	return lines[:min(len(lines), 4)]
}
