package rotate_test

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
)

// The tests here are rows of the fault matrix, by their numbers, as far as the
// services cause them.

// with changes the fast policy.
func with(change func(*rotate.Policy)) func(*rotate.Request) {
	return func(r *rotate.Request) {
		fast(r)
		change(r.Policy)
	}
}

// when runs do once, at the first event of the step with the status.
func (w *world) when(step string, status rotate.StepStatus, do func()) {
	fired := false
	w.onEvent = func(e rotate.Event) {
		if !fired && e.Step == step && e.Status == status {
			fired = true
			do()
		}
	}
}

// assertHeld checks that a run waits for a person, says what is wrong and what to
// run, and that the old key works.
func (w *world) assertHeld(run string, err error, words ...string) {
	w.t.Helper()
	if !errors.Is(err, rotate.ErrHeld) {
		w.t.Fatalf("got %v, want held", err)
	}
	snap := w.snapshot(run)
	if snap.Status != rotate.RunHeld || !strings.Contains(snap.Remedy, "resume") {
		w.t.Errorf("status %s, remedy %q", snap.Status, snap.Remedy)
	}
	for _, word := range words {
		if !strings.Contains(snap.Problem, word) {
			w.t.Errorf("%q is not in %q", word, snap.Problem)
		}
	}
	if !w.lab.AWS.Accepts(w.estate.LeakedID, w.estate.LeakedSecret) {
		w.t.Error("the old key does not work any more")
	}
}

// finish takes the cause away and resumes to the end.
func (w *world) finish(run string) {
	w.t.Helper()
	w.lab.Calm()
	if err := w.resume(run); err != nil {
		w.t.Fatal(err)
	}
	w.assertRotated(run)
}

func (w *world) count(op string) int {
	n := 0
	for _, r := range w.lab.Requests() {
		if r.Op == op {
			n++
		}
	}
	return n
}

func TestRow27AsksForAWait(t *testing.T) {
	t.Parallel()
	for _, f := range []struct{ service, op string }{{"netlify", "PATCH env"}, {"render", "POST deploys"}, {"aws", "UpdateAccessKey"}} {
		w := newWorld(t)
		var longest time.Duration
		w.sleep = func(ctx context.Context, d time.Duration) error {
			longest = max(longest, d)
			return httpx.Sleep(ctx, min(d, 5*time.Millisecond))
		}
		var said strings.Builder
		w.onEvent = func(e rotate.Event) { said.WriteString(e.Detail + "\n") }
		w.lab.Fault(f.service, f.op, lab.Fault{Status: 429, RetryAfter: "120"})
		p, err := w.start(fast)
		if err != nil {
			t.Fatal(err)
		}
		if longest != 2*time.Minute {
			t.Errorf("%s: waited %s at most", f.op, longest)
		}
		if f.op != "POST deploys" && !strings.Contains(said.String(), "waiting 2m0s") {
			t.Errorf("%s: the wait is not shown: %s", f.op, said.String())
		}
		w.assertRotated(p.ID)
	}
}

// A check that is asked to slow down is slowed down too.
func TestRow27AsksAPollForAWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var waits atomic.Int32
	w.sleep = func(ctx context.Context, d time.Duration) error {
		if d == 30*time.Second {
			waits.Add(1)
		}
		return httpx.Sleep(ctx, min(d, 5*time.Millisecond))
	}
	w.when("issue", rotate.StepDone, func() { w.lab.Fault("aws", "GetCallerIdentity", lab.Fault{Status: 429, RetryAfter: "30", Times: 3}) })
	p, err := w.start(fast)
	if err != nil {
		t.Fatal(err)
	}
	if waits.Load() != 3 {
		t.Errorf("waited %d times as asked", waits.Load())
	}
	w.assertRotated(p.ID)
}

// A long wait can be left: the run stops at a safe point.
func TestRow27WaitCanBeLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.open()
	p, err := w.plan(j, fast)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.sleep = func(ctx context.Context, d time.Duration) error {
		if d > time.Minute {
			cancel()
		}
		return httpx.Sleep(ctx, d)
	}
	w.lab.Fault("netlify", "PATCH env", lab.Fault{Status: 429, RetryAfter: "900"})
	err = w.executor(j).Start(ctx, p, rotate.Approval{Digest: p.Digest, Who: "t"})
	if !errors.Is(err, rotate.ErrPaused) {
		t.Fatalf("got %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	w.sleep = nil
	w.finish(p.ID)
}

func TestRow28RateLimitedForEver(t *testing.T) {
	t.Parallel()
	for _, f := range []struct{ service, op string }{{"netlify", "PATCH env"}, {"render", "POST deploys"}, {"aws", "CreateAccessKey"}} {
		t.Run(f.op, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.lab.Fault(f.service, f.op, lab.Fault{Status: 429, Times: 10_000})
			p, err := w.start(fast)
			w.assertHeld(p.ID, err, "asked to slow down")
			w.assertNeverDown()
			w.finish(p.ID)
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
			w := newWorldOn(t, lab.Options{}, time.Second)
			w.when("issue", rotate.StepRunning, func() { w.lab.Fault(f.service, f.op, lab.Fault{Hang: true}) })
			p, err := w.start(fast)
			if err != nil {
				t.Fatal(err)
			}
			w.assertRotated(p.ID)
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
				w := newWorld(t)
				w.when("issue", rotate.StepRunning, func() { w.lab.Fault(f.service, f.op, lab.Fault{Cut: true, Keep: keep}) })
				p, err := w.start(fast)
				if err != nil {
					t.Fatalf("after %d bytes: %v", keep, err)
				}
				w.assertRotated(p.ID)
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
			w := newWorld(t)
			f.Times = 2
			w.when("issue", rotate.StepRunning, func() {
				for _, at := range []struct{ service, op string }{
					{"aws", "CreateAccessKey"}, {"netlify", "PATCH env"}, {"render", "PUT env-vars one"}, {"netlify", "POST builds"}, {"render", "POST deploys"}, {"aws", "DeleteAccessKey"},
				} {
					w.lab.Fault(at.service, at.op, f)
				}
			})
			p, err := w.start(fast)
			if err != nil {
				t.Fatal(err)
			}
			w.assertRotated(p.ID)
		})
	}
}

func TestRow33SameKeyAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lab.AWS.SameAgain(1)
	p, err := w.start(fast)
	w.assertHeld(p.ID, err, "of the old key again")
	if n := w.count("PATCH env") + w.count("PUT env-vars one"); n != 0 {
		t.Errorf("%d values were stored", n)
	}
	w.assertNeverDown()
	w.finish(p.ID)
}

func TestRow34NewKeyNeedsTime(t *testing.T) {
	t.Parallel()
	w := newWorldOn(t, lab.Options{KeyDelay: 300 * time.Millisecond}, 0)
	p, err := w.start(fast)
	if err != nil {
		t.Fatal(err)
	}
	w.assertRotated(p.ID)

	w = newWorldOn(t, lab.Options{KeyDelay: time.Hour}, 0)
	p, err = w.start(with(func(p *rotate.Policy) { p.ReadyWithin = 200 * time.Millisecond }))
	w.assertHeld(p.ID, err, "not accepted yet")
	if n := w.count("PATCH env") + w.count("PUT env-vars one"); n != 0 {
		t.Errorf("%d values were stored", n)
	}
	w.assertNeverDown()
}

func TestRow35ValidationFlaps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.when("issue", rotate.StepDone, func() {
		w.lab.Fault("aws", "GetCallerIdentity", lab.Fault{Status: 403, Code: "InvalidClientTokenId", Skip: 3})
	})
	asked := 0
	next := w.onEvent
	w.onEvent = func(e rotate.Event) {
		if e.Step == "validate" && e.Status == rotate.StepDone {
			asked = w.count("GetCallerIdentity") - asked
		}
		next(e)
		if e.Step == "issue" && e.Status == rotate.StepDone {
			asked = w.count("GetCallerIdentity")
		}
	}
	p, err := w.start(with(func(p *rotate.Policy) { p.ReadyNeeded = 5 }))
	if err != nil {
		t.Fatal(err)
	}
	if asked != 3+1+5 {
		t.Errorf("asked %d times, want 3 accepted, 1 refused, 5 accepted in a row", asked)
	}
	w.assertRotated(p.ID)
}

// A listing that is too old to show the lost key: waited for, and if that was
// not enough, the missing room tells.
func TestRow36StaleListing(t *testing.T) {
	t.Parallel()
	for name, stale := range map[string]time.Duration{"within the wait": 150 * time.Millisecond, "longer than the wait": 500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.lab.AWS.StaleList(stale)
			w.lab.Fault("aws", "CreateAccessKey", lab.Fault{DropAfter: true})
			p, err := w.start(with(func(p *rotate.Policy) { p.ReconcileFor = 400 * time.Millisecond }))
			if err != nil {
				t.Fatal(err)
			}
			w.assertRotated(p.ID)
		})
	}
	// Longer than anybody waits: held, and a resume finds the orphan.
	w := newWorld(t)
	w.lab.AWS.StaleList(time.Hour)
	w.lab.Fault("aws", "CreateAccessKey", lab.Fault{DropAfter: true})
	p, err := w.start(fast)
	w.assertHeld(p.ID, err, "no room")
	w.lab.AWS.StaleList(0)
	w.finish(p.ID)
}

// The lost key is not seen, and the second try is refused for another reason:
// nothing was sent the second time, yet the first time is not settled.
func TestRow36LostAndThenRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lab.AWS.StaleList(time.Hour)
	w.lab.Fault("aws", "CreateAccessKey", lab.Fault{DropAfter: true})
	w.lab.Fault("aws", "CreateAccessKey", lab.Fault{Status: 403})
	p, err := w.start(fast)
	w.assertHeld(p.ID, err, "lacks a permission")
	w.lab.AWS.StaleList(0)
	w.finish(p.ID)
}

func TestRow37NoRoomIsSaidBeforeApproval(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, sec := w.lab.AWS.CreateKey(w.estate.User)
	j := w.open()
	defer j.Close()
	_, err := w.plan(j, fast)
	if !errors.Is(err, rotate.ErrNoRoom) || !strings.Contains(err.Error(), "no use on record") {
		t.Errorf("never used: %v", err)
	}
	w.lab.AWS.Use(id, sec, "s3")
	_, err = w.plan(j, fast)
	if !errors.Is(err, rotate.ErrNoRoom) || !strings.Contains(err.Error(), "for s3") {
		t.Errorf("used: %v", err)
	}
	w.assertNoMutation(0)
}

func TestRow38OurOrphanTakesTheRoom(t *testing.T) {
	t.Parallel()
	for _, times := range []int{1, 2} {
		w := newWorld(t)
		w.crashAt = func(_ int, point string) bool { return point == "effect issue" } // made, never written down
		p, err := w.start(fast)
		if !errors.Is(err, errKilled) || len(w.lab.AWS.Keys(w.estate.User)) != 2 {
			t.Fatalf("%v, keys %v", err, w.liveIDs())
		}
		w.crashAt = nil
		if times == 2 { // and the clean-up is refused at first
			w.lab.Fault("aws", "DeleteAccessKey", lab.Fault{Status: 403, Times: 1})
			err := w.resume(p.ID)
			w.assertHeld(p.ID, err, "orphan")
		}
		w.finish(p.ID)
	}
}
