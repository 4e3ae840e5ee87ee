package issue_test

import (
	"errors"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

func TestRow33SameKeyAgain(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.AWS.SameAgain(1)
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err, "of the old key again")
	if n := w.Count("PATCH env") + w.Count("PUT env-vars one"); n != 0 {
		t.Errorf("%d values were stored", n)
	}
	w.AssertNeverDown()
	w.Finish(p.ID)
}

func TestRow34NewKeyNeedsTime(t *testing.T) {
	t.Parallel()
	w := rotatetest.NewOn(t, lab.Options{KeyDelay: 300 * time.Millisecond}, 0)
	p, err := w.Start(rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)

	w = rotatetest.NewOn(t, lab.Options{KeyDelay: time.Hour}, 0)
	p, err = w.Start(rotatetest.With(func(p *rotate.Policy) { p.ReadyWithin = 200 * time.Millisecond }))
	w.AssertHeld(p.ID, err, "not accepted yet")
	if n := w.Count("PATCH env") + w.Count("PUT env-vars one"); n != 0 {
		t.Errorf("%d values were stored", n)
	}
	w.AssertNeverDown()
}

func TestRow35ValidationFlaps(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.When("issue", rotate.StepDone, func() {
		w.Lab.Fault("aws", "GetCallerIdentity", lab.Fault{Status: 403, Code: "InvalidClientTokenId", Skip: 3})
	})
	asked := 0
	next := w.OnEvent
	w.OnEvent = func(e rotate.Event) {
		if e.Step == "validate" && e.Status == rotate.StepDone {
			asked = w.Count("GetCallerIdentity") - asked
		}
		next(e)
		if e.Step == "issue" && e.Status == rotate.StepDone {
			asked = w.Count("GetCallerIdentity")
		}
	}
	p, err := w.Start(rotatetest.With(func(p *rotate.Policy) { p.ReadyNeeded = 5 }))
	if err != nil {
		t.Fatal(err)
	}
	if asked != 3+1+5 {
		t.Errorf("asked %d times, want 3 accepted, 1 refused, 5 accepted in a row", asked)
	}
	w.AssertRotated(p.ID)
}

// A listing that is too old to show the lost key: waited for, and if that was
// not enough, the missing room tells.
func TestRow36StaleListing(t *testing.T) {
	t.Parallel()
	for name, stale := range map[string]time.Duration{"within the wait": 150 * time.Millisecond, "longer than the wait": 500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			w.Lab.AWS.StaleList(stale)
			w.Lab.Fault("aws", "CreateAccessKey", lab.Fault{DropAfter: true})
			p, err := w.Start(rotatetest.With(func(p *rotate.Policy) { p.ReconcileFor = 400 * time.Millisecond }))
			if err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
		})
	}
	// Longer than anybody waits: held, and a resume finds the orphan.
	w := rotatetest.New(t)
	w.Lab.AWS.StaleList(time.Hour)
	w.Lab.Fault("aws", "CreateAccessKey", lab.Fault{DropAfter: true})
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err, "no room")
	w.Lab.AWS.StaleList(0)
	w.Finish(p.ID)
}

// The lost key is not seen, and the second try is refused for another reason:
// nothing was sent the second time, yet the first time is not settled.
func TestRow36LostAndThenRefused(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.AWS.StaleList(time.Hour)
	w.Lab.Fault("aws", "CreateAccessKey", lab.Fault{DropAfter: true})
	w.Lab.Fault("aws", "CreateAccessKey", lab.Fault{Status: 403})
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err, "lacks a permission")
	w.Lab.AWS.StaleList(0)
	w.Finish(p.ID)
}

func TestRow38OurOrphanTakesTheRoom(t *testing.T) {
	t.Parallel()
	for _, times := range []int{1, 2} {
		w := rotatetest.New(t)
		w.CrashAt = func(_ int, point string) bool { return point == "effect issue" } // made, never written down
		p, err := w.Start(rotatetest.Fast)
		if !errors.Is(err, rotatetest.ErrKilled) || len(w.Lab.AWS.Keys(w.Estate.User)) != 2 {
			t.Fatalf("%v, keys %v", err, w.LiveIDs())
		}
		w.CrashAt = nil
		if times == 2 { // and the clean-up is refused at first
			w.Lab.Fault("aws", "DeleteAccessKey", lab.Fault{Status: 403, Times: 1})
			err := w.Resume(p.ID)
			w.AssertHeld(p.ID, err, "orphan")
		}
		w.Finish(p.ID)
	}
}
