// Package xai replaces xAI's API keys with a management key.
//
// Protocol facts: https://docs.x.ai/developers/rest-api-reference/management/auth. A
// key without rights (acls) is accepted for nothing, so those of the old key are copied.
package xai

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
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
const Name = "xai"

// ManagementURL is the public API that manages keys.
const ManagementURL = "https://management-api.x.ai"

// Config is what New needs.
type Config struct {
	ManagementKey secret.Text // without it, or without a team, a person does what calls would do
	Team          string
	BaseURL       string // of the API that keys are used for; empty means xAI's
	ManagementURL string // empty means the public one
	Client        *httpx.Client
}

func row() guided.Service {
	return guided.Service{
		Name: Name, Title: "xAI API keys", Kind: credential.XAIKey, Prefixes: []string{"xai-"},
		Link: "https://console.x.ai", Docs: "https://docs.x.ai/developers/management-api",
		Make:   []string{"make a second key with the models and endpoints of the one that ends with {end}; leave the old one alone for now", "copy the new key: it is shown once"},
		Retire: []string{"find the key that ends with {end}, and delete it"},
	}
}

// Descriptor returns the provider as data, without any configuration.
func Descriptor() providers.Descriptor {
	d := row().Descriptor()
	d.ByHand = true
	d.Settings = []providers.Setting{
		{Env: "XAI_MANAGEMENT_KEY", Help: "a management key, which makes and deletes keys; without it a person does that", Secret: true},
		{Env: "XAI_TEAM_ID", Help: "the id of the team that the keys belong to"},
		{Env: "SECRETGUARD_XAI_URL", Help: "another base URL of the API that keys are used for"},
		{Env: "SECRETGUARD_XAI_MANAGEMENT_URL", Help: "another base URL of the management API"},
	}
	d.Can = []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanDelete, providers.CanList}
	d.Permissions = []string{"a management key with the right to read and write the team's keys"}
	d.Limits = []string{
		"Rights and rates of the old key are copied; a key without rights would be accepted for nothing.",
		"A new key needs a while until all of xAI knows it.",
		"A key is recognised by the ends that the listing shows; where two look alike, a person decides.",
	}
	d.ReadyWithin = 2 * time.Minute
	return d
}

// New returns a provider; it does no I/O. Without a management key and a team
// everything is by hand.
func New(cfg Config) (providers.Provider, error) {
	d := Descriptor()
	if cfg.ManagementKey.Empty() || cfg.Team == "" {
		return guided.New(row(), guided.Config{Base: probe.At(cfg.BaseURL), Client: cfg.Client, Descriptor: &d}), nil
	}
	a := api{Caller: tokens.Caller{Provider: Name, Base: cmp.Or(cfg.ManagementURL, ManagementURL), Client: cfg.Client, Auth: tokens.Bearer(cfg.ManagementKey.Reveal())}, team: cfg.Team}
	return tokens.New(tokens.Config{Descriptor: d, Service: a, Ask: probe.One{Provider: Name, Base: probe.At(cfg.BaseURL), Client: cfg.Client}.Ask}), nil
}

type api struct {
	tokens.Caller

	team string
}

// key is a key in the management API; APIKey is there when it was made.
type key struct {
	ID         string    `json:"apiKeyId"`
	APIKey     string    `json:"apiKey"`
	Name       string    `json:"name"`
	Redacted   string    `json:"redactedApiKey"`
	Disabled   bool      `json:"disabled"`
	CreateTime time.Time `json:"createTime"`
	ACLs       []string  `json:"acls"`
	QPS        *int      `json:"qps"`
	QPM        *int      `json:"qpm"`
	TPM        *string   `json:"tpm"`
}

// Whole implements tokens.Checked.
func (k *key) Whole() bool { return k.ID != "" }

func (k key) info(team string) tokens.Key {
	return tokens.Key{Name: k.Name, KeyInfo: providers.KeyInfo{Ref: providers.KeyRef{Kind: credential.XAIKey, ID: k.ID, Owner: team}, Active: !k.Disabled, Created: k.CreateTime}}
}

type listing struct {
	Keys *[]key `json:"apiKeys"`
	Next string `json:"paginationToken"`
}

// Whole implements tokens.Checked.
func (l *listing) Whole() bool { return l.Keys != nil }

// maxPages bounds a listing whose end never comes.
const maxPages = 1000

func (a api) all(ctx context.Context) ([]key, error) {
	const op = "list the team's keys"
	var out []key
	next := ""
	for range maxPages {
		var l listing
		if err := a.Do(ctx, op, http.MethodGet, "/auth/teams/"+url.PathEscape(a.team)+"/api-keys?pageSize=100"+next, nil, &l); err != nil {
			return nil, err
		}
		if out = append(out, *l.Keys...); l.Next == "" {
			return out, nil
		}
		next = "&paginationToken=" + url.QueryEscape(l.Next)
	}
	return nil, &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errors.New("the listing does not end")}
}

func (a api) Find(ctx context.Context, token secret.Text) (tokens.Key, []tokens.Key, error) {
	list, err := a.all(ctx)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	var keys []tokens.Key
	shown := map[string]string{}
	for _, k := range list {
		keys, shown[k.ID] = append(keys, k.info(a.team)), k.Redacted
	}
	return tokens.One(Name, keys, func(k tokens.Key) bool { return tokens.Hinted(shown[k.Ref.ID], token) })
}

func (a api) Keys(ctx context.Context, _ string) ([]tokens.Key, error) {
	list, err := a.all(ctx)
	var keys []tokens.Key
	for _, k := range list {
		keys = append(keys, k.info(a.team))
	}
	return keys, err
}

func (a api) Make(ctx context.Context, old providers.KeyRef, name string) (providers.KeyRef, secret.Text, error) {
	const op = "make a key"
	list, err := a.all(ctx)
	if err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	body := map[string]any{"name": name}
	for _, k := range list {
		if k.ID != old.ID {
			continue
		}
		body["acls"] = k.ACLs
		if k.QPS != nil {
			body["qps"] = k.QPS
		}
		if k.QPM != nil {
			body["qpm"] = k.QPM
		}
		if k.TPM != nil {
			body["tpm"] = k.TPM
		}
	}
	if acls, _ := body["acls"].([]string); len(acls) == 0 {
		return providers.KeyRef{}, secret.Text{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrRefused, Err: errors.New("the old key is gone or has no rights that could be copied: make one by hand")}
	}
	var out key
	if err := a.Do(ctx, op, http.MethodPost, "/auth/teams/"+url.PathEscape(a.team)+"/api-keys", body, &out); err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	return providers.KeyRef{Kind: old.Kind, ID: out.ID, Owner: old.Owner}, secret.New(out.APIKey), nil
}

// empty is an answer of which nothing but its being JSON is known: what it says is
// looked up afterwards.
type empty map[string]any

// Whole implements tokens.Checked.
func (empty) Whole() bool { return true }

// Remove deletes a key. What the answer holds is not documented, so the listing tells
// whether it is gone.
func (a api) Remove(ctx context.Context, k providers.KeyRef) error {
	if err := a.Do(ctx, "delete the key", http.MethodDelete, "/auth/api-keys/"+url.PathEscape(k.ID), nil, &empty{}); err != nil {
		return err
	}
	list, err := a.all(ctx)
	if err != nil {
		return &providers.Error{Provider: Name, Op: "delete the key", Class: providers.ErrAmbiguous, Err: errors.New("it was accepted, and the listing does not answer")}
	}
	for _, left := range list {
		if left.ID == k.ID {
			return &providers.Error{Provider: Name, Op: "delete the key", Class: providers.ErrAmbiguous, Err: errors.New("it was accepted, and the key is still listed")}
		}
	}
	return nil
}
