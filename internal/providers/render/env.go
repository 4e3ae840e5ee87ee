package render

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Levels of a placement.
const (
	levelService = "service"
	levelGroup   = "env-group"
)

type service struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	OwnerID   string `json:"ownerId"`
	Suspended string `json:"suspended"`
	Details   struct {
		URL             string `json:"url"`
		HealthCheckPath string `json:"healthCheckPath"`
	} `json:"serviceDetails"`
}

type envVar struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type group struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	OwnerID     string   `json:"ownerId"`
	EnvVars     []envVar `json:"envVars"`
	SecretFiles []struct {
		Name    string `json:"name"`
		Content string `json:"content"`
	} `json:"secretFiles"`
	Links []struct {
		ID string `json:"id"`
	} `json:"serviceLinks"`
}

// groupLimit is how many groups one call lists; how to page on is not
// documented, so a full page is reported as a gap.
const groupLimit = 100

// Locate compares every variable of every service and group.
func (p *Provider) Locate(ctx context.Context, wanted []providers.Wanted) (providers.Located, error) {
	var out providers.Located
	type item struct {
		Service service `json:"service"`
		Cursor  string  `json:"cursor"`
	}
	services := map[string]service{}
	var order []service
	err := pages(ctx, p, "list services", "/services", func(i item) string { return i.Cursor }, func(i item) {
		services[i.Service.ID] = i.Service
		order = append(order, i.Service)
	})
	if err != nil {
		return out, err
	}
	for _, s := range order {
		if err := p.locateService(ctx, s, wanted, &out); err != nil {
			return out, err
		}
	}
	return out, p.locateGroups(ctx, services, wanted, &out)
}

func (p *Provider) locateService(ctx context.Context, s service, wanted []providers.Wanted, out *providers.Located) error {
	type item struct {
		EnvVar envVar `json:"envVar"`
		Cursor string `json:"cursor"`
	}
	err := pages(ctx, p, "list variables of "+s.Name, "/services/"+s.ID+"/env-vars", func(i item) string { return i.Cursor }, func(i item) {
		out.Searched++
		out.Placements = append(out.Placements, match(s.OwnerID, levelService, s.ID, s.Name, i.EnvVar, wanted, []providers.Target{target(s)})...)
	})
	if errors.Is(err, providers.ErrForbidden) || errors.Is(err, providers.ErrNotFound) {
		out.Gaps = append(out.Gaps, providers.Gap{What: "render service " + s.Name, Why: "our key may not read it"})
		return nil
	}
	return err
}

func (p *Provider) locateGroups(ctx context.Context, services map[string]service, wanted []providers.Wanted, out *providers.Located) error {
	var list []struct {
		group

		Wrapped *group `json:"envGroup"` // other lists of this API wrap their items
	}
	if err := p.call(ctx, "list env groups", http.MethodGet, "/env-groups?limit="+pageSize, nil, &list); err != nil {
		return err
	}
	if len(list) >= groupLimit {
		out.Gaps = append(out.Gaps, providers.Gap{What: "render env groups after the first 100", Why: "the API names no way to list on"})
	}
	for _, i := range list {
		id := i.ID
		if i.Wrapped != nil {
			id = i.Wrapped.ID
		}
		var g group
		if err := p.call(ctx, "read env group "+id, http.MethodGet, "/env-groups/"+url.PathEscape(id), nil, &g); err != nil {
			return err
		}
		matchGroup(g, services, wanted, out)
	}
	return nil
}

func matchGroup(g group, services map[string]service, wanted []providers.Wanted, out *providers.Located) {
	var targets []providers.Target
	for _, l := range g.Links {
		s, ok := services[l.ID]
		if !ok {
			out.Gaps = append(out.Gaps, providers.Gap{What: "render service " + l.ID, Why: "linked to group " + g.Name + " and not listed"})
			continue
		}
		targets = append(targets, target(s))
	}
	for _, v := range g.EnvVars {
		out.Searched++
		out.Placements = append(out.Placements, match(g.OwnerID, levelGroup, g.ID, g.Name, v, wanted, targets)...)
	}
	for _, f := range g.SecretFiles {
		out.Searched++
		if len(providers.MatchValue(secret.New(f.Content), wanted)) > 0 {
			out.Gaps = append(out.Gaps, providers.Gap{What: "render secret file " + f.Name + " of " + g.Name, Why: "holds the value; change it by hand"})
		}
	}
}

func target(s service) providers.Target {
	t := providers.Target{Provider: Name, Account: s.OwnerID, ID: s.ID, Name: s.Name, Suspended: s.Suspended == "suspended"}
	if s.Details.URL != "" {
		t.HealthURL = s.Details.URL + s.Details.HealthCheckPath
	}
	return t
}

func match(owner, level, id, name string, v envVar, wanted []providers.Wanted, targets []providers.Target) []providers.Placement {
	var out []providers.Placement
	for _, f := range providers.MatchValue(secret.New(v.Value), wanted) {
		out = append(out, providers.Placement{
			Provider: Name, Account: owner, Level: level, Resource: id, ResourceName: name, Key: v.Key,
			Part: f.Part, Match: f.Match, Targets: targets,
		})
	}
	return out
}

func varPath(pl providers.Placement) string {
	kind := "/services/"
	if pl.Level == levelGroup {
		kind = "/env-groups/"
	}
	return kind + url.PathEscape(pl.Resource) + "/env-vars/" + url.PathEscape(pl.Key)
}

// Read returns one variable.
func (p *Provider) Read(ctx context.Context, pl providers.Placement) (secret.Text, error) {
	var v envVar
	if err := p.call(ctx, "read "+pl.Key, http.MethodGet, varPath(pl), nil, &v); err != nil {
		return secret.Text{}, err
	}
	return secret.New(v.Value), nil
}

// Store sets one variable and leaves all others. It may be repeated.
func (p *Provider) Store(ctx context.Context, pl providers.Placement, v secret.Text) error {
	var stored any // the variable of a service, or the whole group
	return p.call(ctx, "store "+pl.Key, http.MethodPut, varPath(pl), map[string]string{"value": v.Reveal()}, &stored)
}
