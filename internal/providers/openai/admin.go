package openai

import (
	"context"
	"net/http"
	"net/url"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

// organisation is the owner of all admin keys.
const organisation = "the organisation"

// Admin replaces admin keys, also the one that it works with itself.
type Admin struct {
	*tokens.Provider

	cfg Config
}

var _ providers.Rekeyer = (*Admin)(nil)

func adminRow() guided.Service {
	s := row(AdminName, "OpenAI admin keys", credential.OpenAIAdminKey, "sk-admin-")
	s.Link = "https://platform.openai.com/settings/organization/admin-keys"
	s.Right = "an owner of the organisation"
	return s
}

// AdminDescriptor returns the provider of admin keys as data.
func AdminDescriptor() providers.Descriptor {
	d := ServiceDescriptor()
	d.Name, d.Title, d.Kinds = AdminName, adminRow().Title, []credential.Kind{credential.OpenAIAdminKey}
	d.Links = []string{"https://platform.openai.com/docs/api-reference/admin-api-keys", adminRow().Link}
	d.Permissions = []string{"an admin key of an owner of the organisation; it may be the leaked one itself"}
	d.Limits = []string{
		"Who had an admin key may have made keys of every project: look through them, and through the audit log.",
		"A key is recognised by the ends that the listing shows; where two look alike, a person decides.",
	}
	d.Can = append(d.Can, providers.CanRekey)
	d.VerifyCall = "GET /v1/organization/projects"
	return d
}

// NewAdmin returns the provider of admin keys; without one of our own a person does
// everything.
func NewAdmin(cfg Config) (providers.Provider, error) {
	d := AdminDescriptor()
	if cfg.AdminKey.Empty() {
		return guided.New(adminRow(), guided.Config{Base: probe.At(cfg.BaseURL), Client: cfg.Client, Descriptor: &d}), nil
	}
	return &Admin{cfg: cfg, Provider: tokens.New(tokens.Config{Descriptor: d, Service: admins{cfg.api(AdminName)}, Ask: cfg.ask(AdminName), Own: cfg.AdminKey})}, nil
}

// WithAccess returns a provider that works with another admin key.
func (p *Admin) WithAccess(c credential.Credential) (providers.Provider, error) {
	cfg := p.cfg
	cfg.AdminKey = c.Part(credential.PartToken)
	return NewAdmin(cfg)
}

// admins are the admin keys of the organisation.
type admins struct{ api }

func (a admins) list(ctx context.Context) (keys []tokens.Key, shown map[string]string, err error) {
	list, err := a.all(ctx, "list the admin keys", "/admin_api_keys")
	shown = map[string]string{}
	for _, e := range list {
		keys = append(keys, e.key(credential.OpenAIAdminKey, e.ID, organisation))
		shown[e.ID] = e.RedactedValue
	}
	return keys, shown, err
}

func (a admins) Find(ctx context.Context, token secret.Text) (tokens.Key, []tokens.Key, error) {
	keys, shown, err := a.list(ctx)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	return tokens.One(a.Provider, keys, func(k tokens.Key) bool { return tokens.Hinted(shown[k.Ref.ID], token) })
}

func (a admins) Keys(ctx context.Context, _ string) ([]tokens.Key, error) {
	keys, _, err := a.list(ctx)
	return keys, err
}

// madeAdmin is the answer to a new admin key.
type madeAdmin struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

// Whole implements tokens.Checked.
func (m *madeAdmin) Whole() bool { return m.ID != "" && m.Value != "" }

func (a admins) Make(ctx context.Context, old providers.KeyRef, name string) (providers.KeyRef, secret.Text, error) {
	var out madeAdmin
	if err := a.Do(ctx, "make an admin key", http.MethodPost, "/admin_api_keys", map[string]string{"name": name}, &out); err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	return providers.KeyRef{Kind: old.Kind, ID: out.ID, Owner: organisation}, secret.New(out.Value), nil
}

func (a admins) Remove(ctx context.Context, k providers.KeyRef) error {
	return a.remove(ctx, "/admin_api_keys/"+url.PathEscape(k.ID))
}
