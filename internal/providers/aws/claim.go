package aws

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/secretguard/secretguard/internal/providers"
)

// claimTag begins the key of a tag on a user that a run works on; the run's id
// follows, and the value says since when. An access key itself takes no tag and no
// name (API reference, TagUser), so that the user must carry it. Each run has a tag
// of its own: two that are set at once both stay.
const claimTag = "secretguard:run/"

// Claim tags the key's user.
func (p *Provider) Claim(ctx context.Context, of providers.KeyRef, c providers.Claim) error {
	if err := named(of); err != nil {
		return err
	}
	key, value := claimTag+c.Run, c.At.UTC().Format(time.RFC3339Nano)
	_, err := p.iam.TagUser(ctx, &iam.TagUserInput{UserName: &of.Owner, Tags: []types.Tag{{Key: &key, Value: &value}}}, once)
	return classify(ctx, "tag the user "+of.Owner, err, false)
}

// Unclaim takes the run's tag off.
func (p *Provider) Unclaim(ctx context.Context, of providers.KeyRef, run string) error {
	if err := named(of); err != nil {
		return err
	}
	_, err := p.iam.UntagUser(ctx, &iam.UntagUserInput{UserName: &of.Owner, TagKeys: []string{claimTag + run}}, once)
	if errorCode(err) == "NoSuchEntity" {
		return nil
	}
	return classify(ctx, "take a tag off the user "+of.Owner, err, false)
}

// Claims reads the user's tags. A tag of ours with a time that cannot be read counts
// as set at the beginning of all time: a person looks.
func (p *Provider) Claims(ctx context.Context, of providers.KeyRef) ([]providers.Claim, error) {
	if err := named(of); err != nil {
		return nil, err
	}
	var out []providers.Claim
	pages := iam.NewListUserTagsPaginator(p.iam, &iam.ListUserTagsInput{UserName: &of.Owner})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, classify(ctx, "list the tags of the user "+of.Owner, err, true)
		}
		for _, t := range page.Tags {
			if run, ok := strings.CutPrefix(aws.ToString(t.Key), claimTag); ok {
				at, _ := time.Parse(time.RFC3339, aws.ToString(t.Value)) // see above
				out = append(out, providers.Claim{Run: run, At: at})
			}
		}
	}
	slices.SortFunc(out, func(a, b providers.Claim) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Run, b.Run)) })
	return out, nil
}
