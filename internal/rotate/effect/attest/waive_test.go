package attest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// A consumer whose health cannot be seen holds the run; a waiver of its attest
// step lets it go on, and the evidence says so. The other consumer is still
// looked at.
func TestAWaiverExcusesOneConsumersHealth(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	well, asked := w.Health, 0
	w.Health = func(ctx context.Context, url string) error {
		if strings.Contains(url, "netlify") {
			return errors.New("the health page is gone")
		}
		asked++
		return well(ctx, url)
	}
	p, err := w.Start(func(r *planner.Request) {
		rotatetest.Fast(r)
		r.Policy.AttestWithin /= 40
	})
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v, want held", err)
	}
	step := ""
	for _, s := range w.Snapshot(p.ID).Steps {
		if s.Status == rotate.StepFailed {
			step = s.ID
		}
	}
	j := w.Open()
	if err := w.Executor(j).Waive(t.Context(), p.ID, step, rotate.L1, "the page moved"); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	if asked == 0 {
		t.Error("the other consumer was not looked at")
	}
	for _, s := range w.Snapshot(p.ID).Steps {
		if s.ID == step && !strings.Contains(s.Detail, "which a person accepted") {
			t.Errorf("the evidence hides the waiver: %s", s.Detail)
		}
	}
}
