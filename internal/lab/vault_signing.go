package lab

import (
	"encoding/base64"
	"net/http"
	"slices"
	"time"
)

// Signing is the twin of a Supabase project's JWT signing keys: their states, which
// change one step at a time, and the legacy secret, which is shown, is imported once, and
// is revoked only when the keys that are signed with it are off.
type Signing struct {
	of     *Supabase
	legacy string // the secret
	first  string // the id of the legacy secret among the keys, once it is there
	keys   []*signingKey
	rest   time.Duration // for which no state changes after a change
	last   time.Time     // when one did
}

type signingKey struct {
	id, algorithm, status, secret string
	was                           string // the state that is still seen, until changed has passed long enough
	made, changed                 time.Time
}

// newSigning adds the calls; the vault's lock guards all of it.
func newSigning(s *Supabase) *Signing {
	g := &Signing{of: s, legacy: base64.StdEncoding.EncodeToString([]byte(MadeUp("", 64)))}
	const at = "/v1/projects/{ref}/config/auth/signing-keys"
	s.on("GET /v1/projects/{ref}/postgrest", op{"data api settings", true, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"db_schema": "public", "max_rows": 1000, "db_extra_search_path": "public, extensions", "db_pool": nil, "jwt_secret": g.legacy})
	}})
	s.on("GET "+at, op{"list signing keys", true, g.list})
	s.on("POST "+at, op{"make signing key", false, g.create})
	s.on("GET "+at+"/legacy", op{"legacy signing key", true, g.showLegacy})
	s.on("POST "+at+"/legacy", op{"import legacy secret", false, g.importLegacy})
	s.on("PATCH "+at+"/{id}", op{"change signing key", false, g.change})
	return g
}

// Legacy returns the project's legacy secret.
func (g *Signing) Legacy() string { return g.legacy }

// Add adds a key as a person does on the project's page; a key in use takes the place of
// the one that was.
func (g *Signing) Add(algorithm, status string) (id string) {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	return g.add(algorithm, status, "").id
}

// Import puts the legacy secret among the keys, as the page's button does.
func (g *Signing) Import() {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	g.bring()
}

// Rest lets Supabase refuse a change of state so soon after another.
func (g *Signing) Rest(d time.Duration) { g.of.dial(func() { g.rest = d }) }

// States returns each key's state by its id; the legacy secret goes by "legacy".
func (g *Signing) States() map[string]string {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	out := map[string]string{}
	if g.first == "" {
		out["legacy"] = "in_use"
	}
	for _, k := range g.keys {
		id := k.id
		if id == g.first {
			id = "legacy"
		}
		out[id] = k.status
	}
	return out
}

// Trusts reports whether the project takes what a secret signs.
func (g *Signing) Trusts(secret string) bool {
	g.of.mu.Lock()
	defer g.of.mu.Unlock()
	if g.first == "" && secret == g.legacy {
		return true
	}
	return slices.ContainsFunc(g.keys, func(k *signingKey) bool { return k.secret == secret && k.status != "revoked" })
}

func (g *Signing) add(algorithm, status, secret string) *signingKey {
	k := &signingKey{id: uuid(), algorithm: algorithm, status: "standby", secret: secret, made: time.Now()}
	g.keys = append(g.keys, k)
	if status == "in_use" {
		g.use(k)
	}
	return k
}

// bring imports the legacy secret, which signs unless another key does.
func (g *Signing) bring() *signingKey {
	status := "in_use"
	for _, k := range g.keys {
		if k.status == "in_use" {
			status = "standby"
		}
	}
	k := g.add("HS256", status, g.legacy)
	g.first = k.id
	return k
}

// use lets a key sign; the one that did is the previous one.
func (g *Signing) use(k *signingKey) {
	for _, other := range g.keys {
		if other.status == "in_use" {
			other.set("previously_used")
		}
	}
	k.set("in_use")
}

func (k *signingKey) set(status string) {
	k.was, k.status, k.changed = k.status, status, time.Now()
}

// form is a key as it is seen: that one is revoked takes a while to be.
func (g *Signing) form(k *signingKey) map[string]any {
	status, changed := k.status, k.changed
	if status == "revoked" && time.Since(changed) < g.of.lab.opts.DisableDelay {
		status = k.was
	}
	if changed.IsZero() {
		changed = k.made
	}
	return map[string]any{
		"id": k.id, "algorithm": k.algorithm, "status": status, "public_jwk": nil,
		"created_at": k.made.UTC().Format(time.RFC3339Nano), "updated_at": changed.UTC().Format(time.RFC3339Nano),
	}
}

// list leaves a new key out for as long as all of Supabase needs to know of it.
func (g *Signing) list(w http.ResponseWriter, _ *http.Request) {
	out := []map[string]any{}
	for _, k := range g.keys {
		if time.Since(k.made) >= g.of.lab.opts.KeyDelay || k.status != "standby" {
			out = append(out, g.form(k))
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"keys": out})
}

func (g *Signing) create(w http.ResponseWriter, r *http.Request) {
	body := bodyOf(r)
	jwk, _ := body["private_jwk"].(map[string]any)
	key, err := base64.RawURLEncoding.DecodeString(word(jwk, "k"))
	kid := word(jwk, "kid")
	taken := slices.ContainsFunc(g.keys, func(k *signingKey) bool { return k.id == kid })
	if err != nil || len(key) == 0 || word(body, "algorithm") != "HS256" || word(body, "status") != "standby" || taken {
		refuseMessage(w, http.StatusBadRequest, "bad request")
		return
	}
	k := g.add("HS256", "standby", string(key))
	if kid != "" {
		k.id = kid
	}
	writeJSON(w, http.StatusCreated, g.form(k))
}

func (g *Signing) named(id string) *signingKey {
	for _, k := range g.keys {
		if k.id == id {
			return k
		}
	}
	return nil
}

func (g *Signing) showLegacy(w http.ResponseWriter, _ *http.Request) {
	k := g.named(g.first)
	if k == nil {
		refuseMessage(w, http.StatusNotFound, "not found")
		return
	}
	writeJSON(w, http.StatusOK, g.form(k))
}

func (g *Signing) importLegacy(w http.ResponseWriter, _ *http.Request) {
	if g.first != "" {
		refuseMessage(w, http.StatusBadRequest, "it is there")
		return
	}
	writeJSON(w, http.StatusCreated, g.form(g.bring()))
}

// change takes one step: only a key that stands by comes into use, and the one in use
// makes way for another only.
func (g *Signing) change(w http.ResponseWriter, r *http.Request) {
	k, to := g.named(r.PathValue("id")), word(bodyOf(r), "status")
	switch {
	case k == nil:
		refuseMessage(w, http.StatusNotFound, "not found")
		return
	case g.rest > 0 && time.Since(g.last) < g.rest:
		refuseMessage(w, http.StatusTooManyRequests, "too soon")
		return
	case k.status == to: // nothing changes
	case k.status == "in_use", to == "in_use" && k.status != "standby", to == "previously_used":
		refuseMessage(w, http.StatusBadRequest, "not from this state")
		return
	case to == "revoked" && k.id == g.first && g.of.legacyOn():
		refuseMessage(w, http.StatusBadRequest, "anon and service_role are on")
		return
	case to == "in_use":
		g.use(k)
	default:
		k.set(to)
	}
	g.last = time.Now()
	out := g.form(k)
	out["status"] = k.status // whom one asks knows what it did
	writeJSON(w, http.StatusOK, out)
}
