package lab

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Netlify is the twin of the Netlify API (netlify/open-api), as far as variables
// and deploys go.
type Netlify struct {
	lab   *Lab
	token string
	known []string // further people's tokens

	mu       sync.Mutex
	accounts []*netAccount
	sites    []*site
	dials    netDials
}

// netDials are misbehaviours that last until they are turned back.
type netDials struct {
	role   string // of the user of our token, in every team; empty means Owner
	page   int    // most sites in one page; 0 means 100
	limit  int    // requests in a window; 0 means 500
	window time.Duration
	begun  time.Time
	count  int
	builds int // builds that may be started in a minute; 0 means any number
	built  []time.Time
}

type netAccount struct {
	id, slug, name string
	team           map[string]*netVar
	noTeam         int // status for who may not read shared variables; 0 = may
}

type site struct {
	consumer

	id      string
	account *netAccount
	vars    map[string]*netVar
	noBuild int // status of a build request; 0 = builds
}

func newNetlify(l *Lab) *Netlify {
	n := &Netlify{lab: l, token: MadeUp("nfp_", 36)}
	n.AddAccount("Shop team")
	return n
}

// AddAccount adds an account and returns its slug, which is not its id.
func (n *Netlify) AddAccount(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := &netAccount{id: random("0123456789abcdef", 24), slug: strings.ToLower(strings.ReplaceAll(name, " ", "-")), name: name, team: map[string]*netVar{}}
	n.accounts = append(n.accounts, a)
	return a.slug
}

// AddSite adds a site to the first account and returns its id.
func (n *Netlify) AddSite(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.addSite(n.accounts[0], name)
}

// AddSiteTo adds a site to the account with the slug and returns its id.
func (n *Netlify) AddSiteTo(slug, name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.addSite(n.account(slug), name)
}

// AccountNames returns how an account may stand in addresses: its slug and its id.
func (n *Netlify) AccountNames(slug string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return []string{slug, n.account(slug).id}
}

func (n *Netlify) addSite(a *netAccount, name string) string {
	s := &site{id: random("0123456789abcdef", 24), account: a, vars: map[string]*netVar{}}
	s.name = name
	n.sites = append(n.sites, s)
	return s.id
}

// account finds an account by id or slug: the API takes both.
func (n *Netlify) account(name string) *netAccount {
	for _, a := range n.accounts {
		if a.slug == name || a.id == name {
			return a
		}
	}
	return nil
}

func (n *Netlify) site(id string) *site {
	for _, s := range n.sites {
		if s.id == id {
			return s
		}
	}
	return nil
}

// Lock pins the published deploy: new ones are built and not published.
func (n *Netlify) Lock(siteID string, on bool) { n.with(siteID, func(s *site) { s.locked = on }) }

// Fail lets the deploys that start from now on fail.
func (n *Netlify) Fail(siteID string, on bool) {
	n.with(siteID, func(s *site) { s.fail, s.failure = on, "" })
}

// FailWith lets them fail with a text of the build's own.
func (n *Netlify) FailWith(siteID, text string) {
	n.with(siteID, func(s *site) { s.fail, s.failure = true, text })
}

// NoBuild answers build requests with a status: 404 for a site without a
// repository, 422 for one whose builds are stopped; 0 lets it build.
func (n *Netlify) NoBuild(siteID string, status int) {
	n.with(siteID, func(s *site) { s.noBuild = status })
}

// HideTeam answers with a status who asks for an account's shared variables, as
// for a collaborator; 0 shows them.
func (n *Netlify) HideTeam(slug string, status int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.account(slug).noTeam = status
}

// Role gives the user of our token another role in every team: "Developer",
// "Reviewer". The twin goes on to allow everything.
func (n *Netlify) Role(role string) { n.dial(func(d *netDials) { d.role = role }) }

// PageSize bounds how many sites one page holds, whatever is asked for.
func (n *Netlify) PageSize(most int) { n.dial(func(d *netDials) { d.page = most }) }

// RateLimit allows so many requests in each window, counted from now.
func (n *Netlify) RateLimit(requests int, window time.Duration) {
	n.dial(func(d *netDials) { d.limit, d.window, d.begun, d.count = requests, window, time.Now(), 0 })
}

// BuildLimit allows so many builds a minute; Netlify itself allows three.
func (n *Netlify) BuildLimit(builds int) {
	n.dial(func(d *netDials) { d.builds, d.built = builds, nil })
}

func (n *Netlify) dial(set func(*netDials)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	set(&n.dials)
}

func (n *Netlify) with(siteID string, do func(*site)) {
	n.mu.Lock()
	s := n.site(siteID)
	n.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s)
}

// ServeHTTP routes one API request.
func (n *Netlify) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/v1"), "/"), "/")
	op := r.Method + " " + netlifyOp(r, parts)
	req := Request{Service: "netlify", Op: op, Mutates: r.Method != http.MethodGet}
	n.lab.serve(w, r, req, func(w http.ResponseWriter) { n.route(w, r, parts, op) }, func(w http.ResponseWriter, f Fault) {
		if strings.Contains(op, "env") {
			refuseJSON(w, f, "msg") // these endpoints have their own spelling
			return
		}
		refuseJSON(w, f, "message")
	})
}

// netlifyOp names an operation for Request.Op: "accounts", "sites" (a list),
// "site", "env" (a list, or a change), "team env", "env one", "builds",
// "deploys", "deploy".
func netlifyOp(r *http.Request, parts []string) string {
	switch {
	case len(parts) == 1:
		return parts[0]
	case len(parts) >= 3 && parts[0] == "accounts" && parts[2] == "env":
		switch {
		case r.Method == http.MethodGet && len(parts) > 3:
			return "env one"
		case r.Method == http.MethodGet && !r.URL.Query().Has("site_id"):
			return "team env"
		}
		return "env"
	case len(parts) == 3 && parts[0] == "sites":
		return parts[2]
	case parts[0] == "deploys", parts[0] == "sites":
		return strings.TrimSuffix(parts[0], "s")
	}
	return parts[len(parts)-1]
}

func netError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"code": status, "message": message})
}

func (n *Netlify) route(w http.ResponseWriter, r *http.Request, parts []string, op string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w.Header().Set("X-Nf-Request-Id", random("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26))
	if n.limited(w) {
		netError(w, http.StatusTooManyRequests, "API rate limit exceeded")
		return
	}
	if !takes(r, n.token, n.known) {
		netError(w, http.StatusUnauthorized, "Access Denied")
		return
	}
	switch op {
	case "GET accounts":
		out := []map[string]string{}
		for _, a := range n.accounts {
			out = append(out, map[string]string{"id": a.id, "slug": a.slug, "name": a.name})
		}
		writeJSON(w, http.StatusOK, out)
	case "GET user":
		writeJSON(w, http.StatusOK, map[string]string{"id": "u-jo", "email": ourMail})
	case "GET members":
		if n.account(parts[0]) == nil {
			netError(w, http.StatusNotFound, "Not Found")
			return
		}
		writeJSON(w, http.StatusOK, []map[string]string{
			{"id": "u-ann", "email": "ann@shop.invalid", "role": "Owner"}, {"id": "u-jo", "email": ourMail, "role": cmp.Or(n.dials.role, "Owner")},
		})
	case "GET sites":
		n.listSites(w, r, parts[0])
	case "GET site":
		n.forSite(w, parts[1], func(s *site) { writeJSON(w, http.StatusOK, n.siteJSON(s)) })
	case "GET team env", "GET env", "GET env one", "PATCH env", "PUT env", "DELETE env":
		n.routeEnv(w, r, parts)
	case "POST builds":
		n.forSite(w, parts[1], func(s *site) { n.build(w, r, s) })
	case "GET deploys":
		n.forSite(w, parts[1], func(s *site) { n.listDeploys(w, r, s) })
	case "GET deploy":
		n.oneDeploy(w, parts[1])
	default:
		netError(w, http.StatusNotFound, "Not Found")
	}
}

func (n *Netlify) forSite(w http.ResponseWriter, id string, do func(*site)) {
	s := n.site(id)
	if s == nil {
		netError(w, http.StatusNotFound, "Not Found")
		return
	}
	do(s)
}

// limited counts the request and names the limit, in Unix time.
func (n *Netlify) limited(w http.ResponseWriter) bool {
	d := &n.dials
	limit, window := d.limit, d.window
	if limit == 0 {
		limit, window = 500, time.Minute
	}
	if time.Since(d.begun) >= window {
		d.begun, d.count = time.Now(), 0
	}
	d.count++
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(limit))
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(max(limit-d.count, 0)))
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(d.begun.Add(window+time.Second-1).Unix(), 10))
	return d.limit > 0 && d.count > limit
}

func (n *Netlify) listSites(w http.ResponseWriter, r *http.Request, slug string) {
	a := n.account(slug)
	if a == nil {
		netError(w, http.StatusNotFound, "Not Found")
		return
	}
	from, to := n.window(r)
	out := []map[string]any{}
	at := 0
	for _, s := range n.sites {
		if s.account != a {
			continue
		}
		if at >= from && at < to {
			out = append(out, n.siteJSON(s))
		}
		at++
	}
	writeJSON(w, http.StatusOK, out)
}

// window reads page and per_page: which items of a list are asked for.
func (n *Netlify) window(r *http.Request) (from, to int) {
	most := 100
	if n.dials.page > 0 {
		most = n.dials.page
	}
	per, err := strconv.Atoi(r.URL.Query().Get("per_page"))
	if err != nil || per < 1 || per > most {
		per = most
	}
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	return (page - 1) * per, page * per
}

func (n *Netlify) siteJSON(s *site) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(n.lab)
	url := n.lab.urls["app"] + "/netlify/" + s.name
	out := map[string]any{
		"id": s.id, "name": s.name, "account_id": s.account.id, "account_slug": s.account.slug, "account_name": s.account.name, "url": url, "ssl_url": url,
	}
	if d := s.current(); d != nil {
		out["published_deploy"] = n.deployJSON(s, d)
	}
	return out
}
