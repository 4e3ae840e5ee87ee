package attest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

const (
	production = "https://shop.example/jobs"
	preview    = "https://preview.shop.example/jobs"
)

// declared declares a check for the service in the world.
func declared(c rotate.Check) func(*planner.Request) {
	return func(r *planner.Request) {
		rotatetest.With(func(p *rotate.Policy) { p.AttestWithin, p.HealthNeeded = 300*time.Millisecond, 3 })(r)
		r.MinLevel = rotate.L3
		r.Checks = map[string]rotate.Check{"render:shop-subscriber": c}
	}
}

// seen is what a check came to at an address.
type seen struct {
	passed bool
	err    error
}

// A check that passes at the service, and fails at a preview with a wrong key, shows
// that the service works with the new key: level 3. Without such a control it shows no
// more than health does.
func TestDeclaredCheck(t *testing.T) {
	t.Parallel()
	down := errors.New("no answer")
	for name, tt := range map[string]struct {
		check          rotate.Check
		at, atPreview  seen
		required, ends rotate.Level
		says, held     string
	}{
		"with its control": {
			rotate.Check{URL: production, Preview: preview}, seen{passed: true}, seen{}, rotate.L3, rotate.L3, "negative control: passed, the same check failed 3 times in a row at " + preview, "",
		},
		"that passes anyway": {
			rotate.Check{URL: production, Preview: preview}, seen{passed: true}, seen{passed: true}, rotate.L3, rotate.L2, "negative control: NOT PASSED", "it passes there too",
		},
		"with a preview that is down": {
			rotate.Check{URL: production, Preview: preview}, seen{passed: true}, seen{err: down}, rotate.L3, rotate.L2, "negative control: NOT PASSED", "not known: no answer",
		},
		"without a preview": {rotate.Check{URL: production}, seen{passed: true}, seen{}, rotate.L2, rotate.L2, "negative control: not possible", ""},
		"that fails":        {rotate.Check{URL: production, Preview: preview}, seen{}, seen{}, rotate.L3, rotate.L1, "its declared check was not run, which a person accepted", "does not pass its declared check (what was seen)"},
		"that is unknown":   {rotate.Check{URL: production, Preview: preview}, seen{err: down}, seen{}, rotate.L3, rotate.L1, "its declared check was not run, which a person accepted", "does not pass its declared check (not known: no answer)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			w.Check = func(_ context.Context, c rotate.Check, address string) (bool, string, error) {
				at := tt.at
				if address == c.Preview {
					at = tt.atPreview
				}
				return at.passed, "what was seen", at.err
			}
			p, err := w.Start(declared(tt.check))
			st := attestOf(t, p)
			if st.Required != tt.required || st.Check == nil || st.Check.URL != production || !strings.Contains(st.Risk, "GET "+production) {
				t.Errorf("step %+v", st)
			}
			if tt.held != "" {
				w.AssertHeld(p.ID, err, tt.held)
				w.AssertNeverDown()
				w.Waive(p.ID, st.ID, tt.ends, "looked by hand")
				w.Finish(p.ID)
			} else if err != nil {
				t.Fatal(err)
			}
			got := stateOf(w.Snapshot(p.ID), st.ID)
			if got.Level == nil || *got.Level != tt.ends || !strings.Contains(got.Detail, tt.says) {
				t.Errorf("%+v, want L%d and %q", got, tt.ends, tt.says)
			}
			w.AssertRotated(p.ID)
		})
	}
}

// A check that flaps is not passed, and a process that cannot run checks says so.
func TestDeclaredCheckThatFlaps(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	var n, calm atomic.Int32
	w.Check = func(_ context.Context, _ rotate.Check, address string) (bool, string, error) {
		return address == production && (calm.Load() > 0 || n.Add(1)%3 != 0), "what was seen", nil
	}
	p, err := w.Start(declared(rotate.Check{URL: production, Preview: preview}))
	w.AssertHeld(p.ID, err, "does not pass its declared check")
	able := w.Check
	w.Check = nil
	w.AssertHeld(p.ID, w.Resume(p.ID), "cannot run the check")
	w.Check = able
	calm.Store(1)
	w.Finish(p.ID)
	w.AssertRotated(p.ID)
}

// The plan says what will be run on this machine, and its digest holds it.
func TestPlanSaysWhatIsRun(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Check = func(_ context.Context, _ rotate.Check, address string) (bool, string, error) {
		return address == production, "seen", nil
	}
	p, err := w.Start(declared(rotate.Check{URL: production, Preview: preview, Command: []string{"./check", "--at", "{url}"}}))
	if err != nil {
		t.Fatal(err)
	}
	st := attestOf(t, p)
	if !strings.Contains(st.Risk, "the command ./check --at "+production+" must pass") {
		t.Errorf("it says %q", st.Risk)
	}
	i := slices.IndexFunc(p.Steps, func(s rotate.Step) bool { return s.ID == st.ID })
	other := p
	other.Steps = slices.Clone(p.Steps)
	changed := *st.Check
	changed.Command = []string{"./other"}
	other.Steps[i].Check = &changed
	if p.ComputeDigest() == other.ComputeDigest() {
		t.Error("another command has the same digest")
	}
}
