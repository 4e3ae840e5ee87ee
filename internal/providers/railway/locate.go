package railway

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Levels of a placement.
const (
	levelService = "service"
	levelShared  = "shared"
)

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type project struct {
	named

	Environments list[named] `json:"environments"`
}

// instance is a service as it stands in one environment.
type instance struct {
	ServiceID   string `json:"serviceId"`
	ServiceName string `json:"serviceName"`
	Health      string `json:"healthcheckPath"`
	Domains     struct {
		Railway []domain `json:"serviceDomains"`
		Custom  []domain `json:"customDomains"`
	} `json:"domains"`
}

type domain struct {
	Domain string `json:"domain"`
}

// environment is what is told of one, without values.
type environment struct {
	Instances list[instance] `json:"serviceInstances"`
	Variables list[struct {
		Name      string `json:"name"`
		ServiceID string `json:"serviceId"`
		Sealed    bool   `json:"isSealed"`
	}] `json:"variables"`
}

// search is one walk over everything that our token sees.
type search struct {
	p      *Provider
	wanted []providers.Wanted
	out    providers.Located
}

// Locate compares every variable, and the name of every sealed one, of every service and
// environment, and the shared ones.
func (p *Provider) Locate(ctx context.Context, wanted []providers.Wanted) (providers.Located, error) {
	s := &search{p: p, wanted: wanted}
	workspaces, err := p.workspaces(ctx)
	if err != nil {
		return s.out, err
	}
	if len(workspaces) == 0 {
		s.note("railway", "our token sees no workspace")
	}
	for i, w := range workspaces {
		providers.Tell(ctx, providers.Looked{Provider: Name, Places: i, Of: len(workspaces)})
		if err := s.workspace(ctx, w); err != nil {
			return s.out, err
		}
	}
	return s.out, nil
}

// workspaces asks a workspace's token, and if it is none an account's, what it sees.
func (p *Provider) workspaces(ctx context.Context) ([]named, error) {
	var token struct {
		APIToken struct {
			Workspaces []named `json:"workspaces"`
		} `json:"apiToken"`
	}
	const op = "list workspaces"
	err := p.ask(ctx, question{op: op, name: "TokenWorkspaces", text: `query TokenWorkspaces { apiToken { workspaces { id name } } }`}, &token)
	if err == nil && token.APIToken.Workspaces != nil {
		return token.APIToken.Workspaces, nil
	}
	if err != nil && (!errors.Is(err, providers.ErrForbidden) || !errors.Is(err, errRefused)) { // a status says nothing of the sort of token
		return nil, err
	}
	var account struct {
		Me struct {
			Workspaces []named `json:"workspaces"`
		} `json:"me"`
	}
	err = p.ask(ctx, question{op: op, name: "AccountWorkspaces", text: `query AccountWorkspaces { me { workspaces { id name } } }`}, &account)
	if err == nil && account.Me.Workspaces == nil {
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errAnswer}
	}
	if errors.Is(err, providers.ErrForbidden) { // refused as a workspace's and as an account's
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrAuth, Err: errRefused}
	}
	return account.Me.Workspaces, err
}

func (s *search) workspace(ctx context.Context, w named) error {
	var answer struct {
		Workspace *struct {
			Projects list[project] `json:"projects"`
		} `json:"workspace"`
	}
	err := s.p.ask(ctx, question{
		op: "list projects of " + w.Name, name: "Projects", args: map[string]any{"id": w.ID},
		text: `query Projects($id: String!) { workspace(workspaceId: $id) { projects(first: 500) { edges { node { id name
			environments { edges { node { id name } } } } } pageInfo { hasNextPage } } } }`,
	}, &answer)
	if done, err := s.gap(err, "railway workspace "+w.Name); done {
		return err
	}
	if answer.Workspace == nil {
		s.note("railway workspace "+w.Name, "Railway tells nothing of it")
		return nil
	}
	if answer.Workspace.Projects.Page.More {
		s.note("railway projects of workspace "+w.Name+" after the first 500", "they are not listed")
	}
	for _, pr := range answer.Workspace.Projects.all() {
		for _, e := range pr.Environments.all() {
			if err := s.environment(ctx, pr.named, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *search) environment(ctx context.Context, pr, e named) error {
	what := "railway " + pr.Name + " (" + e.Name + ")"
	env, err := s.p.environment(ctx, pr, e)
	if done, err := s.gap(err, what); done {
		return err
	}
	at := providers.Placement{Provider: Name, Account: pr.ID, AccountName: pr.Name, Context: e.Name, ContextParam: e.ID}
	values := map[string]map[string]string{}
	instances := env.Instances.all()
	owners := append([]instance{{}}, instances...) // the shared ones have no service
	for _, one := range owners {
		vars, err := s.p.variables(ctx, pr.ID, e.ID, one.ServiceID, strings.TrimSpace(what+" "+one.ServiceName))
		if done, err := s.gap(err, strings.TrimSpace(what+" "+one.ServiceName)); err != nil {
			return err
		} else if !done {
			values[one.ServiceID] = vars
		}
	}
	for _, one := range owners {
		s.compare(placed(at, one), values[one.ServiceID], env, values, e)
	}
	for _, v := range env.Variables.all() {
		if !v.Sealed {
			continue
		}
		one := instance{}
		if i := slices.IndexFunc(instances, func(x instance) bool { return x.ServiceID == v.ServiceID }); i >= 0 {
			one = instances[i]
		}
		here := placed(at, one)
		here.WriteOnly = true
		found := providers.MatchName(v.Name, s.wanted)
		if len(found) == 0 {
			s.out.Unreadable++
		}
		s.add(here, v.Name, found, func() []providers.Target { return targets(env, values, e, pr.ID, one, v.Name) })
	}
	return nil
}

// placed is where the variables of a service stand, or the shared ones.
func placed(at providers.Placement, one instance) providers.Placement {
	at.Level, at.Resource, at.ResourceName = levelService, one.ServiceID, one.ServiceName
	if one.ServiceID == "" {
		at.Level, at.ResourceName = levelShared, "shared variables of "+at.AccountName
	}
	return at
}

func (s *search) compare(at providers.Placement, vars map[string]string, env environment, values map[string]map[string]string, e named) {
	for _, key := range sorted(vars) {
		value := secret.New(vars[key])
		owner := instance{ServiceID: at.Resource, ServiceName: at.ResourceName}
		s.add(at, key, providers.MatchValue(value, s.wanted), func() []providers.Target { return targets(env, values, e, at.Account, owner, key) })
		what := "railway " + at.ResourceName + " (" + e.Name + "): " + key
		s.out.Gaps = append(s.out.Gaps, providers.EncodedGaps(what, providers.MatchEncoded(value, s.wanted))...)
	}
}

// add counts a variable, and notes it where it holds something: few do, and only for
// those is it worked out what they feed.
func (s *search) add(at providers.Placement, key string, found []providers.PartMatch, feeds func() []providers.Target) {
	s.out.Searched++
	for _, f := range found {
		at.Key, at.Part, at.Match, at.Targets = key, f.Part, f.Match, feeds()
		s.out.Placements = append(s.out.Placements, at)
	}
}

// targets are the services that a variable feeds: its own, and each that refers to it,
// as ${{shared.KEY}} or ${{service.KEY}}.
func targets(env environment, values map[string]map[string]string, e named, projectID string, owner instance, key string) []providers.Target {
	from := "shared"
	if owner.ServiceID != "" {
		from = owner.ServiceName
	}
	refers := strings.ReplaceAll("${{"+from+"."+key+"}}", " ", "")
	var out []providers.Target
	for _, one := range env.Instances.all() {
		fed := one.ServiceID == owner.ServiceID
		for _, v := range values[one.ServiceID] {
			fed = fed || strings.Contains(strings.ReplaceAll(v, " ", ""), refers)
		}
		if fed {
			out = append(out, target(projectID, e, one))
		}
	}
	return out
}

// target says what to deploy and where to ask for health.
func target(projectID string, e named, one instance) providers.Target {
	t := providers.Target{Provider: Name, Account: projectID, ID: e.ID + ":" + one.ServiceID, Name: one.ServiceName + " (" + e.Name + ")"}
	if list := append(one.Domains.Custom, one.Domains.Railway...); len(list) > 0 && list[0].Domain != "" {
		t.EchoURL = "https://" + list[0].Domain + providers.EchoPath
		if one.Health != "" {
			t.HealthURL = "https://" + list[0].Domain + "/" + strings.TrimLeft(one.Health, "/")
		}
	}
	return t
}

func (s *search) note(what, why string) {
	s.out.Gaps = append(s.out.Gaps, providers.Gap{What: what, Why: why})
}

// gap notes what may not be read. It reports whether there is nothing to go on with:
// because of that, or of the error that it returns.
func (s *search) gap(err error, what string) (done bool, failed error) {
	if s.out.Unread(err, what, "our token may not read it") {
		return true, nil
	}
	return err != nil, err
}
