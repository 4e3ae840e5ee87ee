package probe_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/probe"
)

const page = "<html><body>Request blocked</body></html>"

// lies are what stands between us and a service, or goes wrong at it.
func lies() map[string]lab.Fault {
	json := func(status int, body string) lab.Fault {
		return lab.Fault{Status: status, Body: body, ContentType: "application/json"}
	}
	return map[string]lab.Fault{
		"HTML with 200":               {Status: 200, Body: page},
		"HTML with 200, named JSON":   json(200, page),
		"a firewall's 403":            {Status: 403, Body: page},
		"a firewall's 401":            {Status: 401, Body: page},
		"a firewall's 400":            {Status: 400, Body: page},
		"403 in JSON":                 {Status: 403, Code: "forbidden"},
		"401 in JSON, other words":    {Status: 401, Code: "come back later"},
		"400 in JSON, other words":    {Status: 400, Code: "bad request"},
		"a policy's 401":              json(401, `{"code":403,"message":"Access Denied by policy"}`),
		"a proxy's 401":               json(401, `{"message":"Unauthorized: log in to the proxy","detail":"Unauthorized for guests"}`),
		"200 in JSON, other words":    json(200, `{"ok":1}`),
		"200, an empty list":          json(200, `[]`),
		"200, an empty object":        json(200, `{}`),
		"200, a text":                 json(200, `"fine"`),
		"200, null":                   json(200, `null`),
		"200, nothing":                json(200, ` `),
		"200, broken JSON":            json(200, `{"object":"bal`),
		"200, JSON and more":          json(200, `{"object":"list","data":[]}{}`),
		"200, deep JSON":              json(200, strings.Repeat(`[`, 200_000)),
		"200, huge JSON":              json(200, `{"object":"list","data":[],"x":"`+strings.Repeat("a", 5<<20)+`"}`),
		"401, huge JSON":              json(401, `{"message":"`+strings.Repeat("unauthorized ", 500_000)+`"}`),
		"200 without a type":          {Status: 200, Body: `{"ok":true}`, ContentType: "text/plain"},
		"204":                         json(204, " "),
		"a redirect to nowhere":       {Status: 302, Body: " "},
		"a storm":                     {Status: 429, RetryAfter: "60"},
		"a storm that says nothing":   {Status: 429},
		"a storm of a long wait":      {Status: 429, RetryAfter: "86400"},
		"a storm of nonsense":         {Status: 429, RetryAfter: "-5, soon"},
		"out of order":                {Status: 503, RetryAfter: "1"},
		"an error of its own":         json(500, `{"message":"Unauthorized"}`),
		"hung up":                     {DropBefore: true},
		"hung up after the work":      {DropAfter: true},
		"cut after a byte":            {Cut: true, Keep: 1},
		"cut before the last bracket": {Cut: true, Keep: 10},
		"slow":                        {Delay: time.Hour},
	}
}

// Every probe, every lie: none proves anything, and none makes a key dead or live,
// whether the service knows it or not. The key is in no error.
func TestLiars(t *testing.T) {
	t.Parallel()
	for name, f := range lies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			f.Times = 1000
			for _, known := range []bool{false, true} {
				if len(f.Body) > 1<<20 && known != (f.Status == 200) {
					continue // megabytes for each key: only where they could be believed
				}
				// Each key has a checker of its own: one storm must not spare the next service.
				var wg sync.WaitGroup
				for _, s := range samples() {
					if known {
						s.knownTo(w.lab)
					}
					wg.Go(func() {
						c := w.checker(func(o *probe.Options) {
							if f.Delay > 0 {
								o.Timeout = 50 * time.Millisecond
							}
						})
						for _, service := range []string{s.service, "langsmith", "langsmith_eu", "twocaptcha", "rucaptcha", "twilio", "twilio_ie1", "twilio_au1"} {
							w.lab.Fault("services", service, f)
						}
						v, err := c.Verify(t.Context(), s.key)
						if v.Liveness != providers.Unknown {
							t.Errorf("%s: %+v", s.form, v)
						}
						if err != nil && strings.Contains(err.Error(), value(s.key)) || strings.Contains(v.Detail+v.Code, value(s.key)) {
							t.Errorf("%s: the key is in what is said", s.form)
						}
					})
				}
				wg.Wait()
			}
		})
	}
}

// alike are services that answer in the same form; no test can tell which one spoke.
var alike = [][]string{
	{"openai", "groq", "mistral"}, // OpenAI's dialect
	{"supabase", "render"},        // "Unauthorized" as the message, and nothing else
	{"twilio", "twilio_ie1", "twilio_au1", "twilio_verify"},
	{"langsmith", "langsmith_eu"},
	{"twocaptcha", "rucaptcha"},
	{"huggingface"}, // one service at two addresses
}

// What one service says of a key means nothing when another one says it.
func TestAnswersOfAnotherService(t *testing.T) {
	t.Parallel()
	var body atomic.Pointer[lab.ServiceAnswer]
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a := body.Load()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.Status)
		_, _ = w.Write([]byte(a.Body))
	}))
	t.Cleanup(srv.Close)
	all := samples()
	for _, a := range lab.ServiceAnswers() {
		body.Store(&a)
		for _, s := range all {
			if s.service == a.Service || slices.ContainsFunc(alike, func(l []string) bool { return slices.Contains(l, s.service) && slices.Contains(l, a.Service) }) {
				continue
			}
			c := probe.New(probe.Options{BaseURL: func(string) string { return srv.URL }, AllowPrivate: true, Sleep: func(context.Context, time.Duration) error { return nil }})
			if v, _ := c.Verify(t.Context(), s.key); v.Liveness != providers.Unknown {
				t.Errorf("%s, after %s said %d %s: %+v", s.form, a.Service, a.Status, a.Body, v)
			}
		}
	}
}

// A key is not taken along to another host, whoever redirects.
func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var reached atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	t.Cleanup(elsewhere.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, s := range samples() {
			s.knownTo(w.lab)
			w.lab.Calm()
			for _, service := range lab.ServiceNames() {
				w.lab.Fault("services", service, lab.Fault{Status: status, Header: map[string]string{"Location": elsewhere.URL}, Times: 99})
			}
			v, _ := w.checker(nil).Verify(t.Context(), s.key)
			if v.Liveness != providers.Unknown || reached.Load() {
				t.Fatalf("%s, %d: %+v, the other host was reached: %v", s.form, status, v, reached.Load())
			}
		}
	}
}

// A private address is refused unless it was allowed: nothing is sent to it.
func TestPrivateAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, s := range samples() {
		v, err := w.checker(func(o *probe.Options) { o.AllowPrivate = false }).Verify(t.Context(), s.key)
		if err == nil || v.Liveness != providers.Unknown || len(w.lab.Requests()) != 0 {
			t.Errorf("%s: %+v, %v, %d requests", s.form, v, err, len(w.lab.Requests()))
		}
	}
}
