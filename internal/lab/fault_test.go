package lab_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/aws"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/render"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func renderClient(t *testing.T, l *lab.Lab) *render.Provider {
	t.Helper()
	env := l.Env()
	p, err := render.New(render.Config{Token: secret.New(env["RENDER_API_KEY"]), BaseURL: env["SECRETGUARD_RENDER_URL"], Client: providertest.Client(t)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Each misbehaviour does the effect, or does not, as it says: tests of recovery
// stand on that.
func TestFaultsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		f       lab.Fault
		effect  bool
		succeed bool
	}{
		"none":              {lab.Fault{Skip: 1}, true, true},
		"drop before":       {lab.Fault{DropBefore: true}, false, false},
		"drop after":        {lab.Fault{DropAfter: true}, true, false},
		"hang":              {lab.Fault{Hang: true}, true, false},
		"refuse":            {lab.Fault{Status: 503}, false, false},
		"lie":               {lab.Fault{Status: 503, LieAfter: true}, true, false},
		"page":              {lab.Fault{Status: 200, Body: "<html>"}, false, false},
		"cut at the start":  {lab.Fault{Cut: true}, true, false},
		"cut in the middle": {lab.Fault{Cut: true, Keep: 10}, true, false},
		"cut after the end": {lab.Fault{Cut: true, Keep: 10_000}, true, true},
		"delay":             {lab.Fault{Delay: time.Millisecond}, true, true},
		"too long a delay":  {lab.Fault{Delay: time.Hour}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := providertest.Start(t, lab.Options{})
			web := l.Render.AddService("web", "web_service")
			l.Render.SetVar(web, "KEY", "old")
			p := renderClient(t, l)
			l.Fault("render", "PUT env-vars one", tc.f)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() {
				done <- p.Store(ctx, providers.Placement{Level: "service", Resource: web, Key: "KEY"}, secret.New("new"))
			}()
			if tc.f.Hang || tc.f.Delay == time.Hour {
				for want := map[bool]string{true: "new", false: "old"}[tc.effect]; l.Served() == 0 || l.Render.Value(web, "KEY") != want; {
					if t.Context().Err() != nil {
						t.Fatal("no effect")
					}
				}
				cancel()
			}
			if err := <-done; (err == nil) != tc.succeed {
				t.Errorf("got %v", err)
			}
			if got := l.Render.Value(web, "KEY") == "new"; got != tc.effect {
				t.Errorf("effect %v, want %v", got, tc.effect)
			}
		})
	}
}

// Faults are used up in order, each as often as planned.
func TestFaultsAreUsedUp(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	web := l.Render.AddService("web", "web_service")
	l.Render.SetVar(web, "KEY", "v")
	p := renderClient(t, l)
	l.Fault("render", "PUT env-vars one", lab.Fault{Status: 409, Times: 2, Skip: 1})
	l.Fault("render", "PUT env-vars one", lab.Fault{Status: 429, RetryAfter: "5"})
	var got []error
	for range 5 {
		got = append(got, p.Store(t.Context(), providers.Placement{Level: "service", Resource: web, Key: "KEY"}, secret.New("v")))
	}
	for i, want := range []error{nil, providers.ErrConflict, providers.ErrConflict, providers.ErrRateLimited, nil} {
		if !errors.Is(got[i], want) {
			t.Errorf("call %d: %v, want %v", i, got[i], want)
		}
	}
}

func awsClient(t *testing.T, l *lab.Lab) *aws.Provider {
	t.Helper()
	env := l.Env()
	p, err := aws.New(aws.Config{
		KeyID: env["AWS_ACCESS_KEY_ID"], Secret: secret.New(env["AWS_SECRET_ACCESS_KEY"]), Client: providertest.Client(t),
		IAMEndpoint: l.URL("aws"), STSEndpoint: l.URL("aws"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Dials of the AWS twin, seen through the real client.
func TestAWSDials(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	id, sec := l.AWS.CreateKey("bot")
	old := credential.Credential{Kind: credential.AWSAccessKey, ID: id, Parts: map[credential.Part]secret.Text{
		credential.PartID: secret.New(id), credential.PartSecret: secret.New(sec),
	}}
	p := awsClient(t, l)
	req := providers.IssueRequest{Old: providers.KeyRef{ID: id, Owner: "bot"}, Before: []string{id}}

	l.AWS.SameAgain(1)
	same, err := p.Issue(t.Context(), req)
	if err != nil || same.Ref.ID != id || len(l.AWS.Keys("bot")) != 1 {
		t.Errorf("the same key again: %+v, %v", same.Ref, err)
	}
	l.AWS.StaleList(time.Hour)
	fresh, err := p.Issue(t.Context(), req)
	if err != nil || fresh.Ref.ID == id {
		t.Fatalf("a new key: %+v, %v", fresh.Ref, err)
	}
	if rec, err := p.Reconcile(t.Context(), req); err != nil || rec.Outcome != providers.NotApplied {
		t.Errorf("a stale listing does not show it: %+v, %v", rec, err)
	}
	l.AWS.StaleList(0)
	for _, page := range []int{1, 2} {
		l.AWS.PageSize(page)
		st, err := p.Inspect(t.Context(), old)
		if err != nil || len(st.Siblings) != 1 || st.Siblings[0].Ref.ID != fresh.Ref.ID {
			t.Errorf("pages of %d: %+v, %v", page, st, err)
		}
	}
	if _, err := p.Issue(t.Context(), req); !errors.Is(err, providers.ErrQuota) {
		t.Errorf("a third key: %v", err)
	}
	if err := p.Disable(t.Context(), fresh.Ref); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Issue(t.Context(), req); !errors.Is(err, providers.ErrQuota) {
		t.Errorf("an inactive key counts too: %v", err)
	}
}

// send is for what our clients never send.
func send(t *testing.T, method, url, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := providertest.Client(t).HTTP().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// A client that used the dangerous calls of Netlify would be found out: PUT
// replaces every value, also by a mask, and scopes need another plan.
func TestNetlifyDangers(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	n := l.Netlify
	site := n.AddSite("shop")
	for _, context := range []string{"production", "deploy-preview"} {
		n.SetVar(site, "KEY", context, "value", true)
		n.SetVar(site, "PLAIN", context, "value", false)
	}
	env := l.Env()
	at := env["SECRETGUARD_NETLIFY_URL"] + "/accounts/shop-team/env/"
	query, token := "?site_id="+site, env["NETLIFY_AUTH_TOKEN"]
	if code, body := send(t, "GET", at+"KEY"+query, token, ""); code != 200 || strings.Contains(body, `"value"`+`:"value"`) || !strings.Contains(body, "****") {
		t.Errorf("a secret reads as %d %s", code, body)
	}
	if code, body := send(t, "GET", at+"PLAIN"+query, token, ""); code != 200 || !strings.Contains(body, "post_processing") {
		t.Errorf("scopes are spelt %d %s", code, body)
	}
	if code, body := send(t, "PUT", at+"PLAIN"+query, token, `{"key":"PLAIN","scopes":["builds"],"values":[]}`); code != 403 || !strings.Contains(body, "Upgrade your Netlify account") {
		t.Errorf("scopes: %d %s", code, body)
	}
	for body, want := range map[string]int{
		`{"context":"production"}`:                              422,
		`{"context":"branch","value":"x"}`:                      422,
		`{"context":"nowhere","value":"x"}`:                     422,
		`{"context":"all","value":"x"}`:                         422, // a secret needs explicit contexts
		`{"context":"production","value":"new"}`:                201,
		`{"context":"dev","context_parameter":"x","value":"x"}`: 422,
	} {
		if code, text := send(t, "PATCH", at+"KEY"+query, token, body); code != want {
			t.Errorf("%s: %d %s, want %d", body, code, text, want)
		} else if code == 422 && strings.Contains(text, "message") {
			t.Errorf("errors of these endpoints have msg alone: %s", text)
		}
	}
	if code, _ := send(t, "PUT", at+"KEY"+query, token, `{"key":"KEY","values":[{"context":"production","value":"****************"}]}`); code != 200 {
		t.Errorf("put: %d", code)
	}
	if n.Value(site, "KEY", "production") != "****************" || n.Value(site, "KEY", "deploy-preview") != "" {
		t.Error("PUT replaces every value, also by a mask")
	}
}

func TestRenderRefusals(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	web, cron := l.Render.AddService("web", "web_service"), l.Render.AddService("cron", "cron_job")
	env := l.Env()
	at, token := env["SECRETGUARD_RENDER_URL"], env["RENDER_API_KEY"]
	for _, tc := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/services/" + web + "/deploys", "", 400},
		{"POST", "/services/" + web + "/deploys", "{}", 201},
		{"POST", "/services/" + cron + "/deploys", "{}", 202},
		{"POST", "/services/" + cron + "/deploys", `{"commitId":"abc"}`, 400},
		{"POST", "/services/" + web + "/deploys", `{"deployMode":"deploy_only","clearCache":"clear"}`, 400},
		{"PUT", "/services/" + web + "/env-vars/KEY", `{"value":""}`, 400},
		{"PUT", "/services/" + web + "/env-vars/KEY", `{"value":"x"}`, 200},
		{"PUT", "/services/" + web + "/secret-files/a.env", `{"content":"x"}`, 201},
		{"PUT", "/services/" + web + "/env-vars", `[]`, 404}, // the call that replaces all is not there at all
		{"DELETE", "/services/" + web + "/env-vars/KEY", "", 204},
		{"GET", "/services/" + web + "/env-vars/KEY", "", 404},
		{"GET", "/services/srv-none", "", 404},
	} {
		if code, body := send(t, tc.method, at+tc.path, token, tc.body); code != tc.want {
			t.Errorf("%s %s %s: %d %s, want %d", tc.method, tc.path, tc.body, code, body, tc.want)
		}
	}
	if code, _ := send(t, "GET", at+"/services", "wrong", ""); code != 401 {
		t.Errorf("a wrong token: %d", code)
	}
}

// Requests are recorded without headers and bodies.
func TestRequestsHoldNoSecret(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	web := l.Render.AddService("web", "web_service")
	value := lab.MadeUp("", 40)
	l.Render.SetVar(web, "KEY", "old")
	if err := renderClient(t, l).Store(t.Context(), providers.Placement{Level: "service", Resource: web, Key: "KEY"}, secret.New(value)); err != nil {
		t.Fatal(err)
	}
	reqs := l.Requests()
	if len(reqs) != 1 || !reqs[0].Mutates || reqs[0].Op != "PUT env-vars one" {
		t.Fatalf("recorded %+v", reqs)
	}
	if all := []string{reqs[0].URL, reqs[0].Path, reqs[0].Op}; slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, value) }) {
		t.Error("a value was recorded")
	}
}
