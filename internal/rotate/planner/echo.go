package planner

import (
	"context"
	"fmt"
	"slices"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/secret"
)

// echo asks whether a consumer shows that it holds the leaked key now. One that does
// is asked again after the push: the same question, with another answer wanted, which
// is also the control that the check can fail.
func (b *builder) echo(ctx context.Context, chosen []providers.Placement, t providers.Target) *rotate.Echo {
	if b.planner.Echo == nil || t.EchoURL == "" {
		return nil
	}
	for _, p := range chosen {
		if p.Part == credential.PartID || p.Match == providers.MatchInside || !rotate.Feeds(p, t) {
			continue
		}
		nonce, err := secret.NewNonce()
		if err != nil {
			return nil
		}
		got, err := b.planner.Echo(ctx, t.EchoURL, p.Key, nonce)
		switch {
		case err != nil: // most services have none
		case got == secret.Echo(b.req.Credential.Part(p.Part), p.Key, nonce):
			return &rotate.Echo{URL: t.EchoURL, Variable: p.Key, Part: p.Part}
		default:
			risk := fmt.Sprintf("%s %s shows at its echo endpoint that it runs with another %s than the leaked one; it is not attested that way", t.Provider, t.Name, p.Key)
			if !slices.Contains(b.plan.Risks, risk) {
				b.plan.Risks = append(b.plan.Risks, risk)
			}
		}
	}
	return nil
}
