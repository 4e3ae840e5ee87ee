package revoke_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

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
