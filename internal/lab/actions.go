package lab

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/nacl/box"
)

// Actions is the twin of GitHub's API, as far as secrets and variables of Actions go.
// What a secret holds is opened with the twin's own key, as GitHub does, and never told.
type Actions struct {
	lab             *Lab
	token           string
	keyID           string
	public, private *[32]byte

	mu     sync.Mutex
	repos  []*actionsRepo
	places map[string]*actionsPlace // "repos/owner/name", "orgs/name", "repos/owner/name/environments/e"
	hidden map[string]bool          // places whose secrets and variables our token may not see
	spent  bool                     // the hour's requests are used up
}

type actionsRepo struct {
	id       int
	name     string // owner/name
	org      bool
	archived bool
	envs     []string
}

type actionsPlace struct {
	secrets, variables map[string]string
	// visibility and selected say who sees an organisation's secret.
	visibility map[string]string
	selected   map[string][]int
}

func newActions(l *Lab) *Actions {
	public, private, err := box.GenerateKey(rand.Reader)
	if err != nil {
		panic("lab: no random numbers")
	}
	a := &Actions{
		lab: l, token: MadeUp("github_pat_", 22) + "_" + MadeUp("", 59), keyID: random("0123456789", 18), public: public, private: private,
		places: map[string]*actionsPlace{}, hidden: map[string]bool{},
	}
	a.AddRepo("shop/notes", false) // a token that sees nothing at all is a gap in every search
	return a
}

// AddRepo adds a repository, "owner/name", with environments. Its owner may be an
// organisation.
func (a *Actions) AddRepo(name string, org bool, envs ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.repos = append(a.repos, &actionsRepo{id: 1000 + len(a.repos), name: name, org: org, envs: envs})
	a.at("repos/" + name)
	for _, e := range envs {
		a.at("repos/" + name + "/environments/" + e)
	}
	if owner, _, _ := strings.Cut(name, "/"); org {
		a.at("orgs/" + owner)
	}
}

// Archive archives a repository.
func (a *Actions) Archive(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.repo(name).archived = true
}

// Hide keeps the secrets and variables of a place from our token.
func (a *Actions) Hide(place string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hidden[place] = true
}

// Spend uses up the requests of the hour: everything is refused as GitHub does it.
func (a *Actions) Spend(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.spent = on
}

// SetVariable and SetSecret store a value at a place ("repos/owner/name",
// "orgs/name", "repos/owner/name/environments/e").
func (a *Actions) SetVariable(place, name, value string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at(place).variables[name] = value
}

// SetSecret stores a secret; only an organisation's has repositories that see it.
func (a *Actions) SetSecret(place, name, value string, selected ...int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.at(place)
	p.secrets[name], p.visibility[name], p.selected[name] = value, "all", selected
	if len(selected) > 0 {
		p.visibility[name] = "selected"
	}
}

// Secret and Variable return what is stored.
func (a *Actions) Secret(place, name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.at(place).secrets[name]
}

// Variable returns what a variable holds.
func (a *Actions) Variable(place, name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.at(place).variables[name]
}

// Everything returns all stored values, and who sees them, by place.
func (a *Actions) Everything() map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := map[string]string{}
	for place, p := range a.places {
		for k, v := range p.secrets {
			seen, _ := json.Marshal(p.selected[k])
			out[place+"|secret|"+k], out[place+"|seen by|"+k] = v, p.visibility[k]+string(seen)
		}
		for k, v := range p.variables {
			out[place+"|variable|"+k] = v
		}
	}
	return out
}

func (a *Actions) at(place string) *actionsPlace {
	p := a.places[place]
	if p == nil {
		p = &actionsPlace{secrets: map[string]string{}, variables: map[string]string{}, visibility: map[string]string{}, selected: map[string][]int{}}
		a.places[place] = p
	}
	return p
}

func (a *Actions) repo(name string) *actionsRepo {
	i := slices.IndexFunc(a.repos, func(r *actionsRepo) bool { return r.name == name })
	if i < 0 {
		return nil
	}
	return a.repos[i]
}

// ServeHTTP answers one request of the API.
func (a *Actions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	place, rest := actionsPath(strings.Split(strings.Trim(r.URL.Path, "/"), "/"))
	kind := "repos"
	if len(rest) > 0 {
		kind = rest[0]
	}
	if len(rest) == 2 && rest[1] != "public-key" {
		kind += " one"
	} else if len(rest) > 1 {
		kind = rest[len(rest)-1]
	}
	req := Request{Service: "actions", Op: r.Method + " " + kind, Mutates: r.Method != http.MethodGet}
	a.lab.serve(w, r, req, func(w http.ResponseWriter) { a.route(w, r, place, rest) }, func(w http.ResponseWriter, f Fault) { refuseJSON(w, f, "message") })
}

// actionsPath parts an address into the place and what is wanted there.
func actionsPath(parts []string) (place string, rest []string) {
	switch {
	case len(parts) > 5 && parts[0] == "repos" && parts[3] == "environments":
		return strings.Join(parts[:5], "/"), parts[5:]
	case len(parts) > 4 && parts[0] == "repos" && parts[3] == "actions":
		return strings.Join(parts[:3], "/"), parts[4:]
	case len(parts) > 3 && parts[0] == "orgs" && parts[2] == "actions":
		return strings.Join(parts[:2], "/"), parts[3:]
	case len(parts) == 4 && parts[0] == "repos":
		return strings.Join(parts[:3], "/"), parts[3:]
	}
	return strings.Join(parts, "/"), nil
}

func (a *Actions) route(w http.ResponseWriter, r *http.Request, place string, rest []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	refuse := func(status int, message string) {
		writeJSON(w, status, map[string]string{"message": message, "status": strconv.Itoa(status)})
	}
	p, known := a.places[place]
	switch {
	case r.Header.Get("Authorization") != "Bearer "+a.token:
		refuse(http.StatusUnauthorized, "Bad credentials")
	case a.spent:
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("X-RateLimit-Reset", "4102444800")
		refuse(http.StatusForbidden, "API rate limit exceeded")
	case place == "user/repos":
		actionsPage(w, r, "", a.repos, a.repoJSON)
	case !known:
		refuse(http.StatusNotFound, "Not Found")
	case len(rest) == 0:
		writeJSON(w, http.StatusOK, a.repoJSON(a.repo(strings.TrimPrefix(place, "repos/"))))
	case a.hidden[place]:
		refuse(http.StatusForbidden, "Resource not accessible by personal access token")
	case rest[0] == "environments":
		actionsPage(w, r, "environments", a.repo(strings.TrimPrefix(place, "repos/")).envs, func(e string) any { return map[string]any{"id": 1, "name": e} })
	case rest[0] == "variables":
		a.variable(w, r, p, rest[1:], refuse)
	case rest[0] == "secrets":
		a.secret(w, r, p, rest[1:], refuse)
	default:
		refuse(http.StatusNotFound, "Not Found")
	}
}

func (a *Actions) repoJSON(r *actionsRepo) any {
	owner, name, _ := strings.Cut(r.name, "/")
	kind := "User"
	if r.org {
		kind = "Organization"
	}
	return map[string]any{"id": r.id, "name": name, "full_name": r.name, "archived": r.archived, "owner": map[string]any{"login": owner, "type": kind}}
}

func (a *Actions) variable(w http.ResponseWriter, r *http.Request, p *actionsPlace, rest []string, refuse func(int, string)) {
	if len(rest) == 0 {
		actionsPage(w, r, "variables", slices.Sorted(maps.Keys(p.variables)), func(n string) any { return map[string]string{"name": n, "value": p.variables[n]} })
		return
	}
	v, ok := p.variables[rest[0]]
	var body struct{ Value *string }
	switch {
	case !ok:
		refuse(http.StatusNotFound, "Not Found")
	case r.Method == http.MethodGet:
		writeJSON(w, http.StatusOK, map[string]string{"name": rest[0], "value": v})
	case r.Method != http.MethodPatch || json.NewDecoder(r.Body).Decode(&body) != nil || body.Value == nil:
		refuse(http.StatusUnprocessableEntity, "Invalid request")
	default:
		p.variables[rest[0]] = *body.Value
		w.WriteHeader(http.StatusNoContent)
	}
}

func (a *Actions) secret(w http.ResponseWriter, r *http.Request, p *actionsPlace, rest []string, refuse func(int, string)) {
	tell := func(n string) any {
		return map[string]string{"name": n, "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z", "visibility": p.visibility[n]}
	}
	switch {
	case len(rest) == 0:
		actionsPage(w, r, "secrets", slices.Sorted(maps.Keys(p.secrets)), tell)
	case rest[0] == "public-key":
		writeJSON(w, http.StatusOK, map[string]string{"key_id": a.keyID, "key": base64.StdEncoding.EncodeToString(a.public[:])})
	case len(rest) == 2 && rest[1] == "repositories":
		actionsPage(w, r, "repositories", p.selected[rest[0]], func(id int) any { return map[string]any{"id": id} })
	case r.Method == http.MethodPut:
		a.put(w, r, p, rest[0], refuse)
	default:
		if _, ok := p.secrets[rest[0]]; !ok {
			refuse(http.StatusNotFound, "Not Found")
			return
		}
		writeJSON(w, http.StatusOK, tell(rest[0]))
	}
}

// put opens what was sealed for the twin. One that is not there is made.
func (a *Actions) put(w http.ResponseWriter, r *http.Request, p *actionsPlace, name string, refuse func(int, string)) {
	var body struct {
		Value      string `json:"encrypted_value"`
		Key        string `json:"key_id"`
		Visibility string `json:"visibility"`
		Selected   []int  `json:"selected_repository_ids"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.Key != a.keyID {
		refuse(http.StatusUnprocessableEntity, "Invalid request")
		return
	}
	raw, _ := base64.StdEncoding.DecodeString(body.Value)
	plain, ok := box.OpenAnonymous(nil, raw, a.public, a.private)
	org := strings.HasPrefix(strings.Trim(r.URL.Path, "/"), "orgs/")
	if !ok || org && body.Visibility == "" {
		refuse(http.StatusUnprocessableEntity, "Bad request - Value must be encrypted using the public key")
		return
	}
	_, was := p.secrets[name]
	p.secrets[name] = string(plain)
	if org {
		p.visibility[name], p.selected[name] = body.Visibility, body.Selected
	}
	if !was {
		w.WriteHeader(http.StatusCreated)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// actionsPage answers a page of a list: under a field with the number of all, or bare.
func actionsPage[T any](w http.ResponseWriter, r *http.Request, field string, all []T, tell func(T) any) {
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, page = min(max(size, 1), 30), max(page, 1)
	out := []any{}
	for _, x := range all[min(len(all), (page-1)*size):min(len(all), page*size)] {
		out = append(out, tell(x))
	}
	if field == "" {
		writeJSON(w, http.StatusOK, out)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"total_count": len(all), field: out})
}
