package executor_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// A process is suspended between an intent and its request, on a file system
// whose locks do not hold, and another one takes its run over: when it wakes, its
// request must not leave.
func TestRow26SleepsThroughATakeover(t *testing.T) {
	t.Parallel()
	for _, asleep := range []string{"after intent:issue", "after intent:disable", "after intent:delete"} {
		t.Run(asleep, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			served := 0
			w.CrashAt = func(_ int, point string) bool {
				if point == asleep {
					takeOver(w)
					served = len(w.Lab.Requests())
				}
				return false
			}
			p, err := w.Start(rotatetest.Fast)
			if !errors.Is(err, journal.ErrFenced) {
				t.Fatalf("got %v", err)
			}
			if n := len(w.Lab.Requests()); n != served {
				t.Errorf("%d requests left after the run was taken over", n-served)
			}
			w.CrashAt = nil
			if err := w.Resume(p.ID); err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
		})
	}
}

// takeOver raises the epoch of the only run, as a process does that takes it.
func takeOver(w *rotatetest.World) {
	if err := os.RemoveAll(filepath.Join(w.Dir, "locks")); err != nil {
		w.T.Fatal(err)
	}
	j := w.Open()
	defer j.Close()
	runs, err := j.Runs(w.T.Context())
	if err != nil || len(runs) != 1 {
		w.T.Fatalf("runs: %v, %v", runs, err)
	}
	l, err := j.Lease(w.T.Context(), runs[0], "taken over", "another")
	if err != nil {
		w.T.Fatal(err)
	}
	if err := l.Release(); err != nil {
		w.T.Fatal(err)
	}
}
