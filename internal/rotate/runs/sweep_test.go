package runs_test

import (
	"errors"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// A run that is killed between its last record and the destruction of its sealed
// values is closed: nobody resumes it, so its values must go with the next sweep.
func TestSweepAfterAKillBeforeTheShredding(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.CrashAt = func(_ int, point string) bool { return point == "shred" }
	if _, err := w.Start(rotatetest.Fast); !errors.Is(err, rotatetest.ErrKilled) {
		t.Fatal(err)
	}
	w.AssertSealed(1)
	w.Sweep(time.Now())
	w.AssertSealed(0)
}

func TestSweepTakesExpiredPlansOnly(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	j := w.Open()
	if _, err := w.Plan(j, rotatetest.Fast); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	w.Sweep(time.Now())
	w.AssertSealed(1) // it can still be approved
	w.Sweep(time.Now().Add(rotate.Validity + time.Minute))
	w.AssertSealed(0)
}

// What a held run has sealed is what it goes on with, however old it is.
func TestSweepLeavesARunThatIsHeld(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.Render.Fail(w.Estate.Web, true)
	p, err := w.Start(rotatetest.Fast)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatal(err)
	}
	w.Sweep(time.Now().Add(24 * time.Hour))
	w.Lab.Render.Fail(w.Estate.Web, false)
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
}
