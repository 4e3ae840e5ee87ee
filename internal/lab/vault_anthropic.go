package lab

import "net/http"

// Anthropic is the twin of Anthropic's admin API: keys are listed, named and given a
// state, and never made there.
type Anthropic struct{ *Vault }

func refuseAnthropic(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]any{"type": "error", "error": map[string]any{"type": code, "message": "refused by the twin"}})
}

func newAnthropic(l *Lab) *Anthropic {
	a := &Anthropic{newVault(l, "anthropic", refuseAnthropic)}
	a.bearer = func(r *http.Request) string { return r.Header.Get("X-Api-Key") }
	a.on("GET /v1/organizations/api_keys", op{"list keys", true, a.list})
	a.on("POST /v1/organizations/api_keys/{id}", op{"set key", false, a.update})
	a.own = a.Access(MadeUp("sk-ant-admin01-", 93) + "AA")
	return a
}

// MakeKey makes a key as a person does in the Console.
func (a *Anthropic) MakeKey(name string) *VaultKey {
	return a.Add(VaultKey{ID: MadeUp("apikey_", 24), Token: MadeUp("sk-ant-api03-", 93) + "AA", Name: name, Fields: map[string]any{"status": "active"}})
}

func anthropicKey(k *VaultKey) map[string]any {
	return map[string]any{
		"id": k.ID, "type": "api_key", "name": k.Name, "partial_key_hint": hint(k.Token, 16, 4), "status": k.Fields["status"], "workspace_id": nil,
		"created_at": k.Made.UTC().Format("2006-01-02T15:04:05Z"), "created_by": map[string]any{"id": "user_1", "type": "user"}, "expires_at": nil,
	}
}

func (a *Anthropic) list(w http.ResponseWriter, r *http.Request) {
	page, more := pageOf(a.Vault, a.of(""), r.URL.Query().Get("after_id"), 20)
	data := []map[string]any{}
	for _, k := range page {
		data = append(data, anthropicKey(k))
	}
	out := map[string]any{"data": data, "has_more": more, "first_id": nil, "last_id": nil}
	if len(page) > 0 {
		out["first_id"], out["last_id"] = page[0].ID, page[len(page)-1].ID
	}
	writeJSON(w, http.StatusOK, out)
}

func (a *Anthropic) update(w http.ResponseWriter, r *http.Request) {
	k, status := a.named(r.PathValue("id")), word(bodyOf(r), "status")
	switch {
	case k == nil:
		refuseAnthropic(w, http.StatusNotFound, "not_found_error")
	case status != "active" && status != "inactive" && status != "archived", k.Fields["status"] == "archived" && status != "archived":
		refuseAnthropic(w, http.StatusBadRequest, "invalid_request_error")
	default:
		k.Fields["status"] = status
		a.set(k, status == "active")
		writeJSON(w, http.StatusOK, anthropicKey(k))
	}
}
