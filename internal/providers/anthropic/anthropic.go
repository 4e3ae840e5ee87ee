// Package anthropic replaces Anthropic's API keys: a person makes the new one in the
// Console, because no call does; with an admin key the old one is made inactive, which
// can be undone, and archived by calls.
//
// Protocol facts: https://docs.anthropic.com/en/api/admin-api/apikeys. A key's status
// is active, inactive or archived; a listing shows its ends only.
package anthropic

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
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

// Name is the provider's name.
const Name = "anthropic"

// DefaultURL is the public API, and version the one that its answers have.
const (
	DefaultURL = "https://api.anthropic.com"
	version    = "2023-06-01"
)

// Config is what New needs.
type Config struct {
	AdminKey secret.Text // without it a person does what calls would do
	BaseURL  string      // empty means DefaultURL
	Client   *httpx.Client
}

// Provider is safe for use from many goroutines.
type Provider struct {
	*guided.Provider

	api tokens.Caller
}

var (
	_ providers.Guide    = (*Provider)(nil)
	_ providers.Disabler = (*Provider)(nil)
	_ providers.Deleter  = (*Provider)(nil)
)

func row() guided.Service {
	return guided.Service{
		Name: Name, Title: "Anthropic API keys", Kind: credential.AnthropicKey, Prefixes: []string{"sk-ant-api03-"},
		Link: "https://console.anthropic.com/settings/keys", Docs: "https://docs.anthropic.com/en/api/admin-api/apikeys",
		Make: []string{
			"in the workspace of the key that ends with {end}, make a second key; leave the old one alone for now",
			"copy the new key: it is shown once",
		},
		Retire: []string{"find the key that ends with {end}, and delete it"},
		Right:  "a person who may make keys in the workspace",
	}
}

// Descriptor returns the provider as data, without any configuration.
func Descriptor() providers.Descriptor {
	d := row().Descriptor()
	d.ByHand = true
	d.Can = []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssueByHand, providers.CanDisable, providers.CanDelete}
	d.Settings = []providers.Setting{
		{Env: "ANTHROPIC_ADMIN_KEY", Help: "an admin key of the organisation, which disables and archives keys; without it a person does that", Secret: true},
		{Env: "SECRETGUARD_ANTHROPIC_URL", Help: "another base URL"},
	}
	d.Permissions = append(d.Permissions, "an admin key, to disable and archive the old key by calls")
	d.Limits = []string{
		"There is no call that makes a key: a person does in the Console, and hands it in.",
		"That archiving can be undone is not confirmed: it counts as final, and the key is made inactive first.",
		"Admin keys and OAuth tokens (sk-ant-admin01-…, sk-ant-oat01-…) are found, and not replaced: do that in the Console.",
	}
	return d
}

// New returns a provider; it does no I/O. Without an admin key everything is by hand.
func New(cfg Config) (providers.Provider, error) {
	d := Descriptor()
	g := guided.New(row(), guided.Config{Base: probe.At(cfg.BaseURL), Client: cfg.Client, Descriptor: &d})
	if cfg.AdminKey.Empty() {
		return g, nil
	}
	return &Provider{Provider: g, api: tokens.Caller{
		Provider: Name, Base: cmp.Or(cfg.BaseURL, DefaultURL) + "/v1/organizations/api_keys", Client: cfg.Client,
		Auth: func(h http.Header) {
			h.Set("X-Api-Key", cfg.AdminKey.Reveal())
			h.Set("Anthropic-Version", version)
		},
	}}, nil
}

// key is a key in the admin API.
type key struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Hint        string    `json:"partial_key_hint"`
	Status      string    `json:"status"`
	WorkspaceID string    `json:"workspace_id"`
	CreatedAt   time.Time `json:"created_at"`
}

// Whole implements tokens.Checked.
func (k *key) Whole() bool { return k.ID != "" && k.Status != "" }

type page struct {
	Data    *[]key `json:"data"`
	HasMore bool   `json:"has_more"`
	LastID  string `json:"last_id"`
}

// Whole implements tokens.Checked.
func (p *page) Whole() bool { return p.Data != nil }

// maxPages bounds a listing whose end never comes.
const maxPages = 1000

func (p *Provider) all(ctx context.Context) ([]key, error) {
	const op = "list the organisation's keys"
	var out []key
	after := ""
	for range maxPages {
		var pg page
		if err := p.api.Do(ctx, op, http.MethodGet, "?limit=100"+after, nil, &pg); err != nil {
			return nil, err
		}
		out = append(out, *pg.Data...)
		if !pg.HasMore || pg.LastID == "" {
			return out, nil
		}
		after = "&after_id=" + url.QueryEscape(pg.LastID)
	}
	return nil, &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errors.New("the listing does not end")}
}

// defaultWorkspace is the owner of keys whose workspace has no id.
const defaultWorkspace = "the default workspace"

// Inspect finds the key among the organisation's by the ends that are shown.
func (p *Provider) Inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	token := c.Part(credential.PartToken)
	list, err := p.all(ctx)
	if err != nil {
		return providers.KeyState{}, err
	}
	var found []tokens.Key
	for _, k := range list {
		if k.Status == "archived" || !tokens.Hinted(k.Hint, token) {
			continue
		}
		plain := token.Reveal()
		found = append(found, tokens.Key{Name: k.Name, KeyInfo: providers.KeyInfo{
			Ref:    providers.KeyRef{Kind: credential.AnthropicKey, ID: k.ID + "…" + plain[len(plain)-4:], Owner: cmp.Or(k.WorkspaceID, defaultWorkspace)},
			Active: k.Status == "active", Created: k.CreatedAt,
		}})
	}
	one, _, err := tokens.One(Name, found, func(tokens.Key) bool { return true })
	return providers.KeyState{Key: one.KeyInfo, Identity: providers.Identity{Who: one.Name}}, err
}

// Pasted keeps the workspace of the old key, whose id does not tell how it began.
func (p *Provider) Pasted(old providers.KeyRef, value secret.Text) (providers.Issued, error) {
	return p.Provider.Pasted(providers.KeyRef{Kind: old.Kind, Owner: old.Owner}, value)
}

// Disable makes the key inactive. It may be repeated.
func (p *Provider) Disable(ctx context.Context, k providers.KeyRef) error {
	return p.set(ctx, k, "inactive")
}

// Enable makes the key active again. It may be repeated.
func (p *Provider) Enable(ctx context.Context, k providers.KeyRef) error {
	return p.set(ctx, k, "active")
}

// Delete archives the key; one that is gone already is success.
func (p *Provider) Delete(ctx context.Context, k providers.KeyRef) error {
	err := p.set(ctx, k, "archived")
	if errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	return err
}

func (p *Provider) set(ctx context.Context, k providers.KeyRef, status string) error {
	id, tail, _ := strings.Cut(k.ID, "…")
	if strings.HasPrefix(id, "sk-") { // a person handed it in: nobody was told its id
		var err error
		if id, err = p.byEnds(ctx, id, tail); err != nil {
			return err
		}
	}
	var out key
	if err := p.api.Do(ctx, "set the key to "+status, http.MethodPost, "/"+url.PathEscape(id), map[string]string{"status": status}, &out); err != nil {
		return err
	}
	if out.Status != status {
		return &providers.Error{Provider: Name, Op: "set the key to " + status, Class: providers.ErrAmbiguous, Err: errors.New("the answer says that it has another status")}
	}
	return nil
}

// byEnds finds the one key that is shown with these ends. None is no success: the
// service may show ends in another way than we know.
func (p *Provider) byEnds(ctx context.Context, head, tail string) (string, error) {
	list, err := p.all(ctx)
	if err != nil {
		return "", err
	}
	var found []string
	for _, k := range list {
		if tail != "" && k.Status != "archived" && strings.HasPrefix(k.Hint, head) && strings.HasSuffix(k.Hint, tail) {
			found = append(found, k.ID)
		}
	}
	if len(found) != 1 {
		return "", &providers.Error{Provider: Name, Op: "look for the key " + head + "…" + tail, Class: providers.ErrRefused, Err: errors.New("not exactly one key is shown like that; delete it by hand at " + row().Link)}
	}
	return found[0], nil
}
