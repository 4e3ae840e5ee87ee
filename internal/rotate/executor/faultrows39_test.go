package executor_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// What is no refusal is not counted as one: the proof needs its own number.
func TestRow39NoAnswerIsNoProof(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]lab.Fault{
		"no connection":  {DropBefore: true},
		"captive portal": {Status: 200, Body: "<html>log in</html>"},
		"proxy's 403":    {Status: 403, Body: "<html>denied</html>"},
		"service down":   {Status: 503},
		"throttled":      {Status: 429},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			f.Times, f.Skip = 7, 1 // after the control request
			asked := 0
			w.When("delete", rotate.StepDone, func() {
				asked = w.Count("GetCallerIdentity")
				w.Lab.Fault("aws", "GetCallerIdentity", f)
			})
			p, err := w.Start(rotatetest.Fast)
			if err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
			snap := w.Snapshot(p.ID)
			if snap.Proof.Refusals != p.Policy.ProofRefusals || snap.Proof.Code != "InvalidClientTokenId" {
				t.Errorf("proof %+v", snap.Proof)
			}
			if n := w.Count("GetCallerIdentity") - asked; n < 7+2+p.Policy.ProofRefusals {
				t.Errorf("%d requests: what proves nothing was counted", n)
			}
		})
	}
	// With nothing but that, the key is never called dead.
	w := rotatetest.New(t)
	w.When("delete", rotate.StepDone, func() {
		w.Lab.Fault("aws", "GetCallerIdentity", lab.Fault{Status: 200, Body: "<html>", Skip: 1, Times: 100_000})
	})
	p, err := w.Start(rotatetest.With(func(p *rotate.Policy) { p.ProofWithin = 200 * time.Millisecond }))
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if s := w.Snapshot(p.ID); s.Proof != nil || !strings.Contains(s.Problem, "not proven dead") {
		t.Errorf("proof %+v, problem %q", s.Proof, s.Problem)
	}
	w.Finish(p.ID)
}

func TestRow40WrongClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{20 * time.Minute, -20 * time.Minute} {
		w := rotatetest.New(t)
		w.When("delete", rotate.StepDone, func() { w.Lab.AWS.ClockOff(off) })
		p, err := w.Start(rotatetest.Fast)
		if !errors.Is(err, rotate.ErrHeld) {
			t.Fatalf("got %v", err)
		}
		if s := w.Snapshot(p.ID); s.Proof != nil || !strings.Contains(s.Problem, "clock of this machine is wrong by about 20m") {
			t.Errorf("proof %+v, problem %q", s.Proof, s.Problem)
		}
		w.Lab.AWS.ClockOff(0)
		w.Finish(p.ID)
	}
}

func TestRow41RightIsLostMidway(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"CreateAccessKey", "UpdateAccessKey"} {
		w := rotatetest.New(t)
		w.When("issue", rotate.StepRunning, func() { w.Lab.Fault("aws", op, lab.Fault{Status: 403, Times: 1000}) })
		p, err := w.Start(rotatetest.Fast)
		w.AssertHeld(p.ID, err, "lacks a permission", "needs iam:")
		w.AssertNeverDown()
		w.Finish(p.ID)
	}
	w := rotatetest.New(t)
	w.Lab.Fault("netlify", "PATCH env", lab.Fault{Status: 403, Times: 1000})
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err, "lacks a permission")
	w.Finish(p.ID)
}

// The operator's own access is the leaked key. The plan says so; the new key takes
// over before the old one is stopped, also after a kill and in a roll back.
func TestRow42OwnAccessIsTheLeakedKey(t *testing.T) {
	t.Parallel()
	self := func(t *testing.T) *rotatetest.World {
		t.Helper()
		w := rotatetest.New(t)
		w.Lab.AWS.Grant(w.Estate.User, true)
		env := w.Lab.Env()
		env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = w.Estate.LeakedID, w.Estate.LeakedSecret
		w.Reg = rotatetest.Registry(t, env, 0)
		return w
	}
	w := self(t)
	p, err := w.Start(rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Self || !slices.ContainsFunc(p.Risks, func(s string) bool { return strings.Contains(s, "this rotation itself signs with") }) {
		t.Errorf("self %v, risks %q", p.Self, p.Risks)
	}
	w.AssertRotated(p.ID)
	for _, at := range []string{"after done:validate", "effect disable", "after done:disable", "effect delete", "after intent:prove"} {
		w := self(t)
		w.CrashAt = func(_ int, point string) bool { return point == at }
		p, err := w.Start(rotatetest.Fast)
		if !errors.Is(err, rotatetest.ErrKilled) {
			t.Fatalf("%s: not killed: %v", at, err)
		}
		w.CrashAt = nil
		if err := w.Resume(p.ID); err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		w.AssertRotated(p.ID)
	}
	w = self(t)
	w.CrashAt = func(_ int, point string) bool { return point == "after done:disable" }
	p, _ = w.Start(rotatetest.Fast)
	w.CrashAt = nil
	if err := w.Rollback(p.ID); !errors.Is(err, rotate.ErrRolledBack) {
		t.Fatalf("got %v", err)
	}
	if keys := w.LiveIDs(); len(keys) != 1 || keys[0] != w.Estate.LeakedID+" true" {
		t.Errorf("rolled back, and the keys are %v", keys)
	}
	w = self(t)
	j := w.Open()
	defer j.Close()
	for name, change := range map[string]func(*planner.Request){
		"stopping first":   func(r *planner.Request) { r.Strategy = rotate.ContainFirst },
		"nobody stores it": func(r *planner.Request) { r.Located.Placements = nil },
	} {
		if _, err := w.Plan(j, change); err == nil || !strings.Contains(err.Error(), "use another administrator's key") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Somebody deletes our new key before the old one is stopped: it is not stopped.
func TestRow43NewKeyIsDeletedByAnother(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.When("attest:render/"+w.Estate.Web, rotate.StepDone, func() {
		for _, k := range w.Lab.AWS.Keys(w.Estate.User) {
			if k.ID != w.Estate.LeakedID {
				w.Lab.AWS.RemoveKey(k.ID)
			}
		}
	})
	p, err := w.Start(rotatetest.With(func(p *rotate.Policy) { p.ReadyWithin = 200 * time.Millisecond }))
	w.AssertHeld(p.ID, err, "old key is left alone")
	if n := w.Count("UpdateAccessKey"); n != 0 {
		t.Errorf("the old key was touched %d times", n)
	}
	j := w.Open()
	defer j.Close()
	if err := w.Executor(j).Rollback(t.Context(), p.ID, "test"); !errors.Is(err, rotate.ErrRolledBack) {
		t.Fatalf("roll back: %v", err)
	}
	for name, id := range w.Lab.LiveKeys() {
		if id != w.Estate.LeakedID {
			t.Errorf("%s runs with %s", name, id)
		}
	}
}

func TestRow45KeyWasDisabledByAnother(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.AWS.Deactivate(w.Estate.LeakedID)
	p, err := w.Start(rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Risks, func(s string) bool { return strings.Contains(s, "disabled already") }) {
		t.Errorf("risks %q", p.Risks)
	}
	snap := w.Snapshot(p.ID)
	if keys := w.Lab.AWS.Keys(w.Estate.User); snap.Status != rotate.RunDone || len(keys) != 1 || keys[0].ID != snap.NewKey {
		t.Errorf("status %s, keys %v", snap.Status, w.LiveIDs())
	}
	for name, id := range w.Lab.LiveKeys() {
		if id != snap.NewKey {
			t.Errorf("%s runs with %s", name, id)
		}
	}
}

func TestRow46Quarantine(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.AWS.Attach(w.Estate.User, "AWSCompromisedKeyQuarantineV3")
	p, err := w.Start(rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Risks, func(s string) bool { return strings.Contains(s, "AWSCompromisedKeyQuarantineV3") }) {
		t.Errorf("risks %q", p.Risks)
	}
	w.AssertRotated(p.ID)
}

// The service says that it deploys and hands back the deploy that is live: a
// stored value that no new deploy carries is no proof of anything.
func TestRow52NoNewDeploy(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	live := w.Lab.Netlify.LiveDeploy(w.Estate.Site)
	w.Lab.Fault("netlify", "POST builds", lab.Fault{Status: 200, Body: `{"deploy_id":"` + live + `"}`, ContentType: "application/json"})
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err, "from before the push")
	w.AssertNeverDown()
}

// A build fails, and what it says holds both keys and a screenful more.
func TestRow53BuildFails(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	var fresh string
	w.When("store:netlify/shop-team/site/"+w.Estate.Site+"/AWS_SECRET_ACCESS_KEY/production/", rotate.StepDone, func() {
		fresh = w.Lab.Netlify.Value(w.Estate.Site, "AWS_SECRET_ACCESS_KEY", "production")
		w.Lab.Netlify.FailWith(w.Estate.Site, "found "+w.Estate.LeakedSecret+" and "+fresh+"\n"+strings.Repeat("log ", 1000))
	})
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err, "ended as", "found ")
	w.AssertNeverDown()
	if fresh == "" || fresh == w.Estate.LeakedSecret {
		t.Fatal("the new value was not stored")
	}
	problem := w.Snapshot(p.ID).Problem
	for _, text := range []string{problem, err.Error()} {
		if strings.Contains(text, fresh) || strings.Contains(text, w.Estate.LeakedSecret) {
			t.Error("a secret value is in what the run says")
		}
	}
	if len(problem) > 1000 {
		t.Errorf("%d bytes of a foreign text", len(problem))
	}
	w.Lab.Netlify.Fail(w.Estate.Site, false)
	w.Finish(p.ID)
}

func TestRow55HealthFlaps(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	well, n := w.Health, 0
	w.Health = func(ctx context.Context, url string) error {
		if n++; n%3 == 0 {
			return errors.New("503")
		}
		return well(ctx, url)
	}
	p, err := w.Start(rotatetest.With(func(p *rotate.Policy) { p.HealthNeeded, p.AttestWithin = 5, 300*time.Millisecond }))
	w.AssertHeld(p.ID, err, "not well")
	w.AssertNeverDown()
	w.Health = well
	w.Finish(p.ID)
}

// A health URL that is always well shows level 2 and no more, whatever runs
// behind it, and the plan says that before it is approved.
func TestRow56HealthThatMeansNothing(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Health = func(context.Context, string) error { return nil }
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L3 })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Risks, func(s string) bool { return strings.Contains(s, "to L2 only") }) {
		t.Errorf("risks %q", p.Risks)
	}
	levels := 0
	for _, s := range w.Snapshot(p.ID).Steps {
		if s.Level == nil {
			continue
		}
		levels++
		if !strings.HasPrefix(s.Detail, "L") || *s.Level == rotate.L3 || *s.Level == rotate.L4 && !strings.Contains(s.Detail, "the issuer saw") {
			t.Errorf("%s: level %d: %s", s.ID, *s.Level, s.Detail)
		}
	}
	if levels != 2 {
		t.Errorf("%d levels are shown", levels)
	}
}
