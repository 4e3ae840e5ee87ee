package xai_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/xai"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keyOf(kind credential.Kind, plain string) credential.Credential {
	return credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(plain)}}
}

func world(t *testing.T, o lab.Options, client *httpx.Client) (*providertest.World, *lab.VaultKey) {
	t.Helper()
	l := providertest.Start(t, o)
	p, err := xai.New(xai.Config{ManagementKey: secret.New(l.XAI.Own()), Team: l.XAI.Team(), BaseURL: l.URL("services") + "/xai", ManagementURL: l.URL("services") + "/xai", Client: client})
	if err != nil {
		t.Fatal(err)
	}
	k := l.XAI.MakeKey("api-key:model:grok", "api-key:endpoint:chat")
	return &providertest.World{
		Lab: l, Twin: "services", Provider: p, Secrets: []string{k.Token, l.XAI.Own()},
		Issuer: &providertest.IssuerSide{
			Old: keyOf(credential.XAIKey, k.Token), Keys: func() []string { return l.XAI.IDs("") },
			Accepts:  func(c credential.Credential) bool { return l.XAI.Accepts(c.Part(credential.PartToken).Reveal()) },
			VerifyOp: "xai", InspectOp: "xai list keys", IssueOp: "xai make key", ListOp: "xai list keys", DeleteOp: "xai delete key", DeadOn: []int{400, 401}, BriefDelete: true,
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
	p, err := xai.New(xai.Config{})
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
	k, ok := w.Lab.XAI.Key(got.Ref.ID)
	if !ok {
		t.Fatal("no such key")
	}
	return st.Key.Ref, k
}

// A key without rights is accepted for nothing: they are copied, and with them the rates.
func TestRightsAreCopied(t *testing.T) {
	t.Parallel()
	w, _ := world(t, lab.Options{}, providertest.Client(t))
	for range 7 {
		w.Lab.XAI.MakeKey("api-key:model:other")
	}
	w.Lab.XAI.PageSize(3)
	_, k := issue(t, w)
	if acls, _ := k.Fields["acls"].([]any); len(acls) != 2 || acls[0] != "api-key:model:grok" || k.Fields["qps"] != 7.0 {
		t.Errorf("%+v", k.Fields)
	}
}

func TestNoRightsNoKey(t *testing.T) {
	t.Parallel()
	w, _ := world(t, lab.Options{}, providertest.Client(t))
	bare := w.Lab.XAI.MakeKey()
	is, _ := providers.As[providers.Issuer](w.Provider)
	_, err := is.Issue(t.Context(), providers.IssueRequest{Old: providers.KeyRef{ID: bare.ID, Owner: w.Lab.XAI.Team()}, Name: "sg_test"})
	if !errors.Is(err, providers.ErrRefused) {
		t.Errorf("got %v", err)
	}
}
