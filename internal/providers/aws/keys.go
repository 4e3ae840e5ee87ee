package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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
	return p.verifyIn(ctx, p.cfg.Region, c)
}

func (p *Provider) verifyIn(ctx context.Context, region string, c credential.Credential) (providers.Verdict, error) {
	v := providers.Verdict{Liveness: providers.Unknown, At: p.cfg.Now().UTC()}
	who := credentials.NewStaticCredentialsProvider(c.Part(credential.PartID).Reveal(), c.Part(credential.PartSecret).Reveal(), c.Part(credential.PartSessionToken).Reveal())
	out, err := p.stsAs(who, region).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err == nil && aws.ToString(out.Account) == "" {
		return v, &providers.Error{Provider: Name, Op: "ask STS who the key is", Class: providers.ErrTransient, Err: errAnswer}
	}
	if err == nil {
		v.Liveness, v.Grade = providers.Live, providers.GradeIdentity
		v.Identity = providers.Identity{Account: aws.ToString(out.Account), Who: aws.ToString(out.Arn)}
		return v, nil
	}
	v.Code = errorCode(err)
	switch {
	case v.Code == "InvalidClientTokenId":
		v.Liveness, v.Detail = providers.Dead, "unknown, deleted or inactive"
	case v.Code == "ExpiredToken" && !c.Part(credential.PartSessionToken).Empty():
		v.Liveness, v.Detail = providers.Dead, "the session has ended"
	case v.Code == "AccessDenied":
		v.Liveness, v.Detail = providers.Live, "accepted, and denied this call"
	case v.Code == "SignatureDoesNotMatch" && !skewed(err):
		v.Detail = "the id exists, the secret is not its own"
	default: // no answer about the key
		return v, classify(ctx, "ask STS who the key is", err, true)
	}
	if v.Liveness != providers.Unknown {
		v.Grade = providers.GradeAnswer
	}
	return v, nil
}

// CheckOnly returns a verifier without an access of its own: a key is checked with
// itself. The access in cfg is not used.
func CheckOnly(cfg Config) providers.Verifier {
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return checkOnly{p: &Provider{cfg: cfg}}
}

type checkOnly struct{ p *Provider }

// Verify implements providers.Verifier.
func (c checkOnly) Verify(ctx context.Context, cr credential.Credential) (providers.Verdict, error) {
	return c.p.Verify(ctx, cr)
}

// Inspect finds the key's owner, the owner's other keys and warnings.
func (p *Provider) Inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	id := c.Part(credential.PartID).Reveal()
	op := "find the owner of " + secret.Mask(id)
	st := providers.KeyState{Quota: quota, Self: id == p.cfg.KeyID}
	if strings.HasPrefix(id, "ASIA") {
		return st, &providers.Error{Provider: Name, Op: op, Class: providers.ErrUnsupported, Err: errTemporary}
	}
	own, used, err := p.whose(ctx, op, id)
	if err != nil {
		return st, err
	}
	user := aws.ToString(used.UserName)
	if user == "" || strings.HasPrefix(user, "<") { // "<root_account>"
		return st, &providers.Error{Provider: Name, Op: op, Class: providers.ErrUnsupported, Err: errNoUser}
	}
	st.Usage = usage(used.AccessKeyLastUsed)
	st.Identity = providers.Identity{Account: aws.ToString(own.Account), Who: user}
	var warnings []string
	var wg sync.WaitGroup
	wg.Go(func() { warnings = p.warnings(ctx, user, aws.ToString(own.Arn)) })
	keys, err := p.keysOf(ctx, user)
	if err == nil {
		err = p.sort(ctx, keys, user, id, &st)
	}
	wg.Wait()
	st.Warnings = warnings
	return st, err
}

// whose asks who we are and whose the key is, at the same time: containment waits
// for it.
func (p *Provider) whose(ctx context.Context, op, id string) (own *sts.GetCallerIdentityOutput, used *iam.GetAccessKeyLastUsedOutput, err error) {
	var unknown error
	var wg sync.WaitGroup
	wg.Go(func() {
		used, unknown = p.iam.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &id})
	})
	own, err = p.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	wg.Wait()
	if err != nil {
		return nil, nil, classify(ctx, "ask who we are", err, true)
	}
	if err := p.sameAccount(ctx, op, id, aws.ToString(own.Account)); err != nil {
		return nil, nil, err
	}
	if unknown != nil {
		return nil, nil, explainUnknown(classify(ctx, op, unknown, true))
	}
	return own, used, nil
}

// sameAccount refuses a key of another account than our own access: nothing of
// it can be managed from here. Where the id does not tell, STS does.
func (p *Provider) sameAccount(ctx context.Context, op, id, own string) error {
	account, ok := accountOf(id)
	if !ok {
		out, err := p.sts.GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: &id})
		if err != nil {
			// Without the right to ask, IAM's own answer decides a moment later.
			return nil //nolint:nilerr // see above
		}
		account = aws.ToString(out.Account)
	}
	if account == "" || account == own {
		return nil
	}
	return &providers.Error{
		Provider: Name, Op: op, Class: providers.ErrRefused,
		Err: fmt.Errorf("it is a key of account %s, and our own access is to account %s; use an administrator's key of account %s", account, own, account),
	}
}

// explainUnknown adds what a refusal can mean too: IAM gives an id that it does
// not know the answer of a missing right.
func explainUnknown(err error) error {
	var e *providers.Error
	if errors.As(err, &e) && errors.Is(e.Class, providers.ErrForbidden) && e.Err == nil {
		e.Err = errors.New("a key that is deleted already gets the same answer: verify it")
	}
	return err
}

// Keys lists the access keys of the key's user.
func (p *Provider) Keys(ctx context.Context, of providers.KeyRef) ([]providers.KeyInfo, error) {
	if err := named(of); err != nil {
		return nil, err
	}
	return p.keysOf(ctx, of.Owner)
}

// keysOf lists a user's keys, all pages.
func (p *Provider) keysOf(ctx context.Context, user string) ([]providers.KeyInfo, error) {
	var all []providers.KeyInfo
	pages := iam.NewListAccessKeysPaginator(p.iam, &iam.ListAccessKeysInput{UserName: &user})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, classify(ctx, "list the access keys of "+user, err, true)
		}
		for _, k := range page.AccessKeyMetadata {
			all = append(all, keyInfo(user, k))
		}
	}
	return all, nil
}

// sort tells the key that is meant from its siblings, whose last use helps a
// person to choose when there is no room.
func (p *Provider) sort(ctx context.Context, keys []providers.KeyInfo, user, id string, st *providers.KeyState) error {
	for _, k := range keys {
		if k.Ref.ID == id {
			st.Key = k
			continue
		}
		if u, err := p.LastUsed(ctx, k.Ref); err == nil {
			k.Usage = &u
		}
		st.Siblings = append(st.Siblings, k)
	}
	if st.Key.Ref.ID == "" {
		return &providers.Error{
			Provider: Name, Op: "list the access keys of " + user, Class: providers.ErrNotFound,
			Err: fmt.Errorf("%s is not among them: it is deleted already", secret.Mask(id)),
		}
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

// warnings looks for what will hinder the rotation though it can be tried. Only
// warnings hang on it: a missing right must not stop a rotation.
func (p *Provider) warnings(ctx context.Context, user, own string) []string {
	var out []string
	if _, who, ok := strings.Cut(own, ":user/"); ok && who[strings.LastIndexByte(who, '/')+1:] == user {
		out = append(out, "our own access is of "+user+" too: a quarantine of this user would stop us; use another administrator")
	}
	pages := iam.NewListAttachedUserPoliciesPaginator(p.iam, &iam.ListAttachedUserPoliciesInput{UserName: &user})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			out = append(out, "could not look for AWS's quarantine policy (needs iam:ListAttachedUserPolicies)")
			return out
		}
		for _, pol := range page.AttachedPolicies {
			if strings.HasPrefix(aws.ToString(pol.PolicyName), "AWSCompromisedKeyQuarantine") {
				out = append(out, "AWS has quarantined "+user+" ("+aws.ToString(pol.PolicyName)+"): a new key stays under the same denies until the policy is taken off")
			}
		}
	}
	return out
}

// Issue makes a second key for the old key's user. One attempt, never repeated.
func (p *Provider) Issue(ctx context.Context, req providers.IssueRequest) (providers.Issued, error) {
	op := "create an access key for " + req.Old.Owner
	if err := named(req.Old); err != nil {
		return providers.Issued{}, err
	}
	ctx = context.WithValue(ctx, effectKey{}, req.EffectID)
	out, err := p.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &req.Old.Owner}, once)
	if err != nil {
		return providers.Issued{}, classify(ctx, op, err, false)
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

// clockLeeway is how far our clock and IAM's may differ.
const clockLeeway = 5 * time.Minute

// Reconcile lists the user's keys and compares them with those from before.
func (p *Provider) Reconcile(ctx context.Context, req providers.IssueRequest) (providers.Reconciliation, error) {
	all, err := p.keysOf(ctx, req.Old.Owner)
	if err != nil {
		return providers.Reconciliation{}, err
	}
	var fresh []providers.KeyInfo
	for _, k := range all {
		if k.Ref.ID != req.Old.ID && !slices.Contains(req.Before, k.Ref.ID) {
			fresh = append(fresh, k)
		}
	}
	rec := providers.Reconciliation{Outcome: providers.Unclear, Candidates: fresh}
	switch {
	case len(fresh) == 0:
		rec.Outcome, rec.Detail = providers.NotApplied, "no new key"
	case len(fresh) > 1:
		rec.Detail = fmt.Sprintf("%d new keys", len(fresh))
	case !req.Since.IsZero() && fresh[0].Created.Before(req.Since.Add(-clockLeeway)):
		rec.Detail = "a key that was not listed before is older than the request: somebody else made it"
	default:
		u, err := p.LastUsed(ctx, fresh[0].Ref)
		if err != nil {
			return rec, err
		}
		rec.Outcome, rec.Detail = providers.Orphaned, "one new key that was never used"
		if !u.At.IsZero() {
			rec.Outcome, rec.Detail = providers.Unclear, "the new key is in use: somebody else made it"
		}
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
	if err := named(k); err != nil {
		return err
	}
	_, err := p.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{AccessKeyId: &k.ID, UserName: &k.Owner, Status: s}, once)
	return classify(ctx, fmt.Sprintf("set %s to %s", secret.Mask(k.ID), s), err, false)
}

// Delete removes the key; one that is gone already is success.
func (p *Provider) Delete(ctx context.Context, k providers.KeyRef) error {
	if err := named(k); err != nil {
		return err
	}
	_, err := p.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{AccessKeyId: &k.ID, UserName: &k.Owner}, once)
	if errorCode(err) == "NoSuchEntity" {
		return nil
	}
	return classify(ctx, "delete "+secret.Mask(k.ID), err, false)
}

// named refuses to act on a key without a user's name: IAM would take the user
// that signs, or root.
func named(k providers.KeyRef) error {
	if k.Owner == "" {
		return &providers.Error{Provider: Name, Op: "act on " + secret.Mask(k.ID), Class: providers.ErrRefused, Err: errNoUser}
	}
	return nil
}

// LastUsed reads IAM's record of the last use, which may lag.
func (p *Provider) LastUsed(ctx context.Context, k providers.KeyRef) (providers.Usage, error) {
	out, err := p.iam.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &k.ID})
	if err != nil {
		return providers.Usage{}, classify(ctx, "ask when "+secret.Mask(k.ID)+" was last used", err, true)
	}
	u := usage(out.AccessKeyLastUsed)
	u.At = u.At.Truncate(time.Second)
	return u, nil
}
