package lab

import (
	"net/http"
	"time"
)

// OpenAI is the twin of OpenAI's organisation administration: projects, their keys,
// service accounts, admin keys. Fields of a key are "account" (the service account
// that it belongs to) and "admin".
type OpenAI struct {
	*Vault

	projects []string
}

func refuseOpenAI(w http.ResponseWriter, status int, code string) {
	if status == http.StatusUnauthorized && code == "unauthorized" {
		code = "invalid_api_key"
	}
	writeJSON(w, status, map[string]any{"error": map[string]any{"type": "invalid_request_error", "message": "refused by the twin", "param": nil, "code": code}})
}

func newOpenAI(l *Lab) *OpenAI {
	o := &OpenAI{Vault: newVault(l, "openai", refuseOpenAI), projects: []string{"proj_" + MadeUp("", 24), "proj_" + MadeUp("", 24)}}
	o.on("GET /v1/organization/projects", op{"list projects", true, o.listProjects})
	o.on("GET /v1/organization/projects/{p}/api_keys", op{"list keys", true, func(w http.ResponseWriter, r *http.Request) {
		o.list(w, r, o.of(r.PathValue("p")), o.projectKey)
	}})
	o.on("DELETE /v1/organization/projects/{p}/api_keys/{id}", op{"delete key", false, o.deleteKey})
	o.on("GET /v1/organization/projects/{p}/service_accounts", op{"list accounts", true, func(w http.ResponseWriter, r *http.Request) {
		var out []*VaultKey
		for _, k := range o.of(r.PathValue("p")) {
			if k.Fields["account"] != nil {
				out = append(out, k)
			}
		}
		o.list(w, r, out, account)
	}})
	o.on("POST /v1/organization/projects/{p}/service_accounts", op{"make account", false, o.makeAccount})
	o.on("DELETE /v1/organization/projects/{p}/service_accounts/{id}", op{"delete account", false, o.deleteAccount})
	o.on("GET /v1/organization/admin_api_keys", op{"list admin keys", true, func(w http.ResponseWriter, r *http.Request) {
		o.list(w, r, o.of("admin"), o.adminKey)
	}})
	o.on("POST /v1/organization/admin_api_keys", op{"make admin key", false, o.makeAdmin})
	o.on("DELETE /v1/organization/admin_api_keys/{id}", op{"delete admin key", false, func(w http.ResponseWriter, r *http.Request) {
		o.drop1(w, o.named(r.PathValue("id")), "organization.admin_api_key.deleted", r.PathValue("id"))
	}})
	o.own = o.Access(openAIToken("admin"))
	return o
}

// Project returns one of the two projects.
func (o *OpenAI) Project(n int) string { return o.projects[n] }

// UserKey makes a key that a user owns, as a person does on the page.
func (o *OpenAI) UserKey() *VaultKey {
	return o.Add(VaultKey{ID: MadeUp("key_", 16), Token: openAIToken("proj"), Owner: o.projects[1], Name: "laptop"})
}

// ServiceKey makes a service account with a key.
func (o *OpenAI) ServiceKey() *VaultKey {
	id := MadeUp("svc_acct_", 16)
	return o.Add(VaultKey{ID: id, Token: openAIToken("svcacct"), Owner: o.projects[1], Name: "worker", Fields: map[string]any{"account": id}})
}

// AdminKey makes an admin key, which may manage everything itself.
func (o *OpenAI) AdminKey() *VaultKey {
	return o.Add(VaultKey{ID: MadeUp("key_", 16), Token: openAIToken("admin"), Owner: "admin", Name: "ops", Fields: map[string]any{"manages": true}})
}

func openAIToken(sort string) string {
	return MadeUp("sk-"+sort+"-", 40) + "T3BlbkFJ" + MadeUp("", 40)
}

func (o *OpenAI) listProjects(w http.ResponseWriter, _ *http.Request) {
	data := []map[string]any{}
	for _, id := range o.projects {
		data = append(data, map[string]any{"object": "organization.project", "id": id, "name": "shop", "created_at": 1700000000, "status": "active"})
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": data, "first_id": o.projects[0], "last_id": o.projects[1], "has_more": false})
}

// list answers with a page; an account is listed once for each of its keys here,
// because each account has one.
func (o *OpenAI) list(w http.ResponseWriter, r *http.Request, keys []*VaultKey, form func(*VaultKey) map[string]any) {
	page, more := pageOf(o.Vault, keys, r.URL.Query().Get("after"), 100)
	data := []map[string]any{}
	for _, k := range page {
		data = append(data, form(k))
	}
	out := map[string]any{"object": "list", "data": data, "has_more": more}
	if len(page) > 0 {
		out["first_id"], out["last_id"] = page[0].ID, page[len(page)-1].ID
	}
	writeJSON(w, http.StatusOK, out)
}

func (o *OpenAI) projectKey(k *VaultKey) map[string]any {
	owner := map[string]any{"type": "user", "user": map[string]any{"id": "user_1", "email": "jo@shop.example", "name": "Jo", "created_at": 1700000000, "role": "member"}}
	if k.Fields["account"] != nil {
		owner = map[string]any{"type": "service_account", "service_account": map[string]any{"id": k.Fields["account"], "name": k.Name, "created_at": k.Made.Unix(), "role": "member"}}
	}
	return map[string]any{
		"object": "organization.project.api_key", "id": k.ID, "name": k.Name, "redacted_value": hint(k.Token, 8, 4), "created_at": k.Made.Unix(),
		"last_used_at": nil, "owner": owner, "owner_project_access": "active",
	}
}

func account(k *VaultKey) map[string]any {
	return map[string]any{"object": "organization.project.service_account", "id": k.ID, "name": k.Name, "role": "member", "created_at": k.Made.Unix()}
}

func (o *OpenAI) adminKey(k *VaultKey) map[string]any {
	return map[string]any{
		"object": "organization.admin_api_key", "id": k.ID, "name": k.Name, "redacted_value": hint(k.Token, 9, 4), "created_at": k.Made.Unix(), "expires_at": nil,
		"last_used_at": nil, "owner": map[string]any{"type": "user", "object": "organization.user", "id": "user_1", "name": "Jo", "created_at": 1700000000, "role": "owner"},
	}
}

func (o *OpenAI) makeAccount(w http.ResponseWriter, r *http.Request) {
	name := word(bodyOf(r), "name")
	if name == "" || o.full(r.PathValue("p")) {
		refuseOpenAI(w, http.StatusBadRequest, "invalid_request")
		return
	}
	id := MadeUp("svc_acct_", 16)
	k := o.make(VaultKey{ID: id, Token: openAIToken("svcacct"), Owner: r.PathValue("p"), Name: name, Fields: map[string]any{"account": id}})
	out := account(k)
	out["api_key"] = map[string]any{"object": "organization.project.service_account.api_key", "value": k.Token, "name": "Secret Key", "created_at": time.Now().Unix(), "id": MadeUp("key_", 16)}
	writeJSON(w, http.StatusOK, out)
}

func (o *OpenAI) makeAdmin(w http.ResponseWriter, r *http.Request) {
	k := o.make(VaultKey{ID: MadeUp("key_", 16), Token: openAIToken("admin"), Owner: "admin", Name: word(bodyOf(r), "name"), Fields: map[string]any{"manages": true}})
	out := o.adminKey(k)
	out["value"] = k.Token
	writeJSON(w, http.StatusOK, out)
}

// deleteKey refuses a service account's key: the account is what can be deleted.
func (o *OpenAI) deleteKey(w http.ResponseWriter, r *http.Request) {
	k := o.named(r.PathValue("id"))
	if k != nil && k.Fields["account"] != nil {
		refuseOpenAI(w, http.StatusBadRequest, "service_account_key")
		return
	}
	o.drop1(w, k, "organization.project.api_key.deleted", r.PathValue("id"))
}

func (o *OpenAI) deleteAccount(w http.ResponseWriter, r *http.Request) {
	o.drop1(w, o.named(r.PathValue("id")), "organization.project.service_account.deleted", r.PathValue("id"))
}

func (o *OpenAI) drop1(w http.ResponseWriter, k *VaultKey, object, id string) {
	if k == nil {
		refuseOpenAI(w, http.StatusNotFound, "not_found")
		return
	}
	o.drop(k)
	writeJSON(w, http.StatusOK, map[string]any{"object": object, "id": id, "deleted": true})
}
