package cli

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// byHand is a world where a Stripe key leaked: its issuer has no calls, so a person
// makes the new one and takes the old one away.
type byHand struct {
	*world

	old, fresh string
}

func newByHand(t *testing.T) byHand {
	t.Helper()
	w := byHand{world: newWorld(t)}
	w.old, w.fresh = w.lab.Stripe.MakeKey("sk_live_"), w.lab.Stripe.MakeKey("sk_live_")
	w.lab.Netlify.SetVar(w.estate.Site, "STRIPE_SECRET_KEY", "production", w.old, false)
	w.repo = t.TempDir()
	if err := os.WriteFile(filepath.Join(w.repo, ".env"), []byte("STRIPE_SECRET_KEY="+w.old+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.leaks.Extra = []string{"STRIPE_SECRET_KEY=" + w.old}
	w.typed = []string{w.fresh}
	return w
}

func (w byHand) engine(a *app) *engine {
	w.t.Helper()
	e := w.world.engine(a)
	e.req = newScanRequest("dir", w.repo)
	return e
}

func (w byHand) stored() string {
	return w.lab.Netlify.Value(w.estate.Site, "STRIPE_SECRET_KEY", "production")
}

// From the list to the proof without leaving the responder, with a pause in another
// session in between, on the smallest screen too.
func TestByHandFromListToSummary(t *testing.T) {
	t.Parallel()
	for name, size := range map[string][2]int{"60x15": {60, 15}, "80x24": {80, 24}, "120x30": {120, 30}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newByHand(t)
			e := w.engine(w.app())
			p := w.sit(e, size[0], size[1], screen.Facts{Actor: "jo"})
			p.sees("stripe secret key")
			p.types("R")
			p.opens("Digest")
			p.types("A")
			p.confirms("rotate " + w.lab.Stripe.Account())
			p.sees("YOUR TURN")
			p.types("H")
			p.sees("new key >")
			for why, bad := range map[string]string{
				"that is the old key": w.old, "sk_test_": w.lab.Stripe.MakeKey("sk_test_"), "not accept": lab.MadeUp("sk_live_", 99), "has not the form": "hunter2",
			} {
				p.pastes(bad)
				p.sees("characters, not shown")
				p.types(enter)
				p.sees("NOT TAKEN")
				p.sees("new key > _")
				if !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(p.text(), "│", " ")), " "), why) {
					t.Errorf("it must say %q:\n%s", why, p.text())
				}
			}
			if w.stored() != w.old {
				t.Fatal("a key that was refused is stored")
			}
			// Left, and taken up by another process.
			p.types(escape)
			p.sees("H takes the new key")
			p.types("q")
			p.left()
			if open, _ := e.stop(t.Context()); len(open) != 0 && open[0].Status != rotate.RunHeld {
				t.Errorf("open: %+v", open)
			}
			_ = e.w.close()

			e = w.engine(w.app())
			p = w.sit(e, size[0], size[1], screen.Facts{Actor: "jo"})
			p.opens("Unfinished rotations")
			p.types(down + enter)
			p.sees("YOUR TURN")
			p.types("H")
			p.sees("new key >")
			p.pastes("\r\n" + w.fresh + "\n")
			p.sees("107 characters, not shown")
			p.types(enter)
			p.sees("t checks that it is gone")
			if w.stored() != w.fresh {
				t.Fatal("the new key is not stored")
			}
			asked := w.lab.Served()
			p.types("t")
			for until := time.Now().Add(patience); w.lab.Served() == asked && time.Now().Before(until); {
				<-time.After(10 * time.Millisecond)
			}
			p.sees("t checks that it is gone") // it is not
			w.lab.Stripe.DeleteKey(w.old)
			p.types("H")
			p.sees("asks the issuer")
			p.types("t")
			p.opens("proven")
			p.types("q")
			p.left()
			if _, closed := e.stop(t.Context()); len(closed) != 1 || closed[0].Status != rotate.RunDone {
				t.Errorf("closed: %+v", closed)
			}
		})
	}
}

// The same in plain lines. The terminal shows nothing while the key is typed, and
// shows what is typed again after it.
func TestByHandInPlainLines(t *testing.T) {
	t.Parallel()
	w := newByHand(t)
	e := w.engine(w.app())
	var mu sync.Mutex
	var echo []bool
	r := w.listenWith(e, screen.Facts{Actor: "jo"}, func(on bool) error {
		mu.Lock()
		defer mu.Unlock()
		echo = append(echo, on)
		return nil
	})
	echoes := func() []bool {
		mu.Lock()
		defer mu.Unlock()
		return echo
	}
	r.chooses("stripe secret key")
	r.chooses("plan a rotation")
	plan := r.hears("to approve, type: rotate " + w.lab.Stripe.Account())
	for _, want := range []string{"at https://dashboard.stripe.com/apikeys", "3. copy the new key: it is shown once"} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan must say %q:\n%s", want, plan)
		}
	}
	r.says("rotate " + w.lab.Stripe.Account())
	r.hears("YOUR TURN in run")
	r.hears("2. make a second key of the same kind")
	r.chooses("hand in the new key")
	r.hears("the new key, or nothing to go back > ")
	if got := echoes(); len(got) != 1 || got[0] {
		t.Errorf("echo %v: what is typed must not be shown", got)
	}
	r.says(w.old)
	r.hears("PROBLEM: the key was not taken: that is the old key")
	r.chooses("hand in the new key")
	r.hears("the new key, or nothing to go back > ")
	r.says("")
	r.hears("nothing was handed in; the run waits")
	r.chooses("open run")
	r.chooses("hand in the new key")
	r.hears("the new key, or nothing to go back > ")
	r.says(" " + w.fresh + " ")
	r.hears("the new key works and is sealed")
	r.hears("YOU take the old key away")
	w.lab.Stripe.DeleteKey(w.old)
	r.chooses("it is gone: check")
	r.hears("proven dead")
	r.says("no")
	r.chooses("back to the list")
	r.chooses("quit")
	select {
	case err := <-r.ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	r.clean()
	if got := echoes(); len(got) != 6 || !got[5] {
		t.Errorf("echo %v: it must be off at each key and on after it", got)
	}
	e.stop(t.Context())
}

// A terminal that cannot hide what is typed is asked for no key.
func TestNoKeyIsTypedInSight(t *testing.T) {
	t.Parallel()
	w := newByHand(t)
	e := w.engine(w.app())
	r := w.listenWith(e, screen.Facts{Actor: "jo"}, func(bool) error { return os.ErrInvalid })
	r.chooses("stripe secret key")
	r.chooses("plan a rotation")
	r.hears("to approve, type: ")
	r.says("rotate " + w.lab.Stripe.Account())
	r.chooses("hand in the new key")
	r.hears("cannot hide what is typed")
	r.hears("secretguard rotate supply r-")
}
