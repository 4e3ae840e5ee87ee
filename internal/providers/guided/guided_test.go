package guided_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hexDigits = "0123456789abcdef"

// makers make up a key of each row, as a person makes one on the issuer's page.
var makers = map[string]func() string{
	"twocaptcha": func() string { return lab.MadeUpOf(hexDigits, 32) }, "cohere": func() string { return lab.MadeUp("", 40) },
	"mistral": func() string { return lab.MadeUp("", 32) }, "groq": func() string { return lab.MadeUp("gsk_", 52) },
	"huggingface": func() string { return lab.MadeUp("hf_", 34) }, "replicate": func() string { return lab.MadeUp("r8_", 37) },
	"deepseek": func() string { return "sk-" + lab.MadeUpOf(hexDigits, 32) }, "netlify-token": func() string { return lab.MadeUp("nfp_", 36) },
	"render-key": func() string { return lab.MadeUp("rnd_", 28) }, "supabase-token": func() string { return "sbp_" + lab.MadeUpOf(hexDigits, 40) },
	"perplexity": func() string { return lab.MadeUp("pplx-", 48) },
	"github":     func() string { return lab.MadeUp("ghp_", 36) },
	"langsmith":  func() string { return "lsv2_pt_" + lab.MadeUpOf(hexDigits, 32) + "_" + lab.MadeUpOf(hexDigits, 10) },
}

func keyOf(s guided.Service, plain string) credential.Credential {
	return credential.Credential{Kind: s.Kind, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(plain)}}
}

// open starts the twin of a row's service, which knows one key.
func open(t *testing.T, s guided.Service, client *httpx.Client) (l *lab.Lab, p *guided.Provider, twin, key string) {
	t.Helper()
	l = providertest.Start(t, lab.Options{})
	twin, _, _, _ = probe.Of(s.Kind)
	key = makers[s.Name]()
	l.Services.Know(twin, key)
	return l, guided.New(s, guided.Config{Base: func(name string) string { return l.URL("services") + "/" + name }, Client: client}), twin, key
}

func retireOp(s guided.Service, twin string) string {
	if s.Revoke == nil {
		return ""
	}
	return twin + " revoke"
}

func TestEveryRowIsTested(t *testing.T) {
	t.Parallel()
	for _, s := range guided.Table() {
		if makers[s.Name] == nil {
			t.Errorf("no key of %s is made up: the row is not tested", s.Name)
		}
	}
}

func TestContract(t *testing.T) {
	t.Parallel()
	for _, s := range guided.Table() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			client := providertest.Client(t)
			providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
				t.Helper()
				l, p, twin, key := open(t, s, client)
				return &providertest.World{
					Lab: l, Twin: "services", Provider: guided.Open(s, guided.Config{Base: func(name string) string { return l.URL("services") + "/" + name }, Client: client}), Secrets: []string{key},
					Issuer: &providertest.IssuerSide{
						RetireOp: retireOp(s, twin), BriefDelete: true, Beside: s.Beside,
						Old: keyOf(s, key), Keys: func() []string { return []string{p.Ref(secret.New(key)).ID} }, VerifyOp: twin, InspectOp: twin,
						Accepts: func(c credential.Credential) bool {
							return l.Services.Knows(twin, c.Part(credential.PartToken).Reveal())
						},
					},
				}
			}})
		})
	}
}

// The old key is dead when the service says so in its own words, and not before.
func TestDeath(t *testing.T) {
	t.Parallel()
	for _, s := range guided.Table() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			l, p, twin, key := open(t, s, providertest.Client(t))
			l.Services.Forget(twin, key)
			if s.Beside {
				return // asked alone nothing is dead: the conformance suite asks as a proof does
			}
			v, err := p.Verify(t.Context(), keyOf(s, key))
			if err != nil || v.Liveness != providers.Dead {
				t.Errorf("%+v, %v", v, err)
			}
			if _, err := p.Inspect(t.Context(), keyOf(s, key)); !errors.Is(err, providers.ErrAuth) || !strings.Contains(err.Error(), "dead already") {
				t.Errorf("inspect: %v", err)
			}
			for _, f := range []lab.Fault{{Status: 401, Body: "<html>"}, {Status: 401, Body: "{}", ContentType: "application/json"}, {Status: 200, Body: "{}", ContentType: "application/json"}} {
				f.Times = 100
				l.Fault("services", twin, f)
				if v, _ := p.Verify(t.Context(), keyOf(s, key)); v.Liveness != providers.Unknown {
					t.Errorf("%d %s: called %s", f.Status, f.Body, v.Liveness)
				}
				l.Calm()
			}
		})
	}
}

// A key goes only to the service whose form it has.
func TestOtherFormsAreNotSent(t *testing.T) {
	t.Parallel()
	for _, s := range guided.Table() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			l, p, _, key := open(t, s, providertest.Client(t))
			for _, bad := range []string{"", key + "~", key[1:], strings.Repeat("ä", len(key))} {
				if v, err := p.Verify(t.Context(), keyOf(s, bad)); err == nil || v.Liveness != providers.Unknown {
					t.Errorf("%d characters: %+v", len(bad), v)
				}
			}
			if n := len(l.Requests()); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestPastedKeyMustFit(t *testing.T) {
	t.Parallel()
	for _, s := range guided.Table() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			p := guided.New(s, guided.Config{})
			was, good := makers[s.Name](), makers[s.Name]()
			old := p.Ref(secret.New(was))
			old.Owner = "jo"
			is, err := p.Pasted(old, secret.New(good))
			if err != nil || is.Ref.Owner != "jo" || !strings.HasSuffix(is.Ref.ID, "…"+good[len(good)-4:]) || is.Credential.Part(credential.PartToken).Reveal() != good {
				t.Errorf("%+v, %v", is, err)
			}
			for _, bad := range []string{"", good + "\n", " " + good, good[:len(good)-9], "<" + good + ">"} {
				if _, err := p.Pasted(old, secret.New(bad)); !errors.Is(err, providers.ErrRefused) || bad != "" && strings.Contains(err.Error(), bad) {
					t.Errorf("%d characters were taken: %v", len(bad), err)
				}
			}
			if len(s.Prefixes) > 1 {
				other := s.Prefixes[0] + good[len(s.Prefixes[len(s.Prefixes)-1]):]
				if probe.Fits(s.Kind, secret.New(other)) && !strings.HasPrefix(was, s.Prefixes[0]) {
					if _, err := p.Pasted(old, secret.New(other)); !errors.Is(err, providers.ErrRefused) {
						t.Errorf("a key of another sort was taken: %v", err)
					}
				}
			}
		})
	}
}

// A person is told where to go, which key is meant, and what ends with what.
func TestGuide(t *testing.T) {
	t.Parallel()
	for _, s := range guided.Table() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			p := guided.New(s, guided.Config{})
			key := makers[s.Name]()
			ref := p.Ref(secret.New(key))
			ref.Owner = "jo@shop.example"
			g := p.Guide(ref)
			if g.Link != s.Link || g.Cuts != s.Cuts || len(g.Make) < 2 || len(g.Retire) < 2 || !strings.Contains(g.Make[0], ref.Owner) {
				t.Errorf("%+v", g)
			}
			if text := strings.Join(g.Retire, "\n"); !strings.Contains(text, key[len(key)-4:]) || strings.Contains(text, key) || strings.Contains(text, "{") {
				t.Errorf("%s", text)
			}
			if s.Cuts == slices.ContainsFunc(g.Make, func(l string) bool { return strings.Contains(strings.ToLower(l), "second") }) {
				t.Error("a second key, where there is only one")
			}
		})
	}
}
