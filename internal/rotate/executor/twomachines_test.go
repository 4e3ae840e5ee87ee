package executor_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// another plans the same rotation on a second machine.
func another(t *testing.T, w *rotatetest.World) (*rotatetest.World, func() (string, error)) {
	t.Helper()
	o := w.Beside(filepath.Join(t.TempDir(), "state"))
	j := o.Open()
	t.Cleanup(func() { j.Close() })
	p, err := o.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	return o, func() (string, error) {
		return p.ID, o.Executor(j).Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "another"})
	}
}

// The request of one responder is lost and was never carried out, and in the same
// moment another one, on another machine, wants to do the same rotation. The record
// of use lags by hours, so that the key of the one looks like the orphan of the
// other. The mark on the user holds the second one back: no key of a consumer dies.
func TestFreshKeyOfAnotherIsNoOrphan(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.AWS.LagUsage(time.Hour)
	o, begin := another(t, w)
	w.Lab.Fault("aws", "CreateAccessKey", lab.Fault{DropBefore: true})
	var run string
	var their error
	met := false
	w.OnEvent = func(e rotate.Event) {
		if !met && strings.HasPrefix(e.Text, "answer lost") {
			met = true
			run, their = begin()
		}
	}
	p, err := w.Start(rotatetest.Fast)
	if err != nil || !met {
		t.Fatalf("met %v, %v", met, err)
	}
	o.AssertGaveWay(run, their, "another responder's run "+p.ID)
	w.AssertRotated(p.ID)
	if n := w.Count("DeleteAccessKey"); n != 1 {
		t.Errorf("%d deletions, want that of the old key", n)
	}
	if tags := w.Lab.AWS.Tags(w.Estate.User); len(tags) != 0 {
		t.Errorf("marks are left: %v", tags)
	}
}

// Where our access may not mark the user, the other one goes on and its key cannot be
// told from an orphan: a person is asked, and nothing is deleted.
func TestUnmarkedLostKeyIsForAPerson(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.AWS.LagUsage(time.Hour)
	w.Lab.AWS.Deny(w.Lab.AWS.Admin(), "iam:TagUser")
	o, begin := another(t, w)
	w.Lab.Fault("aws", "CreateAccessKey", lab.Fault{DropBefore: true})
	var run string
	var their error
	met := false
	w.OnEvent = func(e rotate.Event) {
		if !met && strings.HasPrefix(e.Text, "answer lost") {
			met = true
			run, their = begin()
		}
	}
	p, err := w.Start(rotatetest.Fast)
	if err == nil || their != nil {
		t.Fatalf("ours %v, theirs %v", err, their)
	}
	if snap := w.Snapshot(p.ID); snap.Status != rotate.RunHeld || !strings.Contains(snap.Problem, "no mark on its owner") || !strings.Contains(snap.Problem, p.ID) {
		t.Errorf("%s: %s", snap.Status, snap.Problem)
	}
	o.AssertRotated(run)
}

// A mark of a run that died holds for an hour, and not for ever.
func TestMarkOfADeadRun(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	o, begin := another(t, w)
	killed := false
	w.CrashAt = func(_ int, point string) bool {
		killed = killed || point == "effect issue"
		return point == "effect issue"
	}
	if _, err := w.Start(rotatetest.Fast); err == nil || !killed {
		t.Fatal("it was not killed")
	}
	w.Lab.AWS.RemoveKey(slices.Collect(others(w))[0]) // its orphan, by hand
	run, err := begin()
	o.AssertGaveWay(run, err, "has been at the keys of")
	w.Lab.AWS.AgeTags(w.Estate.User, 66*time.Minute)
	if err := o.Resume(run); err != nil {
		t.Fatal(err)
	}
	o.AssertRotated(run)
}

// others yields the ids of the owner's keys besides the leaked one.
func others(w *rotatetest.World) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, k := range w.Lab.AWS.Keys(w.Estate.User) {
			if k.ID != w.Estate.LeakedID && !yield(k.ID) {
				return
			}
		}
	}
}
