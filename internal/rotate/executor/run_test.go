package executor_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

func TestRotationEndToEnd(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	p, err := w.Start(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	snap := w.Snapshot(p.ID)
	if snap.Proof.Refusals < p.Policy.ProofRefusals || snap.Proof.Window < p.Policy.ProofWindow {
		t.Errorf("proof too thin: %+v", snap.Proof)
	}
	for _, s := range snap.Steps {
		if s.Status != rotate.StepDone {
			t.Errorf("step %s is %s", s.ID, s.Status)
		}
	}
	// A second resume of a closed run changes nothing.
	before := len(w.Lab.Requests())
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	if n := len(w.Lab.Requests()); n != before {
		t.Errorf("resuming a closed run sent %d requests", n-before)
	}
}

func TestPlanningChangesNothing(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	from := len(w.Lab.Requests())
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.AssertNoMutation(from)
	if len(p.Steps) == 0 || p.Digest == "" {
		t.Fatalf("plan: %+v", p)
	}
}

// Every boundary of every effect, killed once and then twice: the end is the
// same, and no key is orphaned.
func TestKilledAtEveryBoundary(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	if _, err := w.Start(rotatetest.Fast); err != nil {
		t.Fatal(err)
	}
	for n, point := range w.Points {
		t.Run(fmt.Sprintf("%02d %s", n+1, point), func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			w.CrashAt = func(i int, _ string) bool { return i == n+1 }
			p, err := w.Start(rotatetest.Fast)
			if !errors.Is(err, rotatetest.ErrKilled) {
				t.Fatalf("not killed: %v", err)
			}
			w.CrashAt = func(i int, _ string) bool { return i == 2 } // and once more, right after coming back
			if err := w.Resume(p.ID); err != nil && !errors.Is(err, rotatetest.ErrKilled) {
				if w.Snapshot(p.ID).Status != "" {
					t.Fatal(err)
				}
				// Killed before the approval was written: nothing was done, plan again.
				w.CrashAt = nil
				if p, err = w.Start(rotatetest.Fast); err != nil {
					t.Fatal(err)
				}
				w.AssertRotated(p.ID)
				return
			}
			w.CrashAt = nil
			if err := w.Resume(p.ID); err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
		})
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	type fault struct {
		service, op string
		f           lab.Fault
	}
	for name, faults := range map[string][]fault{
		"create: answer lost":          {{"aws", "CreateAccessKey", lab.Fault{DropAfter: true}}},
		"create: request lost":         {{"aws", "CreateAccessKey", lab.Fault{DropBefore: true}}},
		"create: 500 before":           {{"aws", "CreateAccessKey", lab.Fault{Status: 500, Code: "ServiceFailure"}}},
		"create: 500 after the effect": {{"aws", "CreateAccessKey", lab.Fault{Status: 500, Code: "ServiceFailure", LieAfter: true}}},
		"create: lost twice":           {{"aws", "CreateAccessKey", lab.Fault{DropAfter: true, Times: 2}}},
		"create: HTML":                 {{"aws", "CreateAccessKey", lab.Fault{Status: 200, Body: "<html>log in</html>", LieAfter: true}}},
		"verify: 503s":                 {{"aws", "GetCallerIdentity", lab.Fault{Status: 503, Code: "ServiceUnavailable", Times: 3, Skip: 3}}},
		"disable: answer lost":         {{"aws", "UpdateAccessKey", lab.Fault{DropAfter: true, Times: 2}}},
		"delete: answer lost":          {{"aws", "DeleteAccessKey", lab.Fault{DropAfter: true, Times: 2}}},
		"patch: answer lost":           {{"netlify", "PATCH env", lab.Fault{DropAfter: true}}},
		"patch: rate limited":          {{"netlify", "PATCH env", lab.Fault{Status: 429, Times: 2}}},
		"put: 502 after the effect":    {{"render", "PUT env-vars one", lab.Fault{Status: 502, LieAfter: true}}},
		"build: answer lost":           {{"netlify", "POST builds", lab.Fault{DropAfter: true}}},
		"deploy: answer lost":          {{"render", "POST deploys", lab.Fault{DropAfter: true}}},
		"deploy: conflict":             {{"render", "POST deploys", lab.Fault{Status: 409, Times: 2}}},
		"list deploys: HTML":           {{"render", "GET deploys", lab.Fault{Status: 200, Body: "<html>", Skip: 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			j := w.Open()
			defer j.Close()
			p, err := w.Plan(j, rotatetest.Fast)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range faults {
				w.Lab.Fault(f.service, f.op, f.f)
			}
			if err := w.Executor(j).Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "t"}); err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
		})
	}
}

func TestFailedDeployKeepsTheOldKeyAndResumes(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.Render.Fail(w.Estate.Web, true)
	p, err := w.Start(rotatetest.Fast)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v, want held", err)
	}
	keys := w.Lab.AWS.Keys(w.Estate.User)
	if len(keys) != 2 || keys[0].ID != w.Estate.LeakedID || !keys[0].Active {
		t.Fatalf("the old key must stay: %+v", keys)
	}
	snap := w.Snapshot(p.ID)
	if snap.Status != rotate.RunHeld || snap.Problem == "" || snap.Remedy == "" {
		t.Fatalf("a held run must say why and what is next: %+v", snap)
	}
	w.AssertNeverDown()
	w.Lab.Render.Fail(w.Estate.Web, false)
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
}

func TestRollBack(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.Render.Fail(w.Estate.Web, true)
	p, err := w.Start(rotatetest.Fast)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatal(err)
	}
	w.Lab.Render.Fail(w.Estate.Web, false)
	j := w.Open()
	defer j.Close()
	if err := w.Executor(j).Rollback(t.Context(), p.ID, "test"); !errors.Is(err, rotate.ErrRolledBack) {
		t.Fatalf("got %v", err)
	}
	keys := w.Lab.AWS.Keys(w.Estate.User)
	if len(keys) != 1 || keys[0].ID != w.Estate.LeakedID {
		t.Fatalf("only the old key must be left: %v", w.LiveIDs())
	}
	for name, id := range w.Lab.LiveKeys() {
		if id != w.Estate.LeakedID {
			t.Errorf("%s runs with %s", name, id)
		}
	}
	w.AssertNeverDown()
}

func TestAThirdKeyAppearedSincePlanning(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := w.Lab.AWS.CreateKey(w.Estate.User)
	if err := w.Executor(j).Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "t"}); !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	keys := w.Lab.AWS.Keys(w.Estate.User)
	if len(keys) != 2 || keys[1].ID != other {
		t.Fatalf("keys: %v", w.LiveIDs())
	}
	// And planning now names the quota.
	if _, err := w.Plan(j, rotatetest.Fast); !errors.Is(err, rotate.ErrNoRoom) {
		t.Fatalf("got %v", err)
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	j := w.Open()
	p, err := w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	x := w.Executor(j)
	x.OnEvent = func(e rotate.Event) {
		if e.Step == "validate" && e.Status == rotate.StepDone {
			cancel()
		}
	}
	if err := x.Start(ctx, p, rotate.Approval{Digest: p.Digest, Who: "t"}); !errors.Is(err, rotate.ErrPaused) {
		t.Fatalf("got %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if s := w.Snapshot(p.ID); s.Status != rotate.RunPaused {
		t.Fatalf("status %s", s.Status)
	}
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
}

// A person stops the run while the request that makes the key is out: its answer is
// written down all the same, and no second key is made.
func TestRow67StopWhileTheKeyIsMade(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	w.Lab.Fault("aws", "CreateAccessKey", lab.Fault{Delay: 100 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out sync.WaitGroup
	out.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for w.Count("CreateAccessKey") == 0 && ctx.Err() == nil {
			<-tick.C
		}
		cancel()
	})
	if err := w.Executor(j).Start(ctx, p, rotate.Approval{Digest: p.Digest, Who: "t"}); !errors.Is(err, rotate.ErrPaused) {
		t.Fatalf("got %v", err)
	}
	if w.Snapshot(p.ID).NewKey == "" {
		t.Error("the answer was not written down")
	}
	out.Wait()
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	if n := w.Count("CreateAccessKey"); n != 1 {
		t.Errorf("%d keys were made", n)
	}
}

func TestSecondRunOverTheSameKeyIsRefused(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.Render.Fail(w.Estate.Web, true)
	j := w.Open()
	defer j.Close()
	one, err := w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	two, err := w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Executor(j).Start(t.Context(), one, rotate.Approval{Digest: one.Digest, Who: "t"}); !errors.Is(err, rotate.ErrHeld) {
		t.Fatal(err)
	}
	if err := w.Executor(j).Start(t.Context(), two, rotate.Approval{Digest: two.Digest, Who: "t"}); !errors.Is(err, rotate.ErrBusy) {
		t.Fatalf("got %v", err)
	}
}

func TestContainFirst(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.Strategy = rotate.ContainFirst })
	if err != nil {
		t.Fatal(err)
	}
	if p.Phrase != "contain "+w.Estate.User {
		t.Errorf("an outage is approved with %q", p.Phrase)
	}
	if p.Steps[0].Action != rotate.ActDisable {
		t.Fatalf("first step is %s", p.Steps[0].Action)
	}
	if w.Snapshot(p.ID).Status != rotate.RunDone {
		t.Fatal("not done")
	}
	if w.Estate.Failures() == 0 {
		t.Error("the outage that containment causes was not seen: the watch sees nothing")
	}
}
