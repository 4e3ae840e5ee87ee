package openai

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

func serviceRow() guided.Service {
	return row(ServiceName, "OpenAI keys of service accounts", credential.OpenAIServiceKey, "sk-svcacct-")
}

// ServiceDescriptor returns the provider of service accounts' keys as data.
func ServiceDescriptor() providers.Descriptor {
	return providers.Descriptor{
		Name: ServiceName, Title: serviceRow().Title, Roles: []providers.Role{providers.RoleIssuer}, Kinds: []credential.Kind{credential.OpenAIServiceKey},
		Settings: settings(), Overlap: true, ByHand: true,
		Can:         []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanDelete, providers.CanList},
		Permissions: []string{"an admin key of the organisation, which cannot be narrowed to one project"},
		Limits: []string{
			"A service account's key cannot be deleted alone: a new account is made beside the old one, and the old account is deleted with all its keys.",
			"A custom role and narrowed permissions are not copied: the new account is a plain member of the project.",
			"A key is recognised by the ends that the listing shows; where two look alike, a person decides.",
			"When a service's record of last use lags, a consumer that was not found shows only when it breaks.",
		},
		Links:       []string{"https://platform.openai.com/docs/api-reference/project-service-accounts", "https://platform.openai.com/settings/organization/admin-keys"},
		Proof:       providers.ProofPolicy{Refusals: 15, Window: 2 * time.Minute},
		ReadyWithin: 90 * time.Second, VerifyCall: "GET /v1/models",
	}
}

// NewService returns the provider of service accounts' keys; without an admin key a
// person does everything.
func NewService(cfg Config) (providers.Provider, error) {
	d := ServiceDescriptor()
	if cfg.AdminKey.Empty() {
		return guided.New(serviceRow(), guided.Config{Base: probe.At(cfg.BaseURL), Client: cfg.Client, Descriptor: &d}), nil
	}
	return tokens.New(tokens.Config{Descriptor: d, Service: accounts{cfg.api(ServiceName)}, Ask: cfg.ask(ServiceName)}), nil
}

// accounts are the service accounts: each stands for its keys, which die with it.
type accounts struct{ api }

func (a accounts) Find(ctx context.Context, token secret.Text) (tokens.Key, []tokens.Key, error) {
	e, project, err := a.projectKey(ctx, token)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	list, err := a.Keys(ctx, project)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	key, others, err := tokens.One(a.Provider, list, func(k tokens.Key) bool { return k.Ref.ID == e.Owner.ServiceAccount.ID })
	key.Usage = e.key(credential.OpenAIServiceKey, "", "").Usage
	key.Notes = []string{"the service account " + key.Name + " is deleted with all its keys, and the new one is a plain member: what a custom role allowed is not copied"}
	return key, others, err
}

func (a accounts) Keys(ctx context.Context, project string) ([]tokens.Key, error) {
	list, err := a.all(ctx, "list the service accounts of a project", "/projects/"+url.PathEscape(project)+"/service_accounts")
	var out []tokens.Key
	for _, e := range list {
		out = append(out, e.key(credential.OpenAIServiceKey, e.ID, project))
	}
	return out, err
}

// made is the answer to a new service account.
type made struct {
	ID     string `json:"id"`
	APIKey struct {
		Value string `json:"value"`
	} `json:"api_key"`
}

// Whole implements tokens.Checked.
func (m *made) Whole() bool { return m.ID != "" && m.APIKey.Value != "" }

func (a accounts) Make(ctx context.Context, old providers.KeyRef, name string) (providers.KeyRef, secret.Text, error) {
	var out made
	err := a.Do(ctx, "make a service account", http.MethodPost, "/projects/"+url.PathEscape(old.Owner)+"/service_accounts", map[string]string{"name": name}, &out)
	if err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	return providers.KeyRef{Kind: old.Kind, ID: out.ID, Owner: old.Owner}, secret.New(out.APIKey.Value), nil
}

func (a accounts) Remove(ctx context.Context, k providers.KeyRef) error {
	return a.remove(ctx, "/projects/"+url.PathEscape(k.Owner)+"/service_accounts/"+url.PathEscape(k.ID))
}
