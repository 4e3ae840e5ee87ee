package lab

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// OpenRouter is the twin of OpenRouter's key management. Fields of a key are "limit".
type OpenRouter struct{ *Vault }

func refuseOpenRouter(w http.ResponseWriter, status int, _ string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": "refused by the twin", "code": status}})
}

func newOpenRouter(l *Lab) *OpenRouter {
	o := &OpenRouter{newVault(l, "openrouter", refuseOpenRouter)}
	o.own = o.Access("sk-or-v1-" + MadeUpOf("0123456789abcdef", 64))
	o.on("GET /api/v1/keys", op{"list keys", true, o.list})
	o.on("POST /api/v1/keys", op{"make key", false, o.create})
	o.on("PATCH /api/v1/keys/{hash}", op{"set key", false, o.update})
	o.on("DELETE /api/v1/keys/{hash}", op{"delete key", false, o.remove})
	return o
}

// MakeKey makes a key with a limit in dollars.
func (o *OpenRouter) MakeKey(limit float64) *VaultKey {
	const hexDigits = "0123456789abcdef"
	return o.Add(VaultKey{ID: MadeUpOf(hexDigits, 64), Token: "sk-or-v1-" + MadeUpOf(hexDigits, 64), Name: "worker", Fields: map[string]any{"limit": limit}})
}

func openRouterKey(k *VaultKey) map[string]any {
	return map[string]any{
		"hash": k.ID, "name": k.Name, "label": hint(k.Token, 12, 3), "disabled": !k.Active, "limit": k.Fields["limit"], "limit_reset": k.Fields["limit_reset"],
		"usage": 0, "created_at": k.Made.UTC().Format(time.RFC3339), "include_byok_in_limit": false,
	}
}

func (o *OpenRouter) list(w http.ResponseWriter, r *http.Request) {
	keys := o.of("")
	skip, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	keys = keys[min(skip, len(keys)):]
	page, _ := pageOf(o.Vault, keys, "", 100)
	data := []map[string]any{}
	for _, k := range page {
		if k.Active || r.URL.Query().Get("include_disabled") == "true" {
			data = append(data, openRouterKey(k))
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"data": data})
}

func (o *OpenRouter) create(w http.ResponseWriter, r *http.Request) {
	body := bodyOf(r)
	k := o.make(VaultKey{
		ID: MadeUpOf("0123456789abcdef", 64), Token: "sk-or-v1-" + MadeUpOf("0123456789abcdef", 64), Name: word(body, "name"),
		Fields: map[string]any{"limit": body["limit"], "limit_reset": body["limit_reset"]},
	})
	writeJSON(w, http.StatusCreated, map[string]any{"data": openRouterKey(k), "key": k.Token})
}

func (o *OpenRouter) update(w http.ResponseWriter, r *http.Request) {
	k := o.named(r.PathValue("hash"))
	disabled, ok := bodyOf(r)["disabled"].(bool)
	if k == nil || !ok {
		refuseOpenRouter(w, http.StatusNotFound, "")
		return
	}
	o.set(k, !disabled)
	writeJSON(w, http.StatusOK, map[string]any{"data": openRouterKey(k)})
}

func (o *OpenRouter) remove(w http.ResponseWriter, r *http.Request) {
	k := o.named(r.PathValue("hash"))
	if k == nil {
		refuseOpenRouter(w, http.StatusNotFound, "")
		return
	}
	o.drop(k)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{\n  \"deleted\": true\n}\n") // the client may be gone
}

// XAI is the twin of xAI's management API. Fields of a key are "acls"; one without any
// is accepted for nothing.
type XAI struct {
	*Vault

	team string
}

func refuseXAI(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]any{"code": code, "error": "refused by the twin"})
}

func newXAI(l *Lab) *XAI {
	x := &XAI{newVault(l, "xai", refuseXAI), uuid()}
	x.own = x.Access(MadeUp("xai-token-", 80))
	x.on("GET /auth/teams/{t}/api-keys", op{"list keys", true, x.list})
	x.on("POST /auth/teams/{t}/api-keys", op{"make key", false, x.create})
	x.on("DELETE /auth/api-keys/{id}", op{"delete key", false, x.remove})
	return x
}

// Team returns the team's id.
func (x *XAI) Team() string { return x.team }

// MakeKey makes a key with rights.
func (x *XAI) MakeKey(acls ...any) *VaultKey {
	return x.Add(VaultKey{ID: uuid(), Token: MadeUp("xai-", 80), Owner: x.team, Name: "worker", Fields: map[string]any{"acls": acls, "qps": 7.0}})
}

func xaiKey(k *VaultKey) map[string]any {
	return map[string]any{
		"apiKeyId": k.ID, "name": k.Name, "redactedApiKey": hint(k.Token, 4, 4), "teamId": k.Owner, "acls": k.Fields["acls"], "disabled": false,
		"qps": k.Fields["qps"], "createTime": k.Made.UTC().Format(time.RFC3339),
	}
}

func (x *XAI) list(w http.ResponseWriter, r *http.Request) {
	page, more := pageOf(x.Vault, x.of(r.PathValue("t")), r.URL.Query().Get("paginationToken"), 100)
	data := []map[string]any{}
	for _, k := range page {
		data = append(data, xaiKey(k))
	}
	out := map[string]any{"apiKeys": data}
	if more {
		out["paginationToken"] = page[len(page)-1].ID
	}
	writeJSON(w, http.StatusOK, out)
}

func (x *XAI) create(w http.ResponseWriter, r *http.Request) {
	body := bodyOf(r)
	acls, _ := body["acls"].([]any)
	if len(acls) == 0 || word(body, "name") == "" {
		refuseXAI(w, http.StatusBadRequest, "no-acls")
		return
	}
	k := x.make(VaultKey{ID: uuid(), Token: MadeUp("xai-", 80), Owner: r.PathValue("t"), Name: word(body, "name"), Fields: map[string]any{"acls": acls, "qps": body["qps"]}})
	out := xaiKey(k)
	out["apiKey"] = k.Token
	writeJSON(w, http.StatusOK, out)
}

func (x *XAI) remove(w http.ResponseWriter, r *http.Request) {
	k := x.named(r.PathValue("id"))
	if k == nil {
		refuseXAI(w, http.StatusNotFound, "not-found")
		return
	}
	x.drop(k)
	writeJSON(w, http.StatusOK, map[string]any{})
}

// Google is the twin of Google's API Keys API, whose changes are long-running
// operations. Fields of a key are "restrictions" and "polls", how often its operation
// is asked for until it is done.
type Google struct {
	*Vault

	project string
	polls   int
}

func refuseGoogle(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{"code": status, "status": code, "message": "refused by the twin"}})
}

func newGoogle(l *Lab) *Google {
	g := &Google{Vault: newVault(l, "google", refuseGoogle), project: "shop-1", polls: 3}
	g.own = g.Access(MadeUp("ya29.", 60))
	g.on("GET /v2/projects/{p}/locations/global/keys", op{"list keys", true, g.list})
	g.on("POST /v2/projects/{p}/locations/global/keys", op{"make key", false, g.create})
	g.on("GET /v2/projects/{p}/locations/global/keys/{id}", op{"key", true, func(w http.ResponseWriter, r *http.Request) {
		g.with(w, r, func(k *VaultKey) { writeJSON(w, http.StatusOK, g.form(k)) })
	}})
	g.on("GET /v2/projects/{p}/locations/global/keys/{id}/keyString", op{"key string", true, func(w http.ResponseWriter, r *http.Request) {
		g.with(w, r, func(k *VaultKey) { writeJSON(w, http.StatusOK, map[string]any{"keyString": k.Token}) })
	}})
	g.on("DELETE /v2/projects/{p}/locations/global/keys/{id}", op{"delete key", false, func(w http.ResponseWriter, r *http.Request) {
		g.with(w, r, func(k *VaultKey) {
			g.drop(k)
			writeJSON(w, http.StatusOK, map[string]any{"name": "operations/akmf." + uuid()})
		})
	}})
	g.on("GET /v2/operations/{id}", op{"operation", true, g.operation})
	return g
}

// Project returns the project's id.
func (g *Google) Project() string { return g.project }

// Polls sets how often an operation is asked for until it is done.
func (g *Google) Polls(n int) { g.dial(func() { g.polls = n }) }

// MakeKey makes a key that is restricted to one service.
func (g *Google) MakeKey() *VaultKey {
	return g.Add(VaultKey{ID: uuid(), Token: MadeUp("AIza", 35), Owner: g.project, Name: "worker", Fields: map[string]any{
		"restrictions": map[string]any{"apiTargets": []any{map[string]any{"service": "generativelanguage.googleapis.com"}}},
	}})
}

func (g *Google) with(w http.ResponseWriter, r *http.Request, do func(*VaultKey)) {
	if k := g.named(r.PathValue("id")); k != nil {
		do(k)
		return
	}
	refuseGoogle(w, http.StatusNotFound, "NOT_FOUND")
}

func (g *Google) form(k *VaultKey) map[string]any {
	return map[string]any{
		"name": "projects/" + g.project + "/locations/global/keys/" + k.ID, "uid": k.ID, "displayName": k.Name, "createTime": k.Made.UTC().Format(time.RFC3339Nano),
		"restrictions": k.Fields["restrictions"], "etag": "W/x",
	}
}

func (g *Google) list(w http.ResponseWriter, r *http.Request) {
	page, more := pageOf(g.Vault, g.of(""), r.URL.Query().Get("pageToken"), 300)
	data := []map[string]any{}
	for _, k := range page {
		data = append(data, g.form(k))
	}
	out := map[string]any{"keys": data}
	if more {
		out["nextPageToken"] = page[len(page)-1].ID
	}
	writeJSON(w, http.StatusOK, out)
}

func (g *Google) create(w http.ResponseWriter, r *http.Request) {
	id, body := r.URL.Query().Get("keyId"), bodyOf(r)
	if g.named(id) != nil {
		refuseGoogle(w, http.StatusConflict, "ALREADY_EXISTS")
		return
	}
	g.make(VaultKey{ID: id, Token: MadeUp("AIza", 35), Owner: g.project, Name: word(body, "displayName"), Fields: map[string]any{"restrictions": body["restrictions"], "polls": g.polls}})
	writeJSON(w, http.StatusOK, map[string]any{"name": "operations/" + id})
}

func (g *Google) operation(w http.ResponseWriter, r *http.Request) {
	g.with(w, r, func(k *VaultKey) {
		left, _ := k.Fields["polls"].(int)
		k.Fields["polls"] = left - 1
		out := map[string]any{"name": "operations/" + k.ID, "done": left <= 1}
		if left <= 1 {
			out["response"] = g.form(k)
		}
		writeJSON(w, http.StatusOK, out)
	})
}
