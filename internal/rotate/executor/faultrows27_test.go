package executor_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// The tests here are rows of the fault matrix, by their numbers, as far as the
// services cause them.

func TestRow27AsksForAWait(t *testing.T) {
	t.Parallel()
	for _, f := range []struct{ service, op string }{{"netlify", "PATCH env"}, {"render", "POST deploys"}, {"aws", "UpdateAccessKey"}} {
		w := rotatetest.New(t)
		var longest time.Duration
		w.Sleep = func(ctx context.Context, d time.Duration) error {
			longest = max(longest, d)
			return httpx.Sleep(ctx, min(d, 5*time.Millisecond))
		}
		var said strings.Builder
		w.OnEvent = func(e rotate.Event) { said.WriteString(e.Detail + "\n") }
		w.Lab.Fault(f.service, f.op, lab.Fault{Status: 429, RetryAfter: "120"})
		p, err := w.Start(rotatetest.Fast)
		if err != nil {
			t.Fatal(err)
		}
		if longest != 2*time.Minute {
			t.Errorf("%s: waited %s at most", f.op, longest)
		}
		if f.op != "POST deploys" && !strings.Contains(said.String(), "waiting 2m0s") {
			t.Errorf("%s: the wait is not shown: %s", f.op, said.String())
		}
		w.AssertRotated(p.ID)
	}
}

// A check that is asked to slow down is slowed down too.
func TestRow27AsksAPollForAWait(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	var waits atomic.Int32
	w.Sleep = func(ctx context.Context, d time.Duration) error {
		if d == 30*time.Second {
			waits.Add(1)
		}
		return httpx.Sleep(ctx, min(d, 5*time.Millisecond))
	}
	w.When("issue", rotate.StepDone, func() { w.Lab.Fault("aws", "GetCallerIdentity", lab.Fault{Status: 429, RetryAfter: "30", Times: 3}) })
	p, err := w.Start(rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	if waits.Load() != 3 {
		t.Errorf("waited %d times as asked", waits.Load())
	}
	w.AssertRotated(p.ID)
}

// A long wait can be left: the run stops at a safe point.
func TestRow27WaitCanBeLeft(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	j := w.Open()
	p, err := w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.Sleep = func(ctx context.Context, d time.Duration) error {
		if d > time.Minute {
			cancel()
		}
		return httpx.Sleep(ctx, d)
	}
	w.Lab.Fault("netlify", "PATCH env", lab.Fault{Status: 429, RetryAfter: "900"})
	err = w.Executor(j).Start(ctx, p, rotate.Approval{Digest: p.Digest, Who: "t"})
	if !errors.Is(err, rotate.ErrPaused) {
		t.Fatalf("got %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	w.Sleep = nil
	w.Finish(p.ID)
}

func TestRow28RateLimitedForEver(t *testing.T) {
	t.Parallel()
	for _, f := range []struct{ service, op string }{{"netlify", "PATCH env"}, {"render", "POST deploys"}, {"aws", "CreateAccessKey"}} {
		t.Run(f.op, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			w.Lab.Fault(f.service, f.op, lab.Fault{Status: 429, Times: 10_000})
			p, err := w.Start(rotatetest.Fast)
			w.AssertHeld(p.ID, err, "asked to slow down")
			w.AssertNeverDown()
			w.Finish(p.ID)
		})
	}
}

func TestRow30NoAnswerInTime(t *testing.T) {
	t.Parallel()
	for _, f := range []struct{ service, op string }{
		{"aws", "CreateAccessKey"}, {"netlify", "PATCH env"}, {"render", "PUT env-vars one"}, {"render", "POST deploys"}, {"aws", "DeleteAccessKey"},
	} {
		t.Run(f.op, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.NewOn(t, lab.Options{}, time.Second)
			w.When("issue", rotate.StepRunning, func() { w.Lab.Fault(f.service, f.op, lab.Fault{Hang: true}) })
			p, err := w.Start(rotatetest.Fast)
			if err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
		})
	}
}

// Row 31 for every kind of request; package providertest cuts the answer of a
// create everywhere.
func TestRow31CutOffAnswers(t *testing.T) {
	t.Parallel()
	for _, f := range []struct{ service, op string }{
		{"aws", "CreateAccessKey"},
		{"aws", "ListAccessKeys"},
		{"aws", "UpdateAccessKey"},
		{"aws", "DeleteAccessKey"},
		{"aws", "GetCallerIdentity"},
		{"netlify", "PATCH env"},
		{"netlify", "GET env one"},
		{"netlify", "POST builds"},
		{"netlify", "GET deploy"},
		{"render", "PUT env-vars one"},
		{"render", "POST deploys"},
	} {
		t.Run(f.op, func(t *testing.T) {
			t.Parallel()
			for _, keep := range []int{0, 30} {
				w := rotatetest.New(t)
				w.When("issue", rotate.StepRunning, func() { w.Lab.Fault(f.service, f.op, lab.Fault{Cut: true, Keep: keep}) })
				p, err := w.Start(rotatetest.Fast)
				if err != nil {
					t.Fatalf("after %d bytes: %v", keep, err)
				}
				w.AssertRotated(p.ID)
			}
		})
	}
}

func TestRow32AnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]lab.Fault{
		"page":         {Status: 200, Body: "<html>log in</html>"},
		"empty object": {Status: 200, Body: "{}", ContentType: "application/json"},
		"other type":   {Status: 201, Body: `{"key":"x"}`, ContentType: "text/plain"},
		"too large":    {Status: 200, Body: strings.Repeat(" ", httpx.MaxBody+1), ContentType: "application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			f.Times = 2
			w.When("issue", rotate.StepRunning, func() {
				for _, at := range []struct{ service, op string }{
					{"aws", "CreateAccessKey"}, {"netlify", "PATCH env"}, {"render", "PUT env-vars one"}, {"netlify", "POST builds"}, {"render", "POST deploys"}, {"aws", "DeleteAccessKey"},
				} {
					w.Lab.Fault(at.service, at.op, f)
				}
			})
			p, err := w.Start(rotatetest.Fast)
			if err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
		})
	}
}

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

func TestRow37NoRoomIsSaidBeforeApproval(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	id, sec := w.Lab.AWS.CreateKey(w.Estate.User)
	j := w.Open()
	defer j.Close()
	_, err := w.Plan(j, rotatetest.Fast)
	if !errors.Is(err, rotate.ErrNoRoom) || !strings.Contains(err.Error(), "no use on record") {
		t.Errorf("never used: %v", err)
	}
	w.Lab.AWS.Use(id, sec, "s3")
	_, err = w.Plan(j, rotatetest.Fast)
	if !errors.Is(err, rotate.ErrNoRoom) || !strings.Contains(err.Error(), "for s3") {
		t.Errorf("used: %v", err)
	}
	w.AssertNoMutation(0)
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
