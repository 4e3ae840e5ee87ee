package attest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

func TestRow55HealthFlaps(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	well, n := w.Health, 0
	w.Health = func(ctx context.Context, url string) error {
		if n++; n%3 == 0 {
			return errors.New("503")
		}
		return well(ctx, url)
	}
	p, err := w.Start(rotatetest.With(func(p *rotate.Policy) { p.HealthNeeded, p.AttestWithin = 5, 300*time.Millisecond }))
	w.AssertHeld(p.ID, err, "not well")
	w.AssertNeverDown()
	w.Health = well
	w.Finish(p.ID)
}

// A health URL that is always well shows level 2 and no more, whatever runs
// behind it, and the plan says that before it is approved.
func TestRow56HealthThatMeansNothing(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Health = func(context.Context, string) error { return nil }
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L3 })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Risks, func(s string) bool { return strings.Contains(s, "to L2 only") }) {
		t.Errorf("risks %q", p.Risks)
	}
	levels := 0
	for _, s := range w.Snapshot(p.ID).Steps {
		if s.Level == nil {
			continue
		}
		levels++
		if !strings.HasPrefix(s.Detail, "L") || *s.Level == rotate.L3 || *s.Level == rotate.L4 && !strings.Contains(s.Detail, "the issuer saw") {
			t.Errorf("%s: level %d: %s", s.ID, *s.Level, s.Detail)
		}
	}
	if levels != 2 {
		t.Errorf("%d levels are shown", levels)
	}
}
