package lab

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Deploy starts a deploy as a push to the repository would.
func (r *Render) Deploy(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deploy(r.service(id), "new_commit", "")
}

// LiveCommit returns the commit that a service runs, "" before its first deploy.
func (r *Render) LiveCommit(id string) string {
	r.mu.Lock()
	s := r.service(id)
	r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(r.lab)
	if d := s.current(); d != nil {
		return d.commit
	}
	return ""
}

// deploy starts with the values as they are now; a service's own win over a
// group's, as is believed. Without a commit it ships the newest one of the
// branch, which in the twin is always another one.
func (r *Render) deploy(s *service, trigger, commit string) *deploy {
	env := map[string]string{}
	for _, g := range r.groups {
		if slices.Contains(g.links, s.id) {
			maps.Copy(env, g.vars)
		}
	}
	maps.Copy(env, s.vars)
	if commit == "" {
		commit = random("0123456789abcdef", 40)
	}
	return s.start(deploy{id: renderID("dep-"), trigger: trigger, context: "production", commit: commit, env: env})
}

func (r *Render) postDeploy(w http.ResponseWriter, q *http.Request, id string) {
	s := r.service(id)
	body, err := io.ReadAll(q.Body)
	var in struct{ ClearCache, CommitID, ImageURL, DeployMode string }
	switch {
	case s == nil:
		refuseRender(w, http.StatusNotFound, "not found: "+id)
	case err != nil || json.Unmarshal(body, &in) != nil:
		refuseRender(w, http.StatusBadRequest, "a JSON body is required")
	case in.DeployMode == "deploy_only" && in.ClearCache+in.CommitID+in.ImageURL != "":
		refuseRender(w, http.StatusBadRequest, "deployMode excludes the others")
	case in.CommitID != "" && s.kind == "cron_job":
		refuseRender(w, http.StatusBadRequest, "commitId is not supported for cron jobs")
	case r.busy && r.running(s):
		refuseRender(w, http.StatusConflict, "another deploy is running")
	default:
		d := r.deploy(s, "api", in.CommitID)
		if r.queued || s.kind == "cron_job" {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		writeJSON(w, http.StatusCreated, r.deployJSON(s, d))
	}
}

func (r *Render) running(s *service) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(r.lab)
	return slices.ContainsFunc(s.deploys, func(d *deploy) bool { return !d.live && time.Since(d.started) < r.lab.opts.DeployTime })
}

func (r *Render) getDeploys(w http.ResponseWriter, q *http.Request, parts []string) {
	s := r.service(parts[1])
	if s == nil {
		refuseRender(w, http.StatusNotFound, "not found: "+parts[1])
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(r.lab)
	if len(parts) == 4 {
		d := s.find(parts[3])
		if d == nil {
			refuseRender(w, http.StatusNotFound, "not found: "+parts[3])
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
	case d.crashed:
		status = "update_failed"
	case d.failed && done:
		status = "build_failed"
	case d.live && s.current() == d:
		status = "live"
	case d.live:
		status = "deactivated"
	}
	out := map[string]any{
		"id": d.id, "status": status, "trigger": d.trigger, "createdAt": stamp(d.started), "updatedAt": stamp(d.started),
		"commit": map[string]string{"id": d.commit, "message": "deploy", "createdAt": stamp(d.started)},
	}
	if d.live || d.failed && done {
		out["finishedAt"] = stamp(d.started.Add(d.whole(r.lab)))
	}
	return out
}

// Past gives a service deploys of yesterday that took so long.
func (r *Render) Past(id string, took ...time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.service(id).past(deploy{trigger: "new_commit", context: "production", commit: random("0123456789abcdef", 40)}, took)
}
