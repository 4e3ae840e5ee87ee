package lab

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// StripeHook is a webhook endpoint as Stripe keeps it; whoever reads one through the
// API sees neither Secret nor Connect.
type StripeHook struct {
	ID, URL, Version, Description, Application, Secret string
	Events                                             []string
	Metadata                                           map[string]string
	Connect, Disabled                                  bool
	made, gone, set                                    time.Time // set: enabled or disabled
}

// answers reports whether Stripe knows an endpoint when it is asked for by its id: it
// takes a while until all of it knows of a change.
func (h *StripeHook) answers(o Options) bool {
	if !h.gone.IsZero() {
		return time.Since(h.gone) < o.DisableDelay
	}
	return time.Since(h.made) >= o.KeyDelay
}

// mostHooks is how many endpoints an account may have.
const mostHooks = 16

// AddHook adds an endpoint that is a day old and returns it with its secret.
func (s *Stripe) AddHook(h StripeHook) StripeHook {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.made = time.Now().Add(-24 * time.Hour)
	return *s.addHook(h)
}

func (s *Stripe) addHook(h StripeHook) *StripeHook {
	h.ID, h.Secret = MadeUp("we_", 24), MadeUp("whsec_", 32)
	if s.hooksAgain > 0 { // a service that hands out what it has handed out before
		s.hooksAgain--
		h.Secret = s.hooks[0].Secret
	}
	s.hooks = append(s.hooks, &h)
	return &h
}

// Hooks returns the endpoints, oldest first.
func (s *Stripe) Hooks() []StripeHook {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []StripeHook
	for _, h := range s.standing() {
		out = append(out, *h)
	}
	return out
}

// standing lists the endpoints that were not deleted; the caller holds the lock.
func (s *Stripe) standing() []*StripeHook {
	return slices.DeleteFunc(slices.Clone(s.hooks), func(h *StripeHook) bool { return !h.gone.IsZero() })
}

// HookPages bounds how many endpoints one page of a listing holds.
func (s *Stripe) HookPages(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.page = n
}

// SameHookSecret lets the next n calls hand out the first endpoint's secret.
func (s *Stripe) SameHookSecret(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooksAgain = n
}

// hookEnds is the operator's word on which endpoint a secret is of.
func (s *Stripe) hookEnds() string {
	var out []string
	for _, h := range s.Hooks() {
		out = append(out, h.ID+"="+h.Secret[len(h.Secret)-4:])
	}
	return strings.Join(out, ",")
}

// Own returns the operator's key, which Lab.Env names: it may write endpoints.
func (s *Stripe) Own() string { return s.own }

// hookOp names a request to the endpoints' API.
func hookOp(r *http.Request) string {
	op := r.Method + " webhook_endpoints"
	if hookID(r) != "" {
		op += " one"
	}
	return op
}

func hookID(r *http.Request) string {
	id, _ := strings.CutPrefix(strings.TrimPrefix(r.URL.Path, "/v1/webhook_endpoints"), "/")
	return id
}

func isHooks(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v1/webhook_endpoints") }

// answerHooks serves the endpoints' API to the operator's key; the caller holds the lock.
func (s *Stripe) answerHooks(w http.ResponseWriter, r *http.Request) {
	if id := hookID(r); id != "" {
		s.oneHook(w, r, id)
		return
	}
	if r.Method == http.MethodGet {
		s.listHooks(w, r)
		return
	}
	if err := r.ParseForm(); err != nil || r.PostForm.Get("url") == "" || len(r.PostForm["enabled_events[]"]) == 0 {
		refuseStripe(w, http.StatusBadRequest, "parameter_missing")
		return
	}
	if len(s.standing()) >= mostHooks {
		refuseStripe(w, http.StatusBadRequest, "")
		return
	}
	form := r.PostForm
	h := s.addHook(StripeHook{
		URL: form.Get("url"), Version: form.Get("api_version"), Description: form.Get("description"), Events: form["enabled_events[]"],
		Connect: form.Get("connect") == "true", Metadata: metadata(form), made: time.Now(),
	})
	out := h.json()
	out["secret"] = h.Secret
	writeJSON(w, http.StatusOK, out)
}

func metadata(form url.Values) map[string]string {
	out := map[string]string{}
	for name := range form {
		if key, ok := strings.CutPrefix(name, "metadata["); ok {
			out[strings.TrimSuffix(key, "]")] = form.Get(name)
		}
	}
	return out
}

func (s *Stripe) oneHook(w http.ResponseWriter, r *http.Request, id string) {
	i := slices.IndexFunc(s.hooks, func(h *StripeHook) bool { return h.ID == id })
	if i < 0 || r.Method == http.MethodGet && !s.hooks[i].answers(s.lab.opts) || r.Method != http.MethodGet && !s.hooks[i].gone.IsZero() {
		refuseStripe(w, http.StatusNotFound, "resource_missing")
		return
	}
	switch r.Method {
	case http.MethodDelete:
		s.hooks[i].gone = time.Now()
		writeJSON(w, http.StatusOK, map[string]any{"id": id, "object": "webhook_endpoint", "deleted": true})
		return
	case http.MethodPost:
		if err := r.ParseForm(); err != nil {
			refuseStripe(w, http.StatusBadRequest, "parameter_invalid")
			return
		}
		if v := r.PostForm.Get("disabled"); v != "" {
			if now := v == "true"; now != s.hooks[i].Disabled {
				s.hooks[i].Disabled, s.hooks[i].set = now, time.Now()
			}
		}
	}
	seen := *s.hooks[i]
	if wait := s.lab.opts.DisableDelay; r.Method == http.MethodGet && seen.Disabled && time.Since(seen.set) < wait {
		seen.Disabled = false // not all of Stripe knows of it yet
	}
	writeJSON(w, http.StatusOK, seen.json())
}

// listHooks gives a page, newest first, as Stripe does.
func (s *Stripe) listHooks(w http.ResponseWriter, r *http.Request) {
	list := s.standing()
	slices.Reverse(list)
	if after := r.URL.Query().Get("starting_after"); after != "" {
		list = list[slices.IndexFunc(list, func(h *StripeHook) bool { return h.ID == after })+1:]
	}
	size, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil {
		size = 10
	}
	if s.page > 0 {
		size = s.page
	}
	more := len(list) > size
	data := []map[string]any{}
	for _, h := range list[:min(size, len(list))] {
		data = append(data, h.json())
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "url": "/v1/webhook_endpoints", "has_more": more, "data": data})
}

func (h *StripeHook) json() map[string]any {
	status := "enabled"
	if h.Disabled {
		status = "disabled"
	}
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	meta := map[string]string{}
	maps.Copy(meta, h.Metadata)
	return map[string]any{
		"id": h.ID, "object": "webhook_endpoint", "url": h.URL, "status": status, "enabled_events": h.Events, "api_version": orNull(h.Version),
		"application": orNull(h.Application), "description": orNull(h.Description), "metadata": meta, "created": h.made.Unix(), "livemode": true,
	}
}
