// Package openrouter replaces OpenRouter's API keys with a management key.
//
// Protocol facts: https://openrouter.ai/docs/api/api-reference/api-keys/list and its
// neighbours. A key is named by its hash; a listing shows its ends, leaves disabled keys
// out unless asked, and is paged by an offset.
package openrouter

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

// Name is the provider's name.
const Name = "openrouter"

// DefaultURL is the public API.
const DefaultURL = "https://openrouter.ai"

// Config is what New needs.
type Config struct {
	ManagementKey secret.Text // without it a person does what calls would do
	BaseURL       string      // empty means DefaultURL
	Client        *httpx.Client
}

// Provider is safe for use from many goroutines.
type Provider struct {
	*tokens.Provider

	api api
}

var _ providers.Disabler = (*Provider)(nil)

func row() guided.Service {
	return guided.Service{
		Name: Name, Title: "OpenRouter API keys", Kind: credential.OpenRouterKey, Prefixes: []string{"sk-or-v1-"},
		Link: "https://openrouter.ai/settings/keys", Docs: "https://openrouter.ai/docs/features/provisioning-api-keys",
		Make:   []string{"make a second key with the credit limit of the one that ends with {end}; leave the old one alone for now", "copy the new key: it is shown once"},
		Retire: []string{"find the key that ends with {end}, and delete it"},
	}
}

// Descriptor returns the provider as data, without any configuration.
func Descriptor() providers.Descriptor {
	d := row().Descriptor()
	d.ByHand = true
	d.Settings = []providers.Setting{
		{Env: "OPENROUTER_MANAGEMENT_KEY", Help: "a management key, which makes and deletes keys and is of no use for anything else; without it a person does that", Secret: true},
		{Env: "SECRETGUARD_OPENROUTER_URL", Help: "another base URL"},
	}
	d.Can = []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanDisable, providers.CanDelete, providers.CanList}
	d.Permissions = []string{"a management key of the account or organisation"}
	d.Limits = []string{
		"The credit limit and how it is reset are copied; without a limit the new key spends without a cap, as the old one did.",
		"Only keys of the default workspace are looked through.",
		"A key is recognised by the ends that the listing shows; where two look alike, a person decides.",
	}
	return d
}

// New returns a provider; it does no I/O. Without a management key everything is by hand.
func New(cfg Config) (providers.Provider, error) {
	d := Descriptor()
	if cfg.ManagementKey.Empty() {
		return guided.New(row(), guided.Config{Base: probe.At(cfg.BaseURL), Client: cfg.Client, Descriptor: &d}), nil
	}
	a := api{tokens.Caller{Provider: Name, Base: cmp.Or(cfg.BaseURL, DefaultURL) + "/api/v1/keys", Client: cfg.Client, Auth: tokens.Bearer(cfg.ManagementKey.Reveal())}}
	ask := probe.One{Provider: Name, Base: probe.At(cfg.BaseURL), Client: cfg.Client}.Ask
	return &Provider{Provider: tokens.New(tokens.Config{Descriptor: d, Service: a, Ask: ask}), api: a}, nil
}

type api struct{ tokens.Caller }

// key is a key in the management API.
type key struct {
	Hash       string    `json:"hash"`
	Name       string    `json:"name"`
	Label      string    `json:"label"`
	Disabled   bool      `json:"disabled"`
	Limit      *float64  `json:"limit"`
	LimitReset *string   `json:"limit_reset"`
	CreatedAt  time.Time `json:"created_at"`
}

func (k key) info() tokens.Key {
	out := tokens.Key{Name: k.Name, KeyInfo: providers.KeyInfo{Ref: providers.KeyRef{Kind: credential.OpenRouterKey, ID: k.Hash, Owner: "the account"}, Active: !k.Disabled, Created: k.CreatedAt}}
	if k.Limit == nil {
		out.Notes = []string{"the key has no credit limit: neither will the new one"}
	}
	return out
}

type listing struct {
	Data *[]key `json:"data"`
}

// Whole implements tokens.Checked.
func (l *listing) Whole() bool { return l.Data != nil }

// maxKeys bounds a listing whose end never comes.
const maxKeys = 100_000

func (a api) all(ctx context.Context) ([]key, error) {
	const op = "list the keys"
	var out []key
	for len(out) < maxKeys {
		var l listing
		if err := a.Do(ctx, op, http.MethodGet, "?include_disabled=true&offset="+strconv.Itoa(len(out)), nil, &l); err != nil {
			return nil, err
		}
		if len(*l.Data) == 0 {
			return out, nil
		}
		out = append(out, *l.Data...)
	}
	return nil, &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errors.New("the listing does not end")}
}

func (a api) Find(ctx context.Context, token secret.Text) (tokens.Key, []tokens.Key, error) {
	list, err := a.all(ctx)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	var keys []tokens.Key
	labels := map[string]string{}
	for _, k := range list {
		keys, labels[k.Hash] = append(keys, k.info()), k.Label
	}
	return tokens.One(Name, keys, func(k tokens.Key) bool { return tokens.Hinted(labels[k.Ref.ID], token) })
}

func (a api) Keys(ctx context.Context, _ string) ([]tokens.Key, error) {
	list, err := a.all(ctx)
	var keys []tokens.Key
	for _, k := range list {
		keys = append(keys, k.info())
	}
	return keys, err
}

// one is an answer about one key; Key is there when it was made.
type one struct {
	Data key    `json:"data"`
	Key  string `json:"key"`
}

// Whole implements tokens.Checked.
func (o *one) Whole() bool { return o.Data.Hash != "" }

func (a api) Make(ctx context.Context, old providers.KeyRef, name string) (providers.KeyRef, secret.Text, error) {
	list, err := a.all(ctx)
	if err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	body := map[string]any{"name": name}
	for _, k := range list {
		if k.Hash == old.ID && k.Limit != nil {
			body["limit"], body["limit_reset"] = k.Limit, k.LimitReset
		}
	}
	var out one
	if err := a.Do(ctx, "make a key", http.MethodPost, "", body, &out); err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	return providers.KeyRef{Kind: old.Kind, ID: out.Data.Hash, Owner: old.Owner}, secret.New(out.Key), nil
}

type deleted struct {
	Deleted bool `json:"deleted"`
}

// Whole implements tokens.Checked.
func (d *deleted) Whole() bool { return d.Deleted }

func (a api) Remove(ctx context.Context, k providers.KeyRef) error {
	return a.Do(ctx, "delete the key", http.MethodDelete, "/"+url.PathEscape(k.ID), nil, new(deleted))
}

// Disable stops the key. It may be repeated.
func (p *Provider) Disable(ctx context.Context, k providers.KeyRef) error { return p.set(ctx, k, true) }

// Enable lets the key work again. It may be repeated.
func (p *Provider) Enable(ctx context.Context, k providers.KeyRef) error { return p.set(ctx, k, false) }

func (p *Provider) set(ctx context.Context, k providers.KeyRef, disabled bool) error {
	const op = "disable or enable the key"
	var out one
	if err := p.api.Do(ctx, op, http.MethodPatch, "/"+url.PathEscape(k.ID), map[string]bool{"disabled": disabled}, &out); err != nil {
		return err
	}
	if out.Data.Disabled != disabled {
		return &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Err: errors.New("the answer says that nothing has changed")}
	}
	return nil
}
