package rotatetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/runs"
)

// With changes the fast policy.
func With(change func(*rotate.Policy)) func(*planner.Request) {
	return func(r *planner.Request) {
		Fast(r)
		change(r.Policy)
	}
}

// When runs do once, at the first event of the step with the status.
func (w *World) When(step string, status rotate.StepStatus, do func()) {
	fired := false
	w.OnEvent = func(e rotate.Event) {
		if !fired && e.Step == step && e.Status == status {
			fired = true
			do()
		}
	}
}

// AssertHeld checks that a run waits for a person, says what is wrong and what to
// run, and that the old key works.
func (w *World) AssertHeld(run string, err error, words ...string) {
	w.T.Helper()
	if !errors.Is(err, rotate.ErrHeld) {
		w.T.Fatalf("got %v, want held", err)
	}
	snap := w.Snapshot(run)
	if snap.Status != rotate.RunHeld || !strings.Contains(snap.Remedy, "resume") {
		w.T.Errorf("status %s, remedy %q", snap.Status, snap.Remedy)
	}
	for _, word := range words {
		if !strings.Contains(snap.Problem, word) {
			w.T.Errorf("%q is not in %q", word, snap.Problem)
		}
	}
	if !w.Lab.AWS.Accepts(w.Estate.LeakedID, w.Estate.LeakedSecret) {
		w.T.Error("the old key does not work any more")
	}
}

// AssertGaveWay checks that a run waits for a person for that reason and has changed
// no key, whatever became of them since.
func (w *World) AssertGaveWay(run string, err error, words ...string) {
	w.T.Helper()
	snap := w.Snapshot(run)
	if !errors.Is(err, rotate.ErrHeld) || snap.Status != rotate.RunHeld || snap.NewKey != "" {
		w.T.Fatalf("got %v, run %s, new key %q", err, snap.Status, snap.NewKey)
	}
	for _, word := range words {
		if !strings.Contains(snap.Problem, word) {
			w.T.Errorf("%q is not in %q", word, snap.Problem)
		}
	}
}

// Finish takes the cause away and resumes to the end.
func (w *World) Finish(run string) {
	w.T.Helper()
	w.Lab.Calm()
	if err := w.Resume(run); err != nil {
		w.T.Fatal(err)
	}
	w.AssertRotated(run)
}

// Count returns how many requests of an operation were served.
func (w *World) Count(op string) int {
	n := 0
	for _, r := range w.Lab.Requests() {
		if r.Op == op {
			n++
		}
	}
	return n
}

// Sweep destroys sealed values that are of no more use at that time.
func (w *World) Sweep(now time.Time) {
	w.T.Helper()
	j := w.Open()
	defer j.Close()
	if err := runs.Sweep(w.T.Context(), j, "tester", now); err != nil {
		w.T.Fatal(err)
	}
}

// AssertSealed checks how many runs have sealed values.
func (w *World) AssertSealed(want int) {
	w.T.Helper()
	j := w.Open()
	defer j.Close()
	runs, err := j.Sealed(w.T.Context())
	if err != nil || len(runs) != want {
		w.T.Fatalf("runs with sealed values: %v, %v; want %d", runs, err, want)
	}
}

// Fast shortens the proof's window: the crash tests look at order, not at time.
func Fast(r *planner.Request) {
	p := *r.Policy
	p.ProofRefusals, p.ProofWindow, p.ProofEvery = 3, 0, p.ProofEvery/20
	p.ReadyNeeded, p.ReadyEvery = 2, p.ReadyEvery/10
	p.HealthNeeded, p.HealthEvery = 2, p.HealthEvery/10
	p.DeployEvery /= 10
	p.QuietFor = 0
	p.ReconcileFor /= 20
	r.Policy = &p
}

// AssertRotated checks the end of a run at the services themselves.
func (w *World) AssertRotated(run string) {
	w.T.Helper()
	snap := w.Snapshot(run)
	if snap.Status != rotate.RunDone || snap.Proof == nil {
		w.T.Fatalf("run is %s: %s", snap.Status, snap.Problem)
	}
	keys := w.Lab.AWS.Keys(w.Estate.User)
	if len(keys) != 1 || keys[0].ID != snap.NewKey || !keys[0].Active {
		w.T.Errorf("keys at the issuer: %+v, want only the new one %s", keys, snap.NewKey)
	}
	for consumer, id := range w.Lab.LiveKeys() {
		if id != snap.NewKey {
			w.T.Errorf("%s runs with %s, want %s", consumer, id, snap.NewKey)
		}
	}
	w.AssertNeverDown()
}

// AssertNeverDown checks that no consumer failed at any instant.
func (w *World) AssertNeverDown() {
	w.T.Helper()
	if n := w.Estate.Failures(); n != 0 {
		w.T.Errorf("production failed %d times on the way", n)
	}
}

// AssertNoMutation checks that nothing was changed since so many requests.
func (w *World) AssertNoMutation(from int) {
	w.T.Helper()
	for _, r := range w.Lab.Requests()[from:] {
		if r.Mutates {
			w.T.Errorf("a mutating request while planning: %s %s %s", r.Method, r.Path, r.Op)
		}
	}
}

// LiveIDs returns the keys of the leaked key's owner.
func (w *World) LiveIDs() []string {
	var ids []string
	for _, k := range w.Lab.AWS.Keys(w.Estate.User) {
		ids = append(ids, fmt.Sprint(k.ID, " ", k.Active))
	}
	slices.Sort(ids)
	return ids
}
