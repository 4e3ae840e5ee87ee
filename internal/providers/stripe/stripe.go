// Package stripe replaces Stripe secret and restricted keys with the help of a
// person: Stripe's public API has no call that makes, rolls or deletes one. What it
// can do is check a key, tell its account, and see that the old one is refused.
//
// Protocol facts: Stripe's public OpenAPI document and
// https://docs.stripe.com/keys.
package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Name is the provider's name.
const Name = "stripe"

// DefaultURL is the public API.
const DefaultURL = "https://api.stripe.com"

// Config is what New needs.
type Config struct {
	BaseURL string // empty means DefaultURL
	Client  *httpx.Client
	Now     func() time.Time // nil means time.Now
}

// Provider is safe for use from many goroutines.
type Provider struct {
	base   string
	client *httpx.Client
	now    func() time.Time
}

var (
	_ providers.Verifier  = (*Provider)(nil)
	_ providers.Inspector = (*Provider)(nil)
	_ providers.Guide     = (*Provider)(nil)
)

// New returns a provider; it does no I/O. There is nothing to set up: a key is
// checked with itself.
func New(cfg Config) (*Provider, error) {
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultURL
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Provider{base: strings.TrimRight(cfg.BaseURL, "/"), client: cfg.Client, now: cfg.Now}, nil
}

// Describe returns what this provider is.
func (p *Provider) Describe() providers.Descriptor { return Descriptor() }

// Descriptor returns the provider as data, without any configuration.
func Descriptor() providers.Descriptor {
	return providers.Descriptor{
		Name: Name, Title: "Stripe secret and restricted keys, by hand", Roles: []providers.Role{providers.RoleIssuer},
		Kinds:       []credential.Kind{credential.StripeSecretKey},
		Settings:    []providers.Setting{{Env: "SECRETGUARD_STRIPE_URL", Help: "another base URL"}},
		Can:         []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssueByHand, providers.CanDeleteByHand},
		Permissions: []string{"a person who may manage API keys in Stripe's Dashboard"},
		Limits: []string{
			"Stripe has no call that makes or deletes a key: a person does both in the Dashboard, and hands the new key in.",
			"The permissions of a restricted key cannot be read: the new one must be given the same by hand.",
			"No call tells when or by whom a key was used: the Dashboard's request logs of a key do, and the person is asked to look there before the old one goes.",
			"A restricted key that may not read its account cannot be compared with the old one's.",
		},
		Links:       []string{"https://docs.stripe.com/keys", "https://dashboard.stripe.com/apikeys"},
		Overlap:     true,
		Proof:       providers.ProofPolicy{Refusals: 10, Window: time.Minute},
		ReadyWithin: time.Minute, VerifyCall: "GET /v1/account", VerifyAlone: true,
	}
}

// Verify reads the account with the key itself. It changes nothing.
func (p *Provider) Verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v := providers.Verdict{Liveness: providers.Unknown, At: p.now().UTC()}
	key := c.Part(credential.PartToken)
	h := http.Header{"Authorization": {"Bearer " + key.Reveal()}, "Accept": {"application/json"}}
	op := "ask Stripe whose the key is"
	res, err := p.client.Do(ctx, httpx.Request{Op: op, Method: http.MethodGet, URL: p.base + "/v1/account", Header: h})
	a := answerOf(res, err)
	switch {
	case a.account != "":
		v.Liveness, v.Grade = providers.Live, providers.GradeIdentity
		v.Identity = providers.Identity{Account: a.account, Who: refOf(key).ID}
	case a.refused:
		v.Liveness, v.Grade, v.Code, v.Detail = providers.Dead, providers.GradeAnswer, fmt.Sprintf("HTTP %d", res.Status), "unknown, expired or deleted"
	case a.narrow:
		// A restricted key without this right is told so: it is alive.
		v.Liveness, v.Grade, v.Detail = providers.Live, providers.GradeAnswer, "accepted, and denied this call"
		v.Identity = providers.Identity{Who: refOf(key).ID}
	case err == nil:
		return v, &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errors.New("the answer names no account")}
	default:
		return v, providers.Classify(Name, err)
	}
	return v, nil
}

// Inspect tells the account of a key that works.
func (p *Provider) Inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	ref := refOf(c.Part(credential.PartToken))
	v, err := p.Verify(ctx, c)
	if err != nil {
		return providers.KeyState{}, err
	}
	ref.Owner = v.Identity.Account
	st := providers.KeyState{Key: providers.KeyInfo{Ref: ref, Active: v.Liveness == providers.Live}, Identity: v.Identity}
	switch {
	case v.Liveness == providers.Dead:
		return st, &providers.Error{Provider: Name, Op: "look at " + ref.ID, Class: providers.ErrAuth, Err: errors.New("it is dead already: " + v.Detail)}
	case ref.Owner == "":
		st.Key.Ref.Owner = ref.ID
		st.Warnings = append(st.Warnings, "the key may not read its account: that the new one is of the same account cannot be checked")
	}
	return st, nil
}

// form is what a key looks like: which kind, which mode, and the rest.
var form = regexp.MustCompile(`^([rs]k_(?:live|test)_)[A-Za-z0-9]{20,247}$`)

// refOf names a key the way the Dashboard does, by its kind and its end.
func refOf(key secret.Text) providers.KeyRef {
	ref := providers.KeyRef{Kind: credential.StripeSecretKey, ID: "a key of no known form"}
	plain := key.Reveal()
	if m := form.FindStringSubmatch(plain); m != nil {
		ref.ID = m[1] + "…" + plain[len(plain)-4:]
	}
	return ref
}

// Guide tells a person what to do in the Dashboard.
func (p *Provider) Guide(k providers.KeyRef) providers.Guidance {
	end := k.ID[max(0, len(k.ID)-4):]
	return providers.Guidance{
		Link: "https://dashboard.stripe.com/apikeys",
		Make: []string{
			"open the Dashboard in the mode of " + k.ID + ", live or test",
			"make a second key of the same kind; give a restricted one the same permissions; do not roll the old one yet",
			"copy the new key: it is shown once",
		},
		Retire: []string{
			"open the Dashboard in the mode of " + k.ID + ", live or test",
			"find the key that ends with " + end + ", and look at its request logs (in the menu beside it): a request after the last deploy is of a consumer that was not found, and would break",
			"if there is none, delete the key, or roll it to expire now",
		},
	}
}

// Pasted takes a key of the same kind and mode as the old one.
func (p *Provider) Pasted(old providers.KeyRef, value secret.Text) (providers.Issued, error) {
	ref := refOf(value)
	refuse := func(why string) (providers.Issued, error) {
		return providers.Issued{}, &providers.Error{Provider: Name, Op: "take the new key", Class: providers.ErrRefused, Err: errors.New(why)}
	}
	kind, _, known := strings.Cut(ref.ID, "…")
	was, _, _ := strings.Cut(old.ID, "…")
	switch {
	case !known:
		return refuse("what was pasted has not the form of a Stripe key (sk_live_…, rk_test_…): copy it whole, and nothing else")
	case kind != was:
		return refuse("it is a key that begins with " + kind + ", and the old one begins with " + was + ": make one of the same kind and mode")
	}
	ref.Owner = old.Owner
	return providers.Issued{
		Ref:        ref,
		Credential: credential.Credential{Kind: ref.Kind, ID: ref.ID, Parts: map[credential.Part]secret.Text{credential.PartToken: value}},
	}, nil
}
