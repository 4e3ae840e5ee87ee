package orphans_test

import (
	"errors"
	"testing"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/rotate/orphans"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// A run that was given up leaves its new key: it is listed, and deleted when a
// person names it; a stranger's key and the old one never are.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.Render.Fail(w.Estate.Web, true)
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err)
	j := w.Open()
	defer j.Close()
	list := func() []orphans.Leftover {
		t.Helper()
		left, err := orphans.Leftovers(httpx.ReadOnly(t.Context()), j, w.Reg)
		if err != nil {
			t.Fatal(err)
		}
		return left
	}
	if left := list(); len(left) != 0 {
		t.Fatalf("the new key of a run that goes on is no leftover: %+v", left)
	}
	if err := w.Abandon(p.ID, "test"); err != nil {
		t.Fatal(err)
	}
	fresh := w.Snapshot(p.ID).NewKey
	if left := list(); len(left) != 1 || left[0].Key.Ref.ID != fresh || !left[0].Ours || left[0].Run != p.ID {
		t.Fatalf("leftovers: %+v, want %s", left, fresh)
	}
	for _, id := range []string{w.Estate.LeakedID, "AKIANOSUCHKEY", ""} {
		if err := orphans.DeleteLeftover(t.Context(), j, w.Reg, id, true, "tester", "test"); !errors.Is(err, orphans.ErrNotLeft) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if stored := list()[0].Stored; len(stored) == 0 {
		t.Error("the run stored it, and that is not said")
	}
	if err := orphans.DeleteLeftover(t.Context(), j, w.Reg, fresh, false, "tester", "test"); !errors.Is(err, orphans.ErrStored) || len(w.Lab.AWS.Keys(w.Estate.User)) != 2 {
		t.Errorf("a key that consumers may run with was deleted: %v", err)
	}
	if err := orphans.DeleteLeftover(t.Context(), j, w.Reg, fresh, true, "tester", "test"); err != nil {
		t.Fatal(err)
	}
	if left := list(); len(left) != 0 || len(w.Lab.AWS.Keys(w.Estate.User)) != 1 {
		t.Errorf("leftovers: %+v, keys: %v", left, w.LiveIDs())
	}
}

// A process dies with the answer of an issue: what fits that time is shown as what
// may be ours, and is left alone when it is in use.
func TestLeftoverOfALostAnswer(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.CrashAt = func(_ int, point string) bool { return point == "effect issue" }
	p, err := w.Start(rotatetest.Fast)
	if !errors.Is(err, rotatetest.ErrKilled) {
		t.Fatal(err)
	}
	j := w.Open()
	defer j.Close()
	left, err := orphans.Leftovers(t.Context(), j, w.Reg)
	if err != nil || len(left) != 1 || left[0].Ours || left[0].Run != p.ID {
		t.Fatalf("leftovers: %+v, %v", left, err)
	}
	id := left[0].Key.Ref.ID
	if !w.Lab.AWS.Use(id, w.Lab.AWS.Secret(id), "s3") {
		t.Fatal("the key does not work")
	}
	if err := orphans.DeleteLeftover(t.Context(), j, w.Reg, id, true, "tester", "test"); err == nil || len(w.Lab.AWS.Keys(w.Estate.User)) != 2 {
		t.Errorf("a key in use was deleted: %v", err)
	}
}
