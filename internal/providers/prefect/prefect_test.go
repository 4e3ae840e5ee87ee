package prefect_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/prefect"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keyOf(kind credential.Kind, plain string) credential.Credential {
	return credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(plain)}}
}

func config(l *lab.Lab, client *httpx.Client) prefect.Config {
	return prefect.Config{Key: secret.New(l.Prefect.Own()), Account: l.Prefect.Account(), BaseURL: l.URL("services") + "/prefect", Client: client}
}

func world(t *testing.T, bot bool, client *httpx.Client) *providertest.World {
	t.Helper()
	l := providertest.Start(t, lab.Options{})
	open, k, kind := prefect.New, &lab.VaultKey{}, credential.PrefectUserKey
	if bot {
		open, kind, k = prefect.NewBot, credential.PrefectServiceKey, l.Prefect.Bot()
	} else {
		k = l.Prefect.UserKey()
	}
	cfg := config(l, client)
	cfg.KeyID = k.ID
	p, err := open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	side := &providertest.IssuerSide{
		Old: keyOf(kind, k.Token), Keys: func() []string { return l.Prefect.IDs(k.Owner) },
		Accepts:  func(c credential.Credential) bool { return l.Prefect.Accepts(c.Part(credential.PartToken).Reveal()) },
		VerifyOp: "prefect me", InspectOp: "prefect list keys", IssueOp: "prefect make key", ListOp: "prefect list keys", DeleteOp: "prefect delete key",
		BriefDelete: true,
	}
	if bot {
		side.VerifyOp, side.InspectOp, side.IssueOp, side.ListOp, side.DeleteOp = "prefect", "prefect list bots", "prefect rotate key", "prefect bot", ""
	}
	return &providertest.World{Lab: l, Twin: "services", Provider: p, Secrets: []string{k.Token, l.Prefect.Own()}, Issuer: side}
}

func TestContract(t *testing.T) {
	t.Parallel()
	for name, bot := range map[string]bool{"user": false, "bot": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := providertest.Client(t)
			providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
				t.Helper()
				return world(t, bot, client)
			}})
		})
	}
}

// With several keys a person says which one leaked: no listing shows it.
func TestWhichKey(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	first, leaked := l.Prefect.UserKey(), l.Prefect.UserKey()
	cfg := config(l, providertest.Client(t))
	for id, want := range map[string]string{"": "", first.ID: first.ID, leaked.ID: leaked.ID, "nobody": ""} {
		cfg.KeyID = id
		p, err := prefect.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		in, _ := providers.As[providers.Inspector](p)
		st, err := in.Inspect(t.Context(), keyOf(credential.PrefectUserKey, leaked.Token))
		if want == "" && (!errors.Is(err, providers.ErrRefused) || !strings.Contains(err.Error(), "PREFECT_KEY_ID to one of "+first.ID)) || want != "" && (err != nil || st.Key.Ref.ID != want) {
			t.Errorf("%q: %+v, %v", id, st.Key.Ref, err)
		}
	}
}

// Without a lifetime the old key would end at once: it is always sent.
func TestLifetime(t *testing.T) {
	t.Parallel()
	for _, bad := range []time.Duration{time.Second, -time.Hour, 49 * time.Hour} {
		if _, err := prefect.NewBot(prefect.Config{Key: secret.New("x"), Account: "a", Overlap: bad}); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	w := world(t, true, providertest.Client(t))
	in, _ := providers.As[providers.Inspector](w.Provider)
	is, _ := providers.As[providers.Issuer](w.Provider)
	st, err := in.Inspect(t.Context(), w.Issuer.Old)
	if err != nil || len(st.Warnings) == 0 || !strings.Contains(st.Warnings[0], "ends by itself 1h0m0s after") {
		t.Fatalf("%+v, %v", st, err)
	}
	if _, err := is.Issue(t.Context(), providers.IssueRequest{Old: st.Key.Ref}); err != nil {
		t.Fatal(err)
	}
	old, _ := w.Lab.Prefect.Key(st.Key.Ref.ID)
	if end, _ := old.Fields["end"].(time.Time); !w.Issuer.Accepts(w.Issuer.Old) || time.Until(end) < 59*time.Minute {
		t.Errorf("the old key ends at %s", end)
	}
}

// The whole story of a service account: consumers move while both keys work; the run
// waits for the end of the old one, and proves it.
func TestBotRotation(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := w.Lab.Prefect.Bot()
	w.Lab.Netlify.SetVar(w.Estate.Site, "PREFECT_API_KEY", "production", old.Token, false)
	w.Leaked = keyOf(credential.PrefectServiceKey, old.Token)
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L1 })
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("the old key works, and the run goes on: %v", err)
	}
	if s := w.Snapshot(p.ID); !strings.Contains(s.Problem, "wait until the old key's lifetime is over") {
		t.Errorf("problem %q", s.Problem)
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "PREFECT_API_KEY", "production"); got == old.Token || !w.Lab.Prefect.Accepts(got) {
		t.Error("the new key is not stored")
	}
	w.Lab.Prefect.End(old.ID)
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	if s := w.Snapshot(p.ID); s.Status != rotate.RunDone || s.Proof == nil {
		t.Errorf("run is %s: %s", s.Status, s.Problem)
	}
}
