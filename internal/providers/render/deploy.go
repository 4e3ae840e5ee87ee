package render

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

type deploy struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`
	Trigger   string    `json:"trigger"`
	CreatedAt time.Time `json:"createdAt"`
	// FinishedAt is nil while it goes on.
	FinishedAt *time.Time `json:"finishedAt"`
	Commit     struct {
		ID string `json:"id"`
	} `json:"commit"`
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

// DeployTimes returns how long the newest deploys took that went live.
func (p *Provider) DeployTimes(ctx context.Context, t providers.Target) ([]time.Duration, error) {
	list, err := p.recent(ctx, t)
	var out []time.Duration
	for _, d := range list {
		if d.Status != "live" && d.Status != "deactivated" || d.FinishedAt == nil || d.CreatedAt.IsZero() {
			continue
		}
		if took := d.FinishedAt.Sub(d.CreatedAt); took >= 0 && took < providers.LongestDeploy {
			out = append(out, took)
		}
	}
	return out, err
}

// Latest returns the newest deploy and the live one.
func (p *Provider) Latest(ctx context.Context, t providers.Target) (providers.DeployState, error) {
	list, err := p.recent(ctx, t)
	return stateOf(list), err
}

func stateOf(list []deploy) providers.DeployState {
	var out providers.DeployState
	for _, d := range list {
		if out.Newest.ID == "" || d.CreatedAt.After(out.Newest.Created) {
			out.Newest = state(d)
		}
		if d.Status == "live" && out.LiveID == "" {
			out.LiveID = d.ID
		}
	}
	return out
}

// Start begins a deploy. Render may queue it and answer 202 with no body (cron
// jobs, services with a disk): then it is looked up by being new.
func (p *Provider) Start(ctx context.Context, t providers.Target) (providers.Deploy, error) {
	op := "start a deploy of " + t.Name
	body, err := p.what(ctx, op, t)
	if err != nil {
		return providers.Deploy{}, err
	}
	before, err := p.Latest(ctx, t)
	if err != nil {
		return providers.Deploy{}, err
	}
	var d deploy
	res, err := p.send(ctx, op, http.MethodPost, "/services/"+url.PathEscape(t.ID)+"/deploys", body, &d)
	if err != nil {
		return providers.Deploy{}, err
	}
	if d.ID != "" {
		return state(d), nil
	}
	if res.Status != http.StatusAccepted {
		return providers.Deploy{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Err: errAnswer}
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
	return providers.Deploy{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Err: errors.New("it is queued and not listed yet")}
}

// what says what to deploy. Without a commit Render ships the newest one of the
// branch. Where auto-deploy is off that may be code that nobody released, so the
// commit that is live is named; a cron job does not take one.
func (p *Provider) what(ctx context.Context, op string, t providers.Target) (map[string]string, error) {
	body := map[string]string{"clearCache": "do_not_clear"}
	var s service
	if err := p.call(ctx, "read service "+t.Name, http.MethodGet, "/services/"+url.PathEscape(t.ID), nil, &s); err != nil {
		return nil, err
	}
	if s.Suspended == "suspended" {
		return nil, &providers.Error{Provider: Name, Op: op, Class: providers.ErrUnsupported, Err: errSuspended}
	}
	if s.AutoDeploy != "no" || s.Type == "cron_job" {
		return body, nil
	}
	list, err := p.recent(ctx, t)
	for _, d := range list {
		if d.Status == "live" && d.Commit.ID != "" {
			body["commitId"] = d.Commit.ID
		}
	}
	return body, err
}

// Status returns one deploy.
func (p *Provider) Status(ctx context.Context, t providers.Target, id string) (providers.Deploy, error) {
	var d deploy
	op := "read deploy " + id
	if err := p.call(ctx, op, http.MethodGet, "/services/"+url.PathEscape(t.ID)+"/deploys/"+url.PathEscape(id), nil, &d); err != nil {
		return providers.Deploy{}, err
	}
	if d.ID != id {
		return providers.Deploy{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errAnswer}
	}
	out := state(d)
	if out.Phase == providers.PhaseFailed {
		out.Detail = p.lastWords(ctx, t, d)
	}
	return out, nil
}

// lastWords is the end of the log of a failed deploy, without what could be a
// secret; empty when it cannot be read, since it is a help and no proof.
func (p *Provider) lastWords(ctx context.Context, t providers.Target, d deploy) string {
	kind := "app"
	if d.Status == "build_failed" {
		kind = "build"
	}
	lines, err := p.logs(ctx, service{ID: t.ID, Name: t.Name, OwnerID: t.Account}, d.CreatedAt, kind)
	if err != nil {
		return ""
	}
	env, err := p.Environment(ctx, t)
	if err != nil {
		return "" // then nobody knows what must not be shown
	}
	known := map[string]secret.Text{}
	for _, v := range env.Variables {
		known[v.Key] = v.Value
	}
	return strings.Join(providers.HideInLog(lines[max(0, len(lines)-shownLines):], known), " | ")
}

// shownLines is how many lines of a log stand in the detail of a deploy.
const shownLines = 3

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
