// Package railway stores values in Railway variables, of services and shared ones, and
// deploys services anew. Variables are read as they were written: a reference such as
// ${{shared.KEY}} is never replaced by a literal.
//
// Protocol facts: docs.railway.com/integrations/api, and the queries of Railway's own
// command line client (github.com/railwayapp/cli, src/gql). There is no public
// specification to hold this to.
package railway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Name is the provider's name.
const Name = "railway"

// DefaultURL is the public API.
const DefaultURL = "https://backboard.railway.com"

// Config is what New needs.
type Config struct {
	Token   secret.Text // of an account or a workspace
	BaseURL string      // empty means DefaultURL
	Client  *httpx.Client
}

// Provider is safe for use from many goroutines.
type Provider struct {
	url    string
	token  secret.Text
	client *httpx.Client
}

var (
	_ providers.Sink     = (*Provider)(nil)
	_ providers.Deployer = (*Provider)(nil)
)

// New returns a provider; it does no I/O.
func New(cfg Config) (*Provider, error) {
	if cfg.Token.Empty() {
		return nil, errors.New("set RAILWAY_API_TOKEN")
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultURL
	}
	return &Provider{url: strings.TrimRight(cfg.BaseURL, "/") + "/graphql/v2", token: cfg.Token, client: cfg.Client}, nil
}

// Describe returns what this provider is.
func (p *Provider) Describe() providers.Descriptor { return Descriptor() }

// Descriptor returns the provider as data, without any configuration.
func Descriptor() providers.Descriptor {
	return providers.Descriptor{
		Name: Name, Title: "Railway variables and deploys", Roles: []providers.Role{providers.RoleSink},
		Settings: []providers.Setting{
			{Env: "RAILWAY_API_TOKEN", Help: "a token of an account or a workspace", Secret: true, Required: true},
			{Env: "SECRETGUARD_RAILWAY_URL", Help: "another base URL"},
		},
		Can:         []providers.Ability{providers.CanStore, providers.CanDeploy},
		Permissions: []string{"a token of a member who may edit the variables and start deploys of the projects"},
		Limits: []string{
			"Sealed variables cannot be read back: they are recognised by the names that such a key usually has.",
			"A deploy repeats the newest one with the stored values; a service that was never deployed gets none.",
			"More than 500 projects of a workspace cannot be listed.",
			"Railway publishes no specification: the requests are those of its own client, and were not tried at Railway.",
		},
		Links: []string{"https://docs.railway.com/integrations/api", "https://docs.railway.com/guides/manage-variables"},
	}
}

// question is one operation of the API.
type question struct {
	op, name, text string // what people read, the operation's name, its GraphQL
	args           map[string]any
	writes         bool
}

// ask sends a question and decodes its data into out. Railway answers 200 to what it
// refuses, and says so in errors.
func (p *Provider) ask(ctx context.Context, q question, out any) error {
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	_, err := p.client.Do(ctx, httpx.Request{
		Op: q.op, Method: http.MethodPost, URL: p.url, Reads: !q.writes, Out: &answer,
		Header: http.Header{"Authorization": {"Bearer " + p.token.Reveal()}, "Accept": {"application/json"}},
		Body:   map[string]any{"operationName": q.name, "query": q.text, "variables": q.args},
	})
	if err != nil {
		return providers.Classify(Name, err)
	}
	fail := &providers.Error{Provider: Name, Op: q.op, Class: providers.ErrTransient, Err: errAnswer}
	if q.writes {
		fail.Class = providers.ErrAmbiguous
	}
	if len(answer.Errors) > 0 {
		if class := refusal(answer.Errors[0].Message); class != nil {
			fail.Class = class
		}
		fail.Err = errRefused
		return fail
	}
	if string(answer.Data) == "null" || json.Unmarshal(answer.Data, out) != nil {
		return fail
	}
	return nil
}

var (
	errAnswer  = errors.New("the answer is not about what was asked for")
	errRefused = errors.New("it was refused in the answer")
	errNever   = errors.New("it was never deployed, so there is nothing to repeat: deploy it once by hand")
)

// refusal is the class of what Railway says in errors; nil for words that are not known,
// which leave open whether anything was done.
func refusal(message string) error {
	m := strings.ToLower(message)
	switch {
	case strings.Contains(m, "not authorized"):
		return providers.ErrForbidden
	case strings.Contains(m, "not found"):
		return providers.ErrNotFound
	case strings.Contains(m, "rate limit"), strings.Contains(m, "too many"):
		return providers.ErrRateLimited
	}
	return nil
}

// list is a connection as GraphQL has it.
type list[T any] struct {
	Edges []struct {
		Node T `json:"node"`
	} `json:"edges"`
	Page struct {
		More bool `json:"hasNextPage"`
	} `json:"pageInfo"`
}

// all returns what is in it.
func (l list[T]) all() []T {
	var out []T
	for _, e := range l.Edges {
		out = append(out, e.Node)
	}
	return out
}
