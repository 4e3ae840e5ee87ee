// Package openai replaces OpenAI's keys with the administration API: keys of service
// accounts and admin keys are made and deleted by calls; of a key that a user owns
// only the deletion is a call, and a person makes its replacement.
//
// Protocol facts: OpenAI's public OpenAPI document and
// https://platform.openai.com/docs/api-reference/administration. A service account's
// key cannot be deleted alone: its account is, and the key dies with it.
package openai

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

// Names of the providers: of users' keys, service accounts' keys, and admin keys.
const (
	Name        = "openai"
	ServiceName = "openai-service"
	AdminName   = "openai-admin"
)

// DefaultURL is the public API.
const DefaultURL = "https://api.openai.com"

// Config is what the constructors need.
type Config struct {
	AdminKey secret.Text // without it a person does what calls would do
	BaseURL  string      // empty means DefaultURL
	Client   *httpx.Client
}

// api is the administration API with our own access.
type api struct{ tokens.Caller }

func (cfg Config) api(provider string) api {
	return api{tokens.Caller{Provider: provider, Base: cmp.Or(cfg.BaseURL, DefaultURL) + "/v1/organization", Client: cfg.Client, Auth: tokens.Bearer(cfg.AdminKey.Reveal())}}
}

func (cfg Config) ask(provider string) tokens.Asker {
	return probe.One{Provider: provider, Base: probe.At(cfg.BaseURL), Client: cfg.Client}.Ask
}

// page is a page of a listing.
type page struct {
	Data    *[]entry `json:"data"`
	HasMore bool     `json:"has_more"`
}

// Whole implements tokens.Checked.
func (p *page) Whole() bool { return p.Data != nil }

// entry is one of a listing: a project, a key, a service account.
type entry struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	RedactedValue string `json:"redacted_value"`
	CreatedAt     int64  `json:"created_at"`
	LastUsedAt    int64  `json:"last_used_at"`
	Owner         struct {
		Type           string `json:"type"`
		ServiceAccount struct {
			ID string `json:"id"`
		} `json:"service_account"`
	} `json:"owner"`
}

func (e entry) key(kind credential.Kind, id, owner string) tokens.Key {
	k := tokens.Key{Name: e.Name, KeyInfo: providers.KeyInfo{Ref: providers.KeyRef{Kind: kind, ID: id, Owner: owner}, Active: true, Created: time.Unix(e.CreatedAt, 0).UTC()}}
	if e.LastUsedAt > 0 {
		k.Usage = &providers.Usage{At: time.Unix(e.LastUsedAt, 0).UTC(), Service: "openai"}
	}
	return k
}

// maxPages bounds a listing whose end never comes.
const maxPages = 1000

// all reads every page of a listing.
func (a api) all(ctx context.Context, op, path string) ([]entry, error) {
	var out []entry
	after := ""
	for range maxPages {
		var p page
		if err := a.Do(ctx, op, http.MethodGet, path+"?limit=100"+after, nil, &p); err != nil {
			return nil, err
		}
		out = append(out, *p.Data...)
		if !p.HasMore || len(*p.Data) == 0 {
			return out, nil
		}
		after = "&after=" + url.QueryEscape((*p.Data)[len(*p.Data)-1].ID)
	}
	return nil, &providers.Error{Provider: a.Provider, Op: op, Class: providers.ErrTransient, Err: errors.New("the listing does not end")}
}

// projectKey finds a token among the keys of all projects, by the ends that are shown.
func (a api) projectKey(ctx context.Context, token secret.Text) (e entry, project string, err error) {
	projects, err := a.all(ctx, "list projects", "/projects")
	if err != nil {
		return e, "", err
	}
	var found []tokens.Key
	entries := map[string]entry{}
	for _, p := range projects {
		keys, err := a.all(ctx, "list the keys of a project", "/projects/"+url.PathEscape(p.ID)+"/api_keys")
		if err != nil {
			return e, "", err
		}
		for _, k := range keys {
			if tokens.Hinted(k.RedactedValue, token) {
				found = append(found, k.key(credential.OpenAIKey, k.ID, p.ID))
				entries[k.ID] = k
			}
		}
	}
	k, _, err := tokens.One(a.Provider, found, func(tokens.Key) bool { return true })
	return entries[k.Ref.ID], k.Ref.Owner, err
}

// deleted is the answer to a deletion.
type deleted struct {
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
}

// Whole implements tokens.Checked.
func (d *deleted) Whole() bool { return d.Deleted && d.ID != "" }

func (a api) remove(ctx context.Context, path string) error {
	return a.Do(ctx, "delete a key", http.MethodDelete, path, nil, new(deleted))
}

// row is a kind of key as a person handles it.
func row(name, title string, kind credential.Kind, prefixes ...string) guided.Service {
	return guided.Service{
		Name: name, Title: title, Kind: kind, Prefixes: prefixes,
		Link: "https://platform.openai.com/settings/organization/api-keys", Docs: "https://platform.openai.com/docs/api-reference/administration",
		Make: []string{
			"in the project of the key that ends with {end}, make a second key with the same permissions; leave the old one alone for now",
			"copy the new key: it is shown once",
		},
		Retire: []string{"find the key that ends with {end}, and revoke it"},
		Right:  "a person who may manage the project's keys",
	}
}

// settings are those that all kinds share.
func settings() []providers.Setting {
	return []providers.Setting{
		{Env: "OPENAI_ADMIN_KEY", Help: "an admin key of the organisation, which may manage its projects' keys; without it a person does that", Secret: true},
		{Env: "SECRETGUARD_OPENAI_URL", Help: "another base URL"},
	}
}
