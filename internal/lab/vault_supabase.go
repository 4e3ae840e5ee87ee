package lab

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"
)

// Supabase is the twin of Supabase's management API for one project's keys: those of
// the new kind, and the legacy pair, which is only switched on and off as a whole.
// Fields of a key are "type".
type Supabase struct {
	*Vault

	// Signing are the project's signing keys.
	Signing *Signing
	// Database is the project's database.
	Database *Database

	ref string
}

func refuseMessage(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]any{"message": "refused by the twin: " + code})
}

func newSupabase(l *Lab) *Supabase {
	s := &Supabase{Vault: newVault(l, "supabase", refuseMessage), ref: MadeUpOf("abcdefghijklmnopqrstuvwxyz", 20)}
	s.own = s.Access("sbp_" + MadeUpOf("0123456789abcdef", 40))
	s.on("GET /v1/projects/{ref}/api-keys", op{"list keys", true, s.list})
	s.on("POST /v1/projects/{ref}/api-keys", op{"make key", false, s.create})
	s.on("DELETE /v1/projects/{ref}/api-keys/{id}", op{"delete key", false, s.remove})
	s.on("GET /v1/projects/{ref}/api-keys/legacy", op{"legacy", true, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"enabled": s.legacyOn()})
	}})
	s.on("PUT /v1/projects/{ref}/api-keys/legacy", op{"switch legacy", false, s.switchLegacy})
	s.Signing, s.Database = newSigning(s), newDatabase(s)
	return s
}

// Ref returns the project's reference.
func (s *Supabase) Ref() string { return s.ref }

// token makes up a key that tells its project, as Supabase's self-hosted script does it:
// behind 22 characters the first eight of a SHA-256 in base64url.
func (s *Supabase) token(kind string) string {
	key := MadeUp("sb_"+kind+"_", 22)
	sum := sha256.Sum256([]byte(s.ref + "|" + key))
	return key + "_" + base64.RawURLEncoding.EncodeToString(sum[:])[:8]
}

// MakeKey makes a key of the new kind, "secret" or "publishable".
func (s *Supabase) MakeKey(kind string) *VaultKey {
	return s.Add(VaultKey{ID: uuid(), Token: s.token(kind), Owner: s.ref, Name: "default", Fields: map[string]any{"type": kind}})
}

// Legacy switches the legacy pair on, with these values.
func (s *Supabase) Legacy(anon, serviceRole string) {
	s.Add(VaultKey{ID: "anon", Token: anon, Owner: s.ref, Name: "anon", Fields: map[string]any{"type": "legacy"}})
	s.Add(VaultKey{ID: "service_role", Token: serviceRole, Owner: s.ref, Name: "service_role", Fields: map[string]any{"type": "legacy"}})
}

func (s *Supabase) form(k *VaultKey, reveal bool) map[string]any {
	out := map[string]any{"id": k.ID, "type": k.Fields["type"], "name": k.Name, "api_key": k.Token, "prefix": k.Token[:min(len(k.Token), 15)], "description": nil, "inserted_at": nil}
	if k.Fields["type"] != "legacy" {
		out["inserted_at"] = k.Made.UTC().Format(time.RFC3339)
	}
	if k.Fields["type"] == "secret" && !reveal {
		out["api_key"] = k.Token[:15] + "······"
	}
	return out
}

func (s *Supabase) list(w http.ResponseWriter, r *http.Request) {
	out := []map[string]any{}
	for _, k := range s.of(r.PathValue("ref")) {
		out = append(out, s.form(k, r.URL.Query().Get("reveal") == "true"))
	}
	writeJSON(w, http.StatusOK, out)
}

func (s *Supabase) create(w http.ResponseWriter, r *http.Request) {
	body := bodyOf(r)
	kind := word(body, "type")
	if kind != "secret" && kind != "publishable" || s.full(s.ref) {
		refuseMessage(w, http.StatusBadRequest, "bad request")
		return
	}
	k := s.make(VaultKey{ID: uuid(), Token: s.token(kind), Owner: r.PathValue("ref"), Name: word(body, "name"), Fields: map[string]any{"type": kind}})
	writeJSON(w, http.StatusCreated, s.form(k, r.URL.Query().Get("reveal") == "true"))
}

func (s *Supabase) remove(w http.ResponseWriter, r *http.Request) {
	k := s.named(r.PathValue("id"))
	if k == nil || k.Fields["type"] == "legacy" {
		refuseMessage(w, http.StatusNotFound, "not found")
		return
	}
	s.drop(k)
	writeJSON(w, http.StatusOK, s.form(k, false))
}

func (s *Supabase) legacyOn() bool {
	k := s.named("service_role")
	return k != nil && k.Active
}

func (s *Supabase) switchLegacy(w http.ResponseWriter, r *http.Request) {
	on := r.URL.Query().Get("enabled") == "true"
	for _, id := range []string{"anon", "service_role"} {
		if k := s.named(id); k != nil {
			s.set(k, on)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"enabled": on})
}
