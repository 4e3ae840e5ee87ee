package examine_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/doctor"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// What an endpoint may answer, and what it shows. It never gets the key itself.
func TestEndpointThatIsHostileOrWrong(t *testing.T) {
	t.Parallel()
	key := lab.MadeUp("k_", 40)
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		status doctor.Status
		text   string
	}{
		"201 and nothing":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }, doctor.Bad, "status 201"},
		"the key":           {echoOf(key), doctor.OK, "has the key"},
		"another key":       {echoOf("other"), doctor.Bad, "another value"},
		"404":               {http.NotFound, doctor.Bad, "no value of this variable"},
		"503":               {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, doctor.Unknown, ""},
		"an echo of all":    {func(w http.ResponseWriter, r *http.Request) { _ = r.Write(w) }, doctor.Bad, "no proof"},
		"a terminal escape": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\x1b[2J{")) }, doctor.Bad, "no proof"},
		"a redirect away": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://other.invalid/", http.StatusTemporaryRedirect)
		}, doctor.Unknown, "redirect"},
		"too much":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 64<<20)) }, doctor.Bad, ""},
		"a cut answer": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, doctor.Unknown, ""},
	} {
		var leaked bool
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			leaked = leaked || strings.Contains(string(body)+fmt.Sprint(r.Header, r.URL), key)
			if r.Method != http.MethodGet || r.URL.Path != providers.EchoPath || len(r.URL.Query().Get("nonce")) < 16 {
				t.Errorf("%s: asked with %s %s", name, r.Method, r.URL)
			}
			tt.answer(w, r)
		}))
		c := config.Consumer{Variables: []string{"KEY"}, Endpoint: &config.Endpoint{URL: server.URL, Proves: []string{"KEY"}}}
		f := here(t, c, map[string]string{"KEY": key})
		server.Close()
		found := false
		for _, x := range doctor.Diagnose([]doctor.Facts{f})[0].Findings {
			if strings.HasPrefix(x.Check, "endpoint.") {
				found = true
				if x.Status != tt.status || !strings.Contains(x.Text, tt.text) || strings.Contains(x.Text, key) || strings.Contains(x.Text, "\x1b") {
					t.Errorf("%s: %+v", name, x)
				}
			}
		}
		if !found || leaked {
			t.Errorf("%s: a finding: %t; the key was sent: %t", name, found, leaked)
		}
	}
}

// echoOf answers as a service that runs with value.
func echoOf(value string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"hmac": %q}`, secret.Echo(secret.New(value), q.Get("variable"), q.Get("nonce")))
	}
}
