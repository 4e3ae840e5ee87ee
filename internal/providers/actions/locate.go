package actions

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Levels of a placement.
const (
	levelSecret      = "repository-secret"
	levelVariable    = "repository-variable"
	levelEnvSecret   = "environment-secret"
	levelEnvVariable = "environment-variable"
	levelOrgSecret   = "organization-secret"
	levelOrgVariable = "organization-variable"
)

type repository struct {
	ID       int64  `json:"id"`
	FullName string `json:"full_name"`
	Archived bool   `json:"archived"`
	Owner    struct {
		Login string `json:"login"`
		Type  string `json:"type"`
	} `json:"owner"`
}

type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// hidden is what is told of a secret.
type hidden struct {
	Name       string `json:"name"`
	Visibility string `json:"visibility"` // of an organisation's
}

// perPage is the most that GitHub lists of variables at once; of everything else it
// lists more.
const perPage = 30

// pages calls each with every element of a list that stands under a field, until as
// many came as there are.
func pages[T any](ctx context.Context, p *Provider, op, path, field string, each func(T)) error {
	for page, got := 1, 0; ; page++ {
		var answer map[string]json.RawMessage
		if err := p.get(ctx, op, fmt.Sprintf("%s?per_page=%d&page=%d", path, perPage, page), &answer); err != nil {
			return err
		}
		var list []T
		var total int
		if json.Unmarshal(answer[field], &list) != nil || json.Unmarshal(answer["total_count"], &total) != nil {
			return &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errAnswer}
		}
		for _, x := range list {
			each(x)
		}
		if got += len(list); len(list) == 0 || got >= total {
			return nil
		}
	}
}

// repositories lists those that the token sees, or that the user named.
func (p *Provider) repositories(ctx context.Context) ([]repository, error) {
	var out []repository
	for _, name := range p.only {
		var r repository
		if err := p.get(ctx, "read repository "+name, "/repos/"+name, &r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if len(p.only) > 0 {
		return out, nil
	}
	for page := 1; ; page++ {
		var list []repository
		if err := p.get(ctx, "list repositories", fmt.Sprintf("/user/repos?per_page=%d&page=%d&sort=full_name", perPage, page), &list); err != nil {
			return nil, err
		}
		out = append(out, list...)
		if len(list) < perPage {
			return out, nil
		}
	}
}

// search is one walk over everything that our token sees.
type search struct {
	p      *Provider
	wanted []providers.Wanted
	out    providers.Located
}

// Locate compares every variable, and the name of every secret, of every repository, of
// its environments, and of the organisations that own them.
func (p *Provider) Locate(ctx context.Context, wanted []providers.Wanted) (providers.Located, error) {
	s := &search{p: p, wanted: wanted}
	list, err := p.repositories(ctx)
	if err != nil {
		return s.out, err
	}
	if len(list) == 0 {
		s.out.Gaps = append(s.out.Gaps, providers.Gap{What: "github actions", Why: "our token sees no repository"})
	}
	seen := map[string]bool{}
	for i, r := range list {
		providers.Tell(ctx, providers.Looked{Provider: Name, Places: i, Of: len(list)})
		if r.Archived {
			continue
		}
		if owner := r.Owner.Login; r.Owner.Type == "Organization" && !seen[owner] {
			seen[owner] = true
			if err := s.all(ctx, providers.Placement{Account: owner, ResourceName: owner}, levelOrgSecret, levelOrgVariable); err != nil {
				return s.out, err
			}
		}
		if err := s.repository(ctx, r); err != nil {
			return s.out, err
		}
	}
	return s.out, nil
}

func (s *search) repository(ctx context.Context, r repository) error {
	owner, name, _ := strings.Cut(r.FullName, "/")
	at := providers.Placement{Account: owner, Resource: url.PathEscape(owner) + "/" + url.PathEscape(name), ResourceName: r.FullName}
	if err := s.all(ctx, at, levelSecret, levelVariable); err != nil {
		return err
	}
	var environments []string
	err := pages(ctx, s.p, "list environments of "+r.FullName, "/repos/"+at.Resource+"/environments", "environments", func(v variable) {
		environments = append(environments, v.Name)
	})
	if err := s.gap(err, "github environments of "+r.FullName); err != nil {
		return err
	}
	for _, e := range environments {
		at.Context = e
		if err := s.all(ctx, at, levelEnvSecret, levelEnvVariable); err != nil {
			return err
		}
	}
	return nil
}

// all looks at the secrets and the variables of one place.
func (s *search) all(ctx context.Context, at providers.Placement, secrets, variables string) error {
	what := strings.TrimSpace(at.ResourceName + " " + at.Context)
	at.Provider, at.Level, at.WriteOnly = Name, secrets, true
	err := pages(ctx, s.p, "list secrets of "+what, place(at)+"/secrets", "secrets", func(h hidden) {
		found := providers.MatchName(h.Name, s.wanted)
		if len(found) == 0 {
			s.out.Unreadable++
		}
		s.add(at, h.Name, found)
	})
	if err := s.gap(err, "github secrets of "+what); err != nil {
		return err
	}
	at.Level, at.WriteOnly = variables, false
	err = pages(ctx, s.p, "list variables of "+what, place(at)+"/variables", "variables", func(v variable) {
		value := secret.New(v.Value)
		s.add(at, v.Name, providers.MatchValue(value, s.wanted))
		s.out.Gaps = append(s.out.Gaps, providers.EncodedGaps("github variable "+v.Name+" of "+what, providers.MatchEncoded(value, s.wanted))...)
	})
	return s.gap(err, "github variables of "+what)
}

func (s *search) add(at providers.Placement, key string, found []providers.PartMatch) {
	s.out.Searched++
	for _, f := range found {
		at.Key, at.Part, at.Match = key, f.Part, f.Match
		at.Notes = []string{"workflows get the new value with their next run; one that goes on keeps the old one"}
		s.out.Placements = append(s.out.Placements, at)
	}
}

// gap notes what may not be read, and returns every other error.
func (s *search) gap(err error, what string) error {
	if s.out.Unread(err, what, "our token may not read it") {
		return nil
	}
	return err
}
