package prefect_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/providers/prefect"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

const twin = "prefect_server"

func authString() string { return "admin:" + lab.MadeUpOf("0123456789abcdef", 32) }

// server opens the provider for the twin of a server that takes one string.
func server(t *testing.T, client *httpx.Client) (*lab.Lab, *guided.Doubted, string) {
	t.Helper()
	l, text := providertest.Start(t, lab.Options{}), authString()
	l.Services.Know(twin, text)
	p, err := prefect.NewServer(prefect.Config{BaseURL: l.URL("services") + "/" + twin, Client: client})
	if err != nil {
		t.Fatal(err)
	}
	return l, p.(*guided.Doubted), text
}

func TestServerContract(t *testing.T) {
	t.Parallel()
	client := providertest.Client(t)
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		l, p, text := server(t, client)
		return &providertest.World{
			Lab: l, Twin: "services", Provider: p, Secrets: []string{text},
			Issuer: &providertest.IssuerSide{
				Old: keyOf(credential.PrefectAuthString, text), Keys: func() []string { return []string{p.Ref(secret.New(text)).ID} },
				Accepts: func(c credential.Credential) bool {
					return l.Services.Knows(twin, c.Part(credential.PartToken).Reveal())
				},
				VerifyOp: twin, InspectOp: twin, BriefDelete: true, Beside: true,
			},
		}
	}})
}

// Without the server's address nothing is set up, and a string of another form is not sent.
func TestServerNeedsItsAddress(t *testing.T) {
	t.Parallel()
	if _, err := prefect.NewServer(prefect.Config{}); err == nil || !strings.Contains(err.Error(), "SECRETGUARD_PREFECT_SERVER_URL") {
		t.Errorf("got %v", err)
	}
	l, p, _ := server(t, providertest.Client(t))
	for _, bad := range []string{"", "admin", ":pass-word", "admin:abc", "a b:password", "admin:pass word"} {
		if v, err := p.Verify(t.Context(), keyOf(credential.PrefectAuthString, bad)); err == nil || v.Liveness != providers.Unknown {
			t.Errorf("%q: %+v", bad, v)
		}
		if _, err := p.Pasted(providers.KeyRef{}, secret.New(bad)); !errors.Is(err, providers.ErrRefused) {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
	if n := len(l.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// The name of a string holds its user and nothing of its password, and two strings of one
// user have two names.
func TestServerNamesHideThePassword(t *testing.T) {
	t.Parallel()
	_, p, text := server(t, providertest.Client(t))
	name := p.Ref(secret.New(text)).ID
	if !strings.HasPrefix(name, "admin:…") || strings.Contains(name, text[len(text)-4:]) || name == p.Ref(secret.New(authString())).ID {
		t.Errorf("%s is named %s", text, name)
	}
}

// The leaked string, the new one that the person set at the server, and the proof: a
// refusal counts beside the new string only.
func TestServerRotation(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old, fresh := authString(), authString()
	w.Lab.Services.Know(twin, old)
	w.Lab.Netlify.SetVar(w.Estate.Site, "PREFECT_API_AUTH_STRING", "production", old, false)
	w.Leaked = keyOf(credential.PrefectAuthString, old)
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L1 })
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if !slices.ContainsFunc(p.Risks, func(r string) bool { return strings.Contains(r, "is an outage") }) {
		t.Errorf("risks %q", p.Risks)
	}
	if len(p.Outage) == 0 || p.Outage[0].Down == 0 || !p.Outage[0].Open {
		t.Errorf("the estimate of the outage: %+v", p.Outage)
	}
	if err := w.Supply(p.ID, fresh); err == nil {
		t.Error("a string that the server does not take was taken")
	}
	w.Lab.Services.Forget(twin, old)
	w.Lab.Services.Know(twin, fresh)
	if err := w.Supply(p.ID, fresh); err != nil {
		t.Fatal(err)
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "PREFECT_API_AUTH_STRING", "production"); got != fresh {
		t.Error("the new string is not stored")
	}
	if s := w.Snapshot(p.ID); s.Status != rotate.RunDone || s.Proof == nil {
		t.Errorf("run is %s: %s", s.Status, s.Problem)
	}
}
