package netlify

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

var _ providers.Examiner = (*Provider)(nil)

// Find returns the sites with this name or id, in every account.
func (p *Provider) Find(ctx context.Context, name string) (found []providers.Target, gaps []providers.Gap, err error) {
	var accounts []account
	if err := p.call(ctx, "list accounts", http.MethodGet, "/accounts", nil, &accounts); err != nil {
		return nil, nil, err
	}
	var out providers.Located
	for _, a := range accounts {
		sites, err := p.sites(ctx, a)
		if gap(err, "netlify account "+a.Name, &out) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		for _, s := range sites {
			if s.Name == name || s.ID == name {
				found = append(found, target(a, s))
			}
		}
	}
	return found, out.Gaps, nil
}

// Environment returns what a production deploy of the site gets: its own variables,
// then those of the team that it does not hide.
func (p *Provider) Environment(ctx context.Context, t providers.Target) (providers.Environment, error) {
	a := account{Slug: t.Account, Name: t.Account}
	own, err := p.variables(ctx, a, t.ID)
	if err != nil {
		return providers.Environment{}, err
	}
	var out providers.Located
	team, err := p.teamVariables(ctx, a, &out)
	if err != nil {
		return providers.Environment{}, err
	}
	var vars []providers.Variable
	for _, v := range own {
		vars = appendProduction(vars, v, "site")
	}
	for _, v := range team {
		if !hides(own, v.Key) {
			vars = appendProduction(vars, v, "team")
		}
	}
	slices.SortFunc(vars, func(a, b providers.Variable) int { return cmp.Compare(a.Key, b.Key) })
	return providers.Environment{Variables: vars, Gaps: out.Gaps}, nil
}

func appendProduction(vars []providers.Variable, v variable, from string) []providers.Variable {
	x, ok := v.production()
	if !ok {
		return vars
	}
	out := providers.Variable{Key: v.Key, From: from, Readable: !v.IsSecret, Changed: v.UpdatedAt}
	if out.Readable { // else it is a mask
		out.Value = secret.New(x.Value)
	}
	out.NotAtRuntime = len(v.Scopes) > 0 && !slices.Contains(v.Scopes, "functions") && !slices.Contains(v.Scopes, "runtime")
	return append(vars, out)
}

// Condition looks at the newest production deploy and the published one. What a
// function writes to its log, the API does not give.
func (p *Provider) Condition(ctx context.Context, t providers.Target) (providers.Condition, error) {
	var c providers.Condition
	s, err := p.site(ctx, t)
	if err != nil {
		return c, err
	}
	if c.Deploys, err = p.Latest(ctx, t); err != nil {
		return c, err
	}
	if d := s.PublishedDeploy; d != nil {
		c.Live = d.CreatedAt // what is stored after its begin, a build may have missed
	}
	if d := c.Deploys.Newest; d.Phase == providers.PhaseFailed {
		c.Crashed, c.Why = true, "its newest deploy ended in "+d.State
		if d.Detail != "" {
			c.Log = []string{d.Detail}
		}
	}
	return c, nil
}
