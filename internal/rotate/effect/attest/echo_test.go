package attest_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

const (
	web      = "render/shop-subscriber"
	variable = "AWS_SECRET_ACCESS_KEY"
)

// attestOf returns the attest step of the service that has an echo endpoint.
func attestOf(t *testing.T, p rotate.Plan) rotate.Step {
	t.Helper()
	i := slices.IndexFunc(p.Steps, func(s rotate.Step) bool { return s.Action == rotate.ActAttest && s.Target.Provider == "render" })
	if i < 0 {
		t.Fatal("no such step")
	}
	return p.Steps[i]
}

func stateOf(s rotate.Snapshot, id string) rotate.StepState {
	return s.Steps[slices.IndexFunc(s.Steps, func(st rotate.StepState) bool { return st.ID == id })]
}

func quick(p *rotate.Policy) { p.AttestWithin = 300 * time.Millisecond }

// A service that shows what it holds reaches level 3; the others keep theirs.
func TestEchoShowsLevel3(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.Echo(web, variable)
	p, err := w.Start(rotatetest.With(quick))
	if err != nil {
		t.Fatal(err)
	}
	st := attestOf(t, p)
	if st.Required != rotate.L3 || st.Echo == nil || st.Echo.Variable != variable || st.Echo.Part != credential.PartSecret {
		t.Errorf("step %+v, echo %+v", st, st.Echo)
	}
	got := stateOf(w.Snapshot(p.ID), st.ID)
	if got.Level == nil || *got.Level != rotate.L3 || !strings.HasPrefix(got.Detail, "L3: ") || !strings.Contains(got.Detail, "holds the new key in "+variable) {
		t.Errorf("%+v", got)
	}
	for _, s := range p.Steps {
		if s.Action == rotate.ActAttest && s.ID != st.ID && (s.Echo != nil || s.Required >= rotate.L3) {
			t.Errorf("%s has no echo endpoint: %+v", s.ID, s)
		}
	}
	w.AssertRotated(p.ID)
}

// A deploy that is live and well and still runs with the old key is not attested: the
// old key lives until a person accepts less or it runs with the new one.
func TestEchoOfAnotherKeyHolds(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]string{"old": "still runs with the OLD key", "another": "neither the old nor the new one", "none": "echo: "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			w.Lab.Echo(web, variable)
			honest := w.Echo
			var planned, mended atomic.Bool
			w.Echo = func(ctx context.Context, address, v, nonce string) (string, error) {
				switch {
				case !planned.Load() || mended.Load():
					return honest(ctx, address, v, nonce)
				case name == "old":
					return secret.Echo(w.Leaked.Part(credential.PartSecret), v, nonce), nil
				case name == "another":
					return secret.Echo(secret.New(lab.MadeUp("", 40)), v, nonce), nil
				}
				w.Lab.Echo(web, "")
				return honest(ctx, address, v, nonce)
			}
			w.When("issue", rotate.StepDone, func() { planned.Store(true) })
			p, err := w.Start(rotatetest.With(quick))
			w.AssertHeld(p.ID, err, held)
			w.AssertNeverDown()
			if name == "none" { // a person looks, and accepts what was shown
				j := w.Open()
				if err := w.Executor(j).Waive(t.Context(), p.ID, attestOf(t, p).ID, rotate.L2, "looked by hand"); err != nil {
					t.Fatal(err)
				}
				_ = j.Close()
			}
			mended.Store(true)
			w.Finish(p.ID)
			got := stateOf(w.Snapshot(p.ID), attestOf(t, p).ID)
			if want := map[bool]rotate.Level{true: rotate.L2, false: rotate.L3}[name == "none"]; got.Level == nil || *got.Level != want {
				t.Errorf("%+v, want L%d", got, want)
			}
		})
	}
}

// A service that shows another value than the leaked one at the time of the plan is
// not asked again, and the plan says so.
func TestEchoThatDoesNotFitIsNotUsed(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Echo = func(_ context.Context, _, v, nonce string) (string, error) {
		return secret.Echo(secret.New(lab.MadeUp("", 40)), v, nonce), nil
	}
	p, err := w.Start(rotatetest.With(quick))
	if err != nil {
		t.Fatal(err)
	}
	if st := attestOf(t, p); st.Echo != nil || st.Required != rotate.L2 {
		t.Errorf("%+v", st)
	}
	if !slices.ContainsFunc(p.Risks, func(r string) bool { return strings.Contains(r, "runs with another "+variable+" than the leaked one") }) {
		t.Errorf("risks %q", p.Risks)
	}
}
