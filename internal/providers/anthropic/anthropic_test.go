package anthropic_test

import (
	"errors"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/anthropic"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keyOf(plain string) credential.Credential {
	return credential.Credential{Kind: credential.AnthropicKey, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(plain)}}
}

func shown(k lab.VaultKey) string { return k.ID + "…" + k.Token[len(k.Token)-4:] }

func TestContract(t *testing.T) {
	t.Parallel()
	client := providertest.Client(t)
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		l := providertest.Start(t, lab.Options{})
		access := l.Anthropic.Own()
		p, err := anthropic.New(anthropic.Config{AdminKey: secret.New(access), BaseURL: l.URL("services") + "/anthropic", Client: client})
		if err != nil {
			t.Fatal(err)
		}
		k := l.Anthropic.MakeKey("worker")
		return &providertest.World{
			Lab: l, Twin: "services", Provider: p, Secrets: []string{k.Token, access},
			Issuer: &providertest.IssuerSide{
				Old: keyOf(k.Token),
				Keys: func() (ids []string) {
					for _, id := range l.Anthropic.IDs("") {
						if k, _ := l.Anthropic.Key(id); k.Fields["status"] != "archived" {
							ids = append(ids, shown(k))
						}
					}
					return ids
				},
				Accepts:  func(c credential.Credential) bool { return l.Anthropic.Accepts(c.Part(credential.PartToken).Reveal()) },
				VerifyOp: "anthropic", InspectOp: "anthropic list keys", DisableOp: "anthropic set key", DeleteOp: "anthropic set key",
			},
		}
	}})
}

// The whole story: a person makes the key, calls do the rest, over all pages.
func TestRotation(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	for range 30 {
		w.Lab.Anthropic.MakeKey("other")
	}
	old := w.Lab.Anthropic.MakeKey("worker")
	w.Lab.Anthropic.PageSize(7)
	w.Lab.Netlify.SetVar(w.Estate.Site, "ANTHROPIC_API_KEY", "production", old.Token, false)
	w.Leaked = keyOf(old.Token)
	plan, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L1 })
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	fresh := w.Lab.Anthropic.MakeKey("worker 2")
	if err := w.Supply(plan.ID, fresh.Token); err != nil {
		t.Fatal(err)
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "ANTHROPIC_API_KEY", "production"); got != fresh.Token {
		t.Error("the new key is not stored")
	}
	was, _ := w.Lab.Anthropic.Key(old.ID)
	if s := w.Snapshot(plan.ID); s.Status != rotate.RunDone || s.Proof == nil || was.Fields["status"] != "archived" {
		t.Errorf("run is %s: %s; the old key is %v", s.Status, s.Problem, was.Fields["status"])
	}
}

// On the way back a new key that was handed in is archived by its ends, and no other.
func TestPastedKeyIsArchivedOnTheWayBack(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	access := l.Anthropic.Own()
	p, err := anthropic.New(anthropic.Config{AdminKey: secret.New(access), BaseURL: l.URL("services") + "/anthropic", Client: providertest.Client(t)})
	if err != nil {
		t.Fatal(err)
	}
	l.Anthropic.MakeKey("other")
	fresh := l.Anthropic.MakeKey("new")
	guide, _ := providers.As[providers.Guide](p)
	del, _ := providers.As[providers.Deleter](p)
	is, err := guide.Pasted(providers.KeyRef{Kind: credential.AnthropicKey, ID: "apikey_1…abcd", Owner: "w"}, secret.New(fresh.Token))
	if err != nil {
		t.Fatal(err)
	}
	if err := del.Delete(t.Context(), is.Ref); err != nil {
		t.Fatal(err)
	}
	archived := slices.DeleteFunc(l.Anthropic.IDs(""), func(id string) bool { k, _ := l.Anthropic.Key(id); return k.Fields["status"] != "archived" })
	if !slices.Equal(archived, []string{fresh.ID}) {
		t.Errorf("archived: %v, want %s", archived, fresh.ID)
	}
	if err := del.Delete(t.Context(), is.Ref); !errors.Is(err, providers.ErrRefused) {
		t.Errorf("a key that nobody sees: %v", err)
	}
}
