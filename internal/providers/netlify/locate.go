package netlify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

type account struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

// path is how the account stands in addresses: the API takes the slug, as
// Netlify's own command line sends it, and the id.
func (a account) path() string {
	if a.Slug != "" {
		return a.Slug
	}
	return a.ID
}

type site struct {
	ID              string  `json:"id"`
	Name            string  `json:"name"`
	SSLURL          string  `json:"ssl_url"`
	URL             string  `json:"url"`
	PublishedDeploy *deploy `json:"published_deploy"`
}

// pageSize is the most that Netlify lists at once.
const pageSize = 100

// Locate compares every variable of every account and site. An account or site
// that may not be read becomes a gap.
func (p *Provider) Locate(ctx context.Context, wanted []providers.Wanted) (providers.Located, error) {
	var out providers.Located
	var accounts []account
	if err := p.call(ctx, "list accounts", http.MethodGet, "/accounts", nil, &accounts); err != nil {
		return out, err
	}
	if len(accounts) == 0 {
		out.Gaps = append(out.Gaps, providers.Gap{What: "netlify", Why: "our token sees no account"})
	}
	for _, a := range accounts {
		if err := p.locateAccount(ctx, a, wanted, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (p *Provider) locateAccount(ctx context.Context, a account, wanted []providers.Wanted, out *providers.Located) error {
	sites, err := p.sites(ctx, a)
	if gap(err, "netlify account "+a.Name, out) {
		return nil
	}
	if err != nil {
		return err
	}
	from := len(out.Placements)
	own := map[string][]variable{} // by site
	for i, s := range sites {
		providers.Tell(ctx, providers.Looked{Provider: Name, Places: i, Of: len(sites)})
		vars, err := p.variables(ctx, a, s.ID)
		if gap(err, "netlify site "+s.Name, out) {
			continue
		}
		if err != nil {
			return err
		}
		own[s.ID] = vars
		out.Searched += len(vars)
		for _, v := range vars {
			out.Placements = append(out.Placements, match(a, s.ID, s.Name, "site", v, wanted, []providers.Target{target(a, s)})...)
			note(out, "netlify site "+s.Name, v, wanted)
		}
	}
	team, err := p.locateTeam(ctx, a, sites, own, wanted, out)
	noteFull(out.Placements[from:], sites, own, team)
	return err
}

// locateTeam looks at the variables that all sites of an account share. A site
// with a production value of the same name does not see the shared one.
func (p *Provider) locateTeam(ctx context.Context, a account, sites []site, own map[string][]variable, wanted []providers.Wanted, out *providers.Located) ([]variable, error) {
	vars, err := p.teamVariables(ctx, a, out)
	if err != nil {
		return nil, err
	}
	for _, v := range vars {
		var targets []providers.Target
		for _, s := range sites {
			if !hides(own[s.ID], v.Key) {
				targets = append(targets, target(a, s))
			}
		}
		out.Placements = append(out.Placements, match(a, "", a.Name, "team", v, wanted, targets)...)
		note(out, "netlify account "+a.Name, v, wanted)
	}
	out.Searched += len(vars)
	return vars, nil
}

// teamVariables lists the shared variables of an account. A collaborator may not
// read them; Netlify says that with 401 or 404 too, though the same token has just
// listed the account.
func (p *Provider) teamVariables(ctx context.Context, a account, out *providers.Located) ([]variable, error) {
	vars, err := p.variables(ctx, a, "")
	what := "shared variables of netlify account " + a.Name
	if errors.Is(err, providers.ErrAuth) {
		out.Gaps = append(out.Gaps, providers.Gap{What: what, Why: "our token may not read them: its user is a collaborator"})
		return nil, nil
	}
	if gap(err, what, out) {
		return nil, nil
	}
	return vars, err
}

// hides reports whether a site's own variable stands before the shared one in
// production. One without a production value does not surely do so.
func hides(own []variable, key string) bool {
	for _, v := range own {
		if v.Key == key {
			_, ok := v.production()
			return ok
		}
	}
	return false
}

// gap notes what may not be read; it reports whether the error was that.
func gap(err error, what string, out *providers.Located) bool {
	return out.Unread(err, what, "our token may not read it")
}

func target(a account, s site) providers.Target {
	health := s.SSLURL
	if health == "" {
		health = s.URL
	}
	t := providers.Target{Provider: Name, Account: a.path(), ID: s.ID, Name: s.Name, HealthURL: health}
	if health != "" {
		t.EchoURL = strings.TrimRight(health, "/") + providers.EchoPath
	}
	return t
}

func match(a account, siteID, name, level string, v variable, wanted []providers.Wanted, targets []providers.Target) []providers.Placement {
	var out []providers.Placement
	for _, x := range v.Values {
		unreadable := v.IsSecret && x.Context != "dev"
		found := providers.MatchValue(secret.New(x.Value), wanted)
		if unreadable { // what is read is a mask: only the name tells
			found = providers.MatchName(v.Key, wanted)
		}
		for _, f := range found {
			p := providers.Placement{
				Provider: Name, Account: a.path(), AccountName: a.Name, Level: level, Resource: siteID, ResourceName: name,
				Key: v.Key, Context: x.Context, ContextParam: x.Param, Part: f.Part, Match: f.Match, WriteOnly: unreadable,
			}
			if x.Context == "production" || x.Context == "all" {
				p.Targets = targets
			} else {
				p.Notes = append(p.Notes, "context "+x.Context+": takes effect with the next build of that context")
			}
			out = append(out, p)
		}
	}
	return out
}

// note counts what cannot be read, and reports what is held in another form.
func note(out *providers.Located, where string, v variable, wanted []providers.Wanted) {
	for _, x := range v.Values {
		switch {
		case v.IsSecret && x.Context != "dev":
			if len(providers.MatchName(v.Key, wanted)) == 0 {
				out.Unreadable++
			}
		default:
			what := strings.TrimSpace(where + ": " + v.Key + " " + x.Context + " " + x.Param)
			out.Gaps = append(out.Gaps, providers.EncodedGaps(what, providers.MatchEncoded(secret.New(x.Value), wanted))...)
		}
	}
}

// sites lists an account's sites, page by page, until a page brings nothing new:
// how many one page holds is the service's choice, whatever we ask for.
func (p *Provider) sites(ctx context.Context, a account) ([]site, error) {
	var all []site
	seen := map[string]bool{}
	for page := 1; ; page++ {
		var got []site
		path := fmt.Sprintf("/%s/sites?page=%d&per_page=%d", url.PathEscape(a.path()), page, pageSize)
		if err := p.call(ctx, "list sites of "+a.Name, http.MethodGet, path, nil, &got); err != nil {
			return all, err
		}
		before := len(all)
		for _, s := range got {
			if !seen[s.ID] {
				seen[s.ID] = true
				all = append(all, s)
			}
		}
		if len(all) == before {
			return all, nil
		}
	}
}

func (p *Provider) variables(ctx context.Context, a account, siteID string) ([]variable, error) {
	var vars []variable
	err := p.call(ctx, "list variables of "+a.Name, http.MethodGet, envPath(a.path(), "", siteID), nil, &vars)
	return vars, err
}
