package lab

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Railway is the twin of Railway's API, as far as variables and deploys go. It answers
// by the name of the operation, and 200 with errors where the real one does so.
type Railway struct {
	lab   *Lab
	token string

	mu       sync.Mutex
	account  bool // our token is an account's, not a workspace's
	projects []*railwayProject
	hidden   map[string]bool // environments that our token may not see
	fail     bool            // deploys that start from now on fail
}

type railwayProject struct {
	id, name string
	envs     []*railwayEnv
}

type railwayEnv struct {
	id, name string
	shared   map[string]string
	services []*railwayService
	sealed   map[string]string // "service id/NAME" -> value; an empty service id for a shared one
}

type railwayService struct {
	id, name string
	vars     map[string]string
	deploys  []*railwayDeploy
}

type railwayDeploy struct {
	id      string
	started time.Time
	failed  bool
	env     map[string]string // as it was stored when it started
}

func newRailway(l *Lab) *Railway {
	hex := func(n int) string { return random("0123456789abcdef", n) }
	return &Railway{lab: l, token: hex(8) + "-" + hex(4) + "-" + hex(4) + "-" + hex(4) + "-" + hex(12), hidden: map[string]bool{}}
}

// AsAccount makes our token one of an account, which a workspace's question refuses.
func (r *Railway) AsAccount() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.account = true
}

// AddEnvironment adds an environment to a project, which is made when it is new, with
// services. Each is deployed once.
func (r *Railway) AddEnvironment(projectName, name string, services ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.projects, func(p *railwayProject) bool { return p.name == projectName })
	if i < 0 {
		i = len(r.projects)
		r.projects = append(r.projects, &railwayProject{id: "project-" + projectName, name: projectName})
	}
	e := &railwayEnv{id: "env-" + projectName + "-" + name, name: name, shared: map[string]string{}, sealed: map[string]string{}}
	for _, s := range services {
		one := &railwayService{id: "svc-" + s, name: s, vars: map[string]string{}}
		one.deploys = []*railwayDeploy{{id: random("0123456789abcdef", 16), started: time.Now().Add(-time.Hour)}}
		e.services = append(e.services, one)
	}
	r.projects[i].envs = append(r.projects[i].envs, e)
}

// Hide keeps an environment from our token.
func (r *Railway) Hide(env string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hidden[env] = true
}

// Fail lets deploys that start from now on fail.
func (r *Railway) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = true
}

// Set stores a variable of a service, or a shared one when service is empty.
func (r *Railway) Set(env, service, name, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.vars(r.env(env), service)[name] = value
}

// Seal stores a variable that nobody can read back.
func (r *Railway) Seal(env, service, name, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.env(env).sealed[service+"/"+name] = value
}

// Value returns what is stored, sealed or not.
func (r *Railway) Value(env, service, name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.env(env)
	if v, ok := e.sealed[service+"/"+name]; ok {
		return v
	}
	return r.vars(e, service)[name]
}

// Running returns a variable as the newest deploy of a service was given it, references
// replaced.
func (r *Railway) Running(env, service, name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.service(r.env(env), service).deploys
	return d[len(d)-1].env[name]
}

// Everything returns all stored values by place.
func (r *Railway) Everything() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]string{}
	for _, p := range r.projects {
		for _, e := range p.envs {
			for k, v := range e.shared {
				out[e.id+"||"+k] = v
			}
			for k, v := range e.sealed {
				out[e.id+"|sealed|"+k] = v
			}
			for _, s := range e.services {
				for k, v := range s.vars {
					out[e.id+"|"+s.id+"|"+k] = v
				}
			}
		}
	}
	return out
}

func (r *Railway) env(id string) *railwayEnv {
	for _, p := range r.projects {
		for _, e := range p.envs {
			if e.id == id {
				return e
			}
		}
	}
	return nil
}

func (r *Railway) service(e *railwayEnv, id string) *railwayService {
	i := slices.IndexFunc(e.services, func(s *railwayService) bool { return s.id == id })
	if i < 0 {
		return nil
	}
	return e.services[i]
}

func (r *Railway) vars(e *railwayEnv, service string) map[string]string {
	if service == "" {
		return e.shared
	}
	if s := r.service(e, service); s != nil {
		return s.vars
	}
	return nil
}

type railwayAsk struct {
	Name  string `json:"operationName"`
	Query string `json:"query"`
	Args  struct {
		ID, ProjectID, EnvironmentID, ServiceID string
		Input                                   struct {
			ProjectID, EnvironmentID, ServiceID, Name string
			Value                                     *string
			SkipDeploys                               bool
		}
	} `json:"variables"`
}

// ServeHTTP answers one operation.
func (r *Railway) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	var ask railwayAsk
	raw := readSome(q.Body)
	q.Body = again(raw)
	_ = json.Unmarshal(raw, &ask) // what is no question is answered as one
	if ask.Name == "" {           // somebody asks whether a leaked token works
		q.URL.Path = "/railway" + q.URL.Path
		r.lab.Services.ServeHTTP(w, q)
		return
	}
	req := Request{Service: "railway", Op: ask.Name, Mutates: strings.HasPrefix(ask.Query, "mutation")}
	r.lab.serve(w, q, req, func(w http.ResponseWriter) {
		r.mu.Lock()
		defer r.mu.Unlock()
		data, refused := r.answer(q, ask)
		if refused != "" {
			writeJSON(w, http.StatusOK, map[string]any{"data": nil, "errors": []any{map[string]string{"message": refused}}})
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"data": data})
	}, func(w http.ResponseWriter, f Fault) { refuseJSON(w, f, "message") })
}

// answer returns the data of an answer, or what is refused.
func (r *Railway) answer(q *http.Request, ask railwayAsk) (data any, refused string) {
	const no = "Not Authorized"
	if q.Header.Get("Authorization") != "Bearer "+r.token {
		return nil, no
	}
	workspaces := map[string]any{"workspaces": []any{map[string]string{"id": "workspace-1", "name": "Shop"}}}
	in := ask.Args.Input
	switch ask.Name {
	case "TokenWorkspaces":
		if r.account {
			return nil, no
		}
		return map[string]any{"apiToken": workspaces}, ""
	case "AccountWorkspaces":
		return map[string]any{"me": workspaces}, ""
	case "Projects":
		return map[string]any{"workspace": map[string]any{"projects": edges(r.projects, func(p *railwayProject) any {
			return map[string]any{"id": p.id, "name": p.name, "environments": edges(p.envs, func(e *railwayEnv) any { return map[string]string{"id": e.id, "name": e.name} })}
		})}}, ""
	case "Deployment":
		return r.deployment(ask.Args.ID)
	case "Redeploy":
		return r.redeploy(ask.Args.ID)
	}
	e := r.env(cmp.Or(ask.Args.EnvironmentID, in.EnvironmentID, ask.Args.ID))
	switch {
	case e == nil:
		return nil, "Environment not found"
	case r.hidden[e.id]:
		return nil, no
	}
	switch ask.Name {
	case "Environment":
		return map[string]any{"environment": e.describe()}, ""
	case "Variables":
		return map[string]any{"variables": r.vars(e, ask.Args.ServiceID)}, ""
	case "Upsert":
		return r.upsert(e, in.ServiceID, in.Name, in.Value, in.SkipDeploys)
	case "Deployments":
		s := r.service(e, in.ServiceID)
		if s == nil {
			return nil, "Service not found"
		}
		return map[string]any{"deployments": edges(s.deploys, func(d *railwayDeploy) any { return r.told(s, d) })}, ""
	}
	return nil, "Problem processing request"
}

func edges[T any](list []T, tell func(T) any) map[string]any {
	out := []any{}
	for _, x := range list {
		out = append(out, map[string]any{"node": tell(x)})
	}
	return map[string]any{"edges": out, "pageInfo": map[string]any{"hasNextPage": false}}
}

func (e *railwayEnv) describe() any {
	type at struct {
		service, name string
		sealed        bool
	}
	var vars []at
	for _, k := range slices.Sorted(maps.Keys(e.shared)) {
		vars = append(vars, at{"", k, false})
	}
	for _, s := range e.services {
		for _, k := range slices.Sorted(maps.Keys(s.vars)) {
			vars = append(vars, at{s.id, k, false})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(e.sealed)) {
		service, name, _ := strings.Cut(k, "/")
		vars = append(vars, at{service, name, true})
	}
	return map[string]any{
		"serviceInstances": edges(e.services, func(s *railwayService) any {
			return map[string]any{"serviceId": s.id, "serviceName": s.name, "healthcheckPath": nil, "domains": map[string]any{"serviceDomains": []any{}, "customDomains": []any{}}}
		}),
		"variables": edges(vars, func(v at) any {
			var service any
			if v.service != "" {
				service = v.service
			}
			return map[string]any{"name": v.name, "serviceId": service, "isSealed": v.sealed}
		}),
	}
}

func (r *Railway) upsert(e *railwayEnv, service, name string, value *string, quiet bool) (any, string) {
	vars := r.vars(e, service)
	if vars == nil || value == nil || name == "" {
		return nil, "Problem processing request"
	}
	if _, sealed := e.sealed[service+"/"+name]; sealed {
		e.sealed[service+"/"+name] = *value
	} else {
		vars[name] = *value
	}
	if !quiet { // everything that is fed by it is deployed at once
		for _, s := range e.services {
			r.start(e, s)
		}
	}
	return map[string]any{"variableUpsert": true}, ""
}
