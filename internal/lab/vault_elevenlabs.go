package lab

import "net/http"

// ElevenLabs is the twin of a workspace's service account. Fields of a key are
// "permissions", a list or nil for all, and "limit".
type ElevenLabs struct {
	*Vault

	account string
	blind   bool // listings do not show how keys end
}

func refuseElevenLabs(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]any{"detail": map[string]string{"status": code, "message": "refused by the twin"}})
}

func newElevenLabs(l *Lab) *ElevenLabs {
	e := &ElevenLabs{Vault: newVault(l, "elevenlabs", refuseElevenLabs), account: MadeUp("user_", 20)}
	e.bearer = func(r *http.Request) string { return r.Header.Get("Xi-Api-Key") }
	e.own = e.Access("sk_" + MadeUpOf(hexDigits, 48))
	e.on("GET /v1/service-accounts/{a}/api-keys", op{"list keys", true, e.list})
	e.on("POST /v1/service-accounts/{a}/api-keys", op{"make key", false, e.create})
	e.on("DELETE /v1/service-accounts/{a}/api-keys/{id}", op{"delete key", false, e.remove})
	return e
}

// Account returns the service account's user id.
func (e *ElevenLabs) Account() string { return e.account }

// Blind lets listings not show how keys end.
func (e *ElevenLabs) Blind() { e.dial(func() { e.blind = true }) }

// MakeKey makes a key of the service account; without permissions it may do all.
func (e *ElevenLabs) MakeKey(limit int, permissions ...any) *VaultKey {
	fields := map[string]any{"permissions": nil, "limit": limit}
	if len(permissions) > 0 {
		fields["permissions"] = permissions
	}
	return e.Add(VaultKey{ID: MadeUp("", 20), Token: "sk_" + MadeUpOf(hexDigits, 48), Owner: e.account, Name: "worker", Fields: fields})
}

func (e *ElevenLabs) list(w http.ResponseWriter, r *http.Request) {
	data := []map[string]any{}
	for _, k := range e.of(r.PathValue("a")) {
		shown := hint(k.Token, 6, 4)
		if e.blind {
			shown = "•••"
		}
		data = append(data, map[string]any{
			"name": k.Name, "hint": shown, "key_id": k.ID, "service_account_user_id": k.Owner, "created_at_unix": k.Made.Unix(), "is_disabled": !k.Active,
			"permissions": k.Fields["permissions"], "character_limit": k.Fields["limit"], "character_count": 0,
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{"api-keys": data})
}

func (e *ElevenLabs) create(w http.ResponseWriter, r *http.Request) {
	body := bodyOf(r)
	permissions, listed := body["permissions"].([]any)
	if word(body, "name") == "" || !listed && word(body, "permissions") != "all" {
		refuseElevenLabs(w, http.StatusUnprocessableEntity, "invalid")
		return
	}
	k := e.make(VaultKey{ID: MadeUp("", 20), Token: "sk_" + MadeUpOf(hexDigits, 48), Owner: r.PathValue("a"), Name: word(body, "name"), Fields: map[string]any{"permissions": nil, "limit": body["character_limit"]}})
	if listed {
		k.Fields["permissions"] = permissions
	}
	writeJSON(w, http.StatusOK, map[string]any{"xi-api-key": k.Token, "key_id": k.ID})
}

func (e *ElevenLabs) remove(w http.ResponseWriter, r *http.Request) {
	k := e.named(r.PathValue("id"))
	if k == nil || k.Owner != r.PathValue("a") {
		refuseElevenLabs(w, http.StatusNotFound, "not_found")
		return
	}
	e.drop(k)
	writeJSON(w, http.StatusOK, map[string]any{"status": "ok"})
}
