package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// A key that is accepted after its deletion is on the first screen, in the next
// session too, and in each answer of rotate status, also when a newer run is asked
// about, until it is dead.
func TestStillAliveStaysInSight(t *testing.T) {
	t.Parallel()
	w := newByHand(t)
	env := "AWS_ACCESS_KEY_ID=" + w.estate.LeakedID + "\nAWS_SECRET_ACCESS_KEY=" + w.estate.LeakedSecret + "\nSTRIPE_SECRET_KEY=" + w.old + "\n"
	if err := os.WriteFile(filepath.Join(w.repo, ".env"), []byte(env), 0o600); err != nil {
		t.Fatal(err)
	}
	w.lab.AWS.LagIn("us-west-2", time.Hour)
	e := w.engine(w.app())
	e.w.policy.ProofWithin = 3 * time.Second // the resume below must be proven within it, also on a busy machine
	p := w.sit(e, 60, 15, screen.Facts{Actor: "jo"})
	p.sees("2 unchecked")
	p.types("/aws" + enter)
	p.types("R")
	p.opens("Digest")
	p.types("A")
	p.confirms("rotate " + w.estate.User)
	p.sees("STILL ALIVE")
	p.sees("ALARM")
	p.types(escape)
	p.sees("WAS DELETED AND IS STILL ACCEPTED")
	p.types("q")
	p.left()
	open, _ := e.stop(t.Context())
	if len(open) != 1 || open[0].Alarm == "" {
		t.Fatalf("open: %+v", open)
	}
	run := open[0].Plan.ID
	_ = e.w.close()

	// A newer run, which waits for a person.
	e = w.engine(w.app())
	p = w.sit(e, 80, 24, screen.Facts{Actor: "jo"})
	p.opens("Unfinished rotations")
	p.types(escape)
	p.sees("WAS DELETED AND IS STILL ACCEPTED")
	p.types("/stripe" + enter)
	p.sees("WAS DELETED AND IS STILL ACCEPTED") // whatever is in the list
	p.types("R")
	p.opens("Digest")
	p.types("A")
	p.confirms("rotate " + w.lab.Stripe.Account())
	p.sees("YOUR TURN")
	p.types("q")
	p.left()
	open, _ = e.stop(t.Context())
	_ = e.w.close()
	if len(open) != 1 || open[0].Status != rotate.RunHeld {
		t.Fatalf("open: %+v", open)
	}
	said := w.asks("rotate", "status")
	if !strings.Contains(said, "YOU make a second key") || !strings.Contains(said, "ALARM, run "+run) || !strings.Contains(said, "STILL ACCEPTED at sts us-west-2") {
		t.Errorf("status of the newer run:\n%s", said)
	}
	if said = w.asks("rotate", "status", run); strings.Count(said, "STILL ACCEPTED at") != 1 || !strings.Contains(said, "ALARM: AKIA") {
		t.Errorf("status of the run:\n%s", said)
	}
	if said = w.asks("rotate", "list"); !strings.Contains(said, run+" STILL ALIVE") {
		t.Errorf("list:\n%s", said)
	}
	if said = w.asks("report", run); !strings.Contains(said, "**ALARM: ") {
		t.Errorf("report:\n%s", said)
	}
	w.lab.AWS.LagIn("us-west-2", 0)
	w.asks("rotate", "resume", run)
	if said = w.asks("rotate", "status"); strings.Contains(said, "ALARM") {
		t.Errorf("the key is dead:\n%s", said)
	}
}

// asks runs a command in this world, whatever its exit code.
func (w *world) asks(args ...string) string {
	w.t.Helper()
	a := w.app()
	var out bytes.Buffer
	s := a.Streams
	s.Out, s.Err, s.Facts = &out, &out, term.Facts{Width: 200}
	file := filepath.Join(w.t.TempDir(), "lab.json")
	doc, err := json.Marshal(map[string]any{"env": w.lab.Env(), "lab_url": w.lab.URL("lab")})
	if err == nil {
		err = os.WriteFile(file, doc, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	s.Env = func(name string) string {
		if name == "SECRETGUARD_LAB" {
			return file
		}
		return a.Env(name)
	}
	Main(args, s)
	return strings.Join(strings.Fields(out.String()), " ")
}
