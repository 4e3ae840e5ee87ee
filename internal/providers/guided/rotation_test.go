package guided_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
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

// A personal access token is revoked by the call that takes it from anybody; the person
// only makes the new one. It works on for a while: accepted is not dead.
func TestRotationWithRevocation(t *testing.T) {
	t.Parallel()
	w := rotatetest.NewOn(t, lab.Options{DisableDelay: 80 * time.Millisecond}, 0)
	old := leak(w, "github")
	w.Lab.Fault("services", "github revoke", lab.Fault{DropAfter: true})
	p, err := w.Start(quickly)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if i := slices.IndexFunc(p.Steps, func(s rotate.Step) bool { return s.Action == rotate.ActDelete }); p.Steps[i].Guide != nil || !strings.Contains(p.Steps[i].Title, "with the key itself") {
		t.Errorf("the plan says %q", p.Steps[i].Title)
	}
	fresh := makers["github"]()
	w.Lab.Services.Know("github", fresh)
	if err := w.Supply(p.ID, fresh); err != nil {
		t.Fatal(err)
	}
	if w.Lab.Services.Knows("github", old) || !w.Lab.Services.Knows("github", fresh) {
		t.Error("the wrong token is gone")
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "LEAKED", "production"); got != fresh {
		t.Error("the new token is not stored")
	}
	if s := w.Snapshot(p.ID); s.Status != rotate.RunDone || s.Proof == nil {
		t.Errorf("run is %s: %s", s.Status, s.Problem)
	}
}

// On the way back the new token is revoked, and the old one works on.
func TestRollbackWithRevocation(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := leak(w, "github")
	p, err := w.Start(quickly)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	fresh := makers["github"]()
	w.Lab.Services.Know("github", fresh)
	w.Lab.Fault("services", "github revoke", lab.Fault{Status: 422, Times: 99})
	if err := w.Supply(p.ID, fresh); !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("a revocation that is refused: %v", err)
	}
	w.Lab.Calm()
	if err := w.Rollback(p.ID); !errors.Is(err, rotate.ErrRolledBack) {
		t.Fatalf("got %v", err)
	}
	if !w.Lab.Services.Knows("github", old) || w.Lab.Services.Knows("github", fresh) {
		t.Error("the wrong token is gone")
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "LEAKED", "production"); got != old {
		t.Error("the old token is not stored again")
	}
}

// A token of an app is not of the sort that the call takes: a person takes it away.
func TestTokenOfAnAppIsTakenAwayByHand(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	leak(w, "github")
	old := lab.MadeUp("gho_", 36)
	w.Lab.Services.Know("github", old)
	w.Lab.Netlify.SetVar(w.Estate.Site, "LEAKED", "production", old, false)
	w.Leaked.Parts[credential.PartToken] = secret.New(old)
	p, err := w.Start(quickly)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if i := slices.IndexFunc(p.Steps, func(s rotate.Step) bool { return s.Action == rotate.ActDelete }); p.Steps[i].Guide == nil {
		t.Errorf("the plan says %q", p.Steps[i].Title)
	}
	fresh := lab.MadeUp("gho_", 36)
	w.Lab.Services.Know("github", fresh)
	if err := w.Supply(p.ID, fresh); !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("the old token works: %v", err)
	}
	if w.Count("github revoke") != 0 {
		t.Error("a token that the call does not take was sent to it")
	}
}

// Perplexity refuses a dead key as it refuses a group without credit: the proof counts a
// refusal only while the new key works, and is not made where that one is refused too.
func TestRefusalThatIsDoubted(t *testing.T) {
	t.Parallel()
	for _, credit := range []bool{true, false} {
		w := rotatetest.New(t)
		old := leak(w, "perplexity")
		p, err := w.Start(func(r *planner.Request) {
			quickly(r)
			r.Policy.ReadyWithin = 200 * time.Millisecond
		})
		if !errors.Is(err, rotate.ErrHeld) {
			t.Fatalf("got %v", err)
		}
		fresh := makers["perplexity"]()
		w.Lab.Services.Know("perplexity", fresh)
		if !credit { // it is used up while the run is under way
			w.When("delete", rotate.StepDone, func() { w.Lab.Services.Forget("perplexity", fresh) })
		}
		err = w.Supply(p.ID, fresh)
		s := w.Snapshot(p.ID)
		switch {
		case w.Lab.Services.Knows("perplexity", old):
			t.Error("the old key works")
		case credit && (err != nil || s.Status != rotate.RunDone || s.Proof == nil || len(s.Proof.Endpoints) != 1):
			t.Errorf("run is %s: %s; %v", s.Status, s.Problem, err)
		case !credit && (!errors.Is(err, rotate.ErrHeld) || s.Proof != nil || !strings.Contains(s.Problem, "the new key is not accepted")):
			t.Errorf("run is %s: %s; %v", s.Status, s.Problem, err)
		}
	}
}

// Once the only key was replaced, there is no way back: the old one opens nothing, and to
// store it again would be an outage. Before the new one is handed in there is one.
func TestTheOnlyKeyHasNoWayBack(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := leak(w, "twocaptcha")
	p, err := w.Start(func(r *planner.Request) { quickly(r); r.Policy.AttestWithin = 300 * time.Millisecond })
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	fresh := makers["twocaptcha"]()
	w.Lab.Services.Forget("twocaptcha", old)
	w.Lab.Services.Know("twocaptcha", fresh)
	w.Health = func(context.Context, string) error { return errors.New("ill") }
	if err := w.Supply(p.ID, fresh); !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if err := w.Rollback(p.ID); err == nil || !strings.Contains(err.Error(), "going back would leave no working key") {
		t.Errorf("rolled back: %v", err)
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "LEAKED", "production"); got != fresh {
		t.Error("the new key is not stored any more")
	}

	w = rotatetest.New(t)
	leak(w, "twocaptcha")
	if p, err = w.Start(quickly); !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if err := w.Rollback(p.ID); !errors.Is(err, rotate.ErrRolledBack) {
		t.Errorf("before anything was done: %v", err)
	}
}
