package lab

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Render is the twin of the Render API, as far as variables and deploys go.
type Render struct {
	lab   *Lab
	token string
	owner string

	mu       sync.Mutex
	services []*service
	groups   []*group
	queued   bool // deploys answer 202 with an empty body
}

type service struct {
	consumer

	id        string
	kind      string
	suspended bool
	vars      map[string]string
}

type group struct {
	id, name string
	vars     map[string]string
	links    []string
}

func newRender(l *Lab) *Render {
	return &Render{lab: l, token: MadeUp("rnd_", 28), owner: "tea-" + random("0123456789abcdefghij", 20)}
}

// AddService adds a service ("web_service", "background_worker") and returns its id.
func (r *Render) AddService(name, kind string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &service{id: "srv-" + random("0123456789abcdefghij", 20), kind: kind, vars: map[string]string{}}
	s.name = name
	r.services = append(r.services, s)
	return s.id
}

// AddGroup adds an environment group linked to services and returns its id.
func (r *Render) AddGroup(name string, services ...string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := &group{id: "evg-" + random("0123456789abcdefghij", 20), name: name, vars: map[string]string{}, links: services}
	r.groups = append(r.groups, g)
	return g.id
}

// SetVar stores a variable of a service or group.
func (r *Render) SetVar(id, key, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if vars := r.vars(id); vars != nil {
		vars[key] = value
	}
}

// Value returns a stored variable.
func (r *Render) Value(id, key string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.vars(id)[key]
}

// Deploy starts a deploy as a push to the repository would.
func (r *Render) Deploy(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deploy(r.service(id), "new_commit")
}

// Fail lets the deploys that start from now on fail.
func (r *Render) Fail(id string, on bool) {
	r.mu.Lock()
	s := r.service(id)
	r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = on
}

// Queue lets deploys answer 202 with an empty body, as Render does for cron jobs
// and services with a disk.
func (r *Render) Queue(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queued = on
}

// Suspend suspends a service.
func (r *Render) Suspend(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.service(id).suspended = true
}

func (r *Render) vars(id string) map[string]string {
	if s := r.service(id); s != nil {
		return s.vars
	}
	if g := r.group(id); g != nil {
		return g.vars
	}
	return nil
}

func (r *Render) service(id string) *service {
	for _, s := range r.services {
		if s.id == id {
			return s
		}
	}
	return nil
}

func (r *Render) group(id string) *group {
	for _, g := range r.groups {
		if g.id == id {
			return g
		}
	}
	return nil
}

// deploy starts with the values as they are now; a service's own win over a
// group's.
func (r *Render) deploy(s *service, trigger string) *deploy {
	env := map[string]string{}
	for _, g := range r.groups {
		if slices.Contains(g.links, s.id) {
			maps.Copy(env, g.vars)
		}
	}
	maps.Copy(env, s.vars)
	return s.start("dep-"+random("0123456789abcdefghij", 20), trigger, env)
}

// ServeHTTP routes one API request.
func (r *Render) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	var parts []string
	for _, p := range strings.Split(strings.Trim(strings.TrimPrefix(q.URL.EscapedPath(), "/v1"), "/"), "/") {
		u, err := url.PathUnescape(p)
		if err != nil {
			http.Error(w, "bad path", http.StatusBadRequest)
			return
		}
		parts = append(parts, u)
	}
	kind := parts[0]
	if len(parts) > 2 {
		kind = parts[2]
	}
	one := ""
	if len(parts)%2 == 0 {
		one = " one"
	}
	op := q.Method + " " + kind + one
	req := Request{Service: "render", Method: q.Method, Path: q.URL.Path, Op: op, Mutates: q.Method != http.MethodGet}
	r.lab.serve(w, req, func(w http.ResponseWriter) { r.route(w, q, parts, op) }, func(w http.ResponseWriter, f Fault) { refuseJSON(w, f, "message") })
}

func (r *Render) route(w http.ResponseWriter, q *http.Request, parts []string, op string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.Header().Set("Ratelimit-Limit", "400")
	w.Header().Set("Ratelimit-Remaining", "399")
	w.Header().Set("Ratelimit-Reset", "51")
	if q.Header.Get("Authorization") != "Bearer "+r.token {
		r.refuse(w, http.StatusUnauthorized, "Unauthorized")
		return
	}
	if len(parts) > 1 && r.service(parts[1]) == nil && r.group(parts[1]) == nil {
		r.refuse(w, http.StatusNotFound, "not found: "+parts[1])
		return
	}
	switch op {
	case "GET services":
		page(w, q, r.services, func(s *service) string { return s.id }, func(s *service) map[string]any { return map[string]any{"service": r.serviceJSON(s)} })
	case "GET services one":
		writeJSON(w, http.StatusOK, r.serviceJSON(r.service(parts[1])))
	case "GET env-groups":
		out := []map[string]any{}
		for _, g := range r.groups {
			out = append(out, r.groupJSON(g, false))
		}
		writeJSON(w, http.StatusOK, out)
	case "GET env-groups one":
		writeJSON(w, http.StatusOK, r.groupJSON(r.group(parts[1]), true))
	case "GET env-vars":
		vars := r.vars(parts[1])
		keys := slices.Sorted(maps.Keys(vars))
		page(w, q, keys, func(k string) string { return k }, func(k string) map[string]any { return map[string]any{"envVar": pair(k, vars[k])} })
	case "GET env-vars one", "PUT env-vars one", "DELETE env-vars one":
		r.oneVar(w, q, parts)
	case "POST deploys":
		r.postDeploy(w, q, parts[1])
	case "GET deploys", "GET deploys one":
		r.getDeploys(w, q, parts)
	default:
		r.refuse(w, http.StatusNotFound, "not found")
	}
}

func (r *Render) refuse(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"id": random("0123456789abcdef", 16), "message": message})
}

func pair(key, value string) map[string]string { return map[string]string{"key": key, "value": value} }

// page serves a list the way Render does: 20 items by default, 100 at most, and
// after the cursor of the last one an empty list.
func page[T any](w http.ResponseWriter, q *http.Request, list []T, cursor func(T) string, item func(T) map[string]any) {
	limit, err := strconv.Atoi(q.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > 100 {
		limit = 20
	}
	after := q.URL.Query().Get("cursor")
	out := []map[string]any{}
	seen := after == ""
	for _, x := range list {
		if !seen {
			seen = cursor(x) == after
			continue
		}
		if len(out) == limit {
			break
		}
		i := item(x)
		i["cursor"] = cursor(x)
		out = append(out, i)
	}
	writeJSON(w, http.StatusOK, out)
}

func (r *Render) serviceJSON(s *service) map[string]any {
	state := "not_suspended"
	if s.suspended {
		state = "suspended"
	}
	details := map[string]any{}
	if s.kind == "web_service" {
		details["url"] = r.lab.urls["app"] + "/render/" + s.name
		details["healthCheckPath"] = "/health"
	}
	return map[string]any{
		"id": s.id, "name": s.name, "type": s.kind, "ownerId": r.owner, "suspended": state, "suspenders": []string{},
		"autoDeploy": "yes", "serviceDetails": details,
	}
}

func (r *Render) groupJSON(g *group, values bool) map[string]any {
	links := []map[string]string{}
	for _, id := range g.links {
		links = append(links, map[string]string{"id": id, "name": r.service(id).name, "type": "worker"})
	}
	out := map[string]any{"id": g.id, "name": g.name, "ownerId": r.owner, "serviceLinks": links}
	if values {
		vars := []map[string]string{}
		for _, k := range slices.Sorted(maps.Keys(g.vars)) {
			vars = append(vars, pair(k, g.vars[k]))
		}
		out["envVars"], out["secretFiles"] = vars, []any{}
	}
	return out
}

func (r *Render) oneVar(w http.ResponseWriter, q *http.Request, parts []string) {
	vars, key := r.vars(parts[1]), parts[3]
	switch q.Method {
	case http.MethodGet:
		v, ok := vars[key]
		if !ok {
			r.refuse(w, http.StatusNotFound, "not found: "+key)
			return
		}
		writeJSON(w, http.StatusOK, pair(key, v))
	case http.MethodPut:
		var in struct {
			Value string `json:"value"`
		}
		if json.NewDecoder(q.Body).Decode(&in) != nil || in.Value == "" {
			r.refuse(w, http.StatusBadRequest, "value is required")
			return
		}
		vars[key] = in.Value
		if g := r.group(parts[1]); g != nil {
			writeJSON(w, http.StatusOK, r.groupJSON(g, true))
			return
		}
		writeJSON(w, http.StatusOK, pair(key, in.Value))
	case http.MethodDelete:
		delete(vars, key)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (r *Render) postDeploy(w http.ResponseWriter, q *http.Request, id string) {
	body, err := io.ReadAll(io.LimitReader(q.Body, 1<<16))
	if err != nil || !json.Valid(body) {
		r.refuse(w, http.StatusBadRequest, "a JSON body is required")
		return
	}
	s := r.service(id)
	d := r.deploy(s, "api")
	if r.queued {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	writeJSON(w, http.StatusCreated, r.deployJSON(s, d))
}

func (r *Render) getDeploys(w http.ResponseWriter, q *http.Request, parts []string) {
	s := r.service(parts[1])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(r.lab)
	if len(parts) == 4 {
		d := s.find(parts[3])
		if d == nil {
			r.refuse(w, http.StatusNotFound, "not found: "+parts[3])
			return
		}
		writeJSON(w, http.StatusOK, r.deployJSON(s, d))
		return
	}
	newest := slices.Clone(s.deploys)
	slices.Reverse(newest)
	page(w, q, newest, func(d *deploy) string { return d.id }, func(d *deploy) map[string]any { return map[string]any{"deploy": r.deployJSON(s, d)} })
}

func (r *Render) deployJSON(s *service, d *deploy) map[string]any {
	status := "build_in_progress"
	done := time.Since(d.started) >= r.lab.opts.DeployTime
	switch {
	case d.failed && done:
		status = "build_failed"
	case d.live && s.current() == d:
		status = "live"
	case d.live:
		status = "deactivated"
	}
	return map[string]any{
		"id": d.id, "status": status, "trigger": d.trigger, "createdAt": d.started.UTC().Format(time.RFC3339Nano),
		"commit": map[string]string{"id": strings.Repeat("0", 40), "message": "deploy"},
	}
}
