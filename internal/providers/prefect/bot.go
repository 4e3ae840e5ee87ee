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
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

// The least and the most that a rotated key lives on, and what it does by default.
const (
	minOverlap     = time.Minute
	maxOverlap     = 48 * time.Hour
	defaultOverlap = time.Hour
)

// Bot rotates service accounts' keys. The old key ends by itself when its lifetime is
// over: no call ends it earlier, and none brings it back.
type Bot struct {
	cfg Config
	api tokens.Caller
	ask tokens.Asker
}

var (
	_ providers.Verifier  = (*Bot)(nil)
	_ providers.Inspector = (*Bot)(nil)
	_ providers.Issuer    = (*Bot)(nil)
	_ providers.Guide     = (*Bot)(nil)
)

// BotDescriptor returns the provider of service accounts' keys as data.
func BotDescriptor() providers.Descriptor {
	d := Descriptor()
	d.Name, d.Title, d.Kinds = BotName, "Prefect Cloud keys of service accounts", []credential.Kind{credential.PrefectServiceKey}
	d.Settings = append(settings(),
		providers.Setting{Env: "PREFECT_ACCOUNT_ID", Help: "the id of the account", Required: true},
		providers.Setting{Env: "PREFECT_OLD_KEY_LIFETIME", Help: "how long the old key works beside the new one, 1m to 48h; 1h when not set"})
	d.Can = []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanDeleteByHand}
	d.Permissions = []string{"a key of a user or service account that may manage service accounts (Admin or Owner of the account)"}
	d.Limits = []string{
		"Making the new key sets the end of the old one (PREFECT_OLD_KEY_LIFETIME): every consumer must have the new key by then, and the leaked key works until then.",
		"The old key cannot be ended earlier, nor brought back: there is no way back once it has ended.",
		"When the answer to the rotation is lost, a person decides: a second rotation would end a key that may be in use.",
		"A person who is no member of the account gets \"not found\", not \"forbidden\".",
	}
	d.Links = []string{"https://docs.prefect.io/v3/how-to-guides/cloud/manage-users/service-accounts", "https://app.prefect.cloud"}
	return d
}

// NewBot returns the provider of service accounts' keys; it does no I/O.
func NewBot(cfg Config) (providers.Provider, error) {
	var missing []string
	if cfg.Key.Empty() {
		missing = append(missing, "PREFECT_API_KEY")
	}
	if cfg.Account == "" {
		missing = append(missing, "PREFECT_ACCOUNT_ID")
	}
	if len(missing) > 0 {
		return nil, errors.New("set " + strings.Join(missing, " and ") + " (an administrator's key, and the account's id)")
	}
	cfg.Overlap = cmp.Or(cfg.Overlap, defaultOverlap)
	if cfg.Overlap < minOverlap || cfg.Overlap > maxOverlap {
		return nil, fmt.Errorf("PREFECT_OLD_KEY_LIFETIME is %s; it must be between %s and %s: without a lifetime the old key ends at once", cfg.Overlap, minOverlap, maxOverlap)
	}
	return &Bot{cfg: cfg, api: cfg.caller(BotName, cfg.Key), ask: cfg.ask(BotName)}, nil
}

// Describe returns what this provider is.
func (b *Bot) Describe() providers.Descriptor { return BotDescriptor() }

// Verify asks with the key itself. It changes nothing.
func (b *Bot) Verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	return b.ask(ctx, c)
}

// bot is a service account with its newest key.
type bot struct {
	ID      string `json:"id"`
	ActorID string `json:"actor_id"`
	Name    string `json:"name"`
	APIKey  apiKey `json:"api_key"`
}

// Whole implements tokens.Checked.
func (b *bot) Whole() bool { return b.ID != "" && b.APIKey.ID != "" }

type bots []bot

// Whole implements tokens.Checked.
func (b *bots) Whole() bool { return *b != nil }

func (b *Bot) path(rest string) string {
	return "/accounts/" + url.PathEscape(b.cfg.Account) + "/bots/" + rest
}

// Inspect finds the service account that the key speaks for.
func (b *Bot) Inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	actor, err := b.cfg.whose(ctx, BotName, c.Part(credential.PartToken))
	if err != nil {
		return providers.KeyState{}, err
	}
	var list bots
	if err := b.api.Search(ctx, "list the service accounts", b.path("filter"), map[string]any{}, &list); err != nil {
		return providers.KeyState{}, err
	}
	for _, x := range list {
		if x.ActorID == actor || x.ID == actor {
			return providers.KeyState{
				Key: x.APIKey.info(credential.PrefectServiceKey, x.ID).KeyInfo, Identity: providers.Identity{Who: x.Name},
				Warnings: []string{fmt.Sprintf("the leaked key ends by itself %s after the new one is made, and works until then; there is no way back after that", b.cfg.Overlap)},
			}, nil
		}
	}
	return providers.KeyState{}, &providers.Error{Provider: BotName, Op: "look for the service account", Class: providers.ErrNotFound, Err: errors.New("it is of another account than PREFECT_ACCOUNT_ID, or our own access does not see it")}
}

// Issue rotates the key and leaves the old one its lifetime. One attempt.
func (b *Bot) Issue(ctx context.Context, req providers.IssueRequest) (providers.Issued, error) {
	const op = "rotate the service account's key"
	var out bot
	body := map[string]any{"api_key_expiration": nil, "old_key_expires_in_seconds": int(b.cfg.Overlap / time.Second)}
	if err := b.api.Do(ctx, op, http.MethodPost, b.path(url.PathEscape(req.Old.Owner)+"/rotate_api_key"), body, &out); err != nil {
		return providers.Issued{}, err
	}
	if out.APIKey.Key == "" || out.APIKey.ID == req.Old.ID {
		return providers.Issued{}, &providers.Error{Provider: BotName, Op: op, Class: providers.ErrAmbiguous, Err: errors.New("the answer holds no new key")}
	}
	ref := providers.KeyRef{Kind: req.Old.Kind, ID: out.APIKey.ID, Owner: req.Old.Owner}
	return providers.Issued{Ref: ref, Credential: credential.Credential{
		Kind: ref.Kind, ID: ref.ID, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(out.APIKey.Key)},
	}}, nil
}

// Reconcile tells whether a lost rotation happened: then the account has another key.
// Its value is lost, and only a person may rotate again.
func (b *Bot) Reconcile(ctx context.Context, req providers.IssueRequest) (providers.Reconciliation, error) {
	var now bot
	if err := b.api.Do(ctx, "look at the service account", http.MethodGet, b.path(url.PathEscape(req.Old.Owner)), nil, &now); err != nil {
		return providers.Reconciliation{}, err
	}
	if now.APIKey.ID == req.Old.ID {
		return providers.Reconciliation{Outcome: providers.NotApplied, Detail: "the service account still has its old key"}, nil
	}
	return providers.Reconciliation{
		Outcome: providers.Unclear, Candidates: []providers.KeyInfo{now.APIKey.info(req.Old.Kind, now.ID).KeyInfo},
		Detail: "the service account has a new key whose value is lost, and the old one ends within " + b.cfg.Overlap.String() + "; abandon this run, and plan again at once: the next rotation replaces the lost key",
	}, nil
}

// Guide tells how the old key ends: by itself.
func (b *Bot) Guide(providers.KeyRef) providers.Guidance {
	return providers.Guidance{
		Link: "https://app.prefect.cloud",
		Make: []string{"nothing: a call does it"},
		Retire: []string{
			"wait until the old key's lifetime is over, " + b.cfg.Overlap.String() + " after the new key was made; no call ends it earlier",
			"then resume: the run sees that it is refused",
		},
	}
}

// Pasted is for issuers whose keys a person makes; here a call does.
func (b *Bot) Pasted(providers.KeyRef, secret.Text) (providers.Issued, error) {
	return providers.Issued{}, &providers.Error{Provider: BotName, Op: "take a new key", Class: providers.ErrUnsupported, Err: errors.New("the new key is made by a call")}
}
