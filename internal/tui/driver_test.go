package tui_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/tui"
	"github.com/secretguard/secretguard/internal/tui/fixture"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC // pictures show local times
	goleak.VerifyTestMain(m)
}

// driver plays the person and the framework: it sends messages, runs commands,
// and moves the clock at a person's pace. It lives in a synctest bubble, where
// the end of all work can be waited for.
type driver struct {
	t      testing.TB
	root   *tui.Root
	engine *fixture.Engine
	now    time.Time
	msgs   chan tea.Msg
	quit   bool
}

// play runs a scene in a bubble.
func play(t *testing.T, setup func(*fixture.Engine, *tui.Config), scene func(*driver)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		d := newDriver(ctx, t, setup)
		d.size(80, 24)
		d.do(d.root.Init())
		scene(d)
		cancel()
		synctest.Wait()
	})
}

func newDriver(ctx context.Context, tb testing.TB, setup func(*fixture.Engine, *tui.Config)) *driver {
	tb.Helper()
	d := &driver{t: tb, engine: &fixture.Engine{}, now: fixture.Now, msgs: make(chan tea.Msg, 4096)}
	config := tui.Config{NoColor: true, Now: func() time.Time { return d.now }, Facts: screen.Facts{Editor: true, Actor: "jo"}}
	if setup != nil {
		setup(d.engine, &config)
	}
	d.root = tui.NewRoot(ctx, d.engine, config)
	return d
}

// do runs a command and everything that follows from it, as far as it goes
// without waiting for a timer or a hint.
func (d *driver) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() { d.msgs <- cmd() }()
	for {
		synctest.Wait()
		select {
		case msg := <-d.msgs:
			d.got(msg)
		default:
			return
		}
	}
}

func (d *driver) got(msg tea.Msg) {
	switch msg := msg.(type) {
	case nil:
	case tea.QuitMsg:
		d.quit = true
	case tea.BatchMsg:
		for _, c := range msg {
			if c != nil {
				go func() { d.msgs <- c() }()
			}
		}
	default:
		if _, cmd := d.root.Update(msg); cmd != nil {
			go func() { d.msgs <- cmd() }()
		}
	}
}

func (d *driver) send(msg tea.Msg) {
	_, cmd := d.root.Update(msg)
	d.do(cmd)
}

// pause lets time pass for the responder's clock.
func (d *driver) pause(by time.Duration) { d.now = d.now.Add(by) }

// press presses keys by their names, half a second apart.
func (d *driver) press(names ...string) {
	for _, n := range names {
		d.pause(500 * time.Millisecond)
		d.send(keyOf(n))
	}
}

// typeText types letter by letter.
func (d *driver) typeText(text string) {
	for _, r := range text {
		d.pause(120 * time.Millisecond)
		d.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

// w is the world that the engine answers from.
func (d *driver) w() fixture.World { return d.engine.World }

func (d *driver) size(w, h int) { d.send(tea.WindowSizeMsg{Width: w, Height: h}) }

var named = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
	"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd, "backspace": tea.KeyBackspace,
}

// keyOf makes the message of a key as the framework would.
func keyOf(name string) tea.KeyPressMsg {
	k := tea.KeyPressMsg{}
	for {
		switch {
		case strings.HasPrefix(name, "ctrl+"):
			k.Mod, name = k.Mod|tea.ModCtrl, name[5:]
		case strings.HasPrefix(name, "shift+"):
			k.Mod, name = k.Mod|tea.ModShift, name[6:]
		case name == "space":
			k.Code, k.Text = tea.KeySpace, " "
			return k
		case named[name] != 0:
			k.Code = named[name]
			return k
		default:
			k.Code = []rune(name)[0]
			if k.Mod == 0 {
				k.Text = name
			}
			return k
		}
	}
}

// sees fails unless the picture holds the text.
func (d *driver) sees(text string) {
	d.t.Helper()
	if p := d.root.Plain(); !strings.Contains(p, text) {
		d.t.Fatalf("the screen does not show %q:\n%s", text, p)
	}
}

func (d *driver) seesNot(text string) {
	d.t.Helper()
	if p := d.root.Plain(); strings.Contains(p, text) {
		d.t.Fatalf("the screen shows %q:\n%s", text, p)
	}
}

// called fails unless exactly these requests were made, loads and excerpts apart.
func (d *driver) called(want ...string) {
	d.t.Helper()
	var got []string
	for _, c := range d.engine.Calls() {
		if c != "load" {
			got = append(got, c)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		d.t.Fatalf("requests:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// Common ways into the program.

func (d *driver) verifyAll()  { d.press("r", "tab", "enter") }
func (d *driver) openDetail() { d.press("enter") }
func (d *driver) openPlan()   { d.press("R") }

// approve types the phrase of the open approval.
func (d *driver) approve(phrase string) {
	d.press("A")
	d.typeText(phrase)
	d.press("enter")
}

// openRun approves the plan and shows a run.
func (d *driver) openRun(r screen.Run) {
	d.engine.SetRun(r)
	d.openPlan()
	d.approve("rotate deploy-bot")
}

// hear tells the responder that a run has changed.
func (d *driver) hear(r screen.Run) {
	d.engine.SetRun(r)
	d.send(tui.Heard(tui.Hint{Run: r.Plan.ID}))
	d.pause(time.Second)
}

var keep = rotate.KeepRunning
