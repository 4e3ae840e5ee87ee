package executor_test

import (
	"errors"
	"testing"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// A plan that needs two people is not begun by one, not even if that one approves
// twice, and not by an approval of another plan.
func TestRow65FourEyes(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, func(r *planner.Request) {
		rotatetest.Fast(r)
		r.Approvals = 2
	})
	if err != nil {
		t.Fatal(err)
	}
	served := len(w.Lab.Requests())
	x := w.Executor(j)
	for _, who := range []string{"jo", "jo", " Jo "} {
		if err := x.Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: who}); !errors.Is(err, rotate.ErrWaits) {
			t.Fatalf("%s: %v", who, err)
		}
	}
	if err := x.Start(t.Context(), p, rotate.Approval{Digest: "0000-0000", Who: "kim"}); !errors.Is(err, rotate.ErrDigest) {
		t.Errorf("another plan: %v", err)
	}
	if err := x.Resume(t.Context(), p.ID); err == nil {
		t.Error("resumed with half of the approvals")
	}
	w.AssertNoMutation(served)
	if n := len(w.Lab.Requests()); n != served {
		t.Errorf("%d requests before the second approval", n-served)
	}
	fewer := p
	fewer.Policy.Approvals = 1
	fewer.Digest = fewer.ComputeDigest()
	if err := x.Start(t.Context(), fewer, rotate.Approval{Digest: fewer.Digest, Who: "jo"}); !errors.Is(err, rotate.ErrDigest) {
		t.Errorf("a plan that was changed to need fewer people: %v", err)
	}
	if err := x.Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "kim"}); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
}
