package executor_test

import (
	"errors"
	"testing"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// A run pauses after each step in turn: what comes after the step is not begun, and
// going on from there ends as ever.
func TestUntil(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	for i, st := range p.Steps {
		w.Until = st.ID
		x := w.Executor(j)
		if i == 0 {
			err = x.Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "t"})
		} else {
			err = x.Resume(t.Context(), p.ID)
		}
		last := i == len(p.Steps)-1
		if !last && !errors.Is(err, rotate.ErrPaused) || last && err != nil {
			t.Fatalf("until %s: %v", st.ID, err)
		}
		snap := w.Snapshot(p.ID)
		for n, s := range snap.Steps {
			switch {
			case n <= i && s.Status != rotate.StepDone:
				t.Errorf("until %s: %s is %s", st.ID, s.ID, s.Status)
			case n > i && s.Status != rotate.StepWaiting && p.Steps[n].Stage > st.Stage:
				t.Errorf("until %s: %s is %s", st.ID, s.ID, s.Status)
			}
		}
		if last {
			break
		}
		// What is done already begins nothing.
		sent := len(w.Lab.Requests())
		if err := w.Executor(j).Resume(t.Context(), p.ID); !errors.Is(err, rotate.ErrPaused) {
			t.Fatalf("again until %s: %v", st.ID, err)
		}
		if n := len(w.Lab.Requests()) - sent; n != 0 {
			t.Errorf("again until %s: %d requests", st.ID, n)
		}
	}
	w.AssertRotated(p.ID)
}
