package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

// WebhookName is the name of the provider of webhooks' signing secrets.
const WebhookName = "stripe-webhook"

// WebhookConfig is what NewWebhook needs.
type WebhookConfig struct {
	Key secret.Text // our own access
	// Endpoints says which endpoint a leaked secret is of, as "we_1=END,we_2=END": how
	// the secret ends. Stripe tells a secret once, so nobody can be asked.
	Endpoints string
	// Connect lists the endpoints that hear of connected accounts' events: Stripe takes
	// that when an endpoint is made, and does not tell it again.
	Connect string
	BaseURL string // empty means DefaultURL
	Client  *httpx.Client
	Now     func() time.Time // nil means time.Now
}

// Webhook replaces the signing secret of a webhook endpoint, which no call can roll, by
// a second endpoint beside the first one.
type Webhook struct {
	*tokens.Provider

	hooks webhooks
}

var _ providers.Disabler = (*Webhook)(nil)

// WebhookDescriptor returns the provider of signing secrets as data.
func WebhookDescriptor() providers.Descriptor {
	return providers.Descriptor{
		Name: WebhookName, Title: "Stripe webhook signing secrets", Roles: []providers.Role{providers.RoleIssuer},
		Kinds: []credential.Kind{credential.StripeWebhook},
		Settings: []providers.Setting{
			{Env: "STRIPE_API_KEY", Help: "our own access: a key of the same account and mode, best a restricted one", Secret: true, Required: true},
			{Env: "STRIPE_WEBHOOK_ENDPOINTS", Help: "which endpoint a leaked secret is of, with the secret's last 4 characters or more: we_1=a1B2,we_2=c3D4 (the Dashboard shows both)"},
			{Env: "STRIPE_WEBHOOK_CONNECT", Help: "endpoints that hear of connected accounts' events: we_1,we_2"},
			{Env: "SECRETGUARD_STRIPE_URL", Help: "another base URL"},
		},
		Can:         []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanDisable, providers.CanDelete, providers.CanList},
		Permissions: []string{"a restricted key with the right to write webhook endpoints"},
		Limits: []string{
			"A secret cannot be rolled by a call: a second endpoint with the same address, events and version is made, and the first one is deleted at the end.",
			"In between each event is sent twice, and the one whose secret a consumer does not have fails there and is sent again: handlers must bear both.",
			"Which endpoint a secret is of cannot be asked: a person says so (STRIPE_WEBHOOK_ENDPOINTS).",
			"A leaked signing secret lets others forge events as long as a consumer takes it: it ends with the consumers' deploys. What Stripe is asked is whether it still signs with it.",
			"Whether an endpoint hears of connected accounts is not told again: a person says so (STRIPE_WEBHOOK_CONNECT); one of a Connect application is not replaced without.",
			"An account has at most 16 endpoints.",
		},
		Links:       []string{"https://docs.stripe.com/api/webhook_endpoints", "https://dashboard.stripe.com/webhooks"},
		Overlap:     true,
		Proof:       providers.ProofPolicy{Refusals: 10, Window: time.Minute},
		ReadyWithin: time.Minute, VerifyCall: "GET /v1/webhook_endpoints/ID",
	}
}

// NewWebhook returns the provider of signing secrets; it does no I/O.
func NewWebhook(cfg WebhookConfig) (providers.Provider, error) {
	if cfg.Key.Empty() {
		return nil, errors.New("set STRIPE_API_KEY (a key that may write webhook endpoints)")
	}
	h := webhooks{connect: strings.FieldsFunc(cfg.Connect, func(r rune) bool { return r == ',' || r == ' ' }), now: cfg.Now, Caller: tokens.Caller{
		Provider: WebhookName, Base: cmp.Or(cfg.BaseURL, DefaultURL), Client: cfg.Client, Auth: tokens.Bearer(cfg.Key.Reveal()),
	}}
	if h.now == nil {
		h.now = time.Now
	}
	var err error
	if h.ends, err = endsOf(cfg.Endpoints); err != nil {
		return nil, err
	}
	return &Webhook{hooks: h, Provider: tokens.New(tokens.Config{Descriptor: WebhookDescriptor(), Service: h, Ask: h.ask})}, nil
}

// leastEnd is how many characters of a secret's end tell it from another.
const leastEnd = 4

// endsOf reads "we_1=END,we_2=END".
func endsOf(setting string) (map[string]string, error) {
	ends := map[string]string{}
	for _, one := range strings.FieldsFunc(setting, func(r rune) bool { return r == ',' || r == ' ' }) {
		id, end, _ := strings.Cut(one, "=")
		if !strings.HasPrefix(id, "we_") || len(end) < leastEnd || strings.HasPrefix(end, "whsec_") {
			return nil, errors.New("STRIPE_WEBHOOK_ENDPOINTS must be pairs of an endpoint and the last 4 characters or more of its secret, such as we_1=a1B2,we_2=c3D4; never the whole secret")
		}
		ends[id] = end
	}
	return ends, nil
}

// Disable stops the endpoint: nothing is signed with its secret. It may be repeated.
func (w *Webhook) Disable(ctx context.Context, k providers.KeyRef) error {
	return w.hooks.set(ctx, k, true)
}

// Enable lets the endpoint work again. It may be repeated.
func (w *Webhook) Enable(ctx context.Context, k providers.KeyRef) error {
	return w.hooks.set(ctx, k, false)
}

// webhooks are the endpoints of the account; the address of an endpoint is its owner.
type webhooks struct {
	tokens.Caller

	ends    map[string]string // by endpoint
	connect []string
	now     func() time.Time
}

// which names the endpoint that a secret is of, as a person said.
func (h webhooks) which(token secret.Text) (string, error) {
	var found []string
	for id, end := range h.ends {
		if strings.HasPrefix(token.Reveal(), "whsec_") && strings.HasSuffix(token.Reveal(), end) {
			found = append(found, id)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return "", &providers.Error{
		Provider: WebhookName, Op: "look which endpoint the secret is of", Class: providers.ErrRefused,
		Err: fmt.Errorf("%d endpoints are named for it; find it at https://dashboard.stripe.com/webhooks (Reveal), and set STRIPE_WEBHOOK_ENDPOINTS to its id and how the secret ends, such as we_1=a1B2", len(found)),
	}
}

// ask tells whether Stripe signs with a secret: its endpoint is there, and enabled.
func (h webhooks) ask(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v := providers.Verdict{Liveness: providers.Unknown, At: h.now().UTC()}
	id := c.ID
	if !strings.HasPrefix(id, "we_") {
		var err error
		if id, err = h.which(c.Part(credential.PartToken)); err != nil {
			return v, err
		}
	}
	op := "ask for the endpoint " + id
	hd := http.Header{"Accept": {"application/json"}}
	h.Auth(hd)
	res, err := h.Client.Do(ctx, httpx.Request{Op: op, Method: http.MethodGet, URL: strings.TrimRight(h.Base, "/") + one(id), Header: hd})
	a := answerOf(res, err)
	switch {
	case a.endpoint.ID == id && a.endpoint.Status == "enabled":
		v.Liveness, v.Grade, v.Identity.Who = providers.Live, providers.GradeAnswer, id+" for "+a.endpoint.owner()
	case a.endpoint.ID == id && a.endpoint.Status == "disabled":
		v.Liveness, v.Grade, v.Code, v.Detail = providers.Dead, providers.GradeAnswer, "disabled", "nothing is signed with it"
	case a.missing:
		v.Liveness, v.Grade, v.Code, v.Detail = providers.Dead, providers.GradeAnswer, "HTTP 404", "its endpoint is gone"
	case err == nil:
		return v, &providers.Error{Provider: WebhookName, Op: op, Class: providers.ErrTransient, Err: errors.New("the answer is not the endpoint")}
	default:
		return v, providers.Classify(WebhookName, err)
	}
	return v, nil
}

// mark is the field of an endpoint's metadata that names the run that made it.
const mark = "secretguard"

// Find names the endpoint that a secret is of.
func (h webhooks) Find(ctx context.Context, token secret.Text) (tokens.Key, []tokens.Key, error) {
	id, err := h.which(token)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	list, err := h.all(ctx)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	var keys []tokens.Key
	for _, e := range list {
		k := e.key()
		k.Notes = h.notes(e, len(list))
		keys = append(keys, k)
		if e.ID == id && e.Application != "" && !slices.Contains(h.connect, id) {
			return tokens.Key{}, nil, &providers.Error{Provider: WebhookName, Op: "look at the endpoint", Class: providers.ErrRefused, Err: errors.New("it is of a Connect application, and Stripe does not tell whether it hears of connected accounts; if it does, set STRIPE_WEBHOOK_CONNECT=" + id)}
		}
	}
	return tokens.One(WebhookName, keys, func(k tokens.Key) bool { return k.Ref.ID == id })
}

// most is how many endpoints an account may have.
const most = 16

func (h webhooks) notes(e endpoint, all int) []string {
	notes := []string{"that the leaked secret is of " + e.ID + " is your word: Stripe tells a secret once", "until the first endpoint is gone each event comes twice, and one of the two fails at the consumer"}
	if all >= most {
		notes = append(notes, fmt.Sprintf("the account has %d endpoints and may have %d: delete one that is not used, or making the second one will be refused", all, most))
	}
	return notes
}

// Keys lists the endpoints with one address.
func (h webhooks) Keys(ctx context.Context, owner string) ([]tokens.Key, error) {
	list, err := h.all(ctx)
	var keys []tokens.Key
	for _, e := range list {
		if e.owner() == owner {
			keys = append(keys, e.key())
		}
	}
	return keys, err
}

// Make makes an endpoint like the old one. No Idempotency-Key is sent: it would let
// the transport send the request again by itself.
func (h webhooks) Make(ctx context.Context, old providers.KeyRef, name string) (providers.KeyRef, secret.Text, error) {
	var was, made endpoint
	if err := h.Do(ctx, "read the endpoint", http.MethodGet, one(old.ID), nil, &was); err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	if err := h.Do(ctx, "make an endpoint", http.MethodPost, path, was.copied(name, slices.Contains(h.connect, old.ID)), &made); err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	return providers.KeyRef{Kind: old.Kind, ID: made.ID, Owner: old.Owner}, secret.New(made.Secret), nil
}

// Remove deletes an endpoint.
func (h webhooks) Remove(ctx context.Context, k providers.KeyRef) error {
	return h.Do(ctx, "delete the endpoint", http.MethodDelete, one(k.ID), nil, new(deleted))
}

func (h webhooks) set(ctx context.Context, k providers.KeyRef, disabled bool) error {
	const op = "disable or enable the endpoint"
	want, form := "enabled", url.Values{"disabled": {fmt.Sprint(disabled)}}
	if disabled {
		want = "disabled"
	}
	var now endpoint
	if err := h.Do(ctx, op, http.MethodPost, one(k.ID), form, &now); err != nil {
		return err
	}
	if now.Status != want {
		return &providers.Error{Provider: WebhookName, Op: op, Class: providers.ErrAmbiguous, Err: errors.New("the answer says that nothing has changed")}
	}
	return nil
}
