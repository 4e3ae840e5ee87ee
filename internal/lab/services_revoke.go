package lab

import (
	"net/http"
	"strings"
)

// revocations are the calls with which a key is taken away by whoever has it.
var revocations = map[string]struct {
	request string
	do      func(*Services, http.ResponseWriter, *http.Request)
}{
	"github":     {"POST /credentials/revoke", (*Services).revokeGitHub},
	"perplexity": {"POST /revoke_auth_token", (*Services).revokePerplexity},
}

// revoke serves such a call; false when the request is none.
func (s *Services) revoke(w http.ResponseWriter, r *http.Request, name, path string) bool {
	call, ok := revocations[name]
	if !ok || r.Method+" /"+path != call.request {
		return false
	}
	s.lab.serve(w, r, Request{Service: "services", Op: name + " revoke", Mutates: true}, func(w http.ResponseWriter) { call.do(s, w, r) }, func(w http.ResponseWriter, f Fault) {
		writeJSON(w, f.Status, map[string]string{"message": "refused by the twin"})
	})
	return true
}

// revokeGitHub takes personal access tokens from anybody, and only from somebody
// without an account; it does not tell which of them it knew.
func (s *Services) revokeGitHub(w http.ResponseWriter, r *http.Request) {
	list, _ := bodyOf(r)["credentials"].([]any)
	switch {
	case r.Header.Get("Authorization") != "":
		writeJSON(w, http.StatusForbidden, map[string]string{"message": "Forbidden"})
		return
	case len(list) == 0 || len(list) > 1000:
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"message": "Validation Failed"})
		return
	}
	for _, one := range list {
		if key, _ := one.(string); strings.HasPrefix(key, "ghp_") || strings.HasPrefix(key, "github_pat_") {
			s.forgetSoon("github", key)
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

// revokePerplexity takes a key of the group that asks.
func (s *Services) revokePerplexity(w http.ResponseWriter, r *http.Request) {
	own, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if s.may("perplexity", own) == "" {
		t := serviceTwins["perplexity"][0]
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(t.bad)
		_, _ = w.Write([]byte(t.badBody)) // the client may be gone
		return
	}
	s.forgetSoon("perplexity", word(bodyOf(r), "auth_token"))
	writeJSON(w, http.StatusOK, map[string]any{})
}
