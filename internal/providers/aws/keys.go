package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Verify asks STS who the key is. The call needs no permission and cannot be
// denied by policy; the account's CloudTrail shows it.
func (p *Provider) Verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v := providers.Verdict{Liveness: providers.Unknown, At: p.cfg.Now().UTC()}
	who := credentials.NewStaticCredentialsProvider(c.Part(credential.PartID).Reveal(), c.Part(credential.PartSecret).Reveal(), c.Part(credential.PartSessionToken).Reveal())
	out, err := p.stsAs(who).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err == nil {
		v.Liveness = providers.Live
		v.Identity = providers.Identity{Account: aws.ToString(out.Account), Who: aws.ToString(out.Arn)}
		return v, nil
	}
	v.Code = errorCode(err)
	switch v.Code {
	case "InvalidClientTokenId", "ExpiredToken":
		v.Liveness, v.Detail = providers.Dead, "unknown, deleted or inactive"
	case "AccessDenied":
		v.Liveness, v.Detail = providers.Live, "accepted, and denied this call"
	case "SignatureDoesNotMatch":
		v.Detail = "the id exists, the secret is not its own"
	case "":
		return v, classify("ask STS who the key is", err, true)
	default:
		v.Detail = "an answer that proves nothing"
	}
	return v, nil
}

// Inspect finds the key's owner, the owner's other keys and warnings.
func (p *Provider) Inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	id := c.Part(credential.PartID).Reveal()
	st := providers.KeyState{Quota: quota, Self: id == p.cfg.KeyID}
	if strings.HasPrefix(id, "ASIA") {
		return st, &providers.Error{Provider: Name, Op: "look at a temporary key", Class: providers.ErrUnsupported, Err: errors.New("temporary keys end by themselves or by a deny policy on their role")}
	}
	used, err := p.iam.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &id})
	if err != nil {
		return st, classify("find the owner of "+secret.Mask(id), err, true)
	}
	user := aws.ToString(used.UserName)
	if user == "" {
		return st, &providers.Error{Provider: Name, Op: "find the owner of " + secret.Mask(id), Class: providers.ErrRefused, Err: errNoUser}
	}
	st.Usage = usage(used.AccessKeyLastUsed)
	if err := p.keysOf(ctx, user, id, &st); err != nil {
		return st, err
	}
	own, err := p.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return st, classify("ask who we are", err, true)
	}
	st.Identity = providers.Identity{Account: aws.ToString(own.Account), Who: user}
	p.quarantine(ctx, user, &st)
	return st, nil
}

// keysOf lists a user's keys, all pages, and sorts out the one that is meant.
func (p *Provider) keysOf(ctx context.Context, user, id string, st *providers.KeyState) error {
	pages := iam.NewListAccessKeysPaginator(p.iam, &iam.ListAccessKeysInput{UserName: &user})
	found := false
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return classify("list the access keys of "+user, err, true)
		}
		for _, k := range page.AccessKeyMetadata {
			info := keyInfo(user, k)
			if info.Ref.ID == id {
				st.Key, found = info, true
				continue
			}
			st.Siblings = append(st.Siblings, info)
		}
	}
	if !found {
		return &providers.Error{Provider: Name, Op: "list the access keys of " + user, Class: providers.ErrNotFound, Err: fmt.Errorf("%s is not among them: it is dead already, or of another account", secret.Mask(id))}
	}
	return nil
}

func keyInfo(user string, k types.AccessKeyMetadata) providers.KeyInfo {
	return providers.KeyInfo{
		Ref:     providers.KeyRef{Kind: credential.AWSAccessKey, ID: aws.ToString(k.AccessKeyId), Owner: user},
		Active:  k.Status == types.StatusTypeActive,
		Created: aws.ToTime(k.CreateDate),
	}
}

func usage(u *types.AccessKeyLastUsed) providers.Usage {
	if u == nil || u.LastUsedDate == nil {
		return providers.Usage{}
	}
	return providers.Usage{At: *u.LastUsedDate, Service: aws.ToString(u.ServiceName), Region: aws.ToString(u.Region)}
}

// quarantine warns when AWS has put the user under its policy for leaked keys: a
// new key of the same user stays under it.
func (p *Provider) quarantine(ctx context.Context, user string, st *providers.KeyState) {
	pages := iam.NewListAttachedUserPoliciesPaginator(p.iam, &iam.ListAttachedUserPoliciesInput{UserName: &user})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			// Only a warning hangs on this: a missing right must not stop a rotation.
			st.Warnings = append(st.Warnings, "could not look for AWS's quarantine policy (needs iam:ListAttachedUserPolicies)")
			return
		}
		for _, pol := range page.AttachedPolicies {
			if strings.HasPrefix(aws.ToString(pol.PolicyName), "AWSCompromisedKeyQuarantine") {
				st.Warnings = append(st.Warnings, "AWS has quarantined "+user+" ("+aws.ToString(pol.PolicyName)+"): a new key stays under the same denies until the policy is taken off")
			}
		}
	}
}

// Issue makes a second key for the old key's user. One attempt, never repeated.
func (p *Provider) Issue(ctx context.Context, req providers.IssueRequest) (providers.Issued, error) {
	op := "create an access key for " + req.Old.Owner
	if req.Old.Owner == "" { // without a name IAM would take the signing user, or root
		return providers.Issued{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrRefused, Err: errNoUser}
	}
	ctx = context.WithValue(ctx, effectKey{}, req.EffectID)
	out, err := p.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &req.Old.Owner}, func(o *iam.Options) { o.RetryMaxAttempts = 1 })
	if err != nil {
		return providers.Issued{}, classify(op, err, false)
	}
	k := out.AccessKey
	if k == nil || aws.ToString(k.AccessKeyId) == "" || aws.ToString(k.SecretAccessKey) == "" {
		return providers.Issued{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Err: errors.New("the answer holds no whole key")}
	}
	id := aws.ToString(k.AccessKeyId)
	return providers.Issued{
		Ref: providers.KeyRef{Kind: credential.AWSAccessKey, ID: id, Owner: req.Old.Owner},
		Credential: credential.Credential{Kind: credential.AWSAccessKey, ID: id, Parts: map[credential.Part]secret.Text{
			credential.PartID: secret.New(id), credential.PartSecret: secret.New(aws.ToString(k.SecretAccessKey)),
		}},
	}, nil
}

// Reconcile lists the user's keys and compares them with those from before.
func (p *Provider) Reconcile(ctx context.Context, req providers.IssueRequest) (providers.Reconciliation, error) {
	var all providers.KeyState
	if err := p.keysOf(ctx, req.Old.Owner, req.Old.ID, &all); err != nil {
		return providers.Reconciliation{}, err
	}
	var fresh []providers.KeyInfo
	for _, k := range all.Siblings {
		if !slices.Contains(req.Before, k.Ref.ID) {
			fresh = append(fresh, k)
		}
	}
	rec := providers.Reconciliation{Outcome: providers.Unclear, Candidates: fresh}
	switch len(fresh) {
	case 0:
		rec.Outcome, rec.Detail = providers.NotApplied, "no new key"
	case 1:
		u, err := p.LastUsed(ctx, fresh[0].Ref)
		if err != nil {
			return rec, err
		}
		if u.At.IsZero() {
			rec.Outcome, rec.Detail = providers.Orphaned, "one new key that was never used"
		} else {
			rec.Detail = "the new key is in use: somebody else made it"
		}
	default:
		rec.Detail = fmt.Sprintf("%d new keys", len(fresh))
	}
	return rec, nil
}

// Disable makes the key inactive. It may be repeated.
func (p *Provider) Disable(ctx context.Context, k providers.KeyRef) error {
	return p.setStatus(ctx, k, types.StatusTypeInactive)
}

// Enable makes the key active again. It may be repeated.
func (p *Provider) Enable(ctx context.Context, k providers.KeyRef) error {
	return p.setStatus(ctx, k, types.StatusTypeActive)
}

func (p *Provider) setStatus(ctx context.Context, k providers.KeyRef, s types.StatusType) error {
	_, err := p.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{AccessKeyId: &k.ID, UserName: &k.Owner, Status: s})
	return classify(fmt.Sprintf("set %s to %s", secret.Mask(k.ID), s), err, false)
}

// Delete removes the key; one that is gone already is success.
func (p *Provider) Delete(ctx context.Context, k providers.KeyRef) error {
	_, err := p.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{AccessKeyId: &k.ID, UserName: &k.Owner})
	if errorCode(err) == "NoSuchEntity" {
		return nil
	}
	return classify("delete "+secret.Mask(k.ID), err, false)
}

// LastUsed reads IAM's record of the last use, which may lag.
func (p *Provider) LastUsed(ctx context.Context, k providers.KeyRef) (providers.Usage, error) {
	out, err := p.iam.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &k.ID})
	if err != nil {
		return providers.Usage{}, classify("ask when "+secret.Mask(k.ID)+" was last used", err, true)
	}
	u := usage(out.AccessKeyLastUsed)
	u.At = u.At.Truncate(time.Second)
	return u, nil
}
