package probe_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/probe"
)

// answering asks about a key at a server that gives one answer.
func answering(t *testing.T, s sample, status int, header, body string) providers.Verdict {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, name := range []string{"X-OAuth-Scopes", "Openai-Organization", "Openai-Project", "Anthropic-Organization-Id"} {
			w.Header().Set(name, header)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	defer srv.Close()
	c := probe.New(probe.Options{BaseURL: func(string) string { return srv.URL }, AllowPrivate: true, Sleep: func(context.Context, time.Duration) error { return nil }})
	v, err := c.Verify(t.Context(), s.key)
	if err != nil && strings.Contains(err.Error(), value(s.key)) {
		t.Error("the key is in the error")
	}
	return v
}

// A service that repeats the key, or says something endless, where whom the key speaks for
// should stand: the key is masked, and not much is taken.
func TestAnAnswerThatRepeatsTheKey(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"openai", "github", "xai", "huggingface", "slack"} {
		s := of(form)
		for _, a := range lab.ServiceAnswers() {
			if a.Service != s.service || a.Status != http.StatusOK {
				continue
			}
			for _, name := range []string{value(s.key), "key " + value(s.key) + " of jo", strings.Repeat("é", 5000), strings.Repeat("x", 190) + value(s.key)} {
				body := a.Body
				for _, old := range []string{`"jo"`, `"ci"`, `"t1"`, `"shop"`, `"bot"`, `"6"`} {
					body = strings.ReplaceAll(body, old, `"`+name+`"`)
				}
				v := answering(t, s, a.Status, name, body)
				all := v.Identity.Account + v.Identity.Who + v.Identity.Project + v.Identity.Scopes + v.Detail + v.Code
				if strings.Contains(all, value(s.key)[:12]) || len(all) > 1000 {
					t.Errorf("%s: %d bytes of %+v", form, len(all), v)
				}
			}
		}
	}
}

// Whatever a service answers: no panic, no key in what is said, and live or dead only with
// a grade.
func FuzzAnswer(f *testing.F) {
	for i, a := range lab.ServiceAnswers() {
		f.Add(i, a.Status, a.Body)
	}
	for i, l := range []string{`{"errorId":{},"balance":[]}`, `[[]]`, `{"data":{"me":[{"id":1}]}}`, `{"object":{"list":1},"data":1}`, `{"error":{"details":[[]]}}`, `{"ok":[],"team_id":{}}`} {
		f.Add(i, 200, l)
	}
	all := samples()
	f.Fuzz(func(t *testing.T, which, status int, body string) {
		if status < 200 || status > 599 || len(body) > 10_000 {
			return
		}
		s := all[uint(which)%uint(len(all))]
		v := answering(t, s, status, "x", body)
		if v.Liveness != providers.Unknown && v.Grade == providers.GradeNone {
			t.Errorf("%s: %+v without a grade", s.form, v)
		}
		if strings.Contains(v.Identity.Account+v.Identity.Who+v.Identity.Project+v.Identity.Scopes+v.Detail+v.Code, value(s.key)) {
			t.Errorf("%s: the key is in what is said", s.form)
		}
	})
}
