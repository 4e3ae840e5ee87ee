package tui_test

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/tui"
	"github.com/secretguard/secretguard/internal/tui/fixture"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// Every key in every state: what it is called, and why it is off. The table is a
// golden file, so that a key that changes is seen in review.
func TestEveryKeyInEveryState(t *testing.T) {
	t.Parallel()
	names := make([]string, 0, len(scenes))
	for n := range scenes {
		names = append(names, n)
	}
	sort.Strings(names)
	var b strings.Builder
	offered := map[screen.ID]bool{}
	for _, n := range names {
		fmt.Fprintf(&b, "== %s\n", n)
		play(t, scenes[n].setup, func(d *driver) {
			if scenes[n].play != nil {
				scenes[n].play(d)
			}
			seen := map[screen.ID]bool{}
			for _, k := range tui.Bindings(d.root) {
				offered[k.ID] = true
				if seen[k.ID] || k.Group == screen.Moving {
					continue
				}
				seen[k.ID] = true
				line := fmt.Sprintf("%-7s %s", k.Label, k.Help)
				if why := k.Why(); why != "" {
					line += "   OFF: " + string(why)
				}
				b.WriteString(line + "\n")
			}
		})
	}
	golden(t, "keys", b.String())
	for _, id := range []screen.ID{
		screen.Up, screen.Down, screen.PageUp, screen.PageDown, screen.HalfUp, screen.HalfDown, screen.First, screen.Last, screen.NextPane, screen.PrevPane,
		screen.Open, screen.Back, screen.Mark, screen.Undo, screen.Redo, screen.Filter, screen.NextMatch, screen.PrevMatch, screen.Sort, screen.Reverse,
		screen.Facets, screen.Verify, screen.Rotate, screen.Contain, screen.Ignore, screen.Edit, screen.Copy, screen.Reveal, screen.Export, screen.Strategy,
		screen.SavePlan, screen.Approve, screen.HandIn, screen.Skip, screen.Retry, screen.Accept, screen.RollBack, screen.Pause, screen.Advice, screen.Log, screen.Help, screen.Palette, screen.Quit,
	} {
		if !offered[id] {
			t.Errorf("no screen offers %q", id)
		}
	}
}

// In every state each key can be pressed: it does something, or the reason why
// not is shown; nothing outside this machine is changed by one key.
func TestNoSingleKeyChangesAnything(t *testing.T) {
	t.Parallel()
	changes := []string{"start", "roll back", "waive", "resume", "supply"}
	for name, s := range scenes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var bindings []screen.Binding
			play(t, s.setup, func(d *driver) {
				if s.play != nil {
					s.play(d)
				}
				bindings = tui.Bindings(d.root)
			})
			for _, k := range bindings {
				for _, pressed := range k.Keys {
					pressOne(t, s, k, pressed, changes)
				}
			}
		})
	}
}

func pressOne(t *testing.T, s scene, k screen.Binding, pressed string, changes []string) {
	t.Helper()
	play(t, s.setup, func(d *driver) {
		if s.play != nil {
			s.play(d)
		}
		if typer, ok := d.root.Top().(screen.Typer); ok && typer.Typing() {
			return // keys are letters there
		}
		before, why := len(d.engine.Calls()), k.Why()
		d.press(pressed)
		if why != "" {
			d.sees(strings.Fields(string(why))[0])
		}
		for _, c := range d.engine.Calls()[before:] {
			changing := slices.ContainsFunc(changes, func(p string) bool { return strings.HasPrefix(c, p) })
			goesOn := k.ID == screen.Retry && strings.HasPrefix(c, "resume") // with what was approved before
			if changing && !goesOn {
				t.Errorf("%q alone made the request %q", pressed, c)
			}
			if why != "" {
				t.Errorf("%q is off (%s) and made the request %q", pressed, why, c)
			}
		}
	})
}

// act is what a person does in a state and what must come of it.
type act struct {
	name  string
	setup func(*fixture.Engine, *tui.Config)
	play  func(*driver)
	calls []string // all requests, loads apart
	shows string
	quits bool
}

func TestActions(t *testing.T) {
	t.Parallel()
	pl := fixture.RunID
	look := "locate " + fixture.Live
	for _, a := range []act{
		{name: "verify asks before it asks the issuer", play: func(d *driver) { d.press("r") }, shows: "sts:GetCallerIdentity"},
		{name: "cancel has the focus", play: func(d *driver) { d.press("r", "enter") }},
		{name: "esc cancels", play: func(d *driver) { d.press("r", "tab", "esc") }},
		{name: "verify after consent", play: func(d *driver) { d.verifyAll() }, calls: []string{"verify " + fixture.Live}, shows: "! LIVE"},
		{name: "consent is asked once for an issuer", play: func(d *driver) { d.verifyAll(); d.press("r") }, calls: []string{"verify " + fixture.Live, "verify " + fixture.Live}},
		{name: "open searches and reads", play: func(d *driver) { d.openDetail() }, calls: []string{look}, shows: "Deployed in (4)"},
		{name: "open offline asks nobody", setup: facts(func(f *screen.Facts) { f.Offline = true }), play: func(d *driver) { d.openDetail() }, shows: "unknown (offline)"},
		{name: "a failed search is a gap", setup: lost, play: func(d *driver) { d.openDetail() }, calls: []string{look}, shows: "1 not searched"},
		{name: "R plans", play: func(d *driver) { d.openPlan() }, calls: []string{"plan " + fixture.Live + " keep-running"}, shows: "strategy: keep running"},
		{name: "X plans containment", play: func(d *driver) { d.press("X") }, calls: []string{"plan " + fixture.Live + " contain-first"}, shows: "an outage"},
		{name: "tab plans the other strategy", play: func(d *driver) { d.openPlan(); d.press("tab") }, calls: []string{"plan " + fixture.Live + " keep-running", "plan " + fixture.Live + " contain-first"}, shows: "an outage"},
		{name: "a plan that fails says what to do", setup: lost, play: func(d *driver) { d.openPlan() }, calls: []string{"plan " + fixture.Live + " keep-running"}, shows: "try: secretguard providers show aws"},
		{name: "w saves the plan", play: func(d *driver) { d.openPlan(); d.press("w") }, calls: []string{"plan " + fixture.Live + " keep-running", "save " + pl}, shows: "the plan is in secretguard-plan-"},
		{name: "A asks for the phrase", play: func(d *driver) { d.openPlan(); d.press("A") }, calls: []string{"plan " + fixture.Live + " keep-running"}, shows: "To continue, type:  rotate deploy-bot"},
		{name: "no approval in read-only mode", setup: facts(func(f *screen.Facts) { f.ReadOnly = true }), play: func(d *driver) { d.openPlan(); d.approve("rotate deploy-bot") }, calls: []string{"plan " + fixture.Live + " keep-running"}},
		{name: "an expired plan is not approved", play: func(d *driver) { d.openPlan(); d.pause(16 * time.Minute); d.approve("rotate deploy-bot") }, calls: []string{"plan " + fixture.Live + " keep-running"}, shows: "EXPIRED"},
		{name: "ignore needs a reason", play: func(d *driver) { d.press("i", "enter", "enter", "enter") }, shows: "say why it is accepted"},
		{name: "ignore refuses a day that is over", play: func(d *driver) {
			d.press("i")
			d.typeText("test key")
			d.press("enter", "enter")
			d.typeText("2020-01-01")
			d.press("enter")
		}, shows: "that day is over"},
		{name: "ignore writes reason, owner and end", play: func(d *driver) {
			d.press("i")
			d.typeText("test key")
			d.press("enter", "enter")
			d.typeText("2027-01-01")
			d.press("enter")
		}, calls: []string{"accept " + fixture.Live + " because test key by jo until 2027-01-01"}, shows: "4 credentials"},
		{name: "e on the list reports the scan", play: func(d *driver) { d.press("e") }, calls: []string{"report "}, shows: "written: secretguard-incident.md"},
		{name: "o asks for the editor", play: func(d *driver) { d.press("o") }, calls: []string{"edit " + fixture.Live}, shows: "no editor in a test"},
		{name: "o without an editor", setup: facts(func(f *screen.Facts) { f.Editor = false }), play: func(d *driver) { d.press("o") }, shows: "set $EDITOR"},
		{name: "o on what is only in history", play: func(d *driver) { d.openDetail(); d.press("down", "o") }, calls: []string{look}, shows: "git show"},
		{name: "reveal asks, then shows", play: func(d *driver) { d.openDetail(); d.press("V") }, calls: []string{look}, shows: "Show the secret?"},
		{name: "reveal is off in read-only mode", setup: facts(func(f *screen.Facts) { f.ReadOnly = true }), play: func(d *driver) { d.openDetail(); d.press("V") }, calls: []string{look}, shows: "read-only mode shows no secret"},
		{name: "reveal is off with --no-reveal", setup: facts(func(f *screen.Facts) { f.NoReveal = "--no-reveal is set" }), play: func(d *driver) { d.openDetail(); d.press("V") }, calls: []string{look}, shows: "--no-reveal is set"},
		{name: "q quits", play: func(d *driver) { d.press("q") }, quits: true},
		{name: "ctrl+c quits when nothing runs", play: func(d *driver) { d.press("ctrl+c") }, quits: true},
		{name: "t scans again after an error", setup: failedScan, play: func(d *driver) { d.press("t") }, shows: "could not scan"},
		{name: "offer: later", setup: leftHeld, play: func(d *driver) { d.press("enter") }, shows: "r asks the issuers"},
		{name: "offer: open", setup: leftHeld, play: func(d *driver) { d.press("down", "enter") }, shows: "HELD"},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			checkAct(t, a)
		})
	}
}

func checkAct(t *testing.T, a act) {
	t.Helper()
	play(t, a.setup, func(d *driver) {
		a.play(d)
		d.called(a.calls...)
		if a.shows != "" {
			d.sees(a.shows)
		}
		if d.quit != a.quits {
			t.Errorf("quit: %v, want %v", d.quit, a.quits)
		}
	})
}

func TestActionsOfARun(t *testing.T) {
	t.Parallel()
	pl := fixture.RunID
	plan, start := "plan "+fixture.Live+" keep-running", "start "+pl+" typed rotate deploy-bot"
	running := func(d *driver) { d.openRun(d.w().Run(4, rotate.StepRunning, "deploy is building")) }
	held := func(d *driver) { d.openRun(d.w().Run(step("attest:s1"), rotate.StepFailed, heldText)) }
	paused := func(d *driver) { d.openRun(d.w().Run(5, rotate.StepWaiting, "")) }
	for _, a := range []act{
		{name: "the phrase starts the run", play: running, calls: []string{plan, start}, shows: "RUNNING"},
		{name: "a refused start says why", setup: refused, play: running, calls: []string{plan, start}, shows: "another run over this key"},
		{name: "p pauses", play: func(d *driver) { running(d); d.press("p") }, calls: []string{plan, start, "pause " + pl}, shows: "PAUSING"},
		{name: "p again is off", play: func(d *driver) { running(d); d.press("p", "p") }, calls: []string{plan, start, "pause " + pl}, shows: "it pauses after this step"},
		{name: "t is off while it runs", play: func(d *driver) { running(d); d.press("t") }, calls: []string{plan, start}, shows: "it is running"},
		{name: "B is off while it runs", play: func(d *driver) { running(d); d.press("B") }, calls: []string{plan, start}, shows: "pause it first"},
		{name: "t goes on", play: func(d *driver) { paused(d); d.press("t") }, calls: []string{plan, start, "resume " + pl}},
		{name: "K asks why", play: func(d *driver) { held(d); d.press("K", "enter") }, calls: []string{plan, start}, shows: "a reason is needed"},
		{name: "K accepts and goes on", play: func(d *driver) { held(d); d.press("K"); d.typeText("seen by eye"); d.press("enter") }, calls: []string{plan, start, "waive " + pl + " attest:s1 because seen by eye", "resume " + pl}},
		{name: "K is off for a deploy", play: func(d *driver) { d.openRun(d.w().Run(step("deploy:"), rotate.StepFailed, "x")); d.press("K") }, calls: []string{plan, start}, shows: "only an attest or disable step"},
		{name: "B needs its phrase", play: func(d *driver) { paused(d); d.press("B"); d.typeText("roll back deploy-bo"); d.press("enter") }, calls: []string{plan, start}, shows: "IS PUT BACK TO USE"},
		{name: "B rolls back", play: func(d *driver) { paused(d); d.press("B"); d.typeText("roll back deploy-bot"); d.press("enter") }, calls: []string{plan, start, "roll back " + pl}},
		{name: "B is off once the delete has begun", play: func(d *driver) { d.openRun(d.w().Run(step("delete"), rotate.StepFailed, "x")); d.press("B") }, calls: []string{plan, start}, shows: "would leave no working key"},
		{name: "q asks while it runs", play: func(d *driver) { running(d); d.press("q") }, calls: []string{plan, start}, shows: "Pause after this step and leave"},
		{name: "stay is the safe choice", play: func(d *driver) { running(d); d.press("q", "enter") }, calls: []string{plan, start}, shows: "RUNNING"},
		{name: "leave", play: func(d *driver) { running(d); d.press("q", "tab", "enter") }, calls: []string{plan, start}, quits: true},
		{name: "one ctrl+c asks", play: func(d *driver) { running(d); d.press("ctrl+c") }, calls: []string{plan, start}, shows: "press ctrl+c again"},
		{name: "two ctrl+c leave", play: func(d *driver) { running(d); d.press("ctrl+c", "ctrl+c") }, calls: []string{plan, start}, quits: true},
		{name: "ctrl+c, stay, ctrl+c asks again", play: func(d *driver) { running(d); d.press("ctrl+c", "enter", "ctrl+c") }, calls: []string{plan, start}, shows: "press ctrl+c again"},
		{name: "esc leaves it running", play: func(d *driver) { running(d); d.press("esc") }, calls: []string{plan, start}, shows: "rotating"},
		{name: "R opens it again", play: func(d *driver) { running(d); d.press("esc", "R") }, calls: []string{plan, start}, shows: "RUNNING"},
		{name: "the end opens the summary", play: func(d *driver) { running(d); d.hear(d.w().Finished()) }, calls: []string{plan, start, "locate " + fixture.Live}, shows: "deleted and proven dead: refused 21 times"},
		{name: "a roll back is no success", play: func(d *driver) { running(d); d.hear(d.w().RolledBack()) }, calls: []string{plan, start, "locate " + fixture.Live}, shows: "WORKS AGAIN"},
		{name: "esc from the summary is the list", play: func(d *driver) { d.openDetail(); d.openRun(d.w().Finished()); d.press("esc") }, calls: []string{"locate " + fixture.Live, plan, start}, shows: "1 dead"},
		{name: "e on the summary reports the run", play: func(d *driver) { d.openRun(d.w().Finished()); d.press("e") }, calls: []string{plan, start, "report " + pl}, shows: "written:"},
	} {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			checkAct(t, a)
		})
	}
}

func TestMarksUndoAndRedo(t *testing.T) {
	t.Parallel()
	play(t, nil, func(d *driver) {
		d.press("space")
		d.sees("1 mark;")
		d.press("z")
		d.seesNot("1 mark")
		d.press("Z")
		d.sees("1 mark;")
		d.press("Z")
		d.sees("no mark to make again")
		d.press("z", "z")
		d.sees("no mark to take back")
	})
}

// Marked ones are verified, not the rest.
func TestVerifyTakesTheMarkedOnes(t *testing.T) {
	t.Parallel()
	play(t, nil, func(d *driver) {
		d.press("down", "space", "r") // a kind that nobody can check
		d.sees("none of the marked ones can be checked")
		d.called()
	})
}

func TestFilterSortAndFacets(t *testing.T) {
	t.Parallel()
	play(t, nil, func(d *driver) {
		d.press("/")
		d.typeText("stripe")
		d.seesNot("AKIA..QRTU")
		d.press("enter", "n", "N")
		d.sees("sk_live_..ML9Q")
		d.press("esc")
		d.sees("AKIA..QRTU")
		d.press("s", "S")
		d.sees("[by kind reversed]")
		d.press("f")
		d.press("end", "enter")
		d.sees("[kind: generic api key]")
		d.seesNot("stripe secret key")
		d.press("esc")
		d.sees("stripe secret key")
		d.press("esc")
		d.sees("this is the first screen")
	})
}

// The cursor stays on its credential when the order changes, once it was moved.
func TestTheCursorKeepsItsCredential(t *testing.T) {
	t.Parallel()
	play(t, nil, func(d *driver) {
		d.press("down", "down")
		chosen := chosenRow(d)
		d.press("s", "S", "s")
		if got := chosenRow(d); got != chosen {
			t.Errorf("the cursor went from %q to %q", chosen, got)
		}
	})
	play(t, nil, func(d *driver) {
		d.verifyAll()
		if row := chosenRow(d); !strings.Contains(row, "LIVE") {
			t.Errorf("untouched, the cursor is on %q and not on the worst one", row)
		}
	})
}

func chosenRow(d *driver) string {
	for l := range strings.SplitSeq(d.root.Plain(), "\n") {
		if strings.HasPrefix(l, " > ") {
			return strings.TrimSpace(l)
		}
	}
	return ""
}

func TestMouse(t *testing.T) {
	t.Parallel()
	click := func(y int) tea.Msg { return tea.MouseClickMsg{X: 10, Y: y, Button: tea.MouseLeft} }
	play(t, nil, func(d *driver) {
		first := chosenRow(d)
		d.send(click(6))
		if got := chosenRow(d); got == first || !strings.Contains(got, "AKIA..HALF") {
			t.Errorf("a click chose %q", got)
		}
		for _, y := range []int{0, 3, 15, 22, 23} {
			d.send(click(y)) // no row is there
		}
		d.sees("AKIA..HALF")
		d.send(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
		if got := chosenRow(d); got != first {
			t.Errorf("the wheel chose %q, want %q", got, first)
		}
		d.send(click(4))
		d.sees("Deployed in (4)")
	})
	play(t, nil, func(d *driver) { // a stray click answers no question
		d.press("r")
		for y := range 24 {
			d.send(click(y))
		}
		d.sees("Ask the issuer?")
		d.called()
	})
}

func TestRevealHides(t *testing.T) {
	t.Parallel()
	shown := fixture.Secrets()[1]
	for name, hide := range map[string]func(*driver){
		"after ten seconds":  func(d *driver) { d.pause(11 * time.Second); d.send(nil) },
		"on any key":         func(d *driver) { d.press("x") },
		"on a resize":        func(d *driver) { d.size(100, 30) },
		"when focus is lost": func(d *driver) { d.send(tea.BlurMsg{}) },
		"when left":          func(d *driver) { d.press("esc", "enter") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, nil, func(d *driver) {
				d.openDetail()
				d.press("V", "tab", "enter")
				d.sees(shown)
				d.called("locate "+fixture.Live, "reveal "+fixture.Live+" secret")
				hide(d)
				d.seesNot(shown)
			})
		})
	}
}

// A snapshot that is older than what is shown changes nothing.
func TestOldSnapshotsAreDropped(t *testing.T) {
	t.Parallel()
	play(t, nil, func(d *driver) {
		newer, older := w().Run(6, rotate.StepRunning, "newer"), w().Run(2, rotate.StepRunning, "older")
		newer.Version, older.Version = 7, 3
		d.openRun(newer)
		d.sees("step 7 of 13")
		d.hear(older)
		d.sees("step 7 of 13")
	})
}

// What opens by itself gets no key that was meant for the screen below.
func TestKeysWaitWhenSomethingOpensByItself(t *testing.T) {
	t.Parallel()
	play(t, nil, func(d *driver) {
		d.openRun(d.w().Run(9, rotate.StepRunning, ""))
		d.engine.SetRun(w().Finished())
		d.send(tui.Heard(tui.Hint{Run: fixture.RunID}))
		d.sees("proven dead")
		for range 5 { // typed on, fast
			d.pause(tui.Calm / 3)
			d.send(keyOf("esc"))
		}
		d.sees("proven dead")
		d.pause(2 * tui.Calm)
		d.send(keyOf("esc"))
		d.sees("1 dead")
	})
}

func TestTooSmall(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{59, 24}, {80, 14}, {1, 1}, {20, 5}} {
		play(t, nil, func(d *driver) {
			d.size(size[0], size[1])
			if size[0] >= 20 {
				d.sees("needs 60x15")
			}
			d.press("R", "A", "enter")
			d.called()
			d.press("q")
			if !d.quit {
				t.Error("q does not leave")
			}
		})
	}
}

// A panic in the engine ends neither the program nor shows its value.
func TestAPanicShowsNoData(t *testing.T) {
	t.Parallel()
	secretText := fixture.Secrets()[0]
	play(t, func(e *fixture.Engine, _ *tui.Config) {
		e.Scan = func(context.Context) (screen.Board, error) { panic(secretText) }
	}, func(d *driver) {
		d.sees("an internal error in")
		d.seesNot(secretText)
	})
}
