package lab

import (
	"net/http"
	"slices"
	"time"
)

// logLine is a line that a consumer wrote.
type logLine struct {
	at         time.Time
	kind, text string // kind is app or build
}

// Needs names variables without which a service's process ends right after its start.
func (r *Render) Needs(id string, keys ...string) { r.with(id, func(s *service) { s.needs = keys }) }

// Crash lets the process of a service that is live end by itself, with a last word.
func (r *Render) Crash(id, text string) {
	r.with(id, func(s *service) {
		s.settle(r.lab)
		s.crashes = append(s.crashes, time.Now())
		s.log = append(s.log, logLine{time.Now(), "app", text})
	})
}

// Log writes a line of a service.
func (r *Render) Log(id, kind, text string) {
	r.with(id, func(s *service) { s.log = append(s.log, logLine{time.Now(), kind, text}) })
}

// CrashLoop suspends a service as Render does when its process ends again and again.
func (r *Render) CrashLoop(id string) {
	r.with(id, func(s *service) { s.suspended, s.suspender = true, "stuck_crashlooping" })
}

// lacks returns what of the needed variables a deploy does not have.
func (c *consumer) lacks(env map[string]string) string {
	for _, key := range c.needs {
		if env[key] == "" {
			return key
		}
	}
	return ""
}

func (r *Render) listEvents(w http.ResponseWriter, q *http.Request, id string) {
	s := r.service(id)
	if s == nil {
		refuseRender(w, http.StatusNotFound, "not found: "+id)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(r.lab)
	since, kind := sinceOf(q), q.URL.Query().Get("type")
	var list []map[string]any
	for _, at := range s.crashes {
		if !at.Before(since) && (kind == "" || kind == "server_failed") {
			list = append(list, map[string]any{
				"id": renderID("evt-"), "timestamp": stamp(at), "serviceId": id, "type": "server_failed",
				"details": map[string]any{"instanceID": renderID("srv-") + "-abcde", "reason": map[string]any{"nonZeroExit": 1}},
			})
		}
	}
	page(w, q, list, func(e map[string]any) string { return e["id"].(string) }, func(e map[string]any) map[string]any { return map[string]any{"event": e} })
}

func sinceOf(q *http.Request) time.Time {
	t, err := time.Parse(time.RFC3339, q.URL.Query().Get("startTime"))
	if err != nil {
		return time.Time{}
	}
	return t
}

// listLogs answers newest first, which is what the API does by default.
func (r *Render) listLogs(w http.ResponseWriter, q *http.Request) {
	owner, resource := q.URL.Query().Get("ownerId"), q.URL.Query().Get("resource")
	s := r.service(resource)
	if owner == "" || s == nil || s.owner != owner {
		refuseRender(w, http.StatusBadRequest, "ownerId and resource are required")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(r.lab)
	since, kind := sinceOf(q), q.URL.Query().Get("type")
	logs := []map[string]any{}
	for _, l := range slices.Backward(s.log) {
		if (kind != "" && l.kind != kind) || l.at.Before(since) || len(logs) == limitOf(q) {
			continue
		}
		logs = append(logs, map[string]any{
			"id": random("0123456789abcdef", 16), "message": l.text, "timestamp": stamp(l.at),
			"labels": []map[string]string{{"name": "resource", "value": resource}, {"name": "type", "value": l.kind}},
		})
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"hasMore": false, "nextStartTime": stamp(time.Now()), "nextEndTime": stamp(time.Now()), "logs": logs,
	})
}
