package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Services is the twin of the services that a leaked key is asked about: each of
// them answers one request that only reads, as its documentation and its real
// answers to a made-up key have it. They live below /NAME.
type Services struct {
	lab *Lab
	// vaults are those of the services that also make and take away keys.
	vaults map[string]*Vault

	mu   sync.Mutex
	live map[string]string    // service and key -> what the key may do: "all", "little", or queries that hold this
	ends map[string]time.Time // service and key -> when a revocation takes effect
}

func newServices(l *Lab) *Services {
	return &Services{lab: l, live: map[string]string{}, ends: map[string]time.Time{}, vaults: map[string]*Vault{}}
}

// may says what a service lets a key do.
func (s *Services) may(name, key string) string {
	s.mu.Lock()
	may := s.live[name+" "+key]
	if end, revoked := s.ends[name+" "+key]; revoked && !time.Now().Before(end) {
		may = ""
	}
	s.mu.Unlock()
	if v := s.vaults[name]; may == "" && v != nil && v.works(key) {
		return "all"
	}
	return may
}

// Know makes a service know a key.
func (s *Services) Know(name, key string) { s.set(name, key, "all") }

// KnowLittle makes a service know a key that may not make this request.
func (s *Services) KnowLittle(name, key string) { s.set(name, key, "little") }

// KnowFor makes a service know a key for those requests only whose query holds a text:
// an address may serve several sorts of keys.
func (s *Services) KnowFor(name, key, query string) { s.set(name, key, query) }

// Knows reports whether a service accepts a key now.
func (s *Services) Knows(name, key string) bool { return s.may(name, key) != "" }

// Forget makes a service refuse a key, as after a revocation.
func (s *Services) Forget(name, key string) { s.set(name, key, "") }

// forgetSoon makes a service refuse a key when all of it has heard of the revocation.
func (s *Services) forgetSoon(name, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends[name+" "+key] = time.Now().Add(s.lab.opts.DisableDelay)
}

// forgetAll makes a service refuse every key.
func (s *Services) forgetAll(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.live, func(key, _ string) bool { return strings.HasPrefix(key, name+" ") })
}

func (s *Services) set(name, key, may string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[name+" "+key] = may
}

// ServeHTTP answers as the service that the path names.
func (s *Services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if s.revoke(w, r, name, path) {
		return
	}
	if v := s.vaults[name]; v != nil {
		o, _, ok := v.find(r, path)
		asks := slices.ContainsFunc(serviceTwins[name], func(t serviceTwin) bool { return r.Method+" /"+path == t.request })
		if ok && (!asks || v.knows(r)) { // a foreign key that asks for itself is none of the vault's
			s.manage(w, r, v, o, path)
			return
		}
	}
	var t serviceTwin
	ok := false
	answer := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may be gone
	}
	s.lab.serve(w, r, Request{Service: "services", Op: name}, func(w http.ResponseWriter) {
		var key string
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body) // a body that is none holds no key
		asked, _ := body["query"].(string)
		for _, one := range serviceTwins[name] {
			user, _, _ := r.BasicAuth()
			if r.Method+" /"+path == strings.ReplaceAll(one.request, "{id}", user) && strings.Contains(asked, one.query) {
				t, ok = one, true
			}
		}
		switch {
		case !ok:
			answer(w, http.StatusNotFound, `{"message":"Not Found"}`)
			return
		case t.inBody != "":
			key, _ = body[t.inBody].(string)
		case t.header != "":
			key = r.Header.Get(t.header)
		case t.basic:
			user, password, _ := r.BasicAuth()
			key = user + ":" + password
		default:
			key, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		}
		switch may := s.may(name, key); {
		case t.good != "" && (may == "all" || may != "" && may == t.query):
			for k, v := range t.headers {
				w.Header().Set(k, v)
			}
			answer(w, http.StatusOK, t.good)
		case may == "little" && t.little != 0:
			answer(w, t.little, t.littleBody)
		default:
			answer(w, t.bad, t.badBody)
		}
	}, func(w http.ResponseWriter, f Fault) {
		answer(w, f.Status, fmt.Sprintf(`{"message":%q}`, f.Code))
	})
}

// manage serves a call of a management API.
func (s *Services) manage(w http.ResponseWriter, r *http.Request, v *Vault, o op, path string) {
	req := Request{Service: "services", Op: v.name + " " + o.name, Mutates: !o.reads}
	s.lab.serve(w, r, req, func(w http.ResponseWriter) {
		_, below, _ := v.find(r, path) // with the body that serve has read
		v.mux.ServeHTTP(w, below)
	}, func(w http.ResponseWriter, f Fault) {
		code := f.Code
		if code == "" {
			code = "planned_fault"
		}
		v.refuse(w, f.Status, code)
	})
}

// ServiceNames lists the services of the twin.
func ServiceNames() []string { return slices.Sorted(maps.Keys(serviceTwins)) }

// ServiceAnswer is one answer that a service of the twin gives.
type ServiceAnswer struct {
	Service string
	Status  int
	Body    string
}

// ServiceAnswers lists every answer of every service: what one of them says means
// nothing when another one says it.
func ServiceAnswers() []ServiceAnswer {
	var out []ServiceAnswer
	for _, name := range ServiceNames() {
		for _, t := range serviceTwins[name] {
			out = append(out, ServiceAnswer{name, t.bad, t.badBody})
			if t.good != "" {
				out = append(out, ServiceAnswer{name, http.StatusOK, t.good})
			}
			if t.little != 0 {
				out = append(out, ServiceAnswer{name, t.little, t.littleBody})
			}
		}
	}
	return out
}
