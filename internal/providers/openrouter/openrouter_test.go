package openrouter_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/openrouter"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keyOf(kind credential.Kind, plain string) credential.Credential {
	return credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(plain)}}
}

func world(t *testing.T, o lab.Options, client *httpx.Client) (*providertest.World, *lab.VaultKey) {
	t.Helper()
	l := providertest.Start(t, o)
	p, err := openrouter.New(openrouter.Config{ManagementKey: secret.New(l.OpenRouter.Own()), BaseURL: l.URL("services") + "/openrouter", Client: client})
	if err != nil {
		t.Fatal(err)
	}
	k := l.OpenRouter.MakeKey(25)
	return &providertest.World{
		Lab: l, Twin: "services", Provider: p, Secrets: []string{k.Token, l.OpenRouter.Own()},
		Issuer: &providertest.IssuerSide{
			Old: keyOf(credential.OpenRouterKey, k.Token), Keys: func() []string { return l.OpenRouter.IDs("") },
			Accepts:  func(c credential.Credential) bool { return l.OpenRouter.Accepts(c.Part(credential.PartToken).Reveal()) },
			VerifyOp: "openrouter", InspectOp: "openrouter list keys", IssueOp: "openrouter make key", ListOp: "openrouter list keys", DisableOp: "openrouter set key", DeleteOp: "openrouter delete key",
		},
	}, k
}

func TestContract(t *testing.T) {
	t.Parallel()
	client := providertest.Client(t)
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		w, _ := world(t, lab.Options{}, client)
		return w
	}})
}

// Without an access of our own a person does everything.
func TestByHand(t *testing.T) {
	t.Parallel()
	p, err := openrouter.New(openrouter.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, issues := providers.As[providers.Issuer](p); issues {
		t.Error("it issues with nothing")
	}
	if _, guides := providers.As[providers.Guide](p); !guides {
		t.Error("nobody is told what to do")
	}
}

func issue(t *testing.T, w *providertest.World) (providers.KeyRef, lab.VaultKey) {
	t.Helper()
	in, _ := providers.As[providers.Inspector](w.Provider)
	st, err := in.Inspect(t.Context(), w.Issuer.Old)
	if err != nil {
		t.Fatal(err)
	}
	is, _ := providers.As[providers.Issuer](w.Provider)
	got, err := is.Issue(t.Context(), providers.IssueRequest{Old: st.Key.Ref, Name: "sg_test"})
	if err != nil {
		t.Fatal(err)
	}
	k, ok := w.Lab.OpenRouter.Key(got.Ref.ID)
	if !ok {
		t.Fatal("no such key")
	}
	return st.Key.Ref, k
}

// Without its limit the new key would spend without a cap. All pages are looked at.
func TestLimitIsCopied(t *testing.T) {
	t.Parallel()
	w, _ := world(t, lab.Options{}, providertest.Client(t))
	for range 7 {
		w.Lab.OpenRouter.MakeKey(1)
	}
	w.Lab.OpenRouter.PageSize(3)
	if _, k := issue(t, w); k.Fields["limit"] != 25.0 || k.Name != "sg_test" {
		t.Errorf("%+v", k.Fields)
	}
}
