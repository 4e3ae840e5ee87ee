package google_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/google"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keyOf(kind credential.Kind, plain string) credential.Credential {
	return credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(plain)}}
}

func world(t *testing.T, o lab.Options, client *httpx.Client) (*providertest.World, *lab.VaultKey) {
	t.Helper()
	l := providertest.Start(t, o)
	p, err := google.New(google.Config{
		AccessToken: secret.New(l.Google.Own()), Project: l.Google.Project(), BaseURL: l.URL("services") + "/google", KeysURL: l.URL("services") + "/google",
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Client: client,
	})
	if err != nil {
		t.Fatal(err)
	}
	k := l.Google.MakeKey()
	return &providertest.World{
		Lab: l, Twin: "services", Provider: p, Secrets: []string{k.Token, l.Google.Own()},
		Issuer: &providertest.IssuerSide{
			Old: keyOf(credential.GoogleAPIKey, k.Token), Keys: func() []string { return l.Google.IDs("") },
			Accepts:  func(c credential.Credential) bool { return l.Google.Accepts(c.Part(credential.PartToken).Reveal()) },
			VerifyOp: "google", InspectOp: "google list keys", IssueOp: "google make key", ListOp: "google list keys", DeleteOp: "google delete key", DeadOn: []int{400},
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
	p, err := google.New(google.Config{})
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
	k, ok := w.Lab.Google.Key(got.Ref.ID)
	if !ok {
		t.Fatal("no such key")
	}
	return st.Key.Ref, k
}

// A deleted key can come back, by hand: the plan says how, whole enough to be pasted.
func TestPlanSaysHowTheKeyComesBack(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := w.Lab.Google.MakeKey()
	w.Leaked = keyOf(credential.GoogleAPIKey, old.Token)
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	step, _ := p.Step("delete")
	if want := "gcloud services api-keys undelete projects/" + w.Lab.Google.Project() + "/locations/global/keys/" + old.ID; !strings.HasPrefix(step.Undo, "a person, for 30 days") || !strings.HasSuffix(step.Undo, want) || len(p.Irreversible()) != 0 {
		t.Errorf("undo: %q, want %q", step.Undo, want)
	}
}

// Restrictions are copied; the operation is waited for, and so is the value.
func TestRestrictionsAreCopied(t *testing.T) {
	t.Parallel()
	w, old := world(t, lab.Options{}, providertest.Client(t))
	for range 7 {
		w.Lab.Google.MakeKey()
	}
	w.Lab.Google.PageSize(3)
	_, k := issue(t, w)
	if !reflect.DeepEqual(k.Fields["restrictions"], old.Fields["restrictions"]) || k.ID != "sg-test" {
		t.Errorf("%s: %+v", k.ID, k.Fields)
	}
}

// An operation that does not end, or whose end is lost, leaves open what was made.
func TestOperationDoesNotEnd(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*lab.Lab){
		"slow":     func(l *lab.Lab) { l.Google.Polls(1000) },
		"lost":     func(l *lab.Lab) { l.Fault("services", "google operation", lab.Fault{Status: 500, Times: 100}) },
		"no value": func(l *lab.Lab) { l.Fault("services", "google key string", lab.Fault{Status: 403, Times: 100}) },
	} {
		w, old := world(t, lab.Options{}, providertest.Client(t))
		is, _ := providers.As[providers.Issuer](w.Provider)
		req := providers.IssueRequest{Old: providers.KeyRef{Kind: credential.GoogleAPIKey, ID: old.ID, Owner: w.Lab.Google.Project()}, Name: "sg_test", Before: []string{old.ID}}
		spoil(w.Lab)
		if _, err := is.Issue(t.Context(), req); !errors.Is(err, providers.ErrAmbiguous) {
			t.Errorf("%s: %v", name, err)
		}
		w.Lab.Calm()
		if rec, err := is.Reconcile(t.Context(), req); err != nil || rec.Outcome != providers.Orphaned || rec.Candidates[0].Ref.ID != "sg-test" {
			t.Errorf("%s: %+v, %v", name, rec, err)
		}
	}
}

// Our requests and the twin's answers are those of Google's own document.
func TestDocument(t *testing.T) {
	t.Parallel()
	c := providertest.OpenContract(t, "google-apikeys-v2-discovery.json", "services", "/google")
	w, _ := world(t, lab.Options{Wrap: c.Wrap}, providertest.Client(t))
	ref, _ := issue(t, w)
	del, _ := providers.As[providers.Deleter](w.Provider)
	if err := del.Delete(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	c.Check(t, "apikeys.projects.locations.keys.list 200", "apikeys.projects.locations.keys.create 200", "apikeys.projects.locations.keys.getKeyString 200",
		"apikeys.projects.locations.keys.delete 200", "apikeys.operations.get 200")
}
