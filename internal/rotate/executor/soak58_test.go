package executor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// Where the record of use lags, the old key stays disabled for longer than that
// before it is deleted, and the plan says so; where there is no record, for a day.
func TestRow58SoakIsInThePlan(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, func(r *planner.Request) { r.Policy = nil })
	if err != nil {
		t.Fatal(err)
	}
	at := func(id string) int { return slices.IndexFunc(p.Steps, func(s rotate.Step) bool { return s.ID == id }) }
	if i := at("soak"); i < 0 || i != at("disable")+1 || i != at("delete")-1 || p.Policy.SoakFor != 4*time.Hour || !strings.Contains(p.Steps[i].Title, "lags") {
		t.Fatalf("steps %+v, soak %s", p.Steps, p.Policy.SoakFor)
	}
	if d := rotate.DefaultPolicy(providers.Descriptor{}).SoakFor; d != 0 {
		t.Errorf("a record without a lag soaks for %s", d)
	}
}

// A soak that is short enough is waited for, and nothing is deleted in it.
func TestRow58SoakIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	const soak = 700 * time.Millisecond
	p, err := w.Start(rotatetest.With(func(p *rotate.Policy) { p.SoakFor = soak }))
	if err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	var disabled, deleted time.Time
	for _, e := range w.Snapshot(p.ID).Log {
		switch {
		case e.Step == "disable" && e.Status == rotate.StepDone:
			disabled = e.Time
		case e.Step == "delete" && deleted.IsZero():
			deleted = e.Time
		}
	}
	if d := deleted.Sub(disabled); d < soak {
		t.Errorf("deleted %s after it was disabled", d)
	}
}

// A long one is held, with the time and both ways on; a person may accept less, and
// the way back stays open.
func TestRow58LongSoakIsHeld(t *testing.T) {
	t.Parallel()
	long := rotatetest.With(func(p *rotate.Policy) { p.SoakFor = 4 * time.Hour })
	for _, back := range []bool{false, true} {
		w := rotatetest.New(t)
		p, err := w.Start(long)
		snap := w.Snapshot(p.ID)
		if err == nil || snap.Status != rotate.RunHeld || !strings.Contains(snap.Problem, "waits until") || !strings.Contains(snap.Problem, "waive "+p.ID+" soak") {
			t.Fatalf("%v: %s, %s", err, snap.Status, snap.Problem)
		}
		if w.Lab.AWS.Accepts(w.Estate.LeakedID, w.Estate.LeakedSecret) || w.Count("DeleteAccessKey") != 0 {
			t.Fatal("it is not disabled, or deleted already")
		}
		if err := w.Resume(p.ID); err == nil || w.Count("DeleteAccessKey") != 0 {
			t.Fatalf("a resume does not make it shorter: %v", err)
		}
		if back {
			_ = w.Rollback(p.ID)
			if s := w.Snapshot(p.ID).Status; s != rotate.RunRolledBack || !w.Lab.AWS.Accepts(w.Estate.LeakedID, w.Estate.LeakedSecret) {
				t.Errorf("rolled back: %s", s)
			}
			continue
		}
		j := w.Open()
		if err := w.Executor(j).Waive(t.Context(), p.ID, "soak", 0, "all consumers are known"); err != nil {
			t.Fatal(err)
		}
		j.Close()
		w.Finish(p.ID)
	}
}
