package render

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Levels of a placement.
const (
	levelService = "service"
	levelGroup   = "env-group"
)

type service struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	OwnerID    string   `json:"ownerId"`
	Suspended  string   `json:"suspended"`
	Suspenders []string `json:"suspenders"`
	AutoDeploy string   `json:"autoDeploy"`
	Details    struct {
		URL             string `json:"url"`
		HealthCheckPath string `json:"healthCheckPath"`
	} `json:"serviceDetails"`
}

type envVar struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type secretFile struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

type group struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	OwnerID     string       `json:"ownerId"`
	EnvVars     []envVar     `json:"envVars"`
	SecretFiles []secretFile `json:"secretFiles"`
	Links       []link       `json:"serviceLinks"`
}

type link struct {
	ID string `json:"id"`
}

type varItem struct {
	EnvVar envVar `json:"envVar"`
	Cursor string `json:"cursor"`
}

// groupLimit is how many groups one call lists; how to page on is not
// documented, so a full page is reported as a gap.
const groupLimit = 100

// search is one walk over everything that our key sees.
type search struct {
	p        *Provider
	wanted   []providers.Wanted
	services map[string]service
	out      providers.Located
}

// Locate compares every variable and secret file of every service and group.
func (p *Provider) Locate(ctx context.Context, wanted []providers.Wanted) (providers.Located, error) {
	s := &search{p: p, wanted: wanted, services: map[string]service{}}
	var order []service
	err := pages(ctx, p, "list services", "/services", func(i serviceItem) string { return i.Cursor }, func(i serviceItem) {
		s.services[i.Service.ID] = i.Service
		order = append(order, i.Service)
	})
	if err != nil {
		return s.out, err
	}
	for i, one := range order {
		providers.Tell(ctx, providers.Looked{Provider: Name, Places: i, Of: len(order)})
		if err := s.service(ctx, one); err != nil {
			return s.out, err
		}
	}
	return s.out, s.groups(ctx)
}

func (s *search) service(ctx context.Context, one service) error {
	targets := []providers.Target{target(one)}
	err := pages(ctx, s.p, "list variables of "+one.Name, "/services/"+url.PathEscape(one.ID)+"/env-vars", func(i varItem) string { return i.Cursor }, func(i varItem) {
		s.variable(one.OwnerID, levelService, one.ID, one.Name, i.EnvVar, targets)
	})
	if s.gap(err, "render service "+one.Name) {
		return nil
	}
	if err != nil {
		return err
	}
	type fileItem struct {
		File   secretFile `json:"secretFile"`
		Cursor string     `json:"cursor"`
	}
	err = pages(ctx, s.p, "list secret files of "+one.Name, "/services/"+url.PathEscape(one.ID)+"/secret-files", func(i fileItem) string { return i.Cursor }, func(i fileItem) {
		s.file(one.Name, i.File)
	})
	if s.gap(err, "render secret files of service "+one.Name) {
		return nil
	}
	return err
}

// groups looks at the groups of every workspace.
func (s *search) groups(ctx context.Context) error {
	type item struct {
		Owner struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"owner"`
		Cursor string `json:"cursor"`
	}
	var owners []item
	err := pages(ctx, s.p, "list workspaces", "/owners", func(i item) string { return i.Cursor }, func(i item) { owners = append(owners, i) })
	if err != nil {
		return err
	}
	if len(owners) == 0 {
		s.note("render", "our key sees no workspace")
	}
	for _, o := range owners {
		if err := s.groupsOf(ctx, o.Owner.ID, o.Owner.Name); err != nil {
			return err
		}
	}
	return nil
}

func (s *search) groupsOf(ctx context.Context, owner, name string) error {
	list, err := s.listGroups(ctx, owner, name)
	if err != nil {
		return err
	}
	for _, i := range list {
		g, ok, err := s.readGroup(ctx, i)
		if err != nil {
			return err
		}
		if ok {
			s.group(g)
		}
	}
	return nil
}

// listGroups lists a workspace's groups, without their values.
func (s *search) listGroups(ctx context.Context, owner, name string) ([]group, error) {
	var list []struct {
		group

		Wrapped *group `json:"envGroup"` // other lists of this API wrap their items
	}
	q := url.Values{"ownerId": {owner}, "limit": {fmt.Sprint(groupLimit)}}
	err := s.p.call(ctx, "list env groups of "+name, http.MethodGet, "/env-groups?"+q.Encode(), nil, &list)
	if s.gap(err, "render env groups of workspace "+name) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(list) >= groupLimit {
		s.note("render env groups of workspace "+name+" after the first 100", "the API names no way to list on")
	}
	out := make([]group, 0, len(list))
	for _, i := range list {
		if i.Wrapped != nil {
			i.group = *i.Wrapped
		}
		out = append(out, i.group)
	}
	return out, nil
}

// readGroup reads one group with its values; false when our key may not.
func (s *search) readGroup(ctx context.Context, i group) (g group, ok bool, err error) {
	err = s.p.call(ctx, "read env group "+i.Name, http.MethodGet, "/env-groups/"+url.PathEscape(i.ID), nil, &g)
	if s.gap(err, "render env group "+i.Name) {
		return g, false, nil
	}
	return g, err == nil, err
}

// group compares a group's values. Each service that is linked to it must be
// deployed after a change.
func (s *search) group(g group) {
	var targets []providers.Target
	for _, l := range g.Links {
		one, ok := s.services[l.ID]
		if !ok {
			s.note("render service "+l.ID, "linked to group "+g.Name+" and not listed")
			continue
		}
		targets = append(targets, target(one))
	}
	for _, v := range g.EnvVars {
		s.variable(g.OwnerID, levelGroup, g.ID, g.Name, v, targets)
	}
	for _, f := range g.SecretFiles {
		s.file(g.Name, f)
	}
}

func (s *search) variable(owner, level, id, name string, v envVar, targets []providers.Target) {
	s.out.Searched++
	value := secret.New(v.Value)
	for _, f := range providers.MatchValue(value, s.wanted) {
		s.out.Placements = append(s.out.Placements, providers.Placement{
			Provider: Name, Account: owner, Level: level, Resource: id, ResourceName: name, Key: v.Key,
			Part: f.Part, Match: f.Match, Targets: targets,
		})
	}
	s.out.Gaps = append(s.out.Gaps, providers.EncodedGaps("render "+level+" "+name+": "+v.Key, providers.MatchEncoded(value, s.wanted))...)
}

// file reports a secret file that holds a wanted value: it is not changed here.
func (s *search) file(of string, f secretFile) {
	s.out.Searched++
	what, content := "render secret file "+f.Name+" of "+of, secret.New(f.Content)
	if len(providers.MatchValue(content, s.wanted)) > 0 {
		s.out.Gaps = append(s.out.Gaps, providers.Gap{What: what, Why: "holds the value; change it by hand", Holds: true})
	}
	s.out.Gaps = append(s.out.Gaps, providers.EncodedGaps(what, providers.MatchEncoded(content, s.wanted))...)
}

func (s *search) note(what, why string) {
	s.out.Gaps = append(s.out.Gaps, providers.Gap{What: what, Why: why})
}

// gap notes what may not be read; it reports whether the error was that.
func (s *search) gap(err error, what string) bool {
	return s.out.Unread(err, what, "our key may not read it")
}

// target says what to deploy and where to ask for health. Only a web service
// with a health check and a static site have a public address that shows it: a
// web service may answer 404 at its root and be well, and a private service's
// address is none of the public network.
func target(s service) providers.Target {
	t := providers.Target{Provider: Name, Account: s.OwnerID, ID: s.ID, Name: s.Name, Suspended: s.Suspended == "suspended"}
	if s.Type == "web_service" && strings.HasPrefix(s.Details.URL, "http") {
		t.EchoURL = strings.TrimRight(s.Details.URL, "/") + providers.EchoPath
	}
	switch {
	case !strings.HasPrefix(s.Details.URL, "http"):
	case s.Type == "web_service" && s.Details.HealthCheckPath != "":
		t.HealthURL = strings.TrimRight(s.Details.URL, "/") + "/" + strings.TrimLeft(s.Details.HealthCheckPath, "/")
	case s.Type == "static_site":
		t.HealthURL = s.Details.URL
	}
	return t
}
