package guided_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

func quickly(r *planner.Request) {
	rotatetest.Fast(r)
	r.MinLevel = rotate.L1
}

// leak makes a row's key the leaked one; the Netlify site runs with it.
func leak(w *rotatetest.World, name string) (old string) {
	i := slices.IndexFunc(guided.Table(), func(s guided.Service) bool { return s.Name == name })
	old = makers[name]()
	w.Lab.Services.Know(name, old)
	w.Lab.Netlify.SetVar(w.Estate.Site, "LEAKED", "production", old, false)
	w.Leaked = keyOf(guided.Table()[i], old)
	return old
}

// One key only: the plan says that the change is an outage, and once the person has
// changed it nothing is left to be taken away.
func TestRotationOfTheOnlyKey(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := leak(w, "twocaptcha")
	p, err := w.Start(quickly)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if !slices.ContainsFunc(p.Risks, func(r string) bool { return strings.Contains(r, "is an outage until every consumer has it") }) {
		t.Errorf("risks %q", p.Risks)
	}
	fresh := makers["twocaptcha"]()
	w.Lab.Services.Forget("twocaptcha", old)
	w.Lab.Services.Know("twocaptcha", fresh)
	if err := w.Supply(p.ID, fresh); err != nil {
		t.Fatal(err)
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "LEAKED", "production"); got != fresh {
		t.Error("the new key is not stored")
	}
	if s := w.Snapshot(p.ID); s.Status != rotate.RunDone || s.Proof == nil {
		t.Errorf("run is %s: %s", s.Status, s.Problem)
	}
}

// A second key beside the old one: held until the person has taken the old one away.
func TestRotationWithTwoKeys(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := leak(w, "groq")
	p, err := w.Start(quickly)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	fresh := makers["groq"]()
	if err := w.Supply(p.ID, fresh); err == nil {
		t.Error("a key that the service does not know was taken")
	}
	w.Lab.Services.Know("groq", fresh)
	if err := w.Supply(p.ID, fresh); !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("the old key works: %v", err)
	}
	if s := w.Snapshot(p.ID); !strings.Contains(s.Problem, "the key that ends with "+old[len(old)-4:]) {
		t.Errorf("problem %q", s.Problem)
	}
	w.Lab.Services.Forget("groq", old)
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	if s := w.Snapshot(p.ID); s.Status != rotate.RunDone || s.Proof == nil || w.Leaked.Kind != credential.GroqKey {
		t.Errorf("run is %s: %s", s.Status, s.Problem)
	}
}
