package aws

import (
	"context"
	"fmt"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
)

// pairs are two regions of each partition that no account can switch off. A region
// that is not switched on answers InvalidClientTokenId to a key that works, so no
// other one can be asked without knowing the account. Source: AWS Account Management
// guide, "Enable or disable AWS Regions", and IAM guide, "Managing AWS STS in an AWS
// Region".
var pairs = []struct{ prefix, one, other string }{
	{"cn-", "cn-north-1", "cn-northwest-1"},
	{"us-gov-", "us-gov-west-1", "us-gov-east-1"},
	{"us-iso", "", ""},
	{"eu-iso", "", ""},
	{"", "us-east-1", "us-west-2"},
}

// otherRegion returns a second region of the same partition; empty when none is
// known.
func otherRegion(region string) string {
	for _, p := range pairs {
		switch {
		case !strings.HasPrefix(region, p.prefix):
		case region == p.one:
			return p.other
		default:
			return p.one
		}
	}
	return ""
}

// at names STS in a region.
func at(region string) string { return "sts " + region }

// Endpoints are STS in our own region and in another one of its partition.
func (p *Provider) Endpoints() []string {
	out := []string{at(p.cfg.Region)}
	if other := otherRegion(p.cfg.Region); other != "" {
		out = append(out, at(other))
	}
	return out
}

// VerifyAt asks STS in one of the regions of Endpoints.
func (p *Provider) VerifyAt(ctx context.Context, endpoint string, c credential.Credential) (providers.Verdict, error) {
	for _, region := range []string{p.cfg.Region, otherRegion(p.cfg.Region)} {
		if region != "" && endpoint == at(region) {
			return p.verifyIn(ctx, region, c)
		}
	}
	return providers.Verdict{Liveness: providers.Unknown}, fmt.Errorf("%s: no endpoint %q: %w", Name, endpoint, providers.ErrUnsupported)
}
