// Package actions stores values in GitHub Actions: secrets and variables of
// repositories, of their environments and of organisations. Secrets are write-only:
// they are recognised by their names, and say so.
//
// Nothing is deployed: a workflow gets the new value with its next run.
//
// Protocol facts: docs.github.com/en/rest/actions/secrets, /variables and
// /deployments/environments; secrets are sealed with libsodium's anonymous box.
package actions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Name is the provider's name.
const Name = "github-actions"

// Address is under which name a user may set another base URL.
const Address = "github_actions"

// DefaultURL is the public API.
const DefaultURL = "https://api.github.com"

// Config is what New needs.
type Config struct {
	Token secret.Text
	// Repositories limits the search to these, as "owner/name"; empty means all that
	// the token sees.
	Repositories []string
	BaseURL      string // empty means DefaultURL
	Client       *httpx.Client
}

// Provider is safe for use from many goroutines.
type Provider struct {
	base   string
	token  secret.Text
	only   []string
	client *httpx.Client
	now    func() time.Time
}

var _ providers.Sink = (*Provider)(nil)

// New returns a provider; it does no I/O.
func New(cfg Config) (*Provider, error) {
	if cfg.Token.Empty() {
		return nil, errors.New("set GITHUB_ACTIONS_TOKEN")
	}
	for _, r := range cfg.Repositories {
		if owner, name, ok := strings.Cut(r, "/"); !ok || owner == "" || name == "" || strings.Contains(name, "/") {
			return nil, fmt.Errorf("SECRETGUARD_GITHUB_REPOS: %q is no owner/name", r)
		}
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultURL
	}
	return &Provider{base: strings.TrimRight(cfg.BaseURL, "/"), token: cfg.Token, only: cfg.Repositories, client: cfg.Client, now: time.Now}, nil
}

// Describe returns what this provider is.
func (p *Provider) Describe() providers.Descriptor { return Descriptor() }

// Descriptor returns the provider as data, without any configuration.
func Descriptor() providers.Descriptor {
	return providers.Descriptor{
		Name: Name, Title: "GitHub Actions secrets and variables", Roles: []providers.Role{providers.RoleSink},
		Settings: []providers.Setting{
			{Env: "GITHUB_ACTIONS_TOKEN", Help: "a token that may read and write Actions secrets and variables", Secret: true, Required: true},
			{Env: "SECRETGUARD_GITHUB_REPOS", Help: "only these repositories, as owner/name, parted by commas"},
			{Env: "SECRETGUARD_GITHUB_ACTIONS_URL", Help: "another base URL (GitHub Enterprise Server: https://HOST/api/v3)"},
		},
		Can: []providers.Ability{providers.CanStore},
		Permissions: []string{
			"a fine-grained token with Secrets, Variables and Environments (read and write) of the repositories",
			"Organization secrets and variables (read and write), where those of an organisation are to be changed",
		},
		Limits: []string{
			"Secrets cannot be read back: they are recognised by the names that such a key usually has, and nothing shows which value they hold.",
			"Nothing is deployed: a workflow gets the new value with its next run, and a run that goes on keeps the old one.",
			"Secrets of Dependabot and Codespaces are not looked at.",
			"Archived repositories are left out: their workflows do not run.",
		},
		Links: []string{"https://docs.github.com/en/rest/actions/secrets", "https://docs.github.com/en/rest/actions/variables"},
	}
}

// get sends a request that only reads and decodes the answer into out.
func (p *Provider) get(ctx context.Context, op, path string, out any) error {
	_, err := p.send(ctx, op, http.MethodGet, path, nil, out)
	return err
}

func (p *Provider) send(ctx context.Context, op, method, path string, body, out any) (httpx.Response, error) {
	h := http.Header{
		"Authorization": {"Bearer " + p.token.Reveal()}, "Accept": {"application/vnd.github+json"}, "X-GitHub-Api-Version": {"2022-11-28"},
	}
	res, err := p.client.Do(ctx, httpx.Request{Op: op, Method: method, URL: p.base + path, Header: h, Body: body, Out: out})
	if wait, limited := p.limited(res); limited && err != nil {
		return res, &providers.Error{Provider: Name, Op: op, Class: providers.ErrRateLimited, Status: res.Status, RetryAfter: wait}
	}
	return res, providers.Classify(Name, err)
}

// write sends a request whose one good answer is empty: whatever else comes with a 2xx,
// such as a page of what stands between, tells nothing.
func (p *Provider) write(ctx context.Context, op, method, path string, body any) error {
	res, err := p.send(ctx, op, method, path, body, nil)
	if err == nil && res.Status != http.StatusNoContent {
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Status: res.Status, Err: errAnswer}
	}
	return err
}

// limited tells a 403 that only asks to wait from one that forbids: GitHub answers 403
// to both (docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api).
func (p *Provider) limited(res httpx.Response) (wait time.Duration, ok bool) {
	if res.Status != http.StatusForbidden {
		return 0, false
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s >= 0 {
		return time.Duration(s) * time.Second, true
	}
	if res.Header.Get("X-Ratelimit-Remaining") != "0" {
		return 0, false
	}
	at, err := strconv.ParseInt(res.Header.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil {
		return time.Minute, true
	}
	return max(0, time.Unix(at, 0).Sub(p.now())), true
}
