// Package netlify stores values in Netlify environment variables and deploys
// sites. It changes one context of one variable at a time with PATCH; the calls
// that replace a whole variable are never used.
//
// Protocol facts: netlify/open-api swagger.yml.
package netlify

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
const Name = "netlify"

// DefaultURL is the public API.
const DefaultURL = "https://api.netlify.com/api/v1"

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
		return nil, errors.New("set NETLIFY_AUTH_TOKEN")
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
		Name: Name, Title: "Netlify environment variables and deploys", Roles: []providers.Role{providers.RoleSink},
		Settings: []providers.Setting{
			{Env: "NETLIFY_AUTH_TOKEN", Help: "a personal access token", Secret: true, Required: true},
			{Env: "SECRETGUARD_NETLIFY_URL", Help: "another base URL"},
		},
		Can:         []providers.Ability{providers.CanStore, providers.CanDeploy},
		Permissions: []string{"a personal access token of a user who may edit the sites' variables and start deploys"},
		Limits: []string{
			"Secret variables cannot be read back; they are recognised by name only.",
			"Values in netlify.toml cannot be changed by the API.",
			"A user with the role of collaborator does not see the team's shared variables.",
			"500 requests a minute; 3 deploys a minute.",
		},
		Links: []string{"https://docs.netlify.com/environment-variables/overview/", "https://open-api.netlify.com/"},
	}
}

// call sends a request and decodes the answer into out.
func (p *Provider) call(ctx context.Context, op, method, path string, body, out any) error {
	h := http.Header{"Authorization": {"Bearer " + p.token.Reveal()}, "Accept": {"application/json"}}
	_, err := p.client.Do(ctx, httpx.Request{Op: op, Method: method, URL: p.base + path, Header: h, Body: body, Out: out})
	return providers.Classify(Name, err)
}

func envPath(account, key, site string) string {
	path := "/accounts/" + url.PathEscape(account) + "/env"
	if key != "" {
		path += "/" + url.PathEscape(key)
	}
	if site != "" {
		path += "?site_id=" + url.QueryEscape(site)
	}
	return path
}
