package railway

import (
	"context"
	"maps"
	"slices"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// environment reads what there is in an environment, without values.
func (p *Provider) environment(ctx context.Context, pr, e named) (environment, error) {
	var answer struct {
		Environment *environment `json:"environment"`
	}
	op := "read environment " + e.Name + " of " + pr.Name
	err := p.ask(ctx, question{
		op: op, name: "Environment", args: map[string]any{"id": e.ID, "projectId": pr.ID},
		text: `query Environment($id: String!, $projectId: String!) { environment(id: $id, projectId: $projectId) {
			serviceInstances(first: 500) { edges { node { serviceId serviceName healthcheckPath domains { serviceDomains { domain } customDomains { domain } } } } }
			variables(first: 10000) { edges { node { name serviceId isSealed } } } } }`,
	}, &answer)
	if err == nil && answer.Environment == nil {
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errAnswer}
	}
	if err != nil {
		return environment{}, err
	}
	return *answer.Environment, nil
}

// variables reads what a service holds itself, or the shared ones when service is empty,
// with references as they were written. Sealed ones are not among them.
func (p *Provider) variables(ctx context.Context, projectID, environmentID, service, what string) (map[string]string, error) {
	args := map[string]any{"projectId": projectID, "environmentId": environmentID, "serviceId": nil}
	if service != "" {
		args["serviceId"] = service
	}
	var answer struct {
		Variables map[string]string `json:"variables"`
	}
	op := "read variables of " + what
	err := p.ask(ctx, question{
		op: op, name: "Variables", args: args,
		text: `query Variables($projectId: String!, $environmentId: String!, $serviceId: String) {
			variables(projectId: $projectId, environmentId: $environmentId, serviceId: $serviceId, unrendered: true) }`,
	}, &answer)
	if err == nil && answer.Variables == nil {
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errAnswer}
	}
	return answer.Variables, err
}

// Read returns one variable as it was written; a sealed one cannot be read.
func (p *Provider) Read(ctx context.Context, pl providers.Placement) (secret.Text, error) {
	op := "read " + pl.Key
	if pl.WriteOnly {
		return secret.Text{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrUnreadable}
	}
	vars, err := p.variables(ctx, pl.Account, pl.ContextParam, pl.Resource, pl.ResourceName)
	if err != nil {
		return secret.Text{}, err
	}
	v, ok := vars[pl.Key]
	if !ok {
		return secret.Text{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrNotFound}
	}
	return secret.New(v), nil
}

// Store sets one variable and leaves all others; it starts no deploy. It may be
// repeated. One that is gone is ErrNotFound: the call would make it anew.
func (p *Provider) Store(ctx context.Context, pl providers.Placement, v secret.Text) error {
	op := "store " + pl.Key
	if err := p.there(ctx, op, pl); err != nil {
		return err
	}
	input := map[string]any{
		"projectId": pl.Account, "environmentId": pl.ContextParam, "name": pl.Key, "value": v.Reveal(), "skipDeploys": true,
	}
	if pl.Resource != "" {
		input["serviceId"] = pl.Resource
	}
	var answer struct {
		Done bool `json:"variableUpsert"`
	}
	err := p.ask(ctx, question{
		op: op, name: "Upsert", args: map[string]any{"input": input}, writes: true,
		text: `mutation Upsert($input: VariableUpsertInput!) { variableUpsert(input: $input) }`,
	}, &answer)
	if err == nil && !answer.Done {
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Err: errAnswer}
	}
	return err
}

// there is nil when the variable still is.
func (p *Provider) there(ctx context.Context, op string, pl providers.Placement) error {
	if !pl.WriteOnly {
		_, err := p.Read(ctx, pl)
		return err
	}
	env, err := p.environment(ctx, named{pl.Account, pl.AccountName}, named{pl.ContextParam, pl.Context})
	if err != nil {
		return err
	}
	for _, v := range env.Variables.all() {
		if v.Name == pl.Key && v.ServiceID == pl.Resource {
			return nil
		}
	}
	return &providers.Error{Provider: Name, Op: op, Class: providers.ErrNotFound}
}
