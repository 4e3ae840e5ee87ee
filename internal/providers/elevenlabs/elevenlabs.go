// Package elevenlabs replaces ElevenLabs' API keys: those of a service account by calls,
// with a workspace's own key; a person's own by hand, for no call makes those.
//
// Protocol facts: https://elevenlabs.io/docs/api-reference/service-accounts/api-keys and
// the types in https://github.com/elevenlabs/elevenlabs-python. That a listing shows how
// a key ends is not described: where it does not, a person says which one leaked.
package elevenlabs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
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
const Name = "elevenlabs"

// DefaultURL is the public API.
const DefaultURL = "https://api.elevenlabs.io"

// Config is what New needs.
type Config struct {
	// AdminKey and Account: without both a person does what calls would do.
	AdminKey secret.Text
	Account  string // the service account's user id
	KeyID    string // which key leaked, where the listing does not tell
	BaseURL  string // empty means DefaultURL
	Client   *httpx.Client
}

func row() guided.Service {
	return guided.Service{
		Name: Name, Title: "ElevenLabs API keys", Kind: credential.ElevenLabsKey, Prefixes: []string{"sk_"},
		Link: "https://elevenlabs.io/app/settings/api-keys", Docs: "https://elevenlabs.io/docs/api-reference/authentication",
		Make:   []string{"make a second key with the rights and the limit of the one that ends with {end}; leave the old one alone for now", "copy the new key: it is shown once"},
		Retire: []string{"find the key that ends with {end}, and delete it"},
	}
}

// Descriptor returns the provider as data, without any configuration.
func Descriptor() providers.Descriptor {
	d := row().Descriptor()
	d.ByHand = true
	d.Settings = []providers.Setting{
		{Env: "ELEVENLABS_ADMIN_KEY", Help: "a key of the workspace that may write service accounts; without it a person does what calls would do", Secret: true},
		{Env: "ELEVENLABS_SERVICE_ACCOUNT", Help: "the user id of the service account whose key leaked"},
		{Env: "ELEVENLABS_KEY_ID", Help: "which of its keys leaked, by id or name, where the listing does not tell"},
		{Env: "SECRETGUARD_ELEVENLABS_URL", Help: "another base URL"},
	}
	d.Can = []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanDelete, providers.CanList}
	d.Permissions = []string{"a key with the right service_account_write, on a plan with service accounts"}
	d.Limits = []string{
		"Only a service account's keys are made by calls; a person's own key is replaced by hand: leave ELEVENLABS_SERVICE_ACCOUNT unset for it.",
		"Rights and the monthly limit of the old key are copied; a list of allowed addresses is not shown, and is not.",
		"A key could be disabled by a call; what that answers is not described, so it is not used.",
	}
	return d
}

// New returns a provider; it does no I/O.
func New(cfg Config) (providers.Provider, error) {
	d := Descriptor()
	if cfg.AdminKey.Empty() || cfg.Account == "" {
		return guided.New(row(), guided.Config{Base: probe.At(cfg.BaseURL), Client: cfg.Client, Descriptor: &d}), nil
	}
	a := api{cfg: cfg, Caller: tokens.Caller{
		Provider: Name, Base: cmp.Or(cfg.BaseURL, DefaultURL) + "/v1/service-accounts/" + url.PathEscape(cfg.Account) + "/api-keys", Client: cfg.Client,
		Auth: func(h http.Header) { h.Set("Xi-Api-Key", cfg.AdminKey.Reveal()) },
	}}
	return tokens.New(tokens.Config{Descriptor: d, Service: a, Ask: probe.One{Provider: Name, Base: probe.At(cfg.BaseURL), Client: cfg.Client}.Ask, Own: cfg.AdminKey}), nil
}

type api struct {
	tokens.Caller

	cfg Config
}

// key is a key in a listing.
type key struct {
	ID          string   `json:"key_id"`
	Name        string   `json:"name"`
	Hint        string   `json:"hint"`
	Disabled    bool     `json:"is_disabled"`
	Permissions []string `json:"permissions"` // null: all
	Limit       *int     `json:"character_limit"`
	Created     int64    `json:"created_at_unix"`
}

func (a api) info(k key) tokens.Key {
	return tokens.Key{Name: k.Name, KeyInfo: providers.KeyInfo{
		Ref: providers.KeyRef{Kind: credential.ElevenLabsKey, ID: k.ID, Owner: a.cfg.Account}, Active: !k.Disabled, Created: time.Unix(k.Created, 0),
	}}
}

type listing struct {
	Keys *[]key `json:"api-keys"`
}

// Whole implements tokens.Checked.
func (l *listing) Whole() bool { return l.Keys != nil }

func (a api) all(ctx context.Context) ([]key, error) {
	var l listing
	if err := a.Do(ctx, "list the service account's keys", http.MethodGet, "", nil, &l); err != nil {
		return nil, err
	}
	return *l.Keys, nil
}

// Find names the key by the ends that the listing shows, or as a person said.
func (a api) Find(ctx context.Context, token secret.Text) (tokens.Key, []tokens.Key, error) {
	list, err := a.all(ctx)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	var keys []tokens.Key
	var names []string
	hints := map[string]string{}
	for _, k := range list {
		keys, names, hints[k.ID] = append(keys, a.info(k)), append(names, k.ID+" ("+k.Name+")"), k.Hint
	}
	found, others, err := tokens.One(Name, keys, func(k tokens.Key) bool {
		if a.cfg.KeyID != "" {
			return k.Ref.ID == a.cfg.KeyID || k.Name == a.cfg.KeyID
		}
		return tokens.Hinted(hints[k.Ref.ID], token)
	})
	if errors.Is(err, providers.ErrNotFound) && len(list) > 0 {
		err = &providers.Error{Provider: Name, Op: "look for the key among the service account's", Class: providers.ErrRefused, Err: fmt.Errorf("none is shown like it; if it is one of %s, set ELEVENLABS_KEY_ID", strings.Join(names, ", "))}
	}
	return found, others, err
}

// Keys lists the service account's keys.
func (a api) Keys(ctx context.Context, _ string) ([]tokens.Key, error) {
	list, err := a.all(ctx)
	var keys []tokens.Key
	for _, k := range list {
		keys = append(keys, a.info(k))
	}
	return keys, err
}

// made is the answer to a new key.
type made struct {
	ID    string `json:"key_id"`
	Value string `json:"xi-api-key"`
}

// Whole implements tokens.Checked.
func (m *made) Whole() bool { return m.ID != "" && m.Value != "" }

// Make makes a key with the rights and the limit of the old one.
func (a api) Make(ctx context.Context, old providers.KeyRef, name string) (providers.KeyRef, secret.Text, error) {
	list, err := a.all(ctx)
	if err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	body := map[string]any{"name": name, "permissions": "all"}
	for _, k := range list {
		if k.ID == old.ID && k.Permissions != nil {
			body["permissions"] = k.Permissions
		}
		if k.ID == old.ID && k.Limit != nil {
			body["character_limit"] = *k.Limit
		}
	}
	var out made
	if err := a.Do(ctx, "make a key", http.MethodPost, "", body, &out); err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	return providers.KeyRef{Kind: old.Kind, ID: out.ID, Owner: old.Owner}, secret.New(out.Value), nil
}

// anything is an answer that is not described.
type anything map[string]any

// Whole implements tokens.Checked.
func (a *anything) Whole() bool { return *a != nil }

// Remove deletes a key.
func (a api) Remove(ctx context.Context, k providers.KeyRef) error {
	return a.Do(ctx, "delete the key", http.MethodDelete, "/"+url.PathEscape(k.ID), nil, new(anything))
}
