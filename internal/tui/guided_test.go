package tui_test

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/tui"
	"github.com/secretguard/secretguard/internal/tui/fixture"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// yourTurn opens the dialog of a run that waits for a key.
func yourTurn(d *driver) {
	d.openRun(d.w().Guided(rotate.ActIssue))
	d.press("H")
	d.sees("new key > _")
}

// handed is how many keys were handed in.
func handed(d *driver) (n int) {
	for _, c := range d.engine.Calls() {
		if strings.HasPrefix(c, "supply ") {
			n++
		}
	}
	return n
}

// unseen fails when a piece of the key is on the screen.
func unseen(d *driver) {
	d.t.Helper()
	for _, s := range fixture.Secrets() {
		d.seesNot(s)
	}
}

// A key is pasted or typed, is never drawn, and goes to the engine whole, without the
// spaces and line ends that came along.
func TestKeyIsHandedIn(t *testing.T) {
	t.Parallel()
	for name, give := range map[string]func(*driver){
		"pasted":             func(d *driver) { d.send(tea.PasteMsg{Content: "  " + fixture.NewKey + "\r\n"}) },
		"typed":              func(d *driver) { d.typeText(fixture.NewKey) },
		"corrected":          func(d *driver) { d.typeText(fixture.NewKey + "x"); d.press("backspace") },
		"pasted over a part": func(d *driver) { d.typeText("half of one"); d.send(tea.PasteMsg{Content: fixture.NewKey}) },
		"after keys that do something elsewhere": func(d *driver) {
			d.typeText("qBKt?:")
			d.send(tea.PasteMsg{Content: fixture.NewKey})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, nil, func(d *driver) {
				yourTurn(d)
				give(d)
				d.sees(fmt.Sprintf("%d characters, not shown", len(fixture.NewKey)))
				unseen(d)
				if handed(d) != 0 {
					t.Fatal("it was handed in before enter")
				}
				r := d.w().Guided(rotate.ActIssue)
				r.Version, r.Active, r.Status, r.Steps[0].Status = 2, true, rotate.RunRunning, rotate.StepDone
				d.engine.SetRun(r)
				d.press("enter")
				got := d.engine.Supplied()
				if len(got) != 1 || got[0].Reveal() != fixture.NewKey {
					t.Fatalf("handed in: %v", got)
				}
				d.seesNot("new key >")
				d.sees("the new key works and is sealed")
				d.sees("RUNNING")
				d.press("L")
				unseen(d)
			})
		})
	}
}

// What is wrong with a key is said where it was pasted, and the next one can be
// pasted at once; nothing of the first one is kept.
func TestKeyIsRefused(t *testing.T) {
	t.Parallel()
	play(t, nil, func(d *driver) {
		yourTurn(d)
		d.press("enter")
		d.sees("NOT TAKEN: paste or type the new key first")
		if handed(d) != 0 {
			t.Fatal("nothing was handed in as a key")
		}
		d.engine.Refused = screen.Problem{Text: "that is the old key, the one that leaked", Try: "make a new one"}
		d.send(tea.PasteMsg{Content: fixture.NewKey})
		d.seesNot("NOT TAKEN")
		d.press("enter")
		d.sees("NOT TAKEN: that is the old key")
		d.sees("try: make a new one")
		d.sees("new key > _")
		d.engine.Refused = nil
		d.send(tea.PasteMsg{Content: "another"})
		d.sees("7 characters")
		d.press("enter")
		got := d.engine.Supplied()
		if len(got) != 2 || got[1].Reveal() != "another" {
			t.Fatalf("handed in: %v", got)
		}
	})
}

// The person may leave it for later, and take it up again, also in another session:
// nothing is lost, nothing is sent, and what was typed is gone.
func TestKeyIsLeftForLater(t *testing.T) {
	t.Parallel()
	play(t, nil, func(d *driver) {
		yourTurn(d)
		d.send(tea.PasteMsg{Content: fixture.NewKey})
		d.press("esc")
		d.sees("YOUR TURN")
		if handed(d) != 0 {
			t.Fatal("it was handed in")
		}
		d.press("H")
		d.sees("new key > _")
		d.press("esc", "esc")
		d.sees("your turn") // in the list
	})
	play(t, func(e *fixture.Engine, _ *tui.Config) {
		r := e.World.Guided(rotate.ActIssue)
		e.Left = []screen.Run{r}
		e.SetRun(r)
	}, func(d *driver) {
		d.sees("Unfinished rotations")
		d.press("down", "enter", "H")
		d.sees("new key > _")
		d.send(tea.PasteMsg{Content: fixture.NewKey})
		d.press("enter")
		if handed(d) != 1 {
			t.Error("it was not handed in")
		}
	})
}

// Skipping a step by hand asks first, says what waits and how to come back, hands nothing
// in, keeps nothing of what was typed, and leaves the run as it is.
func TestSkipAsksFirst(t *testing.T) {
	t.Parallel()
	for action, command := range map[rotate.Action]string{rotate.ActIssue: "rotate supply", rotate.ActDelete: "rotate resume"} {
		play(t, nil, func(d *driver) {
			r := d.w().Guided(action)
			r.Stands = []string{"the old key works: the leak is open"}
			d.openRun(r)
			d.press("H")
			d.sees("ctrl+k skip for now")
			if action == rotate.ActIssue {
				d.typeText("half a key")
			}
			before := len(d.engine.Calls())
			d.press("ctrl+k")
			d.sees("Skip your turn for now?")
			d.sees("[ Stay ]")
			d.sees("the leak is open")
			d.sees("secretguard " + command)
			d.press("enter") // the safe choice has the focus
			d.seesNot("Skip your turn")
			d.sees("Your turn")
			d.press("ctrl+k", "tab", "enter")
			d.seesNot("Skip your turn")
			d.sees("skipped for now")
			d.sees("YOUR TURN") // the run's screen
			if calls := d.engine.Calls(); len(calls) != before {
				t.Errorf("a request was made: %v", calls[before:])
			}
			d.press("H")
			if action == rotate.ActIssue {
				d.sees("new key > _")
			}
		})
	}
}

// The old key is taken away by hand: t asks the issuer, and nothing else does.
func TestRemovalByHandIsChecked(t *testing.T) {
	t.Parallel()
	play(t, nil, func(d *driver) {
		d.openRun(d.w().Guided(rotate.ActDelete))
		d.sees("find the key that ends with l1UC")
		d.press("H")
		d.sees("Your turn")
		before := len(d.engine.Calls())
		d.press("enter", "H")
		if calls := d.engine.Calls(); len(calls) != before {
			t.Errorf("a request was made: %v", calls[before:])
		}
		d.press("t")
		if calls := d.engine.Calls(); calls[len(calls)-1] != "resume "+fixture.RunID {
			t.Errorf("requests %v", calls)
		}
	})
}

// A run that another process moved on asks for no key any more, and a paste then goes
// nowhere.
func TestRunMovesOnWhileItAsks(t *testing.T) {
	t.Parallel()
	play(t, nil, func(d *driver) {
		yourTurn(d)
		r := d.w().Guided(rotate.ActDelete)
		r.Version, r.Active, r.Status = 5, true, rotate.RunRunning
		for i := range r.Steps {
			r.Steps[i].Status = rotate.StepDone
		}
		d.hear(r)
		d.sees("does not wait for you any more")
		d.send(tea.PasteMsg{Content: fixture.NewKey})
		d.press("enter")
		if handed(d) != 0 {
			t.Error("a key was handed in to a run that waits for none")
		}
		d.press("esc")
		d.seesNot("any more")
	})
}

// Nothing is handed in where nothing may be changed.
func TestNoKeyIsTakenReadOnly(t *testing.T) {
	t.Parallel()
	play(t, func(e *fixture.Engine, c *tui.Config) {
		c.Facts.ReadOnly = true
		r := e.World.Guided(rotate.ActIssue)
		e.Left = []screen.Run{r}
		e.SetRun(r)
	}, func(d *driver) {
		d.press("down", "enter", "H")
		d.sees("read-only mode changes nothing")
		d.seesNot("new key >")
	})
}
