package supabase_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/supabase"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func keyOf(kind credential.Kind, plain string) credential.Credential {
	return credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(plain)}}
}

// jwt makes a legacy key of a project.
func jwt(ref, role string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + e([]byte(`{"iss":"supabase","ref":"`+ref+`","role":"`+role+`"}`)) + "." + lab.MadeUp("", 43)
}

// sort is one kind of key: how it is opened and made.
type sort struct {
	kind     credential.Kind
	open     func(supabase.Config) (providers.Provider, error)
	make     func(*lab.Supabase) (token string)
	deleteOp string
}

var sorts = map[string]sort{
	"secret":      {credential.SupabaseSecretKey, supabase.New, func(s *lab.Supabase) string { return s.MakeKey("secret").Token }, "supabase delete key"},
	"publishable": {credential.SupabasePublicKey, supabase.New, func(s *lab.Supabase) string { return s.MakeKey("publishable").Token }, "supabase delete key"},
	"legacy": {credential.SupabaseLegacyJWT, supabase.NewLegacy, func(s *lab.Supabase) string {
		key := jwt(s.Ref(), "service_role")
		s.Legacy(jwt(s.Ref(), "anon"), key)
		return key
	}, "supabase switch legacy"},
}

func config(l *lab.Lab, client *httpx.Client) supabase.Config {
	return supabase.Config{
		AccessToken: secret.New(l.Supabase.Own()), Ref: l.Supabase.Ref(), BaseURL: l.URL("services") + "/supabase", ProjectURL: l.URL("services") + "/supabase_project", Client: client,
	}
}

func (s sort) world(t *testing.T, o lab.Options, client *httpx.Client) *providertest.World {
	t.Helper()
	l := providertest.Start(t, o)
	p, err := s.open(config(l, client))
	if err != nil {
		t.Fatal(err)
	}
	token := s.make(l.Supabase)
	return &providertest.World{
		Lab: l, Twin: "services", Provider: p, Secrets: []string{token, l.Supabase.Own()},
		Issuer: &providertest.IssuerSide{
			Old: keyOf(s.kind, token),
			Keys: func() (ids []string) {
				for _, id := range l.Supabase.IDs("") {
					switch k, _ := l.Supabase.Key(id); {
					case k.ID == "service_role" && k.Active:
						ids = append(ids, "legacy:service_role") // the pair is one
					case k.Fields["type"] != "legacy":
						ids = append(ids, id)
					}
				}
				return ids
			},
			Accepts:  func(c credential.Credential) bool { return l.Supabase.Accepts(c.Part(credential.PartToken).Reveal()) },
			VerifyOp: "supabase_project", InspectOp: "supabase list keys", IssueOp: "supabase make key", ListOp: "supabase list keys", DeleteOp: s.deleteOp,
			BriefDelete: s.kind == credential.SupabaseLegacyJWT,
		},
	}
}

func TestContract(t *testing.T) {
	t.Parallel()
	for name, s := range sorts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := providertest.Client(t)
			providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
				t.Helper()
				return s.world(t, lab.Options{}, client)
			}})
		})
	}
}

// A key is replaced by one of its own sort; the role of a legacy one decides.
func TestSortIsKept(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	anon := jwt(l.Supabase.Ref(), "anon")
	l.Supabase.Legacy(anon, jwt(l.Supabase.Ref(), "service_role"))
	for _, tc := range []struct {
		kind        credential.Kind
		open        func(supabase.Config) (providers.Provider, error)
		token, want string
	}{
		{credential.SupabaseSecretKey, supabase.New, l.Supabase.MakeKey("secret").Token, "secret"},
		{credential.SupabasePublicKey, supabase.New, l.Supabase.MakeKey("publishable").Token, "publishable"},
		{credential.SupabaseLegacyJWT, supabase.NewLegacy, anon, "publishable"},
	} {
		p, err := tc.open(config(l, providertest.Client(t)))
		if err != nil {
			t.Fatal(err)
		}
		in, _ := providers.As[providers.Inspector](p)
		is, _ := providers.As[providers.Issuer](p)
		st, err := in.Inspect(t.Context(), keyOf(tc.kind, tc.token))
		if err != nil || st.Key.Ref.Kind != tc.kind {
			t.Fatalf("%+v, %v", st, err)
		}
		got, err := is.Issue(t.Context(), providers.IssueRequest{Old: st.Key.Ref, Name: "sg_test"})
		if err != nil || !strings.HasPrefix(got.Credential.Part(credential.PartToken).Reveal(), "sb_"+tc.want+"_") || got.Ref.Kind != tc.kind {
			t.Errorf("%s: %+v, %v", tc.want, got.Ref, err)
		}
	}
}

// A token that may list and not reveal is told before anything is made.
func TestNoRightToReveal(t *testing.T) {
	t.Parallel()
	w := sorts["secret"].world(t, lab.Options{}, providertest.Client(t))
	w.Lab.Fault("services", "supabase list keys", lab.Fault{Status: 403, Times: 10})
	in, _ := providers.As[providers.Inspector](w.Provider)
	if _, err := in.Inspect(t.Context(), w.Issuer.Old); !errors.Is(err, providers.ErrForbidden) || !strings.Contains(err.Error(), "with their values") {
		t.Errorf("got %v", err)
	}
}

// The legacy pair: the plan shows what ends with it, the consumers move to a new key,
// and then the pair is switched off.
func TestLegacyRotation(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := sorts["legacy"].make(w.Lab.Supabase)
	w.Lab.Netlify.SetVar(w.Estate.Site, "SUPABASE_SERVICE_ROLE_KEY", "production", old, false)
	w.Leaked = keyOf(credential.SupabaseLegacyJWT, old)
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L1 })
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"switched off TOGETHER", "The new key is no JWT"} {
		if !slices.ContainsFunc(p.Risks, func(r string) bool { return strings.Contains(r, want) }) {
			t.Errorf("%q is not among the risks %q", want, p.Risks)
		}
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "SUPABASE_SERVICE_ROLE_KEY", "production"); !strings.HasPrefix(got, "sb_secret_") || !w.Lab.Supabase.Accepts(got) {
		t.Error("the consumer does not run with a new secret key")
	}
	if s := w.Snapshot(p.ID); s.Status != rotate.RunDone || s.Proof == nil || w.Lab.Supabase.Accepts(old) {
		t.Errorf("run is %s: %s", s.Status, s.Problem)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	_, err := supabase.New(supabase.Config{})
	if err == nil || !strings.Contains(err.Error(), "SUPABASE_ACCESS_TOKEN and SUPABASE_PROJECT_REF") {
		t.Errorf("got %v", err)
	}
}

// Our requests and the twin's answers are those of Supabase's own document.
func TestDocument(t *testing.T) {
	t.Parallel()
	c := providertest.OpenContract(t, "supabase-management-openapi.json", "services", "/supabase")
	for _, s := range sorts {
		w := s.world(t, lab.Options{Wrap: func(service string, twin http.Handler) http.Handler { return c.Wrap(service, twin) }}, providertest.Client(t))
		in, _ := providers.As[providers.Inspector](w.Provider)
		is, _ := providers.As[providers.Issuer](w.Provider)
		del, _ := providers.As[providers.Deleter](w.Provider)
		st, err := in.Inspect(t.Context(), w.Issuer.Old)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := is.Issue(t.Context(), providers.IssueRequest{Old: st.Key.Ref, Name: "sg_test"}); err != nil {
			t.Fatal(err)
		}
		if err := del.Delete(t.Context(), st.Key.Ref); err != nil {
			t.Fatal(err)
		}
	}
	c.Check(t, "v1-get-project-api-keys 200", "v1-create-project-api-key 201", "v1-delete-project-api-key 200", "v1-get-project-legacy-api-keys 200", "v1-update-project-legacy-api-keys 200")
}
