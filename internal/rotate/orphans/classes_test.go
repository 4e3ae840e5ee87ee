package orphans_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/orphans"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

// class is an issuer of one of the kinds that docs/rotation.md tells apart.
type class struct {
	name string
	// leak makes the key that leaked, and another one beside it that no run made, where
	// there can be one.
	leak func(*lab.Lab) (kind credential.Kind, token string)
	ids  func(*lab.Lab) []string // the keys that the issuer has now; nil where only a person sees them
	// person makes the new key where no call does.
	person func(l *lab.Lab, old string) string
	// listed: the issuer lists keys, so that what is left is found and can be deleted.
	// Otherwise a person is told to look.
	listed bool
}

func vault(of func(*lab.Lab) *lab.Vault, owner func(*lab.Lab) string) func(*lab.Lab) []string {
	return func(l *lab.Lab) []string { return of(l).IDs(owner(l)) }
}

// young makes the leaked key and another one beside it as young as a key whose answer was
// lost, and returns the leaked one.
func young(other, leaked *lab.VaultKey) string {
	other.Made, leaked.Made = time.Now(), time.Now()
	return leaked.Token
}

var classes = []class{
	{
		name: "C1 several keys, shown once: OpenAI", listed: true,
		leak: func(l *lab.Lab) (credential.Kind, string) {
			return credential.OpenAIServiceKey, young(l.OpenAI.ServiceKey(), l.OpenAI.ServiceKey())
		},
		ids: vault(func(l *lab.Lab) *lab.Vault { return l.OpenAI.Vault }, func(l *lab.Lab) string { return l.OpenAI.Project(1) }),
	},
	{
		name: "C2 several keys, readable: Supabase", listed: true,
		leak: func(l *lab.Lab) (credential.Kind, string) {
			return credential.SupabaseSecretKey, young(l.Supabase.MakeKey("secret"), l.Supabase.MakeKey("secret"))
		},
		ids: vault(func(l *lab.Lab) *lab.Vault { return l.Supabase.Vault }, func(l *lab.Lab) string { return l.Supabase.Ref() }),
	},
	{
		name: "C3 changed in place: Prefect service account",
		leak: func(l *lab.Lab) (credential.Kind, string) { return credential.PrefectServiceKey, l.Prefect.Bot().Token },
	},
	{
		name: "C4 one key, the new one ends the old: 2Captcha",
		leak: func(l *lab.Lab) (credential.Kind, string) {
			key := lab.MadeUpOf("0123456789abcdef", 32)
			l.Services.Know("twocaptcha", key)
			return credential.TwoCaptchaKey, key
		},
		person: func(l *lab.Lab, old string) string {
			key := lab.MadeUpOf("0123456789abcdef", 32)
			l.Services.Forget("twocaptcha", old)
			l.Services.Know("twocaptcha", key)
			return key
		},
	},
	{
		name: "C5 made by a person: Stripe",
		leak: func(l *lab.Lab) (credential.Kind, string) {
			return credential.StripeSecretKey, l.Stripe.MakeKey("sk_live_")
		},
		person: func(l *lab.Lab, _ string) string { return l.Stripe.MakeKey("sk_live_") },
	},
	{
		name: "C6 deleted late: Google", listed: true,
		leak: func(l *lab.Lab) (credential.Kind, string) {
			return credential.GoogleAPIKey, young(l.Google.MakeKey(), l.Google.MakeKey())
		},
		ids: vault(func(l *lab.Lab) *lab.Vault { return l.Google.Vault }, func(l *lab.Lab) string { return l.Google.Project() }),
	},
}

func quickly(r *planner.Request) {
	rotatetest.Fast(r)
	r.MinLevel = rotate.L1
}

// begin leaks the class's key, and begins a run that ends after the new key is there.
func (c class) begin(t *testing.T, killed bool) (w *rotatetest.World, run, old string) {
	t.Helper()
	w = rotatetest.New(t)
	kind, token := c.leak(w.Lab)
	w.Lab.Netlify.SetVar(w.Estate.Site, "LEAKED_TOKEN", "production", token, false)
	w.Leaked = credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(token)}}
	if w.Until = "issue"; killed {
		w.CrashAt = func(_ int, point string) bool { return point == "effect issue" }
	}
	p, err := w.Start(quickly)
	if c.person != nil {
		if !errors.Is(err, rotate.ErrHeld) {
			t.Fatalf("no person was asked: %v", err)
		}
		err = w.Supply(p.ID, c.person(w.Lab, token))
	}
	want := rotate.ErrPaused
	if killed {
		want = rotatetest.ErrKilled
	}
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	w.CrashAt = nil
	return w, p.ID, p.Old.ID
}

// What a run left behind at each kind of issuer: found and deleted where keys can be
// listed and the journal names it; told to a person where they cannot; and in both cases
// no other key is touched.
func TestLeftoversByClass(t *testing.T) {
	t.Parallel()
	for _, c := range classes {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, run, old := c.begin(t, false)
			j := w.Open()
			defer j.Close()
			if left, err := orphans.Leftovers(httpx.ReadOnly(t.Context()), j, w.Reg); err != nil || len(left) != 0 {
				t.Fatalf("the run goes on, and %+v is left over (%v)", left, err)
			}
			if err := w.Abandon(run, "test"); err != nil {
				t.Fatal(err)
			}
			fresh := w.Snapshot(run).NewKey
			left, err := orphans.Leftovers(httpx.ReadOnly(t.Context()), j, w.Reg)
			before := len(w.Lab.Requests())
			for _, id := range []string{old, "no-such-key"} {
				if err := orphans.DeleteLeftover(t.Context(), j, w.Reg, id, true, "tester", "test"); !errors.Is(err, orphans.ErrNotLeft) {
					t.Errorf("%s: %v", id, err)
				}
			}
			if !c.listed {
				if err == nil || !strings.Contains(err.Error(), "look by hand") || !strings.Contains(err.Error(), run) || len(left) != 0 {
					t.Fatalf("a person is not told to look: %v, %+v", err, left)
				}
				if err := orphans.DeleteLeftover(t.Context(), j, w.Reg, fresh, true, "tester", "test"); !errors.Is(err, orphans.ErrNotLeft) {
					t.Errorf("the new key: %v", err)
				}
				w.AssertNoMutation(before)
				return
			}
			w.AssertNoMutation(before)
			if err != nil || len(left) != 1 || left[0].Key.Ref.ID != fresh || !left[0].Ours || left[0].Run != run {
				t.Fatalf("left over: %+v (%v), want %s", left, err, fresh)
			}
			c.deletes(t, w, fresh)
		})
	}
}

// A process dies with the answer of an issue: what came since is shown, as what may be
// ours; where keys cannot be listed a person is told to look.
func TestLeftoversOfALostAnswerByClass(t *testing.T) {
	t.Parallel()
	for _, c := range classes {
		if c.person != nil {
			continue // no answer can be lost
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, run, old := c.begin(t, true)
			j := w.Open()
			defer j.Close()
			left, err := orphans.Leftovers(httpx.ReadOnly(t.Context()), j, w.Reg)
			if !c.listed {
				if err == nil || !strings.Contains(err.Error(), "look by hand") || len(left) != 0 {
					t.Fatalf("a person is not told to look: %v, %+v", err, left)
				}
				return
			}
			if err != nil || len(left) != 1 || left[0].Ours || left[0].Run != run || left[0].Key.Ref.ID == old {
				t.Fatalf("left over: %+v (%v)", left, err)
			}
			lost := left[0].Key.Ref.ID
			if err := w.Abandon(run, "test"); err != nil {
				t.Fatal(err)
			}
			next, err := w.Start(quickly)
			if !errors.Is(err, rotate.ErrPaused) {
				t.Fatal(err)
			}
			left, err = orphans.Leftovers(httpx.ReadOnly(t.Context()), j, w.Reg)
			if err != nil || len(left) != 1 || left[0].Key.Ref.ID != lost {
				t.Fatalf("left over: %+v (%v), want %s, and not %s, which the next run needs", left, err, lost, w.Snapshot(next.ID).NewKey)
			}
			c.deletes(t, w, lost)
		})
	}
}

// deletes deletes a leftover by its name, twice, and checks that it alone is gone.
func (c class) deletes(t *testing.T, w *rotatetest.World, id string) {
	t.Helper()
	j := w.Open()
	defer j.Close()
	before := c.ids(w.Lab)
	if err := orphans.DeleteLeftover(t.Context(), j, w.Reg, id, true, "tester", "test"); err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(slices.Clone(before), func(s string) bool { return s == id })
	if got := c.ids(w.Lab); !slices.Equal(got, want) || len(want) != len(before)-1 || len(want) < 2 { // the old key and another's stay

		t.Errorf("keys %v, and after the deletion of %s %v", before, id, got)
	}
	if err := orphans.DeleteLeftover(t.Context(), j, w.Reg, id, true, "tester", "test"); !errors.Is(err, orphans.ErrNotLeft) {
		t.Errorf("it is deleted, and still listed: %v", err)
	}
}
