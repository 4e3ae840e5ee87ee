package lab

import (
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
	known []string // further people's tokens

	mu       sync.Mutex
	owners   []string
	services []*service
	groups   []*group
	queued   bool   // deploys answer 202 with an empty body
	busy     bool   // a deploy is refused while another one runs
	role     string // of the user of our key, in every workspace
	epoch    bool   // Ratelimit-Reset as Unix time, as documented; else seconds left, as seen
}

type service struct {
	consumer
	store

	id, kind, owner string
	suspended       bool
	suspender       string // why; "user" where it is empty
	manual          bool   // auto-deploy is off
	secretive       bool   // our key may not read its values
	made            time.Time
}

type group struct {
	store

	id, name, owner string
	links           []string
	made            time.Time
}

// store holds what a service or a group is given.
type store struct {
	vars  map[string]string
	files map[string]string
}

func newStore() store { return store{vars: map[string]string{}, files: map[string]string{}} }

func newRender(l *Lab) *Render {
	r := &Render{lab: l, token: MadeUp("rnd_", 28), role: "ADMIN"}
	r.AddOwner()
	return r
}

func renderID(prefix string) string {
	return prefix + random("0123456789abcdefghijklmnopqrstuv", 20)
}

// AddOwner adds a workspace and returns its id.
func (r *Render) AddOwner() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owners = append(r.owners, renderID("tea-"))
	return r.owners[len(r.owners)-1]
}

// Owners returns the ids of the workspaces.
func (r *Render) Owners() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.owners)
}

// AddService adds a service ("web_service", "background_worker", "cron_job") to
// the newest workspace and returns its id.
func (r *Render) AddService(name, kind string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	prefix := "srv-"
	if kind == "cron_job" {
		prefix = "crn-"
	}
	s := &service{id: renderID(prefix), kind: kind, owner: r.owners[len(r.owners)-1], store: newStore(), made: time.Now()}
	s.name = name
	r.services = append(r.services, s)
	return s.id
}

// AddGroup adds an environment group linked to services to the newest workspace
// and returns its id.
func (r *Render) AddGroup(name string, services ...string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := &group{id: renderID("evg-"), name: name, owner: r.owners[len(r.owners)-1], store: newStore(), links: services, made: time.Now()}
	r.groups = append(r.groups, g)
	return g.id
}

// SetVar stores a variable of a service or group.
func (r *Render) SetVar(id, key, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.find(id).vars[key] = value
}

// SetFile stores a secret file of a service or group.
func (r *Render) SetFile(id, name, content string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.find(id).files[name] = content
}

// Value returns a stored variable.
func (r *Render) Value(id, key string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.find(id).vars[key]
}

// Everything returns all stored values by place, so that a test sees what a
// change touched.
func (r *Render) Everything() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]string{}
	add := func(id string, s store) {
		for k, v := range s.vars {
			out[id+"|"+k] = v
		}
		for k, v := range s.files {
			out[id+"|file|"+k] = v
		}
	}
	for _, s := range r.services {
		add(s.id, s.store)
	}
	for _, g := range r.groups {
		add(g.id, g.store)
	}
	return out
}

// Fail lets the deploys that start from now on fail.
func (r *Render) Fail(id string, on bool) { r.with(id, func(s *service) { s.fail = on }) }

// Queue lets deploys answer 202 with an empty body, as Render does for cron jobs
// and services with a disk.
func (r *Render) Queue(on bool) { r.set(func() { r.queued = on }) }

// Busy refuses a deploy with 409 while another one of the service runs.
func (r *Render) Busy(on bool) { r.set(func() { r.busy = on }) }

// EpochReset gives Ratelimit-Reset as Unix time instead of seconds left.
func (r *Render) EpochReset(on bool) { r.set(func() { r.epoch = on }) }

// Suspend suspends a service.
func (r *Render) Suspend(id string) { r.with(id, func(s *service) { s.suspended = true }) }

// ManualDeploys turns auto-deploy off.
func (r *Render) ManualDeploys(id string) { r.with(id, func(s *service) { s.manual = true }) }

// ourMail is the address of the person whose access the lab hands out.
const ourMail = "jo@shop.invalid"

// Role gives the user of our key another role in every workspace: "DEVELOPER",
// "WORKSPACE_VIEWER". The twin goes on to allow everything.
func (r *Render) Role(role string) { r.set(func() { r.role = role }) }

// Hide forbids our key to read a service's values.
func (r *Render) Hide(id string) { r.with(id, func(s *service) { s.secretive = true }) }

func (r *Render) set(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}

func (r *Render) with(id string, do func(*service)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.service(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s)
}

// find returns the store of a service or group, nil when there is none.
func (r *Render) find(id string) *store {
	if s := r.service(id); s != nil {
		return &s.store
	}
	if g := r.group(id); g != nil {
		return &g.store
	}
	return nil
}

func (r *Render) service(id string) *service {
	i := slices.IndexFunc(r.services, func(s *service) bool { return s.id == id })
	if i < 0 {
		return nil
	}
	return r.services[i]
}

func (r *Render) group(id string) *group {
	i := slices.IndexFunc(r.groups, func(g *group) bool { return g.id == id })
	if i < 0 {
		return nil
	}
	return r.groups[i]
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
	op := q.Method + " " + renderOp(parts)
	req := Request{Service: "render", Op: op, Mutates: q.Method != http.MethodGet}
	r.lab.serve(w, q, req, func(w http.ResponseWriter) { r.route(w, q, parts, op) }, func(w http.ResponseWriter, f Fault) { refuseJSON(w, f, "message") })
}

// renderOp names an operation for Request.Op: the last kind of thing in the
// path, with "one" when it is named: "env-vars", "env-vars one".
func renderOp(parts []string) string {
	kind := parts[0]
	if len(parts) > 2 {
		kind = parts[2]
	}
	if len(parts)%2 == 0 {
		kind += " one"
	}
	return kind
}

func (r *Render) route(w http.ResponseWriter, q *http.Request, parts []string, op string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limits(w)
	if !takes(q, r.token, r.known) {
		refuseRender(w, http.StatusUnauthorized, "Unauthorized")
		return
	}
	if len(parts) > 1 && r.find(parts[1]) == nil && (parts[0] != "owners" || !slices.Contains(r.owners, parts[1])) {
		refuseRender(w, http.StatusNotFound, "not found: "+parts[1])
		return
	}
	if s := r.service(parts[min(1, len(parts)-1)]); s != nil && s.secretive && len(parts) > 2 {
		refuseRender(w, http.StatusForbidden, "forbidden")
		return
	}
	switch op {
	case "GET owners":
		page(w, q, r.owners, func(o string) string { return o }, func(o string) map[string]any {
			return map[string]any{"owner": map[string]string{"id": o, "name": "Shop", "email": ourMail, "type": "team"}}
		})
	case "GET users":
		writeJSON(w, http.StatusOK, map[string]string{"email": ourMail, "name": "Jo"})
	case "GET members":
		writeJSON(w, http.StatusOK, []map[string]any{
			{"userId": "usr-1", "name": "Ann", "email": "ann@shop.invalid", "status": "active", "role": "ADMIN", "mfaEnabled": true},
			{"userId": "usr-2", "name": "Jo", "email": ourMail, "status": "active", "role": r.role, "mfaEnabled": false},
		})
	case "GET services":
		page(w, q, r.services, func(s *service) string { return s.id }, func(s *service) map[string]any { return map[string]any{"service": r.serviceJSON(s)} })
	case "GET services one":
		writeJSON(w, http.StatusOK, r.serviceJSON(r.service(parts[1])))
	case "GET env-groups":
		r.listGroups(w, q)
	case "GET env-groups one":
		writeJSON(w, http.StatusOK, r.groupJSON(r.group(parts[1]), true))
	case "GET env-vars", "GET secret-files":
		listStore(w, q, r.find(parts[1]), parts[2])
	case "GET env-vars one", "PUT env-vars one", "DELETE env-vars one", "GET secret-files one", "PUT secret-files one", "DELETE secret-files one":
		r.oneValue(w, q, parts)
	case "POST deploys":
		r.postDeploy(w, q, parts[1])
	case "GET deploys", "GET deploys one":
		r.getDeploys(w, q, parts)
	case "GET events":
		r.listEvents(w, q, parts[1])
	case "GET logs":
		r.listLogs(w, q)
	default:
		refuseRender(w, http.StatusNotFound, "not found")
	}
}

// limits sends the headers that Render sends with every answer.
func (r *Render) limits(w http.ResponseWriter) {
	reset := "51"
	if r.epoch {
		reset = strconv.FormatInt(time.Now().Add(51*time.Second).Unix(), 10)
	}
	w.Header().Set("Ratelimit-Limit", "400")
	w.Header().Set("Ratelimit-Remaining", "399")
	w.Header().Set("Ratelimit-Reset", reset)
	w.Header().Set("Render-Request-Id", random("0123456789abcdef", 24))
}

func refuseRender(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"id": random("0123456789abcdef", 16), "message": message})
}
