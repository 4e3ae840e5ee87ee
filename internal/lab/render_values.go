package lab

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// listGroups takes a limit and hands out no cursor, as the real API does.
func (r *Render) listGroups(w http.ResponseWriter, q *http.Request) {
	owners := q.URL.Query().Get("ownerId")
	out := []map[string]any{}
	for _, g := range r.groups {
		if (owners == "" || slices.Contains(strings.Split(owners, ","), g.owner)) && len(out) < limitOf(q) {
			out = append(out, r.groupJSON(g, false))
		}
	}
	writeJSON(w, http.StatusOK, out)
}

func (r *Render) serviceJSON(s *service) map[string]any {
	state, auto := "not_suspended", "yes"
	suspenders := []string{}
	if s.suspended {
		state, suspenders = "suspended", []string{cmp.Or(s.suspender, "user")}
	}
	if s.manual {
		auto = "no"
	}
	details := map[string]any{
		"env": "node", "runtime": "node", "plan": "starter", "buildPlan": "starter", "region": "oregon",
		"envSpecificDetails": map[string]string{"buildCommand": "npm ci", "startCommand": "npm start"},
	}
	switch s.kind {
	case "cron_job":
		details["schedule"] = "0 3 * * *"
	case "static_site":
		details = map[string]any{"buildCommand": "", "publishPath": "public", "buildPlan": "starter", "url": r.lab.urls["app"] + "/render/" + s.name}
	case "private_service":
		details["url"] = s.name + ":10000"
		details["openPorts"] = []map[string]any{{"port": 10000, "protocol": "TCP"}}
		details["numInstances"] = 1
	case "web_service":
		details["url"], details["healthCheckPath"] = r.lab.urls["app"]+"/render/"+s.name, "/health"
		details["openPorts"] = []map[string]any{{"port": 10000, "protocol": "TCP"}}
		details["numInstances"] = 1
	default:
		details["numInstances"] = 1
	}
	return map[string]any{
		"id": s.id, "name": s.name, "slug": s.name + "-q9lm", "type": s.kind, "ownerId": s.owner, "suspended": state, "suspenders": suspenders,
		"autoDeploy": auto, "notifyOnFail": "default", "rootDir": "", "dashboardUrl": "https://dashboard.render.com/web/" + s.id,
		"createdAt": stamp(s.made), "updatedAt": stamp(s.made), "serviceDetails": details,
	}
}

// shortType is how a group's links spell a service's type.
var shortType = map[string]string{
	"web_service": "web", "background_worker": "worker", "private_service": "pserv", "cron_job": "cron", "static_site": "static",
}

func (r *Render) groupJSON(g *group, values bool) map[string]any {
	links := []map[string]string{}
	for _, id := range g.links {
		l := map[string]string{"id": id, "name": "gone", "type": "web"}
		if s := r.service(id); s != nil {
			l["name"], l["type"] = s.name, shortType[s.kind]
		}
		links = append(links, l)
	}
	out := map[string]any{
		"id": g.id, "name": g.name, "ownerId": g.owner, "serviceLinks": links, "createdAt": stamp(g.made), "updatedAt": stamp(g.made),
	}
	if values {
		vars, files := []map[string]string{}, []map[string]string{}
		for _, k := range slices.Sorted(maps.Keys(g.vars)) {
			vars = append(vars, pair(k, g.vars[k]))
		}
		for _, k := range slices.Sorted(maps.Keys(g.files)) {
			files = append(files, file(k, g.files[k]))
		}
		out["envVars"], out["secretFiles"] = vars, files
	}
	return out
}

// oneValue serves one variable or secret file. A change of a group is answered
// with the whole group.
func (r *Render) oneValue(w http.ResponseWriter, q *http.Request, parts []string) {
	s, kind, key := r.find(parts[1]), parts[2], parts[3]
	values, show, field, made := s.vars, pair, "value", http.StatusOK
	if kind == "secret-files" {
		values, show, field, made = s.files, file, "content", http.StatusCreated
	}
	switch q.Method {
	case http.MethodGet:
		v, ok := values[key]
		if !ok {
			refuseRender(w, http.StatusNotFound, "not found: "+key)
			return
		}
		writeJSON(w, http.StatusOK, show(key, v))
	case http.MethodPut:
		var in map[string]string
		if json.NewDecoder(q.Body).Decode(&in) != nil || in[field] == "" {
			refuseRender(w, http.StatusBadRequest, field+" is required")
			return
		}
		values[key] = in[field]
		if g := r.group(parts[1]); g != nil {
			writeJSON(w, http.StatusOK, r.groupJSON(g, true))
			return
		}
		writeJSON(w, made, show(key, in[field]))
	case http.MethodDelete:
		delete(values, key)
		w.WriteHeader(http.StatusNoContent)
	}
}

// page serves a list the way Render does: 20 items by default, 100 at most, an
// opaque cursor with each, and after the last one an empty list.
func page[T any](w http.ResponseWriter, q *http.Request, list []T, key func(T) string, item func(T) map[string]any) {
	opaque := func(x T) string { return base64.RawURLEncoding.EncodeToString([]byte("\x7ft\xc3" + key(x))) }
	limit := limitOf(q)
	after := q.URL.Query().Get("cursor")
	out := []map[string]any{}
	seen := after == ""
	for _, x := range list {
		if !seen {
			seen = opaque(x) == after
			continue
		}
		if len(out) == limit {
			break
		}
		i := item(x)
		i["cursor"] = opaque(x)
		out = append(out, i)
	}
	writeJSON(w, http.StatusOK, out)
}

func limitOf(q *http.Request) int {
	limit, err := strconv.Atoi(q.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > 100 {
		return 20
	}
	return limit
}

func pair(key, value string) map[string]string { return map[string]string{"key": key, "value": value} }

func file(name, content string) map[string]string {
	return map[string]string{"name": name, "content": content}
}

func listStore(w http.ResponseWriter, q *http.Request, s *store, kind string) {
	if kind == "env-vars" {
		page(w, q, slices.Sorted(maps.Keys(s.vars)), func(k string) string { return k }, func(k string) map[string]any { return map[string]any{"envVar": pair(k, s.vars[k])} })
		return
	}
	page(w, q, slices.Sorted(maps.Keys(s.files)), func(k string) string { return k }, func(k string) map[string]any { return map[string]any{"secretFile": file(k, s.files[k])} })
}
