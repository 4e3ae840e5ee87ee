package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// toPlan goes from the list to the plan of the worst key.
func (p *person) toPlan() {
	p.t.Helper()
	p.sees("r asks the issuers")
	p.types("r")
	p.sees("Ask the issuer?")
	p.types(tab)
	p.sees("[ Ask ]")
	p.types(enter)
	p.sees("every issuer that can be asked has answered")
	p.sees("> ! LIVE")
	p.types("/deploy-bot")
	p.types(enter)
	p.sees("deploy-bot")
	p.types(enter)
	p.sees("Deployed in (4)")
	p.types("R")
	p.opens("Digest")
}

// toRun approves the plan.
func (p *person) toRun() {
	p.t.Helper()
	p.toPlan()
	p.types("A")
	p.confirms("rotate " + p.world.estate.User)
}

func TestFromListToSummary(t *testing.T) {
	t.Parallel()
	for name, size := range map[string][2]int{"80x24": {80, 24}, "60x15": {60, 15}, "160x50": {160, 50}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.engine(w.app())
			p := w.sit(e, size[0], size[1], screen.Facts{Actor: "jo"})
			if size[0] > 60 {
				p.toRun()
			} else { // the same with what fits on the smallest screen
				p.sees("4 unchecked")
				p.types("r")
				p.sees("Ask the issuer?")
				p.types(tab + enter)
				p.sees("deploy-bot")
				p.types("/deploy-bot")
				p.types(enter)
				p.types("R")
				p.opens("Digest")
				p.types("A")
				p.confirms("rotate deploy-bot")
			}
			p.opens("deleted and proven")
			w.rotated()
			p.types("q")
			p.left()
			open, closed := e.stop(t.Context())
			if len(open) != 0 || len(closed) != 1 || closed[0].Status != rotate.RunDone {
				t.Errorf("open %d, closed %d", len(open), len(closed))
			}
		})
	}
}

// A build that fails holds the run; when it is mended, t goes on.
func TestAHeldRunGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lab.Render.Fail(w.estate.Web, true)
	e := w.engine(w.app())
	p := w.sit(e, 100, 30, screen.Facts{})
	p.toRun()
	p.sees("HELD")
	p.sees("t tries again")
	if keys := w.lab.AWS.Keys(w.estate.User); len(keys) != 2 || !keys[0].Active {
		t.Fatalf("the old key must stay: %+v", keys)
	}
	w.lab.Render.Fail(w.estate.Web, false)
	p.types("t")
	p.opens("deleted and proven")
	w.rotated()
	p.types("q")
	p.left()
	e.stop(t.Context())
}

func TestRollBackIsTyped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lab.Render.Fail(w.estate.Web, true)
	e := w.engine(w.app())
	p := w.sit(e, 100, 30, screen.Facts{})
	p.toRun()
	p.sees("B undoes all")
	w.lab.Render.Fail(w.estate.Web, false)
	p.types("B")
	p.sees("IS PUT BACK TO USE")
	p.confirms("roll back deploy-bot")
	p.opens("ROLLED BACK")
	keys := w.lab.AWS.Keys(w.estate.User)
	if len(keys) != 1 || keys[0].ID != w.estate.LeakedID {
		t.Errorf("only the old key must be left: %+v", keys)
	}
	p.types("q")
	p.left()
	e.stop(t.Context())
}

// Leaving in the middle pauses at a safe point; another session goes on.
func TestLeaveAndResume(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*person){
		"q": func(p *person) {
			p.types("q")
			p.sees("Pause after this step and leave")
			p.types(tab)
			p.sees("[ Pause after this step and leave ]")
			p.types(enter)
		},
		"ctrl+c twice": func(p *person) {
			p.types(ctrlC)
			p.sees("press ctrl+c again")
			p.types(ctrlC)
		},
		"the terminal goes away": func(p *person) { p.cancel() }, // what SIGHUP does
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e := w.engine(w.app())
			// A step that takes long enough to be left in the middle.
			e.w.policy.HealthNeeded = 40
			p := w.sit(e, 100, 30, screen.Facts{})
			p.toRun()
			p.sees("health: well")
			leave(p)
			p.left()
			open, _ := e.stop(t.Context())
			if len(open) != 1 || open[0].Status != rotate.RunPaused || open[0].Active {
				t.Fatalf("left with %d open runs: %+v", len(open), open)
			}
			again := w.engine(w.app())
			p = w.sit(again, 100, 30, screen.Facts{})
			p.opens("Unfinished rotations")
			p.types(down)
			p.sees("> open run " + open[0].Plan.ID)
			p.types(enter)
			p.sees("STOPPED")
			p.types("t")
			p.opens("deleted and proven")
			w.rotated()
			p.types("q")
			p.left()
			again.stop(t.Context())
		})
	}
}

// Read-only mode sends no request that changes anything, whatever is pressed.
func TestReadOnlyChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.app()
	a.readOnly = true
	from := len(w.lab.Requests())
	p := w.sit(w.engine(a), 100, 30, screen.Facts{ReadOnly: true})
	p.toPlan()
	p.types("A")
	p.sees("read-only mode approves nothing")
	p.types("rotate deploy-bot")
	p.types(enter)
	p.sees("Step 1 of")
	p.types(escape)
	p.sees("A approve")
	p.types(escape)
	p.sees("Deployed in (4)")
	p.types("X")
	p.opens("an outage")
	p.types("A")
	p.sees("read-only mode approves nothing")
	p.types("q")
	p.left()
	for _, r := range w.lab.Requests()[from:] {
		if r.Mutates {
			t.Errorf("a request that changes: %s %s", r.Service, r.Op)
		}
	}
}

// Offline, nobody is asked anything.
func TestOfflineAsksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine(w.app())
	e.offline = true
	from := len(w.lab.Requests())
	p := w.sit(e, 100, 30, screen.Facts{Offline: true})
	p.sees("4 unchecked")
	p.sees("[offline]")
	p.types("r")
	p.sees("offline: the issuer cannot be asked")
	p.types(enter)
	p.sees("unknown (offline)")
	p.sees("Lines of")
	p.types("R")
	p.sees("offline: a plan needs")
	p.types("q")
	p.left()
	if n := len(w.lab.Requests()) - from; n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

// Names from the services that steer a terminal come out as text on every screen.
func TestHostileServices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	evil := "shop\x1b[2J\x1b]0;x\a\u202egnp"
	site := w.lab.Netlify.AddSite(evil)
	w.lab.Netlify.SetVar(site, "AWS_ACCESS_KEY_ID", "production", w.estate.LeakedID, false)
	w.lab.Netlify.SetVar(site, "AWS_SECRET_ACCESS_KEY", "production", w.estate.LeakedSecret, false)
	w.lab.Netlify.Deploy(site)
	e := w.engine(w.app())
	e.w.policy.AttestWithin = 5 * time.Second
	p := w.sit(e, 120, 40, screen.Facts{})
	p.sees("r asks the issuers")
	p.types("/" + "quick-deploy")
	p.types(enter + enter)
	p.sees("Deployed in (6)")
	p.sees("shop␛[2J␛]0;x␇<U+202E>gnp")
	p.types("R")
	p.opens("Digest")
	p.types("A")
	p.confirms("rotate deploy-bot")
	// The name makes an address that nobody can ask, so the service is never seen to
	// be well: that holds the run until a person accepts it.
	p.sees("HELD")
	p.sees("K accepts what was shown")
	p.types("K")
	p.sees("It says: shop␛[2J")
	p.types("looked at the site myself")
	p.types(enter)
	p.opens("deleted and proven")
	p.sees("which a person accepted")
	if strings.Contains(p.text(), evil) {
		t.Error("the name came through as it is")
	}
	w.rotated()
	p.types("q")
	p.left()
	e.stop(t.Context())
}
