package lab

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

type netVar struct {
	secret bool
	scopes []string // as answers spell them
	values []netValue
	at     time.Time
}

type netValue struct {
	ID      string `json:"id"`
	Value   string `json:"value"`
	Context string `json:"context"`
	Param   string `json:"context_parameter,omitempty"`
}

// netContexts are the contexts of the API besides "all" and "branch".
var netContexts = []string{"dev", "dev-server", "branch-deploy", "deploy-preview", "production"}

// SetVar stores a variable of a site, or of the first account's team when the
// site is empty. The context of a branch is "branch/NAME". A secret one cannot be
// read back.
func (n *Netlify) SetVar(siteID, key, context, value string, secret bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.setVar(n.varsOf(siteID), key, context, value, secret)
}

// SetTeamVar stores a shared variable of the account with the slug.
func (n *Netlify) SetTeamVar(slug, key, context, value string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.setVar(n.account(slug).team, key, context, value, false)
}

func (n *Netlify) setVar(vars map[string]*netVar, key, context, value string, secret bool) {
	v := vars[key]
	if v == nil {
		v = &netVar{scopes: []string{"builds", "functions", "runtime", "post_processing"}}
		vars[key] = v
	}
	if secret {
		v.scopes = []string{"builds", "functions", "runtime"}
	}
	v.secret = secret
	name, param, _ := strings.Cut(context, "/")
	v.put(name, param, value)
}

// SetScopes narrows a site's variable to scopes.
func (n *Netlify) SetScopes(siteID, key string, scopes ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.varsOf(siteID)[key].scopes = scopes
}

// Value returns what is stored, whether it can be read over the API or not.
func (n *Netlify) Value(siteID, key, context string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	name, param, _ := strings.Cut(context, "/")
	if v := n.varsOf(siteID)[key]; v != nil {
		for _, x := range v.values {
			if x.Context == name && x.Param == param {
				return x.Value
			}
		}
	}
	return ""
}

// Everything returns all stored values by place, with the scopes and the secret
// flag of their variable, so that a test sees what a change touched.
func (n *Netlify) Everything() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := map[string]string{}
	add := func(place string, vars map[string]*netVar) {
		for key, v := range vars {
			for _, x := range v.values {
				out[strings.Join([]string{place, key, x.Context, x.Param}, "|")] = x.Value
			}
			flags := "plain"
			if v.secret {
				flags = "secret"
			}
			out[strings.Join([]string{place, key, "scopes"}, "|")] = flags + " " + strings.Join(v.scopes, ",")
		}
	}
	for _, a := range n.accounts {
		add(a.slug, a.team)
	}
	for _, s := range n.sites {
		add(s.id, s.vars)
	}
	return out
}

func (n *Netlify) varsOf(siteID string) map[string]*netVar {
	if s := n.site(siteID); s != nil {
		return s.vars
	}
	return n.accounts[0].team
}

// put sets one context's value. A variable holds one "all" value or several
// specific ones: a specific one splits "all", so that the others keep what they
// had, as Netlify's command line does; "all" replaces the specific ones. What the
// real API does with either is not documented; the client must need neither.
func (v *netVar) put(context, param, value string) {
	v.at = time.Now()
	for i := range v.values {
		if v.values[i].Context == context && v.values[i].Param == param {
			v.values[i].Value = value
			return
		}
	}
	one := func(context, param, value string) netValue {
		return netValue{ID: random("0123456789abcdef", 24), Value: value, Context: context, Param: param}
	}
	if context == "all" {
		v.values = nil
	}
	if len(v.values) == 1 && v.values[0].Context == "all" {
		old := v.values[0].Value
		v.values = nil
		for _, c := range netContexts {
			if c != context {
				v.values = append(v.values, one(c, "", old))
			}
		}
	}
	v.values = append(v.values, one(context, param, value))
}

// env returns what a production deploy sees: team values, hidden by a site's own.
func (n *Netlify) env(s *site) map[string]string {
	out := map[string]string{}
	for _, vars := range []map[string]*netVar{s.account.team, s.vars} {
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

// envError words errors as these endpoints do, with "msg" alone.
func envError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"msg": message})
}

func (n *Netlify) routeEnv(w http.ResponseWriter, r *http.Request, parts []string) {
	a := n.account(parts[1])
	if a == nil {
		envError(w, http.StatusNotFound, "account not found")
		return
	}
	vars := a.team
	if id := r.URL.Query().Get("site_id"); id != "" {
		s := n.site(id)
		if s == nil || s.account != a {
			envError(w, http.StatusNotFound, "site not found")
			return
		}
		vars = s.vars
	} else if a.noTeam != 0 {
		envError(w, a.noTeam, "not allowed")
		return
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
		envError(w, http.StatusNotFound, "variable not found")
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
		patchVar(w, r, key, v)
	case http.MethodPut:
		replaceVar(w, r, key, v)
	case http.MethodDelete:
		delete(vars, key)
		w.WriteHeader(http.StatusNoContent)
	}
}

func patchVar(w http.ResponseWriter, r *http.Request, key string, v *netVar) {
	var in struct {
		Context string `json:"context"`
		Param   string `json:"context_parameter"`
		Value   string `json:"value"`
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	known := in.Context == "all" || in.Context == "branch" || slices.Contains(netContexts, in.Context)
	switch {
	case err != nil || !known || in.Value == "":
		envError(w, http.StatusUnprocessableEntity, "context and value are required")
	case (in.Context == "branch") != (in.Param != ""):
		envError(w, http.StatusUnprocessableEntity, "context_parameter goes with the context branch")
	case v.secret && in.Context == "all":
		envError(w, http.StatusUnprocessableEntity, "a secret needs explicit contexts")
	default:
		v.put(in.Context, in.Param, in.Value)
		writeJSON(w, http.StatusCreated, varJSON(key, v))
	}
}

// replaceVar is the dangerous call: every context's value is replaced, also by a
// mask that was read.
func replaceVar(w http.ResponseWriter, r *http.Request, key string, v *netVar) {
	var in struct {
		Scopes []string   `json:"scopes"`
		Values []netValue `json:"values"`
	}
	switch {
	case json.NewDecoder(r.Body).Decode(&in) != nil:
		envError(w, http.StatusUnprocessableEntity, "bad body")
	case in.Scopes != nil && !v.secret: // the twin is on the free plan
		netError(w, http.StatusForbidden, "Upgrade your Netlify account to set specific scopes")
	default:
		v.values, v.at = in.Values, time.Now()
		writeJSON(w, http.StatusOK, varJSON(key, v))
	}
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
		"updated_by": map[string]string{"id": "1", "full_name": "Jo Doe", "email": "jo@shop.invalid"},
	}
}
