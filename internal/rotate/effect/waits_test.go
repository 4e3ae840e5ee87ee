package effect_test

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
