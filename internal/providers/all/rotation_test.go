package all_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

// leakOf leaks one key of an issuer into a world; AWS has its own in the estate.
func leakOf(t *testing.T, d providers.Descriptor, o lab.Options) *rotatetest.World {
	t.Helper()
	w := rotatetest.NewOn(t, o, 0)
	if d.Name == "aws" {
		return w
	}
	list, err := w.Lab.Leak(d.Name)
	if err != nil {
		t.Fatal(err)
	}
	w.Reg = rotatetest.Registry(t, w.Lab.Env(), 0)
	w.Leaked = credential.Credential{Kind: d.Kinds[0], Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(list[0].Leaked)}}
	return w
}

// sameAgain lets an issuer hand out the leaked key once more; false where its service
// cannot: a legacy key is never made.
func sameAgain(l *lab.Lab, name string) bool {
	vaults := map[string]*lab.Vault{
		"supabase": l.Supabase.Vault, "prefect": l.Prefect.Vault, "google": l.Google.Vault, "openrouter": l.OpenRouter.Vault, "xai": l.XAI.Vault,
		"openai-service": l.OpenAI.Vault, "openai-admin": l.OpenAI.Vault, "elevenlabs": l.ElevenLabs.Vault,
	}
	switch {
	case name == "aws":
		l.AWS.SameAgain(1)
	case name == "stripe-webhook":
		l.Stripe.SameHookSecret(1)
	case vaults[name] != nil:
		vaults[name].SameAgain(1)
	default:
		return false
	}
	return true
}

// What the conformance suite cannot show without a rotation, for every issuer that is
// replaced by calls: the old key is handed out again, the new one needs time, the old
// one is deleted and works on.
func TestEveryAutomaticIssuer(t *testing.T) {
	t.Parallel()
	const never = time.Hour
	for _, d := range all.Descriptors() {
		if d.Way() != providers.WayAutomatic {
			continue
		}
		with := func(change func(*rotate.Policy)) func(*planner.Request) {
			return func(r *planner.Request) {
				rotatetest.Fast(r)
				r.MinLevel = rotate.L1
				change(r.Policy)
			}
		}
		asIs := with(func(*rotate.Policy) {})
		t.Run(d.Name+"/same key again", func(t *testing.T) {
			t.Parallel()
			w := leakOf(t, d, lab.Options{})
			if !sameAgain(w.Lab, d.Name) {
				// A legacy key is never made; a JWT secret and a password are made up here.
				if !slices.Contains([]string{"supabase-legacy", "supabase-jwt", "supabase-database"}, d.Name) {
					t.Fatal("the twin cannot hand out a key again: this row is not shown")
				}
				return
			}
			p, err := w.Start(asIs)
			w.AssertHeld(p.ID, err, "of the old key again")
			if n := w.Count("PATCH env"); n != 0 {
				t.Errorf("%d values were stored", n)
			}
		})
		t.Run(d.Name+"/new key needs time", func(t *testing.T) {
			t.Parallel()
			w := leakOf(t, d, lab.Options{KeyDelay: 150 * time.Millisecond})
			p, err := w.Start(asIs)
			if s := w.Snapshot(p.ID); err != nil || s.Status != rotate.RunDone || s.Proof == nil {
				t.Errorf("run is %s: %s (%v)", s.Status, s.Problem, err)
			}
			w = leakOf(t, d, lab.Options{KeyDelay: never})
			p, err = w.Start(with(func(p *rotate.Policy) { p.ReadyWithin = 100 * time.Millisecond }))
			words := "not accepted yet"
			if d.Name == "supabase-database" { // whose pooler says so with an error that is no refusal
				words = "SQLSTATE XX000"
			}
			w.AssertHeld(p.ID, err, words)
			if n := w.Count("PATCH env"); n != 0 {
				t.Errorf("%d values were stored", n)
			}
		})
		t.Run(d.Name+"/deleted and works on", func(t *testing.T) {
			t.Parallel()
			w := leakOf(t, d, lab.Options{DisableDelay: 150 * time.Millisecond})
			p, err := w.Start(asIs)
			if s := w.Snapshot(p.ID); err != nil || s.Status != rotate.RunDone || s.Proof == nil {
				t.Errorf("run is %s: %s (%v)", s.Status, s.Problem, err)
			}
			w = leakOf(t, d, lab.Options{DisableDelay: never})
			p, err = w.Start(with(func(p *rotate.Policy) { p.DisableWithin, p.ProofWithin = 100*time.Millisecond, 100*time.Millisecond }))
			if !errors.Is(err, rotate.ErrHeld) {
				t.Fatalf("got %v", err)
			}
			// Disabled and still accepted is held there; deleted and still accepted at the proof.
			s := w.Snapshot(p.ID)
			held := slices.ContainsFunc([]string{"still accepted", "STILL ALIVE"}, func(words string) bool { return strings.Contains(s.Problem, words) })
			if s.Proof != nil || !held {
				t.Errorf("proof %+v, problem %q", s.Proof, s.Problem)
			}
		})
	}
}
