package lab

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Stripe is the twin of Stripe as far as a key can be checked, and of its webhook
// endpoints. Keys are made and deleted only in the Dashboard, which is what the methods
// of this type are: a test plays the person.
type Stripe struct {
	lab     *Lab
	account string
	own     string // may write webhook endpoints, and nothing else

	mu         sync.Mutex
	keys       []string
	narrow     []string // may not read the account
	hooks      []*StripeHook
	page       int
	hooksAgain int
}

func newStripe(l *Lab) *Stripe {
	return &Stripe{lab: l, account: MadeUp("acct_", 16), own: MadeUp("rk_live_", 99)}
}

// Account returns the id of the one account.
func (s *Stripe) Account() string { return s.account }

// MakeKey makes a key that begins with prefix, as a person does in the Dashboard.
func (s *Stripe) MakeKey(prefix string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := MadeUp(prefix, 99)
	s.keys = append(s.keys, key)
	return key
}

// Narrow takes from a key the right to read its account.
func (s *Stripe) Narrow(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.narrow = append(s.narrow, key)
}

// DeleteKey deletes a key, as a person does in the Dashboard.
func (s *Stripe) DeleteKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = slices.DeleteFunc(s.keys, func(k string) bool { return k == key })
}

// Keys returns the keys that work.
func (s *Stripe) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys)
}

// ServeHTTP routes one API request.
func (s *Stripe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v1/")
	if isHooks(r) {
		op = hookOp(r)
	}
	req := Request{Service: "stripe", Op: op, Mutates: r.Method != http.MethodGet}
	s.lab.serve(w, r, req, func(w http.ResponseWriter) { s.answer(w, r, op) }, func(w http.ResponseWriter, f Fault) {
		code := f.Code
		if code == "" {
			code = "planned_fault"
		}
		refuseStripe(w, f.Status, code)
	})
}

func (s *Stripe) answer(w http.ResponseWriter, r *http.Request, op string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case key == s.own && isHooks(r):
		s.answerHooks(w, r)
	case key != s.own && !slices.Contains(s.keys, key):
		refuseStripe(w, http.StatusUnauthorized, "")
	case slices.Contains(s.narrow, key), key == s.own:
		refuseStripe(w, http.StatusForbidden, noRight)
	case op == "GET account":
		writeJSON(w, http.StatusOK, map[string]any{"id": s.account, "object": "account"})
	default:
		refuseStripe(w, http.StatusNotFound, "resource_missing")
	}
}

// noRight is the code for a restricted key that may not make a request.
const noRight = "more_permissions_required"

func refuseStripe(w http.ResponseWriter, status int, code string) {
	message := "refused by the twin"
	switch {
	case status == http.StatusUnauthorized && code == "":
		message = "Invalid API Key provided: sk_****"
	case code == noRight:
		message = "The provided key 'rk_****' does not have the required permissions for this endpoint."
	}
	e := map[string]string{"type": "invalid_request_error", "message": message}
	if code != "" {
		e["code"] = code
	}
	writeJSON(w, status, map[string]any{"error": e})
}
