package stripe_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/stripe"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

func hookSecret(plain string) credential.Credential {
	return credential.Credential{Kind: credential.StripeWebhook, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(plain)}}
}

// shopHook is an endpoint with everything that must be copied.
func shopHook(l *lab.Lab) lab.StripeHook {
	return l.Stripe.AddHook(lab.StripeHook{
		URL: "https://shop.example/stripe?tenant=7", Version: "2024-06-20", Description: "orders", Events: []string{"charge.succeeded", "invoice.paid"},
		Metadata: map[string]string{"team": "shop"},
	})
}

func openHooks(t *testing.T, l *lab.Lab, client *httpx.Client, change func(*stripe.WebhookConfig)) providers.Provider {
	t.Helper()
	cfg := stripe.WebhookConfig{Key: secret.New(l.Stripe.Own()), Endpoints: l.Env()["STRIPE_WEBHOOK_ENDPOINTS"], BaseURL: l.URL("stripe"), Client: client}
	if change != nil {
		change(&cfg)
	}
	p, err := stripe.NewWebhook(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hookWorld(t *testing.T, o lab.Options, client *httpx.Client) *providertest.World {
	t.Helper()
	l := providertest.Start(t, o)
	h := shopHook(l)
	byID := func(id string) (lab.StripeHook, bool) {
		list := l.Stripe.Hooks()
		i := slices.IndexFunc(list, func(x lab.StripeHook) bool { return x.ID == id })
		if i < 0 {
			return lab.StripeHook{}, false
		}
		return list[i], true
	}
	return &providertest.World{
		Lab: l, Twin: "stripe", Provider: openHooks(t, l, client, nil), Secrets: []string{h.Secret, l.Stripe.Own()},
		Issuer: &providertest.IssuerSide{
			Old: hookSecret(h.Secret),
			Keys: func() (ids []string) {
				for _, h := range l.Stripe.Hooks() {
					ids = append(ids, h.ID)
				}
				return ids
			},
			Accepts: func(c credential.Credential) bool {
				x, there := byID(c.ID)
				if c.ID == "" {
					x, there = byID(h.ID)
				}
				return there && !x.Disabled && x.Secret == c.Part(credential.PartToken).Reveal()
			},
			VerifyOp: "GET webhook_endpoints one", InspectOp: "GET webhook_endpoints", IssueOp: "POST webhook_endpoints", ListOp: "GET webhook_endpoints",
			DisableOp: "POST webhook_endpoints one", DeleteOp: "DELETE webhook_endpoints one",
		},
	}
}

func TestWebhookContract(t *testing.T) {
	t.Parallel()
	client := providertest.Client(t)
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		return hookWorld(t, lab.Options{}, client)
	}})
}

func inspectHook(t *testing.T, p providers.Provider, plain string) (providers.KeyState, error) {
	t.Helper()
	in, ok := providers.As[providers.Inspector](p)
	if !ok {
		t.Fatal("no inspector")
	}
	return in.Inspect(t.Context(), hookSecret(plain))
}

// The second endpoint is like the first one: without its version events would have
// another form, without "connect" it would hear of other accounts' events.
func TestSecondEndpointIsLikeTheFirst(t *testing.T) {
	t.Parallel()
	for _, connect := range []bool{false, true} {
		l := providertest.Start(t, lab.Options{})
		old := shopHook(l)
		p := openHooks(t, l, providertest.Client(t), func(cfg *stripe.WebhookConfig) {
			if connect {
				cfg.Connect = "we_other," + old.ID
			}
		})
		st, err := inspectHook(t, p, old.Secret)
		if err != nil {
			t.Fatal(err)
		}
		is, _ := providers.As[providers.Issuer](p)
		got, err := is.Issue(t.Context(), providers.IssueRequest{Old: st.Key.Ref, Name: "sg_r_1"})
		if err != nil {
			t.Fatal(err)
		}
		fresh := l.Stripe.Hooks()[1]
		if fresh.ID != got.Ref.ID || fresh.URL != old.URL || fresh.Version != old.Version || fresh.Description != old.Description || !slices.Equal(fresh.Events, old.Events) || fresh.Connect != connect {
			t.Errorf("made %+v", fresh)
		}
		if !maps.Equal(fresh.Metadata, map[string]string{"team": "shop", "secretguard": "sg_r_1"}) {
			t.Errorf("metadata %v", fresh.Metadata)
		}
		if got.Ref.Owner != "shop.example/stripe" {
			t.Errorf("owner %q: a query may hold a secret", got.Ref.Owner)
		}
	}
}

// Which endpoint a secret is of is a person's word; without it nothing is guessed, also
// where there is only one.
func TestWhichEndpoint(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	one, two := shopHook(l), shopHook(l)
	for name, tc := range map[string]struct{ setting, want string }{
		"not told":     {"", ""},
		"the second":   {one.ID + "=zzzz," + two.ID + "=" + two.Secret[len(two.Secret)-6:], two.ID},
		"told twice":   {one.ID + "=" + two.Secret[len(two.Secret)-4:] + " " + two.ID + "=" + two.Secret[len(two.Secret)-4:], ""},
		"another end":  {two.ID + "=" + two.Secret[len(two.Secret)-5:len(two.Secret)-1], ""},
		"not there":    {"we_gone=" + two.Secret[len(two.Secret)-4:], "-"},
		"as it stands": {l.Env()["STRIPE_WEBHOOK_ENDPOINTS"], two.ID},
	} {
		p := openHooks(t, l, providertest.Client(t), func(cfg *stripe.WebhookConfig) { cfg.Endpoints = tc.setting })
		st, err := inspectHook(t, p, two.Secret)
		switch tc.want {
		case "":
			if !errors.Is(err, providers.ErrRefused) || !strings.Contains(err.Error(), "STRIPE_WEBHOOK_ENDPOINTS") {
				t.Errorf("%s: %+v, %v", name, st.Key.Ref, err)
			}
			v, _ := providers.As[providers.Verifier](p)
			if got, err := v.Verify(t.Context(), hookSecret(two.Secret)); err == nil || got.Liveness != providers.Unknown {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		case "-":
			if !errors.Is(err, providers.ErrNotFound) {
				t.Errorf("%s: %+v, %v", name, st.Key.Ref, err)
			}
		default:
			if err != nil || st.Key.Ref.ID != tc.want || len(st.Siblings) != 1 || len(st.Warnings) == 0 {
				t.Errorf("%s: %+v, %v", name, st, err)
			}
		}
	}
	for _, bad := range []string{"we_1", "we_1=abc", "1=abcd", one.ID + "=" + one.Secret} {
		if _, err := stripe.NewWebhook(stripe.WebhookConfig{Key: secret.New("rk"), Endpoints: bad}); err == nil || strings.Contains(err.Error(), one.Secret) {
			t.Errorf("%d characters were taken: %v", len(bad), err)
		}
	}
}

// An endpoint of a Connect application may hear of others' events: not guessed.
func TestConnectIsNotGuessed(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	h := l.Stripe.AddHook(lab.StripeHook{URL: "https://shop.example/c", Application: "ca_1", Events: []string{"*"}})
	if _, err := inspectHook(t, openHooks(t, l, providertest.Client(t), nil), h.Secret); !errors.Is(err, providers.ErrRefused) || !strings.Contains(err.Error(), "STRIPE_WEBHOOK_CONNECT="+h.ID) {
		t.Errorf("got %v", err)
	}
	p := openHooks(t, l, providertest.Client(t), func(cfg *stripe.WebhookConfig) { cfg.Connect = h.ID })
	if _, err := inspectHook(t, p, h.Secret); err != nil {
		t.Error(err)
	}
}

// All pages are looked at, and an account that is full is told of.
func TestWebhookPages(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	first := shopHook(l)
	for range 15 {
		shopHook(l)
	}
	l.Stripe.HookPages(3)
	p := openHooks(t, l, providertest.Client(t), nil)
	st, err := inspectHook(t, p, first.Secret)
	if err != nil || len(st.Siblings) != 15 || !strings.Contains(fmt.Sprint(st.Warnings), "16 endpoints") {
		t.Fatalf("%+v, %v", st, err)
	}
	is, _ := providers.As[providers.Issuer](p)
	if _, err := is.Issue(t.Context(), providers.IssueRequest{Old: st.Key.Ref, Name: "sg_r_1"}); !errors.Is(err, providers.ErrRefused) {
		t.Errorf("got %v", err)
	}
}

// Dead is only what Stripe itself says of the endpoint.
func TestWebhookDeath(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		f    lab.Fault
		want providers.Liveness
	}{
		"a proxy's 404":       {lab.Fault{Status: 404, Body: "<html>"}, providers.Unknown},
		"another 404 in JSON": {lab.Fault{Status: 404, Body: `{"message":"Not Found"}`, ContentType: "application/json"}, providers.Unknown},
		"another endpoint":    {lab.Fault{Status: 200, Body: `{"id":"we_x","url":"https://x.example","status":"disabled"}`, ContentType: "application/json"}, providers.Unknown},
		"a word we lack":      {lab.Fault{Status: 200, Body: `{"id":"ID","url":"https://x.example","status":"paused"}`, ContentType: "application/json"}, providers.Unknown},
		"our access is gone":  {lab.Fault{Status: 401}, providers.Unknown},
		"gone":                {lab.Fault{Status: 404, Code: "resource_missing"}, providers.Dead},
	} {
		w := hookWorld(t, lab.Options{}, providertest.Client(t))
		tc.f.Times, tc.f.Body = 100, strings.ReplaceAll(tc.f.Body, "ID", w.Issuer.Keys()[0])
		w.Lab.Fault("stripe", "GET webhook_endpoints one", tc.f)
		v, _ := providers.As[providers.Verifier](w.Provider)
		if got, err := v.Verify(t.Context(), w.Issuer.Old); got.Liveness != tc.want || (err == nil) != (tc.want == providers.Dead) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// Our requests and the twin's answers are those of Stripe's own document.
func TestWebhookDocument(t *testing.T) {
	t.Parallel()
	c := providertest.OpenContract(t, "stripe-trimmed-openapi.json", "stripe", "/")
	w := hookWorld(t, lab.Options{Wrap: c.Wrap}, providertest.Client(t))
	ref, err := inspectHook(t, w.Provider, w.Issuer.Old.Part(credential.PartToken).Reveal())
	if err != nil {
		t.Fatal(err)
	}
	is, _ := providers.As[providers.Issuer](w.Provider)
	v, _ := providers.As[providers.Verifier](w.Provider)
	dis, _ := providers.As[providers.Disabler](w.Provider)
	del, _ := providers.As[providers.Deleter](w.Provider)
	key := ref.Key.Ref
	_, issued := is.Issue(t.Context(), providers.IssueRequest{Old: key, Name: "sg_r_1"})
	for i, err := range []error{issued, dis.Disable(t.Context(), key), dis.Enable(t.Context(), key), del.Delete(t.Context(), key), del.Delete(t.Context(), key)} {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if got, err := v.Verify(t.Context(), w.Issuer.Old); err != nil || got.Liveness != providers.Dead {
		t.Errorf("%+v, %v", got, err)
	}
	c.Check(t, "GetWebhookEndpoints 200", "PostWebhookEndpoints 200", "GetWebhookEndpointsWebhookEndpoint 200", "PostWebhookEndpointsWebhookEndpoint 200", "DeleteWebhookEndpointsWebhookEndpoint 200")
}

// The whole story: the second endpoint, the consumers, the end of the first one; the
// answer that made it was lost once.
func TestWebhookRotation(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := shopHook(w.Lab)
	w.Reg = rotatetest.Registry(t, w.Lab.Env(), 0)
	w.Lab.Netlify.SetVar(w.Estate.Site, "STRIPE_WEBHOOK_SECRET", "production", old.Secret, false)
	w.Leaked = hookSecret(old.Secret)
	w.Lab.Fault("stripe", "POST webhook_endpoints", lab.Fault{DropAfter: true})
	plan, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L1 })
	if err != nil {
		t.Fatal(err)
	}
	left := w.Lab.Stripe.Hooks()
	if len(left) != 1 || left[0].ID == old.ID || left[0].Disabled || !strings.HasPrefix(left[0].Metadata["secretguard"], "sg_r_") {
		t.Fatalf("endpoints %+v", left)
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "STRIPE_WEBHOOK_SECRET", "production"); got != left[0].Secret {
		t.Error("the new secret is not stored")
	}
	if s := w.Snapshot(plan.ID); s.Status != rotate.RunDone || s.Proof == nil || s.Proof.Code != "HTTP 404" {
		t.Errorf("run is %s: %s; proof %+v", s.Status, s.Problem, s.Proof)
	}
	if w.Count("POST webhook_endpoints one") == 0 {
		t.Error("the old endpoint was not disabled first")
	}
}
