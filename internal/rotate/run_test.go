package rotate_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
)

func TestRotationEndToEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.start(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.assertRotated(p.ID)
	snap := w.snapshot(p.ID)
	if snap.Proof.Refusals < p.Policy.ProofRefusals || snap.Proof.Window < p.Policy.ProofWindow {
		t.Errorf("proof too thin: %+v", snap.Proof)
	}
	for _, s := range snap.Steps {
		if s.Status != rotate.StepDone {
			t.Errorf("step %s is %s", s.ID, s.Status)
		}
	}
	// A second resume of a closed run changes nothing.
	before := len(w.lab.Requests())
	if err := w.resume(p.ID); err != nil {
		t.Fatal(err)
	}
	if n := len(w.lab.Requests()); n != before {
		t.Errorf("resuming a closed run sent %d requests", n-before)
	}
}

func TestPlanningChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from := len(w.lab.Requests())
	j := w.open()
	defer j.Close()
	p, err := w.plan(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.assertNoMutation(from)
	if len(p.Steps) == 0 || p.Digest == "" {
		t.Fatalf("plan: %+v", p)
	}
}

// Every boundary of every effect, killed once and then twice: the end is the
// same, and no key is orphaned.
func TestKilledAtEveryBoundary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.start(fast); err != nil {
		t.Fatal(err)
	}
	for n, point := range w.points {
		t.Run(fmt.Sprintf("%02d %s", n+1, point), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.crashAt = func(i int, _ string) bool { return i == n+1 }
			p, err := w.start(fast)
			if !errors.Is(err, errKilled) {
				t.Fatalf("not killed: %v", err)
			}
			w.crashAt = func(i int, _ string) bool { return i == 2 } // and once more, right after coming back
			if err := w.resume(p.ID); err != nil && !errors.Is(err, errKilled) {
				if w.snapshot(p.ID).Status != "" {
					t.Fatal(err)
				}
				// Killed before the approval was written: nothing was done, plan again.
				w.crashAt = nil
				if p, err = w.start(fast); err != nil {
					t.Fatal(err)
				}
				w.assertRotated(p.ID)
				return
			}
			w.crashAt = nil
			if err := w.resume(p.ID); err != nil {
				t.Fatal(err)
			}
			w.assertRotated(p.ID)
		})
	}
}

// fast shortens the proof's window: the crash tests look at order, not at time.
func fast(r *rotate.Request) {
	p := *r.Policy
	p.ProofRefusals, p.ProofWindow, p.ProofEvery = 3, 0, p.ProofEvery/20
	p.ReadyNeeded, p.ReadyEvery = 2, p.ReadyEvery/10
	p.HealthNeeded, p.HealthEvery = 2, p.HealthEvery/10
	p.DeployEvery /= 10
	p.ReconcileFor /= 20
	r.Policy = &p
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
			w := newWorld(t)
			j := w.open()
			defer j.Close()
			p, err := w.plan(j, fast)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range faults {
				w.lab.Fault(f.service, f.op, f.f)
			}
			if err := w.executor(j).Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "t"}); err != nil {
				t.Fatal(err)
			}
			w.assertRotated(p.ID)
		})
	}
}

func TestFailedDeployKeepsTheOldKeyAndResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lab.Render.Fail(w.estate.Web, true)
	p, err := w.start(fast)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v, want held", err)
	}
	keys := w.lab.AWS.Keys(w.estate.User)
	if len(keys) != 2 || keys[0].ID != w.estate.LeakedID || !keys[0].Active {
		t.Fatalf("the old key must stay: %+v", keys)
	}
	snap := w.snapshot(p.ID)
	if snap.Status != rotate.RunHeld || snap.Problem == "" || snap.Remedy == "" {
		t.Fatalf("a held run must say why and what is next: %+v", snap)
	}
	w.assertNeverDown()
	w.lab.Render.Fail(w.estate.Web, false)
	if err := w.resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.assertRotated(p.ID)
}

func TestRollBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lab.Render.Fail(w.estate.Web, true)
	p, err := w.start(fast)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatal(err)
	}
	w.lab.Render.Fail(w.estate.Web, false)
	j := w.open()
	defer j.Close()
	if err := w.executor(j).Rollback(t.Context(), p.ID, "test"); !errors.Is(err, rotate.ErrRolledBack) {
		t.Fatalf("got %v", err)
	}
	keys := w.lab.AWS.Keys(w.estate.User)
	if len(keys) != 1 || keys[0].ID != w.estate.LeakedID {
		t.Fatalf("only the old key must be left: %v", w.liveIDs())
	}
	for name, id := range w.lab.LiveKeys() {
		if id != w.estate.LeakedID {
			t.Errorf("%s runs with %s", name, id)
		}
	}
	w.assertNeverDown()
}

func TestSomebodyChangedTheVariable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.open()
	defer j.Close()
	p, err := w.plan(j, fast)
	if err != nil {
		t.Fatal(err)
	}
	w.lab.Netlify.SetVar(w.estate.Site, "AWS_ACCESS_KEY_ID", "production", "changed-by-a-person", false)
	err = w.executor(j).Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "t"})
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if got := w.lab.Netlify.Value(w.estate.Site, "AWS_ACCESS_KEY_ID", "production"); got != "changed-by-a-person" {
		t.Errorf("a person's change was overwritten with %q", got)
	}
}

func TestAThirdKeyAppearedSincePlanning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.open()
	defer j.Close()
	p, err := w.plan(j, fast)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := w.lab.AWS.CreateKey(w.estate.User)
	if err := w.executor(j).Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "t"}); !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	keys := w.lab.AWS.Keys(w.estate.User)
	if len(keys) != 2 || keys[1].ID != other {
		t.Fatalf("keys: %v", w.liveIDs())
	}
	// And planning now names the quota.
	if _, err := w.plan(j, fast); !errors.Is(err, rotate.ErrNoRoom) {
		t.Fatalf("got %v", err)
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.open()
	p, err := w.plan(j, fast)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	x := w.executor(j)
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
	if s := w.snapshot(p.ID); s.Status != rotate.RunPaused {
		t.Fatalf("status %s", s.Status)
	}
	if err := w.resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.assertRotated(p.ID)
}

func TestSecondRunOverTheSameKeyIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lab.Render.Fail(w.estate.Web, true)
	j := w.open()
	defer j.Close()
	one, err := w.plan(j, fast)
	if err != nil {
		t.Fatal(err)
	}
	two, err := w.plan(j, fast)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.executor(j).Start(t.Context(), one, rotate.Approval{Digest: one.Digest, Who: "t"}); !errors.Is(err, rotate.ErrHeld) {
		t.Fatal(err)
	}
	if err := w.executor(j).Start(t.Context(), two, rotate.Approval{Digest: two.Digest, Who: "t"}); !errors.Is(err, rotate.ErrBusy) {
		t.Fatalf("got %v", err)
	}
}

func TestContainFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, err := w.start(func(r *rotate.Request) { fast(r); r.Strategy = rotate.ContainFirst })
	if err != nil {
		t.Fatal(err)
	}
	if p.Phrase != "contain "+w.estate.User {
		t.Errorf("an outage is approved with %q", p.Phrase)
	}
	if p.Steps[0].Action != rotate.ActDisable {
		t.Fatalf("first step is %s", p.Steps[0].Action)
	}
	if w.snapshot(p.ID).Status != rotate.RunDone {
		t.Fatal("not done")
	}
	if w.estate.Failures() == 0 {
		t.Error("the outage that containment causes was not seen: the watch sees nothing")
	}
}
