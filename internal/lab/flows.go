package lab

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// Flows is the twin of a Prefect server's API, as far as deployments, work pools and
// workers go (PrefectHQ/prefect, schema.json). It lives below /api.
type Flows struct {
	lab *Lab

	mu          sync.Mutex
	key         string
	deployments map[string]*flowDeployment // by flow/name
	pools       map[string]*flowPool
}

type flowDeployment struct {
	id, pool string
	paused   bool
}

type flowPool struct {
	id      string
	paused  bool
	workers map[string]bool // online
}

func newFlows(l *Lab) *Flows {
	return &Flows{lab: l, key: MadeUp("pnu_", 36), deployments: map[string]*flowDeployment{}, pools: map[string]*flowPool{}}
}

// Key returns the API key that the server takes.
func (f *Flows) Key() string { return f.key }

// URL returns the API's address, as PREFECT_API_URL has it.
func (f *Flows) URL() string { return f.lab.urls["flows"] + "/api" }

func uuid() string {
	h := func(n int) string { return random("0123456789abcdef", n) }
	return h(8) + "-" + h(4) + "-4" + h(3) + "-a" + h(3) + "-" + h(12)
}

// AddDeployment adds "flow/name", which runs in a pool.
func (f *Flows) AddDeployment(name, pool string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deployments[name] = &flowDeployment{id: uuid(), pool: pool}
}

// AddPool adds a work pool without a worker.
func (f *Flows) AddPool(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pools[name] = &flowPool{id: uuid(), workers: map[string]bool{}}
}

// SetWorker says whether a worker of a pool is online.
func (f *Flows) SetWorker(pool, worker string, online bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pools[pool].workers[worker] = online
}

// Pause pauses a deployment or a pool, whichever has the name.
func (f *Flows) Pause(name string, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d := f.deployments[name]; d != nil {
		d.paused = on
	}
	if p := f.pools[name]; p != nil {
		p.paused = on
	}
}

// ServeHTTP answers one request.
func (f *Flows) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/api/"), "/")
	op := r.Method + " " + strings.Split(path, "/")[0]
	f.lab.serve(w, r, Request{Service: "flows", Op: op}, func(w http.ResponseWriter) { f.route(w, r, path) }, func(w http.ResponseWriter, x Fault) {
		writeJSON(w, x.Status, map[string]string{"exception_message": "planned fault"})
	})
}

func (f *Flows) route(w http.ResponseWriter, r *http.Request, path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	parts := strings.Split(path, "/")
	switch {
	case !strings.HasPrefix(r.URL.Path, "/api/"): // the server's own pages
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Prefect</title>")) // the client may be gone
	case path == "health": // needs no key
		writeJSON(w, http.StatusOK, true)
	case r.Header.Get("Authorization") != "Bearer "+f.key:
		writeJSON(w, http.StatusUnauthorized, map[string]string{"exception_message": "Unauthorized"})
	case path == "deployments/filter" && r.Method == http.MethodPost:
		out := []map[string]any{}
		for name, d := range f.deployments {
			out = append(out, d.json(name))
		}
		writeJSON(w, http.StatusOK, out[:min(len(out), 1)])
	case len(parts) == 4 && parts[0] == "deployments" && parts[1] == "name" && f.deployments[parts[2]+"/"+parts[3]] != nil:
		writeJSON(w, http.StatusOK, f.deployments[parts[2]+"/"+parts[3]].json(parts[2]+"/"+parts[3]))
	case len(parts) == 2 && parts[0] == "work_pools" && f.pools[parts[1]] != nil:
		writeJSON(w, http.StatusOK, f.pools[parts[1]].json(parts[1]))
	case len(parts) == 4 && parts[0] == "work_pools" && parts[2] == "workers" && f.pools[parts[1]] != nil:
		writeJSON(w, http.StatusOK, f.pools[parts[1]].list())
	default:
		writeJSON(w, http.StatusNotFound, map[string]string{"detail": "Not Found"})
	}
}

func (d *flowDeployment) json(name string) map[string]any {
	_, short, _ := strings.Cut(name, "/")
	now := stamp(time.Now())
	return map[string]any{
		"id": d.id, "created": now, "updated": now, "name": short, "flow_id": uuid(), "paused": d.paused, "work_pool_name": d.pool, "status": "READY",
	}
}

func (p *flowPool) json(name string) map[string]any {
	now := stamp(time.Now())
	status := "NOT_READY"
	for _, online := range p.workers {
		if online {
			status = "READY"
		}
	}
	if p.paused {
		status = "PAUSED"
	}
	return map[string]any{"id": p.id, "created": now, "updated": now, "name": name, "type": "process", "is_paused": p.paused, "status": status}
}

func (p *flowPool) list() []map[string]any {
	out := []map[string]any{}
	now := stamp(time.Now())
	for name, online := range p.workers {
		status := "OFFLINE"
		if online {
			status = "ONLINE"
		}
		out = append(out, map[string]any{
			"id": uuid(), "created": now, "updated": now, "name": name, "work_pool_id": p.id, "last_heartbeat_time": now, "status": status,
		})
	}
	return out
}
