package executor_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// wall is a clock that a test sets forward, as that of a machine which slept.
type wall struct{ ahead atomic.Int64 }

func (c *wall) now() time.Time         { return time.Now().Round(0).Add(time.Duration(c.ahead.Load())) }
func (c *wall) sleeps(d time.Duration) { c.ahead.Add(int64(d)) }

// asleep runs a rotation in which the machine sleeps when the point is reached, and
// something happens meanwhile.
func asleep(t *testing.T, w *rotatetest.World, point string, d time.Duration, meanwhile func()) (rotate.Plan, error) {
	t.Helper()
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	clock := &wall{}
	x := w.Executor(j)
	x.Now = clock.now
	slept := false
	x.Failpoint = func(at string) error {
		if !slept && strings.HasPrefix(at, point) {
			slept = true
			clock.sleeps(d)
			if meanwhile != nil {
				meanwhile()
			}
		}
		return nil
	}
	err = x.Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "tester"})
	if !slept {
		t.Fatalf("it did not come to %q", point)
	}
	return p, err
}

// The machine sleeps between the look and the request that stops the old key, and
// meanwhile the new one is deleted by another: it is looked at again, and the old key
// stays.
func TestRow74SleepsBeforeAnEffect(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	p, err := asleep(t, w, "after intent:disable", 5*time.Minute, func() {
		for id := range others(w) {
			w.Lab.AWS.RemoveKey(id)
		}
	})
	w.AssertHeld(p.ID, err, "the old key is left alone")
	if n := w.Count("UpdateAccessKey"); n != 0 {
		t.Errorf("the old key was touched %d times", n)
	}
}

// A short sleep that changed nothing is no reason to stop.
func TestRow74ShortSleep(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"after intent:issue", "after intent:store", "after intent:deploy", "after intent:disable", "after intent:delete"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			p, err := asleep(t, w, point, 5*time.Minute, nil)
			if err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
		})
	}
}

// A machine that slept for hours asks a person before it changes anything more: what
// was approved is old. Resuming is the new consent.
func TestRow74SleepsForHours(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"after intent:issue", "after intent:store", "after intent:disable", "after intent:delete"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			p, err := asleep(t, w, point, 8*time.Hour, nil)
			if point == "after intent:delete" { // the old key is disabled, and refused, by then
				if snap := w.Snapshot(p.ID); err == nil || snap.Status != rotate.RunHeld || !strings.Contains(snap.Problem, "slept for 8h") {
					t.Fatalf("%v: %s, %s", err, snap.Status, snap.Problem)
				}
			} else {
				w.AssertHeld(p.ID, err, "slept for 8h", "rotate status "+p.ID)
			}
			w.Finish(p.ID)
		})
	}
}

// The same while it waits for a deploy: the sleep of the wait is noticed.
func TestRow74SleepsWhileItWaits(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	clock := &wall{}
	x := w.Executor(j)
	x.Now = clock.now
	slept := false
	x.Sleep = func(ctx context.Context, d time.Duration) error {
		if !slept {
			slept = true
			clock.sleeps(8 * time.Hour)
		}
		return httpx.Sleep(ctx, d)
	}
	err = x.Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "tester"})
	w.AssertHeld(p.ID, err, "slept for 8h")
	w.Finish(p.ID)
}
