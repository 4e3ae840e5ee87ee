package netlify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

type account struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

type site struct {
	ID              string  `json:"id"`
	Name            string  `json:"name"`
	SSLURL          string  `json:"ssl_url"`
	URL             string  `json:"url"`
	PublishedDeploy *deploy `json:"published_deploy"`
}

type variable struct {
	Key      string  `json:"key"`
	IsSecret bool    `json:"is_secret"`
	Values   []value `json:"values"`
}

type value struct {
	Value   string `json:"value"`
	Context string `json:"context"`
	Param   string `json:"context_parameter"`
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
	for _, a := range accounts {
		if err := p.locateAccount(ctx, a, wanted, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (p *Provider) locateAccount(ctx context.Context, a account, wanted []providers.Wanted, out *providers.Located) error {
	sites, err := p.sites(ctx, a)
	if gap(err, "netlify account "+a.Name, out) || err != nil {
		return skip(err)
	}
	hidden := map[string]map[string]bool{} // variable -> sites that have their own
	for _, s := range sites {
		vars, err := p.variables(ctx, a, s.ID)
		if gap(err, "netlify site "+s.Name, out) {
			continue
		}
		if err != nil {
			return err
		}
		for _, v := range vars {
			if hidden[v.Key] == nil {
				hidden[v.Key] = map[string]bool{}
			}
			hidden[v.Key][s.ID] = true
			out.Placements = append(out.Placements, match(a, s.ID, s.Name, "site", v, wanted, []providers.Target{target(a, s)})...)
		}
		out.Searched += len(vars)
	}
	return p.locateTeam(ctx, a, sites, hidden, wanted, out)
}

// locateTeam looks at the variables that all sites of an account share. A site
// with a variable of the same name does not see the shared one.
func (p *Provider) locateTeam(ctx context.Context, a account, sites []site, hidden map[string]map[string]bool, wanted []providers.Wanted, out *providers.Located) error {
	vars, err := p.variables(ctx, a, "")
	if gap(err, "shared variables of netlify account "+a.Name, out) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, v := range vars {
		var targets []providers.Target
		for _, s := range sites {
			if !hidden[v.Key][s.ID] {
				targets = append(targets, target(a, s))
			}
		}
		out.Placements = append(out.Placements, match(a, "", a.Name, "team", v, wanted, targets)...)
	}
	out.Searched += len(vars)
	return nil
}

// gap notes what may not be read; it reports whether the error was that.
func gap(err error, what string, out *providers.Located) bool {
	if !errors.Is(err, providers.ErrForbidden) && !errors.Is(err, providers.ErrNotFound) {
		return false
	}
	out.Gaps = append(out.Gaps, providers.Gap{What: what, Why: "our token may not read it"})
	return true
}

// skip drops an error that became a gap.
func skip(err error) error {
	if errors.Is(err, providers.ErrForbidden) || errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	return err
}

func target(a account, s site) providers.Target {
	health := s.SSLURL
	if health == "" {
		health = s.URL
	}
	return providers.Target{Provider: Name, Account: a.Slug, ID: s.ID, Name: s.Name, HealthURL: health}
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
				Provider: Name, Account: a.Slug, AccountName: a.Name, Level: level, Resource: siteID, ResourceName: name,
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

func (p *Provider) sites(ctx context.Context, a account) ([]site, error) {
	var all []site
	for page := 1; ; page++ {
		var got []site
		path := fmt.Sprintf("/%s/sites?page=%d&per_page=%d", url.PathEscape(a.Slug), page, pageSize)
		if err := p.call(ctx, "list sites of "+a.Slug, http.MethodGet, path, nil, &got); err != nil {
			return all, err
		}
		all = append(all, got...)
		if len(got) < pageSize {
			return all, nil
		}
	}
}

func (p *Provider) variables(ctx context.Context, a account, siteID string) ([]variable, error) {
	var vars []variable
	err := p.call(ctx, "list variables", http.MethodGet, envPath(a.Slug, "", siteID), nil, &vars)
	return vars, err
}

// Read returns the value of one context.
func (p *Provider) Read(ctx context.Context, pl providers.Placement) (secret.Text, error) {
	var v variable
	if err := p.call(ctx, "read "+pl.Key, http.MethodGet, envPath(pl.Account, pl.Key, pl.Resource), nil, &v); err != nil {
		return secret.Text{}, err
	}
	if v.IsSecret && pl.Context != "dev" {
		return secret.Text{}, &providers.Error{Provider: Name, Op: "read " + pl.Key, Class: providers.ErrUnreadable}
	}
	for _, x := range v.Values {
		if x.Context == pl.Context && x.Param == pl.ContextParam {
			return secret.New(x.Value), nil
		}
	}
	return secret.Text{}, &providers.Error{Provider: Name, Op: "read " + pl.Key, Class: providers.ErrNotFound}
}

// Store sets one context of one variable. Other contexts, the scopes and the
// secret flag stay as they are. It may be repeated.
func (p *Provider) Store(ctx context.Context, pl providers.Placement, v secret.Text) error {
	body := map[string]string{"context": pl.Context, "value": v.Reveal()}
	if pl.ContextParam != "" {
		body["context_parameter"] = pl.ContextParam
	}
	return p.call(ctx, "store "+pl.Key, http.MethodPatch, envPath(pl.Account, pl.Key, pl.Resource), body, &variable{})
}
