package render_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/render"
	"github.com/secretguard/secretguard/internal/secret"
)

// exchange is one request to the real Render API and its answer, from the
// cassettes of render-oss/terraform-provider-render.
type exchange struct {
	Request struct {
		Method, Path string
		Body         json.RawMessage
	}
	Response struct {
		Status  int
		Headers map[string]string
		Body    json.RawMessage
	}
}

// replay answers with recorded exchanges. What was not recorded comes from
// extra, by method and path; anything else fails the test.
type replay struct {
	t     *testing.T
	tape  []exchange
	extra map[string]string

	mu   sync.Mutex
	used []string
}

func (r *replay) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, _ := io.ReadAll(q.Body)
	name := q.Method + " " + q.URL.Path
	for _, x := range r.tape {
		at, err := url.Parse(x.Request.Path)
		if err != nil || x.Request.Method != q.Method || at.Path != q.URL.Path || at.Query().Get("cursor") != q.URL.Query().Get("cursor") {
			continue
		}
		if q.Method == http.MethodPut && string(compact(body)) != string(compact(x.Request.Body)) {
			r.t.Errorf("%s: sent %s, recorded was %s", name, body, x.Request.Body)
		}
		r.used = append(r.used, name)
		for k, v := range x.Response.Headers {
			w.Header().Set(k, v)
		}
		w.WriteHeader(x.Response.Status)
		if string(x.Response.Body) != "null" {
			_, _ = w.Write(x.Response.Body)
		}
		return
	}
	if text, ok := r.extra[name]; ok {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, text)
		return
	}
	r.t.Errorf("%s was neither recorded nor added", name)
	w.WriteHeader(http.StatusTeapot)
}

func compact(b []byte) []byte {
	var v any
	_ = json.Unmarshal(b, &v)
	out, _ := json.Marshal(v)
	return out
}

func openReplay(t *testing.T, extra map[string]string) (*replay, *render.Provider) {
	t.Helper()
	r := &replay{t: t, extra: extra}
	if err := json.Unmarshal(providertest.Spec(t, "render-recorded-interactions.json"), &r.tape); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	p, err := render.New(render.Config{Token: secret.New("none"), BaseURL: s.URL + "/v1", Client: providertest.Client(t)})
	if err != nil {
		t.Fatal(err)
	}
	return r, p
}

const (
	recordedService = "srv-cu2k4j3qf0us73fbv7u0"
	recordedGroup   = "evg-crbps4bqf0us73dfggr0"
)

// A search over the recorded service and group: pages end with an empty one,
// cursors are opaque, a group's answer is whole.
func TestRecordedSearch(t *testing.T) {
	t.Parallel()
	r, p := openReplay(t, map[string]string{
		"GET /v1/owners":     `[{"owner":{"id":"tea-cspvinogph6c73ft00h0","name":"Shop","email":"jo@shop.invalid","type":"team"},"cursor":"x"}]`,
		"GET /v1/env-groups": `[{"id":"` + recordedGroup + `","name":"my-environment-group","ownerId":"some-owner-id","serviceLinks":[]}]`,
	})
	// The recorded list was of one cursor; the next page is the documented empty one.
	var last exchange
	last.Request.Method, last.Request.Path = "GET", "/v1/services?cursor=-oJLKv3lnsg0ajNxZjB1czczZmJ2N3Uw"
	last.Response.Status, last.Response.Headers, last.Response.Body = 200, map[string]string{"Content-Type": "application/json"}, json.RawMessage("[]")
	owners := last
	owners.Request.Path = "/v1/owners?cursor=x"
	r.tape = append(r.tape, last, owners)
	want := func(v string) []providers.Wanted {
		return []providers.Wanted{{Part: credential.PartToken, Value: secret.New(v)}}
	}
	for value, place := range map[string]string{
		"val1":                      "render/tea-cspvinogph6c73ft00h0/service/" + recordedService + "/key1//",
		"example-database-url":      "render/some-owner-id/env-group/" + recordedGroup + "/DATABASE_URL//",
		"content2":                  "gap: render secret file file2 of background-worker",
		"example-secret-access-key": "gap: render secret file secrets.json of my-environment-group",
	} {
		found, err := p.Locate(t.Context(), want(value))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, pl := range found.Placements {
			got = append(got, pl.ID())
		}
		for _, g := range found.Gaps {
			got = append(got, "gap: "+g.What)
		}
		if !slices.Equal(got, []string{place}) {
			t.Errorf("%s: found %q, want %q", value, got, place)
		}
	}
	for _, name := range []string{
		"GET /v1/services", "GET /v1/services/" + recordedService + "/env-vars", "GET /v1/services/" + recordedService + "/secret-files", "GET /v1/env-groups/" + recordedGroup,
	} {
		if !slices.Contains(r.used, name) {
			t.Errorf("%s was not replayed", name)
		}
	}
}

// A group answers a change with itself, and what is sent is what was recorded.
func TestRecordedStore(t *testing.T) {
	t.Parallel()
	r, p := openReplay(t, nil)
	for key, value := range map[string]string{"key1": "new-value", "new-key": "some-value"} {
		pl := providers.Placement{Provider: "render", Level: "env-group", Resource: recordedGroup, Key: key}
		if err := p.Store(t.Context(), pl, secret.New(value)); err != nil {
			t.Error(err)
		}
	}
	if len(r.used) != 2 {
		t.Errorf("replayed %v", r.used)
	}
}

// Deploys as they were answered: with nulls in them, and with nothing at all.
func TestRecordedDeploys(t *testing.T) {
	t.Parallel()
	deploys := "GET /v1/services/" + recordedService + "/deploys"
	_, p := openReplay(t, map[string]string{deploys: "[]"})
	got, err := p.Start(t.Context(), providers.Target{ID: recordedService, Name: "background-worker"})
	if err != nil || !strings.HasPrefix(got.ID, "dep-") || got.State != "pre_deploy_in_progress" || got.Phase != providers.PhaseRunning {
		t.Errorf("start: %+v, %v", got, err)
	}
	// A cron job answered 202 with an empty body.
	cron := "/v1/services/crn-d0ibji4funbc73fd4h30"
	_, p = openReplay(t, map[string]string{
		"GET " + cron:              `{"id":"crn-d0ibji4funbc73fd4h30","name":"cron","type":"cron_job","autoDeploy":"no","suspended":"not_suspended"}`,
		"GET " + cron + "/deploys": "[]",
	})
	_, err = p.Start(t.Context(), providers.Target{ID: "crn-d0ibji4funbc73fd4h30", Name: "cron"})
	if !errors.Is(err, providers.ErrAmbiguous) {
		t.Errorf("a deploy that is queued and not listed: %v", err)
	}
}
