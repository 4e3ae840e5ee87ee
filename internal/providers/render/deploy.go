package render

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
)

type deploy struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`
	Trigger   string    `json:"trigger"`
	CreatedAt time.Time `json:"createdAt"`
}

// recent returns the newest deploys, newest first.
func (p *Provider) recent(ctx context.Context, t providers.Target) ([]deploy, error) {
	var list []struct {
		Deploy deploy `json:"deploy"`
	}
	err := p.call(ctx, "list deploys of "+t.Name, http.MethodGet, "/services/"+url.PathEscape(t.ID)+"/deploys?limit=20", nil, &list)
	out := make([]deploy, 0, len(list))
	for _, i := range list {
		out = append(out, i.Deploy)
	}
	return out, err
}

// Latest returns the newest deploy and the live one.
func (p *Provider) Latest(ctx context.Context, t providers.Target) (providers.DeployState, error) {
	var out providers.DeployState
	list, err := p.recent(ctx, t)
	if err != nil {
		return out, err
	}
	for _, d := range list {
		if out.Newest.ID == "" || d.CreatedAt.After(out.Newest.Created) {
			out.Newest = state(d)
		}
		if d.Status == "live" && out.LiveID == "" {
			out.LiveID = d.ID
		}
	}
	return out, nil
}

// Start begins a deploy. Render may queue it and answer 202 with no body (cron
// jobs, services with a disk): then it is looked up by being new.
func (p *Provider) Start(ctx context.Context, t providers.Target) (providers.Deploy, error) {
	before, err := p.Latest(ctx, t)
	if err != nil {
		return providers.Deploy{}, err
	}
	op := "start a deploy of " + t.Name
	var d deploy
	err = p.call(ctx, op, http.MethodPost, "/services/"+url.PathEscape(t.ID)+"/deploys", map[string]string{"clearCache": "do_not_clear"}, &d)
	if err != nil || d.ID != "" {
		return state(d), err
	}
	list, err := p.recent(ctx, t)
	if err != nil {
		return providers.Deploy{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Err: err}
	}
	for _, x := range list {
		if x.Trigger == "api" && x.ID != before.Newest.ID && !x.CreatedAt.Before(before.Newest.Created) {
			return state(x), nil
		}
	}
	return providers.Deploy{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Code: "queued"}
}

// Status returns one deploy.
func (p *Provider) Status(ctx context.Context, t providers.Target, id string) (providers.Deploy, error) {
	var d deploy
	err := p.call(ctx, "read deploy "+id, http.MethodGet, "/services/"+url.PathEscape(t.ID)+"/deploys/"+url.PathEscape(id), nil, &d)
	return state(d), err
}

// state maps Render's word; an unknown one counts as still going.
func state(d deploy) providers.Deploy {
	out := providers.Deploy{ID: d.ID, Phase: providers.PhaseRunning, State: d.Status, Created: d.CreatedAt}
	switch d.Status {
	case "live":
		out.Phase = providers.PhaseLive
	case "deactivated":
		out.Phase = providers.PhaseReplaced
	case "build_failed", "pre_deploy_failed", "update_failed", "canceled":
		out.Phase = providers.PhaseFailed
	}
	return out
}
