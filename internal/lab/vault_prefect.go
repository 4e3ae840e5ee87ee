package lab

import (
	"net/http"
	"time"
)

// Prefect is the twin of Prefect Cloud: users' keys, and service accounts with one key
// each, which is only rotated. Without a lifetime for the old key a rotation ends it at
// once. Fields of a key are "bot", the service account's id.
type Prefect struct {
	*Vault

	account, user string
}

func refuseDetail(w http.ResponseWriter, status int, code string) {
	if status == http.StatusUnauthorized {
		code = "Invalid authentication credentials"
	}
	writeJSON(w, status, map[string]any{"detail": code})
}

func newPrefect(l *Lab) *Prefect {
	p := &Prefect{Vault: newVault(l, "prefect", refuseDetail), account: uuid(), user: uuid()}
	p.own = p.Access(MadeUp("pnu_", 36))
	p.mux.HandleFunc("GET /api/me/{$}", p.me)
	p.ops["GET /api/me/{$}"] = op{name: "me", reads: true}
	p.on("GET /api/users/{u}/api_keys", op{"list keys", true, p.list})
	p.on("POST /api/users/{u}/api_keys", op{"make key", false, p.create})
	p.on("DELETE /api/users/{u}/api_keys/{id}", op{"delete key", false, p.remove})
	p.on("POST /api/accounts/{a}/bots/filter", op{"list bots", true, p.bots})
	p.on("GET /api/accounts/{a}/bots/{b}", op{"bot", true, func(w http.ResponseWriter, r *http.Request) { p.bot(w, r.PathValue("b"), http.StatusOK, false) }})
	p.on("POST /api/accounts/{a}/bots/{b}/rotate_api_key", op{"rotate key", false, p.rotate})
	return p
}

// Account returns the account's id.
func (p *Prefect) Account() string { return p.account }

// UserKey makes a user's key.
func (p *Prefect) UserKey() *VaultKey {
	return p.Add(VaultKey{ID: uuid(), Token: MadeUp("pnu_", 36), Owner: p.user, Name: "laptop"})
}

// Bot makes a service account with its key; its id is the key's owner.
func (p *Prefect) Bot() *VaultKey {
	return p.Add(VaultKey{ID: uuid(), Token: MadeUp("pnb_", 36), Owner: uuid(), Name: "worker", Fields: map[string]any{"bot": true}})
}

// me answers to the key itself: whose it is.
func (p *Prefect) me(w http.ResponseWriter, r *http.Request) {
	p.tick()
	token := p.bearer(r)
	if p.lab.Services.may("prefect", token) == "" {
		refuseDetail(w, http.StatusUnauthorized, "")
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.keys {
		if k.Token == token {
			writeJSON(w, http.StatusOK, map[string]any{"id": k.Owner, "handle": k.Name})
			return
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"id": p.user, "handle": "jo"})
}

// tick ends keys whose lifetime is over.
func (p *Prefect) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.keys {
		if end, ok := k.Fields["end"].(time.Time); ok && time.Now().After(end) {
			p.drop(k)
		}
	}
}

// End ends the lifetime that a rotation left to a key.
func (p *Prefect) End(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.named(id); k != nil && k.Fields["end"] != nil {
		p.drop(k)
	}
}

func prefectKey(k *VaultKey, reveal bool) map[string]any {
	out := map[string]any{"id": k.ID, "name": k.Name, "created": k.Made.UTC().Format(time.RFC3339), "expiration": nil}
	if reveal {
		out["key"] = k.Token
	}
	return out
}

func (p *Prefect) list(w http.ResponseWriter, r *http.Request) {
	out := []map[string]any{}
	for _, k := range p.of(r.PathValue("u")) {
		out = append(out, prefectKey(k, false))
	}
	writeJSON(w, http.StatusOK, out)
}

func (p *Prefect) create(w http.ResponseWriter, r *http.Request) {
	k := p.make(VaultKey{ID: uuid(), Token: MadeUp("pnu_", 36), Owner: r.PathValue("u"), Name: word(bodyOf(r), "name")})
	writeJSON(w, http.StatusCreated, prefectKey(k, true))
}

func (p *Prefect) remove(w http.ResponseWriter, r *http.Request) {
	k := p.named(r.PathValue("id"))
	if k == nil || k.Owner != r.PathValue("u") {
		refuseDetail(w, http.StatusNotFound, "Not found")
		return
	}
	p.drop(k)
	w.WriteHeader(http.StatusNoContent)
}

// current is a service account's newest key.
func (p *Prefect) current(bot string) *VaultKey {
	var last *VaultKey
	for _, k := range p.of(bot) {
		if k.Fields["bot"] == true && k.Fields["end"] == nil {
			last = k
		}
	}
	return last
}

func (p *Prefect) botForm(k *VaultKey, reveal bool) map[string]any {
	return map[string]any{"id": k.Owner, "actor_id": k.Owner, "account_id": p.account, "name": k.Name, "account_role_name": "Member", "api_key": prefectKey(k, reveal)}
}

func (p *Prefect) bots(w http.ResponseWriter, _ *http.Request) {
	out := []map[string]any{}
	for _, k := range p.of("") {
		if k.Fields["bot"] == true && k.Fields["end"] == nil {
			out = append(out, p.botForm(k, false))
		}
	}
	writeJSON(w, http.StatusOK, out)
}

func (p *Prefect) bot(w http.ResponseWriter, id string, status int, reveal bool) {
	k := p.current(id)
	if k == nil {
		refuseDetail(w, http.StatusNotFound, "Not found")
		return
	}
	writeJSON(w, status, p.botForm(k, reveal))
}

func (p *Prefect) rotate(w http.ResponseWriter, r *http.Request) {
	old := p.current(r.PathValue("b"))
	if old == nil {
		refuseDetail(w, http.StatusNotFound, "Not found")
		return
	}
	seconds, _ := bodyOf(r)["old_key_expires_in_seconds"].(float64)
	if seconds > 172800 {
		refuseDetail(w, http.StatusUnprocessableEntity, "too long")
		return
	}
	p.make(VaultKey{ID: uuid(), Token: MadeUp("pnb_", 36), Owner: old.Owner, Name: old.Name, Fields: map[string]any{"bot": true}})
	old.Fields["end"] = time.Now().Add(time.Duration(seconds) * time.Second)
	if seconds <= 0 {
		p.drop(old)
	}
	p.bot(w, old.Owner, http.StatusCreated, true)
}
