// Package prefect replaces Prefect Cloud's keys: users' keys by making a second one,
// service accounts' keys by a rotation that leaves the old key a lifetime.
//
// Protocol facts: there is no public document of the Cloud API; these are from the
// client in https://github.com/PrefectHQ/terraform-provider-prefect and from
// https://docs.prefect.io/v3/manage/cloud. A rotation without a lifetime ends the old
// key at once, so one is always sent. That a user's keys can be listed is not confirmed
// there: where it is refused, nothing is planned.
package prefect

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
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

// Names of the providers: of users' keys and of service accounts' keys.
const (
	Name    = "prefect"
	BotName = "prefect-bot"
)

// DefaultURL is Prefect Cloud.
const DefaultURL = "https://api.prefect.cloud"

// Config is what the constructors need.
type Config struct {
	Key     secret.Text // our own access
	Account string      // the account's id, for service accounts
	// KeyID says which of a user's keys leaked, by id or name, when there are several.
	KeyID string
	// Overlap is how long a service account's old key works beside the new one; between
	// a minute and two days, an hour when zero.
	Overlap time.Duration
	BaseURL string // empty means DefaultURL
	Client  *httpx.Client
}

func (cfg Config) caller(provider string, key secret.Text) tokens.Caller {
	return tokens.Caller{Provider: provider, Base: cmp.Or(cfg.BaseURL, DefaultURL) + "/api", Client: cfg.Client, Auth: tokens.Bearer(key.Reveal())}
}

func (cfg Config) ask(provider string) tokens.Asker {
	return probe.One{Provider: provider, Base: probe.At(cfg.BaseURL), Client: cfg.Client}.Ask
}

// me is whose a key is.
type me struct {
	ID string `json:"id"`
}

// Whole implements tokens.Checked.
func (m *me) Whole() bool { return m.ID != "" }

// whose asks with the key itself: listings never show keys.
func (cfg Config) whose(ctx context.Context, provider string, token secret.Text) (string, error) {
	if !strings.HasPrefix(token.Reveal(), "pnu_") && !strings.HasPrefix(token.Reveal(), "pnb_") {
		return "", &providers.Error{Provider: provider, Op: "ask whose the key is", Class: providers.ErrRefused, Err: errors.New("the value has not the form of such a key")}
	}
	var m me
	err := cfg.caller(provider, token).Do(ctx, "ask whose the key is, with the key itself", http.MethodGet, "/me/", nil, &m)
	return m.ID, err
}

// apiKey is a key; Key is there when it was made.
type apiKey struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Key     string    `json:"key"`
}

// Whole implements tokens.Checked.
func (k *apiKey) Whole() bool { return k.ID != "" }

func (k apiKey) info(kind credential.Kind, owner string) tokens.Key {
	return tokens.Key{Name: k.Name, KeyInfo: providers.KeyInfo{Ref: providers.KeyRef{Kind: kind, ID: k.ID, Owner: owner}, Active: true, Created: k.Created}}
}

func settings() []providers.Setting {
	return []providers.Setting{
		{Env: "PREFECT_API_KEY", Help: "our own access: a key of the same user for users' keys (it may be the leaked one), of an administrator for service accounts", Secret: true, Required: true},
		{Env: "SECRETGUARD_PREFECT_URL", Help: "another base URL"},
	}
}

// Descriptor returns the provider of users' keys as data.
func Descriptor() providers.Descriptor {
	return providers.Descriptor{
		Name: Name, Title: "Prefect Cloud keys of users", Roles: []providers.Role{providers.RoleIssuer}, Kinds: []credential.Kind{credential.PrefectUserKey}, Overlap: true,
		Settings: append(settings(), providers.Setting{Env: "PREFECT_KEY_ID", Help: "which of the user's keys leaked, by id or name, when there are several"}),
		Can:      []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanDelete, providers.CanList, providers.CanRekey},
		Permissions: []string{
			"a key of the user whose key leaked",
		},
		Limits: []string{
			"A listing never shows a key: with several keys in place a person says which one leaked (PREFECT_KEY_ID).",
			"That users' keys can be listed by a call is not confirmed; where it is refused, nothing is planned.",
			"The rate limit is the account's: 625 to 5,000 requests a minute by plan.",
		},
		Links:       []string{"https://docs.prefect.io/v3/how-to-guides/cloud/manage-users/api-keys", "https://app.prefect.cloud/my/api-keys"},
		Proof:       providers.ProofPolicy{Refusals: 15, Window: time.Minute},
		ReadyWithin: time.Minute, VerifyCall: "GET /api/me/",
	}
}

// User replaces users' keys, also the one that it works with itself.
type User struct {
	*tokens.Provider

	cfg Config
}

var _ providers.Rekeyer = (*User)(nil)

// New returns the provider of users' keys; it does no I/O.
func New(cfg Config) (providers.Provider, error) {
	if cfg.Key.Empty() {
		return nil, errors.New("set PREFECT_API_KEY (a key of the user whose key leaked; it may be the leaked one)")
	}
	return &User{cfg: cfg, Provider: tokens.New(tokens.Config{
		Descriptor: Descriptor(), Ask: cfg.ask(Name), Own: cfg.Key, Service: users{Caller: cfg.caller(Name, cfg.Key), cfg: cfg},
	})}, nil
}

// WithAccess returns a provider that works with another key.
func (u *User) WithAccess(c credential.Credential) (providers.Provider, error) {
	cfg := u.cfg
	cfg.Key = c.Part(credential.PartToken)
	return New(cfg)
}

// users are the keys of users; a user's id is their owner.
type users struct {
	tokens.Caller

	cfg Config
}

type keys []apiKey

// Whole implements tokens.Checked.
func (k *keys) Whole() bool { return *k != nil }

func path(user, id string) string {
	p := "/users/" + url.PathEscape(user) + "/api_keys"
	if id != "" {
		p += "/" + url.PathEscape(id)
	}
	return p
}

func (u users) Find(ctx context.Context, token secret.Text) (tokens.Key, []tokens.Key, error) {
	user, err := u.cfg.whose(ctx, Name, token)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	list, err := u.Keys(ctx, user)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	key, others, err := tokens.One(Name, list, func(k tokens.Key) bool {
		return len(list) == 1 || u.cfg.KeyID != "" && (k.Ref.ID == u.cfg.KeyID || k.Name == u.cfg.KeyID)
	})
	if errors.Is(err, providers.ErrNotFound) && len(list) > 1 {
		var names []string
		for _, k := range list {
			names = append(names, fmt.Sprintf("%s (made %s)", k.Ref.ID, k.Created.Format(time.DateOnly)))
		}
		err = &providers.Error{Provider: Name, Op: "look for the key among the user's", Class: providers.ErrRefused, Err: fmt.Errorf("which of the user's %d keys leaked is not told; set PREFECT_KEY_ID to one of %s", len(list), strings.Join(names, ", "))}
	}
	return key, others, err
}

func (u users) Keys(ctx context.Context, user string) ([]tokens.Key, error) {
	var list keys
	err := u.Do(ctx, "list the user's keys", http.MethodGet, path(user, ""), nil, &list)
	var out []tokens.Key
	for _, k := range list {
		out = append(out, k.info(credential.PrefectUserKey, user))
	}
	return out, err
}

func (u users) Make(ctx context.Context, old providers.KeyRef, name string) (providers.KeyRef, secret.Text, error) {
	var out apiKey
	if err := u.Do(ctx, "make a key", http.MethodPost, path(old.Owner, ""), map[string]any{"name": name}, &out); err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	return providers.KeyRef{Kind: old.Kind, ID: out.ID, Owner: old.Owner}, secret.New(out.Key), nil
}

// empty is what comes back from a deletion that says nothing: it is never whole, so that
// only the status 204 counts.
type empty struct{}

// Whole implements tokens.Checked.
func (empty) Whole() bool { return false }

func (u users) Remove(ctx context.Context, k providers.KeyRef) error {
	return u.Do(ctx, "delete the key", http.MethodDelete, path(k.Owner, k.ID), nil, &empty{})
}
