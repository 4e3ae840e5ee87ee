package executor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

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
