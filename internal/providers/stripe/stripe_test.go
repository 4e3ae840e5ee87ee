package stripe_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/stripe"
	"github.com/secretguard/secretguard/internal/secret"
)

func keyOf(plain string) credential.Credential {
	return credential.Credential{Kind: credential.StripeSecretKey, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(plain)}}
}

func open(t *testing.T) (*lab.Lab, *stripe.Provider) {
	t.Helper()
	l := providertest.Start(t, lab.Options{})
	p, err := stripe.New(stripe.Config{BaseURL: l.URL("stripe"), Client: providertest.Client(t)})
	if err != nil {
		t.Fatal(err)
	}
	return l, p
}

func TestContract(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		l, p := open(t)
		plain := l.Stripe.MakeKey("sk_live_")
		return &providertest.World{
			Lab: l, Twin: "stripe", Provider: p, Secrets: []string{plain},
			Issuer: &providertest.IssuerSide{
				Old: keyOf(plain), Keys: func() []string { return []string{"sk_live_…" + plain[len(plain)-4:]} }, VerifyOp: "GET account", InspectOp: "GET account",
				Accepts: func(c credential.Credential) bool {
					for _, k := range l.Stripe.Keys() {
						if k == c.Part(credential.PartToken).Reveal() {
							return true
						}
					}
					return false
				},
			},
		}
	}})
}

func TestVerify(t *testing.T) {
	t.Parallel()
	l, p := open(t)
	plain, narrow := l.Stripe.MakeKey("sk_live_"), l.Stripe.MakeKey("rk_test_")
	l.Stripe.Narrow(narrow)
	for key, want := range map[string]providers.Verdict{
		plain:                      {Liveness: providers.Live, Identity: providers.Identity{Account: l.Stripe.Account(), Who: "sk_live_…" + plain[len(plain)-4:]}},
		narrow:                     {Liveness: providers.Live, Identity: providers.Identity{Who: "rk_test_…" + narrow[len(narrow)-4:]}},
		lab.MadeUp("sk_live_", 99): {Liveness: providers.Dead},
	} {
		v, err := p.Verify(t.Context(), keyOf(key))
		if err != nil || v.Liveness != want.Liveness || v.Identity != want.Identity {
			t.Errorf("%v, %v; want %v", v, err, want)
		}
	}
}

func TestPastedKeyMustFit(t *testing.T) {
	t.Parallel()
	_, p := open(t)
	old := providers.KeyRef{Kind: credential.StripeSecretKey, ID: "sk_live_…abcd", Owner: "acct_1"}
	good := lab.MadeUp("sk_live_", 99)
	is, err := p.Pasted(old, secret.New(good))
	if err != nil || is.Ref.Owner != "acct_1" || is.Ref.ID != "sk_live_…"+good[len(good)-4:] || is.Credential.Part(credential.PartToken).Reveal() != good {
		t.Errorf("%+v, %v", is, err)
	}
	for _, bad := range []string{"", "sk_live_", good + "\n", " " + good, good[3:], lab.MadeUp("sk_test_", 99), lab.MadeUp("rk_live_", 99), lab.MadeUp("pk_live_", 99)} {
		if _, err := p.Pasted(old, secret.New(bad)); !errors.Is(err, providers.ErrRefused) {
			t.Errorf("%d characters were taken: %v", len(bad), err)
		}
	}
}

// Stripe tells no use of a key by a call: the person is asked to look before the old one
// goes, and at which key.
func TestGuideAsksForTheUse(t *testing.T) {
	t.Parallel()
	p, err := stripe.New(stripe.Config{})
	if err != nil {
		t.Fatal(err)
	}
	steps := p.Guide(providers.KeyRef{ID: "sk_live_…Ab3d"}).Retire
	look := slices.IndexFunc(steps, func(s string) bool {
		return strings.Contains(s, "request logs") && strings.Contains(s, "ends with Ab3d")
	})
	end := slices.IndexFunc(steps, func(s string) bool { return strings.Contains(s, "delete the key") })
	if look < 0 || end < look {
		t.Errorf("%q", steps)
	}
}
