package prove_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// What is no refusal is not counted as one: the proof needs its own number.
func TestRow39NoAnswerIsNoProof(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]lab.Fault{
		"no connection":  {DropBefore: true},
		"captive portal": {Status: 200, Body: "<html>log in</html>"},
		"proxy's 403":    {Status: 403, Body: "<html>denied</html>"},
		"service down":   {Status: 503},
		"throttled":      {Status: 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			f.Times, f.Skip = 7, 1 // after the control request
			asked := 0
			w.When("delete", rotate.StepDone, func() {
				asked = w.Count("GetCallerIdentity")
				w.Lab.Fault("aws", "GetCallerIdentity", f)
			})
			p, err := w.Start(rotatetest.Fast)
			if err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
			snap := w.Snapshot(p.ID)
			if snap.Proof.Refusals != p.Policy.ProofRefusals || snap.Proof.Code != "InvalidClientTokenId" {
				t.Errorf("proof %+v", snap.Proof)
			}
			if n := w.Count("GetCallerIdentity") - asked; n < 7+2+p.Policy.ProofRefusals {
				t.Errorf("%d requests: what proves nothing was counted", n)
			}
		})
	}
	// With nothing but that, the key is never called dead.
	w := rotatetest.New(t)
	w.When("delete", rotate.StepDone, func() {
		w.Lab.Fault("aws", "GetCallerIdentity", lab.Fault{Status: 200, Body: "<html>", Skip: 1, Times: 100_000})
	})
	p, err := w.Start(rotatetest.With(func(p *rotate.Policy) { p.ProofWithin = 200 * time.Millisecond }))
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if s := w.Snapshot(p.ID); s.Proof != nil || !strings.Contains(s.Problem, "not proven dead") {
		t.Errorf("proof %+v, problem %q", s.Proof, s.Problem)
	}
	w.Finish(p.ID)
}

func TestRow40WrongClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{20 * time.Minute, -20 * time.Minute} {
		w := rotatetest.New(t)
		w.When("delete", rotate.StepDone, func() { w.Lab.AWS.ClockOff(off) })
		p, err := w.Start(rotatetest.Fast)
		if !errors.Is(err, rotate.ErrHeld) {
			t.Fatalf("got %v", err)
		}
		if s := w.Snapshot(p.ID); s.Proof != nil || !strings.Contains(s.Problem, "clock of this machine is wrong by about 20m") {
			t.Errorf("proof %+v, problem %q", s.Proof, s.Problem)
		}
		w.Lab.AWS.ClockOff(0)
		w.Finish(p.ID)
	}
}
