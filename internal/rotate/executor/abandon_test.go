package executor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// A run that can neither go on nor go back is given up with a list of what is
// left; after that the same key can be rotated by a new run.
func TestAbandonListsWhatIsLeft(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.Render.Fail(w.Estate.Web, true)
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err)
	before := len(w.Lab.Requests())
	if err := w.Abandon(p.ID, ""); err == nil {
		t.Fatal("given up without a reason")
	}
	if err := w.Abandon(p.ID, "nobody can mend the build"); err != nil {
		t.Fatal(err)
	}
	if n := len(w.Lab.Requests()); n != before {
		t.Errorf("giving up sent %d requests", n-before)
	}
	snap := w.Snapshot(p.ID)
	if snap.Status != rotate.RunAbandoned || snap.Remedy != "" || !strings.Contains(snap.Problem, "nobody can mend the build") {
		t.Errorf("status %s, remedy %q, problem %q", snap.Status, snap.Remedy, snap.Problem)
	}
	for _, want := range []string{
		"the old key " + p.OldMask + " of deploy-bot WORKS",
		"the new key " + snap.NewMask + " of deploy-bot works",
		"AWS_ACCESS_KEY_ID of shop-frontend holds the new key",
		"shop-subscriber does not run with the stored value yet",
	} {
		if !slices.ContainsFunc(snap.Left, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("%q is not in %q", want, snap.Left)
		}
	}
	w.AssertSealed(0)
	if err := w.Resume(p.ID); err != nil {
		t.Errorf("resuming an abandoned run: %v", err)
	}
	if err := w.Abandon(p.ID, "again"); err == nil {
		t.Error("a closed run was given up")
	}
	j := w.Open()
	defer j.Close()
	if _, err := w.Plan(j, rotatetest.Fast); !errors.Is(err, rotate.ErrNoRoom) {
		t.Errorf("the new key that is left takes the room: %v", err)
	}
}
