package elevenlabs_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/elevenlabs"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keyOf(plain string) credential.Credential {
	return credential.Credential{Kind: credential.ElevenLabsKey, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(plain)}}
}

func open(t *testing.T, l *lab.Lab, client *httpx.Client, id string) providers.Provider {
	t.Helper()
	p, err := elevenlabs.New(elevenlabs.Config{AdminKey: secret.New(l.ElevenLabs.Own()), Account: l.ElevenLabs.Account(), KeyID: id, BaseURL: l.URL("services") + "/elevenlabs", Client: client})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestContract(t *testing.T) {
	t.Parallel()
	client := providertest.Client(t)
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		l := providertest.Start(t, lab.Options{})
		k := l.ElevenLabs.MakeKey(1000)
		return &providertest.World{
			Lab: l, Twin: "services", Provider: open(t, l, client, ""), Secrets: []string{k.Token, l.ElevenLabs.Own()},
			Issuer: &providertest.IssuerSide{
				Old: keyOf(k.Token), Keys: func() []string { return l.ElevenLabs.IDs("") }, BriefDelete: true,
				Accepts:  func(c credential.Credential) bool { return l.ElevenLabs.Accepts(c.Part(credential.PartToken).Reveal()) },
				VerifyOp: "elevenlabs", InspectOp: "elevenlabs list keys", IssueOp: "elevenlabs make key", ListOp: "elevenlabs list keys", DeleteOp: "elevenlabs delete key",
			},
		}
	}})
}

// Without both settings a person does everything.
func TestByHand(t *testing.T) {
	t.Parallel()
	for _, cfg := range []elevenlabs.Config{{}, {AdminKey: secret.New("x")}, {Account: "user_1"}} {
		p, err := elevenlabs.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, issues := providers.As[providers.Issuer](p)
		if _, guides := providers.As[providers.Guide](p); issues || !guides {
			t.Errorf("issues %v, guides %v", issues, guides)
		}
	}
}

// The new key may do what the old one may, and no more.
func TestRightsAreCopied(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	for _, old := range []*lab.VaultKey{l.ElevenLabs.MakeKey(500, "text_to_speech", "models_read"), l.ElevenLabs.MakeKey(0)} {
		p := open(t, l, providertest.Client(t), "")
		in, _ := providers.As[providers.Inspector](p)
		is, _ := providers.As[providers.Issuer](p)
		st, err := in.Inspect(t.Context(), keyOf(old.Token))
		if err != nil {
			t.Fatal(err)
		}
		got, err := is.Issue(t.Context(), providers.IssueRequest{Old: st.Key.Ref, Name: "sg_test"})
		if err != nil {
			t.Fatal(err)
		}
		k, _ := l.ElevenLabs.Key(got.Ref.ID)
		limit, _ := old.Fields["limit"].(int)
		if !reflect.DeepEqual(k.Fields["permissions"], old.Fields["permissions"]) || k.Fields["limit"] != float64(limit) || k.Name != "sg_test" {
			t.Errorf("made %+v, the old one has %+v", k.Fields, old.Fields)
		}
	}
}

// A listing that does not tell which key leaked: nothing is guessed, also of one key.
func TestWhichKey(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	k := l.ElevenLabs.MakeKey(1)
	l.ElevenLabs.Blind()
	in, _ := providers.As[providers.Inspector](open(t, l, providertest.Client(t), ""))
	if _, err := in.Inspect(t.Context(), keyOf(k.Token)); !errors.Is(err, providers.ErrRefused) || !strings.Contains(err.Error(), k.ID) || !strings.Contains(err.Error(), "ELEVENLABS_KEY_ID") {
		t.Errorf("got %v", err)
	}
	in, _ = providers.As[providers.Inspector](open(t, l, providertest.Client(t), k.ID))
	if st, err := in.Inspect(t.Context(), keyOf(k.Token)); err != nil || st.Key.Ref.ID != k.ID {
		t.Errorf("%+v, %v", st, err)
	}
}

// From the leak to the proof without a person.
func TestRotation(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := w.Lab.ElevenLabs.MakeKey(1000)
	w.Lab.Netlify.SetVar(w.Estate.Site, "ELEVENLABS_API_KEY", "production", old.Token, false)
	w.Leaked = keyOf(old.Token)
	w.Lab.Fault("services", "elevenlabs make key", lab.Fault{DropAfter: true})
	plan, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L1 })
	if err != nil {
		t.Fatal(err)
	}
	ids := w.Lab.ElevenLabs.IDs("")
	if len(ids) != 1 || ids[0] == old.ID {
		t.Fatalf("keys %v", ids)
	}
	k, _ := w.Lab.ElevenLabs.Key(ids[0])
	if got := w.Lab.Netlify.Value(w.Estate.Site, "ELEVENLABS_API_KEY", "production"); got != k.Token {
		t.Error("the new key is not stored")
	}
	if s := w.Snapshot(plan.ID); s.Status != rotate.RunDone || s.Proof == nil {
		t.Errorf("run is %s: %s", s.Status, s.Problem)
	}
}
