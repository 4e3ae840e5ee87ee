package lab

import (
	"net/http"
	"slices"
	"time"
)

// Deploy starts a deploy as a push to the repository would.
func (n *Netlify) Deploy(siteID string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deploy(n.site(siteID), "push", "production")
}

// Preview starts a deploy of another branch, which is never published.
func (n *Netlify) Preview(siteID string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.deploy(n.site(siteID), "push", "deploy-preview")
}

// Past gives a site deploys of yesterday that took so long.
func (n *Netlify) Past(siteID string, took ...time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.site(siteID).past(deploy{trigger: "push", context: "production"}, took)
}

func (n *Netlify) deploy(s *site, trigger, context string) *deploy {
	return s.start(deploy{id: random("0123456789abcdef", 24), trigger: trigger, context: context, env: n.env(s)})
}

func (n *Netlify) build(w http.ResponseWriter, r *http.Request, s *site) {
	if s.noBuild != 0 {
		netError(w, s.noBuild, "this site does not build")
		return
	}
	if d := &n.dials; d.builds > 0 {
		d.built = slices.DeleteFunc(d.built, func(at time.Time) bool { return time.Since(at) > time.Minute })
		if len(d.built) >= d.builds {
			netError(w, http.StatusTooManyRequests, "too many deploys")
			return
		}
		d.built = append(d.built, time.Now())
	}
	context := "production"
	if r.URL.Query().Get("branch") != "" {
		context = "branch-deploy"
	}
	d := n.deploy(s, "api", context)
	writeJSON(w, http.StatusOK, map[string]any{
		"id": random("0123456789abcdef", 24), "deploy_id": d.id, "sha": "", "done": false, "error": "", "created_at": stamp(d.started),
	})
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// listDeploys answers newest first.
func (n *Netlify) listDeploys(w http.ResponseWriter, r *http.Request, s *site) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(n.lab)
	from, to := n.window(r)
	out := []map[string]any{}
	at := 0
	for _, d := range slices.Backward(s.deploys) {
		if r.URL.Query().Get("production") == "true" && d.context != "production" {
			continue
		}
		if at >= from && at < to {
			out = append(out, n.deployJSON(s, d))
		}
		at++
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
	netError(w, http.StatusNotFound, "Not Found")
}

// deployJSON walks through states as time passes. "ready" is not "published".
func (n *Netlify) deployJSON(s *site, d *deploy) map[string]any {
	out := map[string]any{
		"id": d.id, "site_id": s.id, "state": "enqueued", "context": d.context, "locked": s.locked, "created_at": stamp(d.started), "branch": "main",
	}
	switch age, whole := time.Since(d.started), n.lab.opts.DeployTime; {
	case d.failed && age >= whole:
		out["state"], out["error_message"] = "error", d.failure
	case d.live, d.pinned, d.context != "production" && age >= whole:
		out["state"] = "ready"
	case age > whole*2/3:
		out["state"] = "processing"
	case age > whole/3:
		out["state"] = "building"
	}
	if d.live {
		out["published_at"] = stamp(d.started.Add(d.whole(n.lab)))
	}
	return out
}

// LiveDeploy returns the id of the deploy that a site serves.
func (n *Netlify) LiveDeploy(siteID string) (id string) {
	n.with(siteID, func(s *site) {
		s.settle(n.lab)
		if d := s.current(); d != nil {
			id = d.id
		}
	})
	return id
}
