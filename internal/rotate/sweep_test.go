package rotate_test

import (
	"errors"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
)

// A run that is killed between its last record and the destruction of its sealed
// values is closed: nobody resumes it, so its values must go with the next sweep.
func TestSweepAfterAKillBeforeTheShredding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crashAt = func(_ int, point string) bool { return point == "shred" }
	if _, err := w.start(fast); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	w.assertSealed(1)
	w.sweep(time.Now())
	w.assertSealed(0)
}

func TestSweepTakesExpiredPlansOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	j := w.open()
	if _, err := w.plan(j, fast); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	w.sweep(time.Now())
	w.assertSealed(1) // it can still be approved
	w.sweep(time.Now().Add(rotate.Validity + time.Minute))
	w.assertSealed(0)
}

// What a held run has sealed is what it goes on with, however old it is.
func TestSweepLeavesARunThatIsHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lab.Render.Fail(w.estate.Web, true)
	p, err := w.start(fast)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatal(err)
	}
	w.sweep(time.Now().Add(24 * time.Hour))
	w.lab.Render.Fail(w.estate.Web, false)
	if err := w.resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.assertRotated(p.ID)
}

func (w *world) sweep(now time.Time) {
	w.t.Helper()
	j := w.open()
	defer j.Close()
	if err := rotate.Sweep(w.t.Context(), j, "tester", now); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) assertSealed(want int) {
	w.t.Helper()
	j := w.open()
	defer j.Close()
	runs, err := j.Sealed(w.t.Context())
	if err != nil || len(runs) != want {
		w.t.Fatalf("runs with sealed values: %v, %v; want %d", runs, err, want)
	}
}
