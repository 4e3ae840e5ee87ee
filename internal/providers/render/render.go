// Package render stores values in Render environment variables and groups, and
// deploys services. It writes one key at a time; the call that replaces the
// whole list, and deletes what is missing in it, is never used.
//
// Protocol facts: Render's public OpenAPI document.
package render

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Name is the provider's name.
const Name = "render"

// DefaultURL is the public API.
const DefaultURL = "https://api.render.com/v1"

// Config is what New needs.
type Config struct {
	Token   secret.Text
	BaseURL string // empty means DefaultURL
	Client  *httpx.Client
}

// Provider is safe for use from many goroutines.
type Provider struct {
	base   string
	token  secret.Text
	client *httpx.Client
}

var (
	_ providers.Sink         = (*Provider)(nil)
	_ providers.Deployer     = (*Provider)(nil)
	_ providers.DeployTimer  = (*Provider)(nil)
	_ providers.RightsTeller = (*Provider)(nil)
)

// New returns a provider; it does no I/O.
func New(cfg Config) (*Provider, error) {
	if cfg.Token.Empty() {
		return nil, errors.New("set RENDER_API_KEY")
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultURL
	}
	return &Provider{base: strings.TrimRight(cfg.BaseURL, "/"), token: cfg.Token, client: cfg.Client}, nil
}

// Describe returns what this provider is.
func (p *Provider) Describe() providers.Descriptor { return Descriptor() }

// Descriptor returns the provider as data, without any configuration.
func Descriptor() providers.Descriptor {
	return providers.Descriptor{
		Name: Name, Title: "Render environment variables, groups and deploys", Roles: []providers.Role{providers.RoleSink},
		Settings: []providers.Setting{
			{Env: "RENDER_API_KEY", Help: "an API key", Secret: true, Required: true},
			{Env: "SECRETGUARD_RENDER_URL", Help: "another base URL"},
		},
		Can:         []providers.Ability{providers.CanStore, providers.CanDeploy},
		Permissions: []string{"an API key of a user who may edit the services' variables and start deploys"},
		Limits: []string{
			"A deploy ships the newest commit of the service's branch, unless its auto-deploy is off.",
			"A service that is declared in render.yaml may get the values declared there back with the next sync.",
			"More than 100 env groups of one workspace cannot be listed.",
			"Secret files are searched and shown, not changed.",
			"10 deploys a minute and service; 30 other writes a minute.",
		},
		Links: []string{"https://api-docs.render.com/reference/introduction", "https://render.com/docs/configure-environment-variables"},
	}
}

// call sends a request and decodes the answer into out.
func (p *Provider) call(ctx context.Context, op, method, path string, body, out any) error {
	_, err := p.send(ctx, op, method, path, body, out)
	return err
}

func (p *Provider) send(ctx context.Context, op, method, path string, body, out any) (httpx.Response, error) {
	h := http.Header{"Authorization": {"Bearer " + p.token.Reveal()}, "Accept": {"application/json"}}
	res, err := p.client.Do(ctx, httpx.Request{Op: op, Method: method, URL: p.base + path, Header: h, Body: body, Out: out})
	return res, providers.Classify(Name, err)
}

// pageSize is the most that Render lists at once.
const pageSize = "100"

// pages calls next with each page of a list until an empty one comes.
func pages[T any](ctx context.Context, p *Provider, op, path string, cursor func(T) string, each func(T)) error {
	after := ""
	for {
		q := url.Values{"limit": {pageSize}}
		if after != "" {
			q.Set("cursor", after)
		}
		var list []T
		if err := p.call(ctx, op, http.MethodGet, path+"?"+q.Encode(), nil, &list); err != nil {
			return err
		}
		if len(list) == 0 {
			return nil
		}
		for _, x := range list {
			each(x)
		}
		next := cursor(list[len(list)-1])
		if next == "" || next == after {
			return nil
		}
		after = next
	}
}
