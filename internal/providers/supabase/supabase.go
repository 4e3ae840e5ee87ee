// Package supabase replaces a Supabase project's API keys with the Management API:
// secret and publishable keys one by one, and the legacy pair (anon, service_role) by
// moving its consumers to a new key and switching the pair off. The JWT secret is
// replaced through the project's signing keys ([NewJWT]), the password of its database in
// place ([NewDatabase]).
//
// Protocol facts: Supabase's Management API document (v1) and
// https://supabase.com/docs/guides/api/api-keys. A deletion is final. The legacy keys
// are switched off together only, and on again.
package supabase

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

// Names of the providers: of secret and publishable keys, and of the legacy pair.
const (
	Name       = "supabase"
	LegacyName = "supabase-legacy"
)

// DefaultURL is the public Management API.
const DefaultURL = "https://api.supabase.com"

// Config is what the constructors need.
type Config struct {
	AccessToken secret.Text
	Ref         string // the project's reference
	BaseURL     string // of the Management API; empty means DefaultURL
	ProjectURL  string // of the project; empty means https://REF.supabase.co
	// JWTWait is how long a replaced JWT secret is trusted on; an hour and a quarter when
	// zero.
	JWTWait time.Duration
	// DatabaseURL is another address of the database, postgres://HOST:PORT; empty means
	// Supabase's own. DatabaseCA is the certificate that signs the databases', as text.
	DatabaseURL, DatabaseCA string
	Client                  *httpx.Client
}

func (cfg Config) check() error {
	var missing []string
	if cfg.AccessToken.Empty() {
		missing = append(missing, "SUPABASE_ACCESS_TOKEN")
	}
	if cfg.Ref == "" {
		missing = append(missing, "SUPABASE_PROJECT_REF")
	}
	if len(missing) > 0 {
		return errors.New("set " + strings.Join(missing, " and ") + " (a personal access token, and the reference of the project that the key opens)")
	}
	return nil
}

// Descriptor returns the provider of secret and publishable keys as data.
func Descriptor() providers.Descriptor {
	return providers.Descriptor{
		Name: Name, Title: "Supabase secret and publishable keys", Roles: []providers.Role{providers.RoleIssuer},
		Kinds: []credential.Kind{credential.SupabaseSecretKey, credential.SupabasePublicKey}, Overlap: true,
		Settings: []providers.Setting{
			{Env: "SUPABASE_ACCESS_TOKEN", Help: "a personal access token of a person of the organisation", Secret: true, Required: true},
			{Env: "SUPABASE_PROJECT_REF", Help: "the project's reference, 20 letters", Required: true},
			{Env: "SECRETGUARD_SUPABASE_URL", Help: "another base URL of the Management API"},
			{Env: "SECRETGUARD_SUPABASE_PROJECT_URL", Help: "another base URL of the project"},
		},
		Can:         []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanDelete, providers.CanList},
		Permissions: []string{"api_gateway_keys_read, with the right to reveal keys", "api_gateway_keys_write"},
		Limits: []string{
			"A key cannot be disabled, only deleted, and that is final.",
			"A narrow access token may list keys and not reveal them: a created secret could not be had, so the plan stops there.",
			"A secret key is refused where the request looks like a browser's.",
			"Edge Functions are not searched for the key: look at the project's own secrets.",
			"60 requests a minute are planned with; 120 were seen.",
		},
		Links:       []string{"https://supabase.com/docs/guides/api/api-keys", "https://supabase.com/docs/reference/api/v1-create-project-api-key"},
		Proof:       providers.ProofPolicy{Refusals: 15, Window: 2 * time.Minute},
		ReadyWithin: 90 * time.Second, VerifyCall: "GET /auth/v1/settings",
	}
}

// LegacyDescriptor returns the provider of the legacy pair as data.
func LegacyDescriptor() providers.Descriptor {
	d := Descriptor()
	d.Name, d.Title, d.Kinds = LegacyName, "Supabase legacy keys (anon and service_role), moved to new keys", []credential.Kind{credential.SupabaseLegacyJWT}
	d.Limits = []string{
		"anon and service_role are switched off TOGETHER, also the anon key in every browser and mobile bundle that was ever shipped.",
		"The new key is no JWT: a consumer that decodes it, or sends it as a bearer token, breaks; Edge Functions that verify JWTs refuse it.",
		"The switch can be turned on again by hand (Project Settings, API Keys) while Supabase still has legacy keys.",
		"The JWT secret itself is not changed: whoever knows it still makes tokens. Where it has leaked too, it is replaced by itself (supabase-jwt).",
	}
	return d
}

// New returns the provider of secret and publishable keys; it does no I/O.
func New(cfg Config) (providers.Provider, error) { return open(cfg, Descriptor()) }

// NewLegacy returns the provider of the legacy pair; it does no I/O.
func NewLegacy(cfg Config) (providers.Provider, error) { return open(cfg, LegacyDescriptor()) }

func open(cfg Config, d providers.Descriptor) (providers.Provider, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := project{
		Caller: tokens.Caller{Provider: d.Name, Base: cmp.Or(cfg.BaseURL, DefaultURL) + "/v1/projects/" + url.PathEscape(cfg.Ref) + "/api-keys", Client: cfg.Client, Auth: tokens.Bearer(cfg.AccessToken.Reveal())},
		ref:    cfg.Ref, kind: d.Kinds[0],
	}
	one := probe.One{Provider: d.Name, Base: probe.At(cfg.ProjectURL), Client: cfg.Client}
	ask := func(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
		if c.Project == "" { // a key of another project is asked about there: ours refuses it, whatever it opens
			c.Project, c.Bound = cfg.Ref, true
		}
		// A legacy key's replacement is of a new kind.
		switch token := c.Part(credential.PartToken).Reveal(); {
		case strings.HasPrefix(token, "sb_secret_"):
			c.Kind = credential.SupabaseSecretKey
		case strings.HasPrefix(token, "sb_publishable_"):
			c.Kind = credential.SupabasePublicKey
		}
		return one.Ask(ctx, c)
	}
	return tokens.New(tokens.Config{Descriptor: d, Service: p, Ask: ask}), nil
}

// project is one project's keys. kind is what the provider replaces.
type project struct {
	tokens.Caller

	ref  string
	kind credential.Kind
}

// key is a key in the Management API; all but the name may be missing.
type key struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Type     string    `json:"type"`
	APIKey   string    `json:"api_key"`
	Inserted time.Time `json:"inserted_at"`
}

// Whole implements tokens.Checked.
func (k *key) Whole() bool { return k.ID != "" && k.Type != "" }

type listing []key

// Whole implements tokens.Checked.
func (l *listing) Whole() bool { return *l != nil }

// legacyID begins the id of the legacy pair; the role of the leaked half follows.
const legacyID = "legacy:"

// all lists the project's keys with their values; the legacy pair is left out when it
// is switched off.
func (p project) all(ctx context.Context) ([]key, error) {
	var l listing
	if err := p.Do(ctx, "list the project's keys with their values", http.MethodGet, "?reveal=true", nil, &l); err != nil {
		return nil, err
	}
	legacy := false
	for _, k := range l {
		legacy = legacy || k.Type == "legacy"
	}
	if !legacy {
		return l, nil
	}
	var s switched
	if err := p.Do(ctx, "ask whether legacy keys are switched on", http.MethodGet, "/legacy", nil, &s); err != nil {
		return nil, err
	}
	var out []key
	for _, k := range l {
		if k.Type != "legacy" || *s.Enabled {
			out = append(out, k)
		}
	}
	return out, nil
}

// switched is whether legacy keys work.
type switched struct {
	Enabled *bool `json:"enabled"`
}

// Whole implements tokens.Checked.
func (s *switched) Whole() bool { return s.Enabled != nil }

// list makes keys of a listing. The legacy pair is one: it ends together. half is the
// role that leaked, service_role where none is meant.
func (p project) list(keys []key, half string) []tokens.Key {
	var out []tokens.Key
	for _, k := range keys {
		t := tokens.Key{Name: k.Name, KeyInfo: providers.KeyInfo{Ref: providers.KeyRef{Kind: p.kind, ID: k.ID, Owner: p.ref}, Active: true, Created: k.Inserted}}
		if k.Type == "legacy" {
			if k.ID != cmp.Or(half, "service_role") {
				continue
			}
			t.Ref.ID = legacyID + k.ID
			t.Notes = LegacyDescriptor().Limits[:2]
		}
		out = append(out, t)
	}
	return out
}

func (p project) Find(ctx context.Context, token secret.Text) (tokens.Key, []tokens.Key, error) {
	keys, err := p.all(ctx)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	var found key
	for _, k := range keys {
		if token.Equal(secret.New(k.APIKey)) {
			found = k
		}
	}
	id, half := found.ID, ""
	if found.Type == "legacy" {
		id, half = legacyID+found.ID, found.ID
	}
	one, others, err := tokens.One(p.Provider, p.list(keys, half), func(k tokens.Key) bool { return k.Ref.ID == id })
	if found.Type == "publishable" {
		one.Ref.Kind = credential.SupabasePublicKey
	}
	return one, others, err
}

func (p project) Keys(ctx context.Context, _ string) ([]tokens.Key, error) {
	keys, err := p.all(ctx)
	return p.list(keys, ""), err
}

func (p project) Make(ctx context.Context, old providers.KeyRef, name string) (providers.KeyRef, secret.Text, error) {
	body := map[string]any{"type": "secret", "name": name, "secret_jwt_template": map[string]string{"role": "service_role"}}
	if old.Kind == credential.SupabasePublicKey || old.ID == legacyID+"anon" {
		body = map[string]any{"type": "publishable", "name": name}
	}
	var out key
	if err := p.Do(ctx, "make a key", http.MethodPost, "?reveal=true", body, &out); err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	return providers.KeyRef{Kind: old.Kind, ID: out.ID, Owner: p.ref}, secret.New(out.APIKey), nil
}

func (p project) Remove(ctx context.Context, k providers.KeyRef) error {
	if !strings.HasPrefix(k.ID, legacyID) {
		return p.Do(ctx, "delete the key", http.MethodDelete, "/"+url.PathEscape(k.ID)+"?was_compromised=true&reason=leaked", nil, new(key))
	}
	const op = "switch the legacy keys off"
	var s switched
	if err := p.Do(ctx, op, http.MethodPut, "/legacy?enabled=false", nil, &s); err != nil {
		return err
	}
	if *s.Enabled {
		return &providers.Error{Provider: p.Provider, Op: op, Class: providers.ErrAmbiguous, Err: errors.New("the answer says that they are on")}
	}
	return nil
}
