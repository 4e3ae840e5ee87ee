package quiet_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// patient waits for silence longer than IAM's record of a use is coarse.
func patient(r *planner.Request) {
	rotatetest.Fast(r)
	r.Policy.QuietFor, r.Policy.QuietEvery, r.Policy.QuietWithin = 1300*time.Millisecond, 50*time.Millisecond, 20*time.Second
}

// hasty gives the wait up soon.
func hasty(r *planner.Request) {
	patient(r)
	r.Policy.QuietWithin = 1500 * time.Millisecond
}

// held lets a stranger use the old key until the run is held for it.
func held(t *testing.T) (w *rotatetest.World, run string, refused func() int, stop func()) {
	t.Helper()
	w = rotatetest.New(t)
	refused, stop = w.Stranger("s3")
	p, err := w.Start(hasty)
	w.AssertHeld(p.ID, err, "last used 20", "for s3 in us-east-1", "whom the plan does not know",
		"secretguard rotate waive "+p.ID+" quiet --reason", "--hostile")
	if n := refused(); n != 0 {
		t.Errorf("the stranger was refused %d times", n)
	}
	return w, p.ID, refused, stop
}

// The instances of the deploy from before still work with the old key after the new
// one is live: it is disabled only when they are gone.
func TestRow54OldInstancesDrain(t *testing.T) {
	t.Parallel()
	w := rotatetest.NewOn(t, lab.Options{DrainTime: 2 * time.Second}, 0)
	p, err := w.Start(patient)
	if err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID) // nobody failed at any instant
	if d := detail(w, p.ID, "quiet"); !strings.Contains(d, "no use came to the issuer's record for 1.3s") {
		t.Errorf("evidence: %q", d)
	}
}

// Somebody whom the plan does not know uses the old key: the run is held before
// anything is taken from it, as often as it is resumed, and goes on when it is gone.
func TestRow57UnknownConsumerIsSeen(t *testing.T) {
	t.Parallel()
	w, run, refused, stop := held(t)
	w.AssertHeld(run, w.Resume(run), "for s3")
	stands := strings.Join(w.Snapshot(run).Stands, "\n")
	if !strings.Contains(stands, "still used by somebody who is not in the plan") {
		t.Errorf("what stands does not say it: %s", stands)
	}
	stop()
	if err := w.Resume(run); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(run)
	if n := refused(); n != 0 {
		t.Errorf("the stranger was refused %d times", n)
	}
}

// A person accepts that the unknown consumer breaks.
func TestRow57UnknownConsumerIsWaived(t *testing.T) {
	t.Parallel()
	w, run, refused, _ := held(t)
	w.Waive(run, "quiet", rotate.L0, "the old batch job, switched off on Monday")
	if err := w.Resume(run); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(run)
	assertWaiver(t, w, run, rotate.Waiver{Step: "quiet", Reason: "the old batch job, switched off on Monday", Who: "tester"}, "a person accepts that whoever still uses the old key fails")
	if refused() == 0 {
		t.Error("the stranger still gets in")
	}
}

// A person says whose the traffic is: it need not end first.
func TestRow59TrafficIsTheThiefs(t *testing.T) {
	t.Parallel()
	w, run, refused, _ := held(t)
	if err := w.CallHostile(run, ""); err == nil {
		t.Error("no reason was asked for")
	}
	if err := w.CallHostile(run, "calls from an address that is not ours"); err != nil {
		t.Fatal(err)
	}
	if err := w.Resume(run); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(run)
	assertWaiver(t, w, run, rotate.Waiver{Step: "quiet", Hostile: true, Reason: "calls from an address that is not ours", Who: "tester"}, "the thief's; last used 20")
	if refused() == 0 {
		t.Error("the thief still gets in")
	}
}

// The key was silent, the run was killed, and somebody uses the key before it goes
// on: silence is waited for again.
func TestUsedAgainSinceItWasSilent(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.CrashAt = func(_ int, point string) bool { return point == "after done:quiet" }
	p, err := w.Start(patient)
	if !errors.Is(err, rotatetest.ErrKilled) {
		t.Fatalf("got %v, want killed", err)
	}
	w.CrashAt = nil
	refused, stop := w.Stranger("s3")
	if err := httpx.Sleep(t.Context(), 1100*time.Millisecond); err != nil { // the record is to the second
		t.Fatal(err)
	}
	w.AssertHeld(p.ID, w.Resume(p.ID), "used since it was silent", "for s3")
	stop()
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	if n := refused(); n != 0 {
		t.Errorf("the stranger was refused %d times", n)
	}
}

// Where the record of use cannot be read nothing is known, and that is said.
func TestUseThatCannotBeReadIsNoSilence(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.When("quiet", rotate.StepRunning, func() {
		w.Lab.Fault("aws", "GetAccessKeyLastUsed", lab.Fault{Status: 403, Times: 1000})
	})
	p, err := w.Start(hasty)
	w.AssertHeld(p.ID, err, "cannot be known", "waive")
	w.OnEvent = nil
	w.Finish(p.ID)
}

func detail(w *rotatetest.World, run, step string) string {
	steps := w.Snapshot(run).Steps
	return steps[slices.IndexFunc(steps, func(s rotate.StepState) bool { return s.ID == step })].Detail
}

func assertWaiver(t *testing.T, w *rotatetest.World, run string, want rotate.Waiver, words string) {
	t.Helper()
	got := w.Snapshot(run).Waivers
	if len(got) != 1 || got[0].At.IsZero() {
		t.Fatalf("waivers: %+v", got)
	}
	if got[0].At = (time.Time{}); got[0] != want {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	if d := detail(w, run, "quiet"); !strings.Contains(d, words) {
		t.Errorf("the evidence hides it: %q", d)
	}
}
