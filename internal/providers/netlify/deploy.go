package netlify

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
)

type deploy struct {
	ID           string     `json:"id"`
	SiteID       string     `json:"site_id"`
	State        string     `json:"state"`
	ErrorMessage string     `json:"error_message"`
	Context      string     `json:"context"`
	PublishedAt  *time.Time `json:"published_at"`
	CreatedAt    time.Time  `json:"created_at"`
}

// errAnswer means that an answer was JSON of another thing than was asked for.
var errAnswer = errors.New("the answer is not about what was asked for")

func (p *Provider) site(ctx context.Context, t providers.Target) (site, error) {
	var s site
	err := p.call(ctx, "read site "+t.Name, http.MethodGet, "/sites/"+url.PathEscape(t.ID), nil, &s)
	if err == nil && s.ID != t.ID {
		err = &providers.Error{Provider: Name, Op: "read site " + t.Name, Class: providers.ErrTransient, Err: errAnswer}
	}
	return s, err
}

// production lists the newest deploys to production.
func (p *Provider) production(ctx context.Context, t providers.Target) ([]deploy, error) {
	var list []deploy
	err := p.call(ctx, "list deploys of "+t.Name, http.MethodGet, "/sites/"+url.PathEscape(t.ID)+"/deploys?production=true&per_page=20", nil, &list)
	return slices.DeleteFunc(list, func(d deploy) bool { return d.Context != "" && d.Context != "production" }), err
}

// DeployTimes returns how long the newest published deploys took. One that was
// published anew much later, by a person, says nothing of a build.
func (p *Provider) DeployTimes(ctx context.Context, t providers.Target) ([]time.Duration, error) {
	list, err := p.production(ctx, t)
	var out []time.Duration
	for _, d := range list {
		if d.PublishedAt == nil || d.CreatedAt.IsZero() {
			continue
		}
		if took := d.PublishedAt.Sub(d.CreatedAt); took >= 0 && took < providers.LongestDeploy {
			out = append(out, took)
		}
	}
	return out, err
}

// Latest returns the newest production deploy and the published one.
func (p *Provider) Latest(ctx context.Context, t providers.Target) (providers.DeployState, error) {
	var out providers.DeployState
	s, err := p.site(ctx, t)
	if err != nil {
		return out, err
	}
	if s.PublishedDeploy != nil {
		out.LiveID = s.PublishedDeploy.ID
	}
	list, err := p.production(ctx, t)
	if err != nil {
		return out, err
	}
	for _, d := range list {
		if out.Newest.ID == "" || d.CreatedAt.After(out.Newest.Created) {
			out.Newest = state(d, out.LiveID)
		}
	}
	return out, nil
}

// buildsPerMinute is how many builds the API starts in a minute (Netlify's staff, in
// answers.netlify.com); the documentation names no header that says when to come again.
const buildsPerMinute = 3

// Start begins a production build without the build cache: functions are known
// to keep stale values with it.
func (p *Provider) Start(ctx context.Context, t providers.Target) (providers.Deploy, error) {
	var b struct {
		DeployID  string    `json:"deploy_id"`
		CreatedAt time.Time `json:"created_at"`
	}
	op := "start a build of " + t.Name
	err := p.call(ctx, op, http.MethodPost, "/sites/"+url.PathEscape(t.ID)+"/builds?clear_cache=true", nil, &b)
	var e *providers.Error
	switch {
	case errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusUnprocessableEntity):
		e.Err = errors.New("this site has no repository, or its builds are stopped: deploy it by hand, then resume")
	case errors.As(err, &e) && errors.Is(e.Class, providers.ErrRateLimited) && e.RetryAfter == 0:
		e.RetryAfter = time.Minute / buildsPerMinute
	case err == nil && b.DeployID == "":
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Err: errAnswer}
	}
	if err != nil {
		return providers.Deploy{}, err
	}
	return providers.Deploy{ID: b.DeployID, Phase: providers.PhaseRunning, State: "new", Created: b.CreatedAt}, nil
}

// Status returns one deploy. "ready" alone is not live: the site must publish it.
func (p *Provider) Status(ctx context.Context, t providers.Target, id string) (providers.Deploy, error) {
	var d deploy
	if err := p.call(ctx, "read deploy "+id, http.MethodGet, "/deploys/"+url.PathEscape(id), nil, &d); err != nil {
		return providers.Deploy{}, err
	}
	if d.ID != id {
		return providers.Deploy{}, &providers.Error{Provider: Name, Op: "read deploy " + id, Class: providers.ErrTransient, Err: errAnswer}
	}
	if d.State != "ready" {
		return state(d, ""), nil
	}
	s, err := p.site(ctx, t)
	if err != nil {
		return providers.Deploy{}, err
	}
	live := ""
	if s.PublishedDeploy != nil {
		live = s.PublishedDeploy.ID
	}
	return state(d, live), nil
}

// state maps Netlify's word; an unknown one counts as still going.
func state(d deploy, live string) providers.Deploy {
	out := providers.Deploy{ID: d.ID, Phase: providers.PhaseRunning, State: d.State, Created: d.CreatedAt}
	switch d.State {
	case "error", "rejected":
		out.Phase, out.Detail = providers.PhaseFailed, explain(d.ErrorMessage)
	case "ready":
		switch {
		case d.ID == live:
			out.Phase = providers.PhaseLive
		case d.PublishedAt != nil:
			out.Phase = providers.PhaseReplaced
		default:
			out.Phase = providers.PhaseBuilt
		}
	}
	return out
}

var (
	scanned = regexp.MustCompile(`(?i)secrets? scan`)
	tooBig  = regexp.MustCompile(`(?i)exceed.{0,40}4 ?KB`)
)

// explain puts what a build's message means before it, where a rotation is likely to
// be the cause.
func explain(message string) string {
	switch {
	case scanned.MatchString(message):
		return "Netlify's scan found the value of a secret variable in the repository or in what was built: take it out of there (secretguard scan finds where); " + message
	case tooBig.MatchString(message):
		return "the variables of the functions do not fit the 4 KB of AWS Lambda: take some away, or narrow their scopes; " + message
	}
	return message
}
