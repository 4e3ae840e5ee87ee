package railway

import (
	"context"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
)

type deployment struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`
	CreatedAt time.Time `json:"createdAt"`
}

// phase maps Railway's word; an unknown one counts as still going.
func (d deployment) phase() providers.Deploy {
	out := providers.Deploy{ID: d.ID, Phase: providers.PhaseRunning, State: d.Status, Created: d.CreatedAt}
	switch d.Status {
	case "SUCCESS", "SLEEPING":
		out.Phase = providers.PhaseLive
	case "FAILED", "CRASHED", "SKIPPED":
		out.Phase = providers.PhaseFailed
	case "REMOVED", "REMOVING":
		out.Phase = providers.PhaseReplaced
	}
	return out
}

// Latest returns the newest deploy and which one serves.
func (p *Provider) Latest(ctx context.Context, t providers.Target) (providers.DeployState, error) {
	environmentID, service, _ := strings.Cut(t.ID, ":")
	var answer struct {
		Deployments *list[deployment] `json:"deployments"`
	}
	op := "list deploys of " + t.Name
	err := p.ask(ctx, question{
		op: op, name: "Deployments", args: map[string]any{"input": map[string]string{"projectId": t.Account, "environmentId": environmentID, "serviceId": service}},
		text: `query Deployments($input: DeploymentListInput!) { deployments(input: $input, first: 20) { edges { node { id status createdAt } } } }`,
	}, &answer)
	if err == nil && answer.Deployments == nil {
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errAnswer}
	}
	if err != nil {
		return providers.DeployState{}, err
	}
	var out providers.DeployState
	for _, d := range answer.Deployments.all() { // no order is promised
		one := d.phase()
		if out.Newest.ID == "" || one.Created.After(out.Newest.Created) {
			out.Newest = one
		}
	}
	live := providers.Deploy{}
	for _, d := range answer.Deployments.all() {
		if one := d.phase(); one.Phase == providers.PhaseLive && (live.ID == "" || one.Created.After(live.Created)) {
			live = one
		}
	}
	out.LiveID = live.ID
	return out, nil
}

// Start repeats the newest deploy with the values that are stored now. It is not
// idempotent.
func (p *Provider) Start(ctx context.Context, t providers.Target) (providers.Deploy, error) {
	now, err := p.Latest(ctx, t)
	if err != nil {
		return providers.Deploy{}, err
	}
	op := "deploy " + t.Name
	if now.Newest.ID == "" {
		return providers.Deploy{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrRefused, Err: errNever}
	}
	var answer struct {
		Redeploy deployment `json:"deploymentRedeploy"`
	}
	err = p.ask(ctx, question{
		op: op, name: "Redeploy", args: map[string]any{"id": now.Newest.ID}, writes: true,
		text: `mutation Redeploy($id: String!) { deploymentRedeploy(id: $id) { id status createdAt } }`,
	}, &answer)
	if err == nil && (answer.Redeploy.ID == "" || answer.Redeploy.ID == now.Newest.ID) {
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Err: errAnswer}
	}
	if err != nil {
		return providers.Deploy{}, err
	}
	return answer.Redeploy.phase(), nil
}

// Status returns one deploy.
func (p *Provider) Status(ctx context.Context, t providers.Target, id string) (providers.Deploy, error) {
	var answer struct {
		Deployment deployment `json:"deployment"`
	}
	op := "read a deploy of " + t.Name
	err := p.ask(ctx, question{
		op: op, name: "Deployment", args: map[string]any{"id": id}, text: `query Deployment($id: String!) { deployment(id: $id) { id status createdAt } }`,
	}, &answer)
	if err == nil && answer.Deployment.ID != id {
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errAnswer}
	}
	if err != nil {
		return providers.Deploy{}, err
	}
	return answer.Deployment.phase(), nil
}
