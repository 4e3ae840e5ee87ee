package prove_test

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// short ends a proof that does not come to its end.
func short(p *rotate.Policy) {
	p.ProofWithin, p.ReadyWithin = 300*time.Millisecond, 300*time.Millisecond
}

// One region knows of the deletion and another does not: the key is not dead, an alarm
// stays until it is, also while the run is tried again, and it is dead only when both
// refuse it.
func TestRow62OneRegionKnowsAndAnotherDoesNot(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.AWS.LagIn("us-west-2", time.Hour)
	p, err := w.Start(rotatetest.With(short))
	if err == nil {
		t.Fatal("a key that is accepted in one region was called dead")
	}
	for range 2 {
		snap := w.Snapshot(p.ID)
		if snap.Status != rotate.RunHeld || snap.Proof != nil || !strings.Contains(snap.Problem, "STILL ALIVE: the deleted key is accepted at sts us-west-2") {
			t.Fatalf("status %s, proof %+v, problem %q", snap.Status, snap.Proof, snap.Problem)
		}
		if !strings.Contains(snap.Alarm, "STILL ACCEPTED at sts us-west-2") || !slices.ContainsFunc(snap.Stands, func(s string) bool { return strings.Contains(s, "the leak is open") }) {
			t.Errorf("alarm %q, stands %q", snap.Alarm, snap.Stands)
		}
		_ = w.Resume(p.ID)
	}
	if err := w.Abandon(p.ID, ""); err == nil {
		t.Error("given up without a reason")
	}
	w.Lab.AWS.LagIn("us-west-2", 0)
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	snap := w.Snapshot(p.ID)
	if snap.Alarm != "" || !slices.Equal(snap.Proof.Endpoints, []string{"sts us-east-1", "sts us-west-2"}) || snap.Proof.Refusals < p.Policy.ProofRefusals {
		t.Errorf("alarm %q, proof %+v", snap.Alarm, snap.Proof)
	}
	if last := p.Steps[len(p.Steps)-2].Title; !strings.Contains(last, "at sts us-east-1 and sts us-west-2") {
		t.Errorf("the plan says %q", last)
	}
}

// Who gives up a run whose key is alive is told that it is.
func TestAbandonedWhileAlive(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.AWS.LagIn("us-west-2", time.Hour)
	p, _ := w.Start(rotatetest.With(short))
	if err := w.Abandon(p.ID, "a test"); err != nil {
		t.Fatal(err)
	}
	if left := strings.Join(w.Snapshot(p.ID).Left, "\n"); !strings.Contains(left, "AND IS STILL ACCEPTED") {
		t.Errorf("left: %s", left)
	}
}

// A second place where not even the new key can be tried proves nothing in either
// direction: it is left out and named. The first one cannot be left out.
func TestAPlaceThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for region, proven := range map[string]bool{"us-west-2": true, "us-east-1": false} {
		var deaf atomic.Bool
		w := rotatetest.NewOn(t, lab.Options{Wrap: func(service string, twin http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if service == "aws" && deaf.Load() && strings.Contains(r.Header.Get("Authorization"), "/"+region+"/sts/") {
					rw.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				twin.ServeHTTP(rw, r)
			})
		}}, 0)
		w.When("delete", rotate.StepDone, func() { deaf.Store(true) })
		p, err := w.Start(rotatetest.With(short))
		snap := w.Snapshot(p.ID)
		if (err == nil) != proven || (snap.Proof != nil) != proven {
			t.Fatalf("without %s: %v, proof %+v", region, err, snap.Proof)
		}
		if proven && (len(snap.Proof.NotAsked) != 1 || !strings.HasPrefix(snap.Proof.NotAsked[0], "sts us-west-2 (") || len(snap.Proof.Endpoints) != 1) {
			t.Errorf("proof %+v: what was not asked must be named", snap.Proof)
		}
	}
}
