package executor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

// leakStripe makes a Stripe key the leaked one; the Netlify site runs with it.
func leakStripe(w *rotatetest.World) (old string) {
	old = w.Lab.Stripe.MakeKey("sk_live_")
	w.Lab.Netlify.SetVar(w.Estate.Site, "STRIPE_SECRET_KEY", "production", old, false)
	w.Leaked = credential.Credential{Kind: credential.StripeSecretKey, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(old)}}
	return old
}

func quickly(r *planner.Request) {
	rotatetest.Fast(r)
	r.MinLevel = rotate.L1
}

// An issuer without calls: the run waits for a person who makes the new key, goes
// on with it, and waits again until the person has taken the old one away. The
// person may die in between: everything is resumed.
func TestGuidedRotation(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := leakStripe(w)
	p, err := w.Start(quickly)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if !slices.ContainsFunc(p.Risks, func(r string) bool { return strings.Contains(r, "keeps no record of use") }) {
		t.Errorf("risks %q: that use cannot be seen must be said", p.Risks)
	}
	if !slices.ContainsFunc(p.Risks, func(r string) bool { return strings.Contains(r, "cannot disable a key: it is deleted at once") }) {
		t.Errorf("risks %q: that nothing can be taken back must be said", p.Risks)
	}
	snap := w.Snapshot(p.ID)
	for _, want := range []string{"https://dashboard.stripe.com/apikeys", "make a second key of the same kind", "shown once"} {
		if !strings.Contains(snap.Problem, want) {
			t.Errorf("%q is not in %q", want, snap.Problem)
		}
	}
	if snap.Remedy != "secretguard rotate supply "+p.ID {
		t.Errorf("remedy %q", snap.Remedy)
	}
	if err := w.Resume(p.ID); !errors.Is(err, rotate.ErrHeld) {
		t.Errorf("a resume without a key: %v", err)
	}
	other := lab.MadeUp("sk_live_", 99)
	for why, bad := range map[string]string{"form": "hunter2", "the old one": old, "another mode": w.Lab.Stripe.MakeKey("sk_test_"), "not accepted": other} {
		err := w.Supply(p.ID, bad)
		if err == nil || strings.Contains(err.Error(), bad) && bad != "hunter2" {
			t.Errorf("%s: %v", why, err)
		}
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "STRIPE_SECRET_KEY", "production"); got != old {
		t.Fatal("a key that was refused is stored")
	}
	fresh := w.Lab.Stripe.MakeKey("sk_live_")
	err = w.Supply(p.ID, fresh)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	snap = w.Snapshot(p.ID)
	if !strings.Contains(snap.Problem, "find the key that ends with "+old[len(old)-4:]) || !strings.Contains(snap.Remedy, "resume") {
		t.Errorf("problem %q, remedy %q", snap.Problem, snap.Remedy)
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "STRIPE_SECRET_KEY", "production"); got != fresh {
		t.Fatal("the new key is not stored")
	}
	if err := w.Supply(p.ID, fresh); err == nil {
		t.Error("a key was taken twice")
	}
	if err := w.Resume(p.ID); !errors.Is(err, rotate.ErrHeld) {
		t.Errorf("the old key works, and the run goes on: %v", err)
	}
	w.Lab.Stripe.DeleteKey(old)
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	if snap = w.Snapshot(p.ID); snap.Status != rotate.RunDone || snap.Proof == nil {
		t.Errorf("run is %s: %s", snap.Status, snap.Problem)
	}
	for _, r := range w.Lab.Requests() {
		if r.Service == "stripe" && r.Mutates {
			t.Errorf("a request that changes something: %s", r.Op)
		}
	}
}

// Killed at every boundary after the key was handed in: it is never asked for
// twice.
func TestGuidedRotationIsKilled(t *testing.T) {
	t.Parallel()
	points := func() (n int) {
		w := rotatetest.New(t)
		leakStripe(w)
		p, _ := w.Start(quickly)
		w.Points = nil
		_ = w.Supply(p.ID, w.Lab.Stripe.MakeKey("sk_live_"))
		return len(w.Points)
	}()
	if points < 10 {
		t.Fatalf("only %d boundaries", points)
	}
	for at := 3; at <= points; at += 2 { // from the handed-in key's record on
		w := rotatetest.New(t)
		old := leakStripe(w)
		p, _ := w.Start(quickly)
		fresh := w.Lab.Stripe.MakeKey("sk_live_")
		w.CrashAt = func(n int, _ string) bool { return n == at }
		if err := w.Supply(p.ID, fresh); !errors.Is(err, rotatetest.ErrKilled) {
			t.Fatalf("boundary %d: not killed: %v", at, err)
		}
		w.CrashAt = nil
		w.Lab.Stripe.DeleteKey(old)
		if err := w.Resume(p.ID); err != nil {
			t.Fatalf("boundary %d (%s): %v", at, w.Points[len(w.Points)-1], err)
		}
		if s := w.Snapshot(p.ID); s.Status != rotate.RunDone {
			t.Errorf("boundary %d: run is %s", at, s.Status)
		}
	}
}

// Before the old key is asked to go, the run can go back: the person takes the new
// key away again.
func TestGuidedRotationGoesBack(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := leakStripe(w)
	w.Lab.Netlify.Fail(w.Estate.Site, true)
	p, _ := w.Start(quickly)
	fresh := w.Lab.Stripe.MakeKey("sk_live_")
	if err := w.Supply(p.ID, fresh); !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	w.Lab.Netlify.Fail(w.Estate.Site, false)
	if err := w.Rollback(p.ID); !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if s := w.Snapshot(p.ID); !strings.Contains(s.Problem, "find the key that ends with "+fresh[len(fresh)-4:]) {
		t.Errorf("problem %q", s.Problem)
	}
	w.Lab.Stripe.DeleteKey(fresh)
	if err := w.Resume(p.ID); !errors.Is(err, rotate.ErrRolledBack) {
		t.Fatalf("got %v", err)
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "STRIPE_SECRET_KEY", "production"); got != old {
		t.Error("the old value is not back")
	}
}
