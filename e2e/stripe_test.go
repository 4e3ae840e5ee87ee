//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
)

// stripeMock starts stripe-mock, which holds each request to Stripe's whole official
// document, and returns its address.
func stripeMock(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("SECRETGUARD_STRIPE_MOCK")
	if bin == "" {
		t.Skip("NOT CHECKED: stripe-mock could not be built, so no request to Stripe was held to its whole document; see what make e2e said")
	}
	return peer(t, bin, func(port string) []string { return []string{"-http-port", port, "-https-port", "0"} })
}

// memory stands behind stripe-mock, which forgets everything and hands out no secret:
// what stripe-mock has accepted happens here.
type memory struct {
	mu      sync.Mutex
	hooks   map[string]map[string]any
	secret  string // of the newest endpoint
	refused []string
}

// remembering puts a memory behind stripe-mock.
func remembering(t *testing.T, mock, first string) (*memory, string) {
	t.Helper()
	m := &memory{hooks: map[string]map[string]any{first: {
		"id": first, "object": "webhook_endpoint", "url": "https://shop.example/stripe", "status": "enabled", "enabled_events": []string{"charge.succeeded", "invoice.paid"},
		"api_version": "2024-06-20", "metadata": map[string]string{}, "created": 1700000000, "livemode": false, "description": "orders",
	}}}
	to, err := url.Parse(mock)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			body, _ := io.ReadAll(r.In.Body)
			r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Out.Header.Set("X-Form", url.QueryEscape(string(body)))
			r.SetURL(to)
		},
		ModifyResponse: m.answer,
	}
	srv := httptest.NewServer(proxy)
	t.Cleanup(srv.Close)
	return m, srv.URL
}

// answer puts what is remembered in the place of stripe-mock's sample. What it refused
// stays refused.
func (m *memory) answer(res *http.Response) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := res.Request
	sample, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		m.refused = append(m.refused, r.Method+" "+r.URL.Path+" "+string(sample))
		res.Body = io.NopCloser(bytes.NewReader(sample))
		return nil
	}
	raw, _ := url.QueryUnescape(r.Header.Get("X-Form"))
	form, _ := url.ParseQuery(raw)
	id := strings.Trim(strings.TrimPrefix(r.URL.Path, "/v1/webhook_endpoints"), "/")
	hook := m.hooks[id]
	var out any = hook
	switch {
	case id == "" && r.Method == http.MethodPost:
		var made map[string]any
		if err := json.Unmarshal(sample, &made); err != nil {
			return err
		}
		made["url"], made["enabled_events"], made["api_version"] = form.Get("url"), form["enabled_events[]"], form.Get("api_version")
		made["metadata"] = map[string]string{"secretguard": form.Get("metadata[secretguard]")}
		m.hooks[made["id"].(string)], m.secret = made, lab.MadeUp("whsec_", 32)
		shown := maps.Clone(made)
		shown["secret"], out = m.secret, shown
	case id == "":
		data := []any{}
		for _, h := range m.hooks {
			data = append(data, h)
		}
		out = map[string]any{"object": "list", "url": "/v1/webhook_endpoints", "has_more": false, "data": data}
	case hook == nil:
		res.StatusCode = http.StatusNotFound
		out = map[string]any{"error": map[string]string{"type": "invalid_request_error", "code": "resource_missing", "message": "No such webhook endpoint"}}
	case r.Method == http.MethodDelete:
		delete(m.hooks, id)
		out = map[string]any{"id": id, "object": "webhook_endpoint", "deleted": true}
	case form.Get("disabled") != "":
		hook["status"] = map[string]string{"true": "disabled", "false": "enabled"}[form.Get("disabled")]
	}
	text, err := json.Marshal(out)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	res.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return err
}

// A webhook's signing secret that leaked is replaced by the built program, from the scan
// to the proof, and stripe-mock accepts each request that it sends.
func TestRotateWebhookAgainstStripeMock(t *testing.T) {
	mock := stripeMock(t)
	const first = "we_1Old"
	leaked := lab.MadeUp("whsec_", 32)
	m, address := remembering(t, mock, first)
	u := leakIn(t, t.TempDir(), "STRIPE_WEBHOOK_SECRET", leaked, map[string]string{
		"SECRETGUARD_STRIPE_URL": address, "STRIPE_API_KEY": "sk_test_" + strings.Repeat("1", 12), "STRIPE_WEBHOOK_ENDPOINTS": first + "=" + leaked[len(leaked)-4:],
	})
	file, _, digest := u.plans(u.finds())
	u.run(0, "rotate", file, "--approve", digest)

	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.refused {
		t.Errorf("stripe-mock refused %s", r)
	}
	if len(m.hooks) != 1 || m.hooks[first] != nil {
		t.Fatalf("endpoints %v, want the second one only", m.hooks)
	}
	for id, h := range m.hooks {
		if h["api_version"] != "2024-06-20" || h["status"] == "disabled" {
			t.Errorf("endpoint %s: %v", id, h)
		}
	}
	if u.stored() != m.secret {
		t.Error("the new secret is not stored")
	}
}
