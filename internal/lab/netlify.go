package lab

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Netlify is the twin of the Netlify API (netlify/open-api), as far as variables
// and deploys go.
type Netlify struct {
	lab     *Lab
	token   string
	account string // slug; the id is the same in the twin

	mu    sync.Mutex
	sites []*site
	team  map[string]*netVar
}

type site struct {
	consumer

	id   string
	vars map[string]*netVar
}

type netVar struct {
	secret bool
	scopes []string
	values []netValue
	at     time.Time
}

type netValue struct {
	ID      string `json:"id"`
	Value   string `json:"value"`
	Context string `json:"context"`
	Param   string `json:"context_parameter,omitempty"`
}

func newNetlify(l *Lab) *Netlify {
	return &Netlify{lab: l, token: MadeUp("nfp_", 36), account: "shop-team", team: map[string]*netVar{}}
}

// AddSite adds a site and returns its id.
func (n *Netlify) AddSite(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := &site{id: random("0123456789abcdef", 24), vars: map[string]*netVar{}}
	s.name = name
	n.sites = append(n.sites, s)
	return s.id
}

// SetVar stores a variable; an empty site means the team. A secret one cannot be
// read back.
func (n *Netlify) SetVar(siteID, key, context, value string, secret bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	vars := n.team
	if s := n.site(siteID); s != nil {
		vars = s.vars
	}
	v := vars[key]
	if v == nil {
		v = &netVar{scopes: []string{"builds", "functions", "runtime", "post_processing"}}
		vars[key] = v
	}
	v.secret = secret
	v.put(context, "", value)
}

// Lock pins the published deploy: new ones are built and not published.
func (n *Netlify) Lock(siteID string, on bool) { n.with(siteID, func(s *site) { s.locked = on }) }

// Fail lets the deploys that start from now on fail.
func (n *Netlify) Fail(siteID string, on bool) { n.with(siteID, func(s *site) { s.fail = on }) }

func (n *Netlify) with(siteID string, do func(*site)) {
	n.mu.Lock()
	s := n.site(siteID)
	n.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s)
}

// Deploy starts a deploy as a push to the repository would.
func (n *Netlify) Deploy(siteID string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deploy(n.site(siteID), "push")
}

// Value returns what is stored, whether it can be read over the API or not.
func (n *Netlify) Value(siteID, key, context string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	vars := n.team
	if s := n.site(siteID); s != nil {
		vars = s.vars
	}
	if v := vars[key]; v != nil {
		for _, x := range v.values {
			if x.Context == context {
				return x.Value
			}
		}
	}
	return ""
}

func (n *Netlify) site(id string) *site {
	for _, s := range n.sites {
		if s.id == id {
			return s
		}
	}
	return nil
}

// put sets one context's value. A single "all" value is split first, as
// Netlify's own command line does, so that other contexts keep theirs.
func (v *netVar) put(context, param, value string) {
	v.at = time.Now()
	for i := range v.values {
		if v.values[i].Context == context && v.values[i].Param == param {
			v.values[i].Value = value
			return
		}
	}
	v.values = append(v.values, netValue{ID: random("0123456789abcdef", 24), Value: value, Context: context, Param: param})
}

// env returns what a production deploy sees: team values, hidden by site values.
func (n *Netlify) env(s *site) map[string]string {
	out := map[string]string{}
	for _, vars := range []map[string]*netVar{n.team, s.vars} {
		for key, v := range vars {
			for _, x := range v.values {
				if x.Context == "production" || x.Context == "all" {
					out[key] = x.Value
				}
			}
		}
	}
	return out
}

func (n *Netlify) deploy(s *site, trigger string) *deploy {
	return s.start(random("0123456789abcdef", 24), trigger, n.env(s))
}

// ServeHTTP routes one API request.
func (n *Netlify) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	op := r.Method + " " + netlifyOp(parts)
	req := Request{Service: "netlify", Method: r.Method, Path: r.URL.Path, Op: op, Mutates: r.Method != http.MethodGet}
	n.lab.serve(w, req, func(w http.ResponseWriter) { n.route(w, r, parts, op) }, func(w http.ResponseWriter, f Fault) { refuseJSON(w, f, "msg") })
}

func netlifyOp(parts []string) string {
	switch {
	case len(parts) == 1:
		return parts[0]
	case len(parts) >= 3 && parts[0] == "accounts" && parts[2] == "env":
		return "env"
	case len(parts) == 3 && parts[0] == "sites":
		return parts[2]
	case parts[0] == "deploys", parts[0] == "sites":
		return strings.TrimSuffix(parts[0], "s")
	}
	return parts[len(parts)-1]
}

// refuseJSON answers a planned fault in JSON, or with the raw body.
func refuseJSON(w http.ResponseWriter, f Fault, field string) {
	if f.Body != "" {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(f.Status)
		_, _ = w.Write([]byte(f.Body)) // the client may be gone
		return
	}
	writeJSON(w, f.Status, map[string]any{field: "planned fault", "code": f.Status})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

func (n *Netlify) route(w http.ResponseWriter, r *http.Request, parts []string, op string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+n.token {
		writeJSON(w, http.StatusUnauthorized, map[string]any{"code": 401, "message": "Access Denied"})
		return
	}
	switch op {
	case "GET accounts":
		writeJSON(w, http.StatusOK, []map[string]string{{"id": n.account, "slug": n.account, "name": "Shop team"}})
	case "GET sites":
		n.listSites(w, r)
	case "GET site":
		n.oneSite(w, parts[1])
	case "GET env", "PATCH env", "POST env", "PUT env", "DELETE env":
		n.routeEnv(w, r, parts)
	case "POST builds":
		n.build(w, parts[1])
	case "GET deploys":
		n.listDeploys(w, parts[1])
	case "GET deploy":
		n.oneDeploy(w, parts[1])
	default:
		writeJSON(w, http.StatusNotFound, map[string]any{"code": 404, "message": "Not Found"})
	}
}

func (n *Netlify) listSites(w http.ResponseWriter, r *http.Request) {
	per, err := strconv.Atoi(r.URL.Query().Get("per_page"))
	if err != nil || per < 1 || per > 100 {
		per = 100
	}
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	out := []map[string]any{}
	for i, s := range n.sites {
		if i >= (page-1)*per && i < page*per {
			out = append(out, n.siteJSON(s))
		}
	}
	writeJSON(w, http.StatusOK, out)
}

func (n *Netlify) oneSite(w http.ResponseWriter, id string) {
	s := n.site(id)
	if s == nil {
		writeJSON(w, http.StatusNotFound, map[string]any{"code": 404, "message": "Not Found"})
		return
	}
	writeJSON(w, http.StatusOK, n.siteJSON(s))
}

func (n *Netlify) siteJSON(s *site) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(n.lab)
	url := n.lab.urls["app"] + "/netlify/" + s.name
	out := map[string]any{"id": s.id, "name": s.name, "account_slug": n.account, "url": url, "ssl_url": url}
	if d := s.current(); d != nil {
		out["published_deploy"] = n.deployJSON(s, d)
	}
	return out
}

func (n *Netlify) routeEnv(w http.ResponseWriter, r *http.Request, parts []string) {
	vars := n.team
	if id := r.URL.Query().Get("site_id"); id != "" {
		s := n.site(id)
		if s == nil {
			writeJSON(w, http.StatusNotFound, map[string]any{"code": 404, "msg": "site not found"})
			return
		}
		vars = s.vars
	}
	if len(parts) == 3 && r.Method == http.MethodGet {
		out := []map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(vars)) {
			out = append(out, varJSON(key, vars[key]))
		}
		writeJSON(w, http.StatusOK, out)
		return
	}
	if len(parts) < 4 || vars[parts[3]] == nil {
		writeJSON(w, http.StatusNotFound, map[string]any{"code": 404, "msg": "variable not found"})
		return
	}
	n.oneVar(w, r, parts[3], vars)
}

func (n *Netlify) oneVar(w http.ResponseWriter, r *http.Request, key string, vars map[string]*netVar) {
	v := vars[key]
	switch r.Method {
	case http.MethodGet:
		writeJSON(w, http.StatusOK, varJSON(key, v))
	case http.MethodPatch:
		var in struct {
			Context string `json:"context"`
			Param   string `json:"context_parameter"`
			Value   string `json:"value"`
		}
		if json.NewDecoder(r.Body).Decode(&in) != nil || in.Context == "" || in.Value == "" {
			writeJSON(w, http.StatusUnprocessableEntity, map[string]any{"code": 422, "msg": "context and value are required"})
			return
		}
		v.put(in.Context, in.Param, in.Value)
		writeJSON(w, http.StatusCreated, varJSON(key, v))
	case http.MethodPut:
		n.replaceVar(w, r, key, v)
	case http.MethodDelete:
		delete(vars, key)
		w.WriteHeader(http.StatusNoContent)
	default:
		writeJSON(w, http.StatusMethodNotAllowed, map[string]any{"code": 405, "msg": "method not allowed"})
	}
}

// replaceVar is the dangerous call: every context's value is replaced.
func (n *Netlify) replaceVar(w http.ResponseWriter, r *http.Request, key string, v *netVar) {
	var in struct {
		Scopes []string   `json:"scopes"`
		Values []netValue `json:"values"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]any{"code": 422, "msg": "bad body"})
		return
	}
	if in.Scopes != nil {
		writeJSON(w, http.StatusForbidden, map[string]any{"code": 403, "message": "Upgrade your Netlify account to set specific scopes"})
		return
	}
	v.values, v.at = in.Values, time.Now()
	writeJSON(w, http.StatusOK, varJSON(key, v))
}

// varJSON masks a secret variable's values, all but the dev context's.
func varJSON(key string, v *netVar) map[string]any {
	values := slices.Clone(v.values)
	for i := range values {
		if v.secret && values[i].Context != "dev" {
			values[i].Value = "****************"
		}
	}
	return map[string]any{
		"key": key, "scopes": v.scopes, "values": values, "is_secret": v.secret, "updated_at": v.at.UTC().Format(time.RFC3339Nano),
	}
}

func (n *Netlify) build(w http.ResponseWriter, id string) {
	s := n.site(id)
	if s == nil {
		writeJSON(w, http.StatusNotFound, map[string]any{"code": 404, "message": "Not Found"})
		return
	}
	d := n.deploy(s, "api")
	writeJSON(w, http.StatusOK, map[string]any{
		"id": random("0123456789abcdef", 24), "deploy_id": d.id, "done": false, "created_at": d.started.UTC().Format(time.RFC3339Nano),
	})
}

func (n *Netlify) listDeploys(w http.ResponseWriter, id string) {
	s := n.site(id)
	if s == nil {
		writeJSON(w, http.StatusNotFound, map[string]any{"code": 404, "message": "Not Found"})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(n.lab)
	out := []map[string]any{}
	for _, d := range slices.Backward(s.deploys) {
		out = append(out, n.deployJSON(s, d))
	}
	writeJSON(w, http.StatusOK, out)
}

func (n *Netlify) oneDeploy(w http.ResponseWriter, id string) {
	for _, s := range n.sites {
		s.mu.Lock()
		s.settle(n.lab)
		d := s.find(id)
		var out map[string]any
		if d != nil {
			out = n.deployJSON(s, d)
		}
		s.mu.Unlock()
		if out != nil {
			writeJSON(w, http.StatusOK, out)
			return
		}
	}
	writeJSON(w, http.StatusNotFound, map[string]any{"code": 404, "message": "Not Found"})
}

func (n *Netlify) deployJSON(s *site, d *deploy) map[string]any {
	out := map[string]any{
		"id": d.id, "site_id": s.id, "state": "building", "context": "production", "locked": s.locked,
		"created_at": d.started.UTC().Format(time.RFC3339Nano), "published_at": nil, "error_message": nil,
	}
	done := time.Since(d.started) >= n.lab.opts.DeployTime
	switch {
	case d.failed && done:
		out["state"], out["error_message"] = "error", "Build script returned non-zero exit code: 2"
	case d.live, d.pinned:
		out["state"] = "ready"
	}
	if d.live {
		out["published_at"] = d.started.Add(n.lab.opts.DeployTime).UTC().Format(time.RFC3339Nano)
	}
	return out
}
