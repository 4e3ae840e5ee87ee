package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// SessionName is the name of the provider that ends temporary credentials.
const SessionName = "aws-session"

// Sessions ends the session of a role whose temporary key (ASIA…) leaked. Nothing lists,
// disables or deletes such a key; a policy of its role denies it everything (IAM User
// Guide, "Revoke IAM role temporary security credentials"). The console's own policy hits
// every session of the role; ours hits those of one name, made before it.
//
// It is safe for use from many goroutines.
type Sessions struct{ p *Provider }

var (
	_ providers.Verifier  = (*Sessions)(nil)
	_ providers.Inspector = (*Sessions)(nil)
	_ providers.Guide     = (*Sessions)(nil)
	_ providers.Disabler  = (*Sessions)(nil)
)

// NewSessions returns a provider; it does no I/O.
func NewSessions(cfg Config) (*Sessions, error) {
	p, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return &Sessions{p: p}, nil
}

// SessionDescriptor returns the provider as data, without any configuration.
func SessionDescriptor() providers.Descriptor {
	d := Descriptor()
	d.Name, d.Title, d.Kinds = SessionName, "AWS temporary credentials of a role", []credential.Kind{credential.AWSSession}
	d.Can = []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssueByHand, providers.CanDisable, providers.CanDeleteByHand}
	d.Permissions = []string{"iam:GetRole, iam:GetRolePolicy, iam:PutRolePolicy and iam:DeleteRolePolicy on the role", "a person who may assume the role"}
	d.Limits = []string{
		"A temporary key cannot be listed or deleted: a policy on its role denies everything to sessions of the same name that were made before it, also to those that did not leak. Other sessions of the role go on.",
		"The policy stays until somebody takes it off; the session ends by itself, after 12 hours at most for a role.",
		"The role is assumed anew by a person, under another session name; consumers that assume it themselves need nothing but that.",
		"Sessions of users (GetSessionToken, GetFederationToken), of root, of IAM Identity Center and of service-linked roles cannot be ended so, and are refused with what helps.",
		"STS tells a session who it is although everything is denied to it: it is dead when an explicit deny is met and our policy is in place.",
	}
	d.Links = []string{
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html",
		"https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html",
	}
	d.UsageLag, d.ProbeService, d.VerifyAlone = 0, "", false
	d.VerifyCall = "sts:GetCallerIdentity and sts:GetAccessKeyInfo"
	return d
}

// Describe returns what this provider is.
func (s *Sessions) Describe() providers.Descriptor { return SessionDescriptor() }

// session is a role's session: what its ARN says.
type session struct{ role, name string }

// owner names the session as KeyRef.Owner holds it.
func (s session) owner() string { return s.role + "/" + s.name }

// policy is the name of the policy that ends the session. Session names have the
// characters that names of policies have, and at most 64 of them (STS API reference,
// AssumeRole).
func (s session) policy() string { return "SecretGuardEnds-" + s.name }

// sessionOf reads an owner, or an ARN of STS, back.
func sessionOf(owner string) (session, bool) {
	role, name, ok := strings.Cut(owner, "/")
	return session{role, name}, ok && role != "" && name != "" && !strings.Contains(name, "/")
}

// ours gives an error of the calls that both providers make this one's name.
func ours(err error) error {
	var e *providers.Error
	if errors.As(err, &e) {
		e.Provider = SessionName
	}
	return err
}

// Verify asks STS who the session is, and then something that a policy may deny.
func (s *Sessions) Verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v, err := s.verify(ctx, c)
	return v, ours(err)
}

func (s *Sessions) verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v, err := s.p.Verify(ctx, c)
	if err != nil || v.Liveness != providers.Live || v.Grade != providers.GradeIdentity {
		return v, err
	}
	of, ok := assumed(v.Identity.Who)
	if !ok {
		return v, nil
	}
	denied, err := s.meetsADeny(ctx, c)
	if err != nil {
		v.Liveness, v.Grade = providers.Unknown, ""
		return v, err
	}
	if !denied {
		return v, nil
	}
	mine, err := s.inPlace(ctx, of)
	v.Liveness, v.Grade = providers.Unknown, ""
	switch {
	case err != nil:
		return v, err
	case !mine:
		v.Detail = "a policy denies what it was asked with, and it is not ours: what else the session may do is not known"
	default:
		v.Liveness, v.Grade, v.Code = providers.Dead, providers.GradeAnswer, "AccessDenied"
		v.Detail = "everything is denied to it, by the policy " + of.policy() + " of the role " + of.role
	}
	return v, nil
}

// assumed reads the ARN of a role's session.
func assumed(arn string) (session, bool) {
	_, rest, ok := strings.Cut(arn, ":assumed-role/")
	if !ok {
		return session{}, false
	}
	return sessionOf(rest)
}

// meetsADeny reports whether a call of the session meets an explicit deny. The call needs
// a right; one that nobody granted is refused in other words (IAM User Guide,
// "Troubleshoot access denied error messages").
func (s *Sessions) meetsADeny(ctx context.Context, c credential.Credential) (bool, error) {
	id := c.Part(credential.PartID).Reveal()
	who := credentials.NewStaticCredentialsProvider(id, c.Part(credential.PartSecret).Reveal(), c.Part(credential.PartSessionToken).Reveal())
	_, err := s.p.stsAs(who, s.p.cfg.Region).GetAccessKeyInfo(ctx, &sts.GetAccessKeyInfoInput{AccessKeyId: &id})
	if errorCode(err) != "AccessDenied" {
		return false, classify(ctx, "ask what the session may do", err, true)
	}
	var api smithy.APIError
	return errors.As(err, &api) && strings.Contains(api.ErrorMessage(), "with an explicit deny in an identity-based policy"), nil
}

// inPlace reports whether the policy that ends the session is on its role.
func (s *Sessions) inPlace(ctx context.Context, of session) (bool, error) {
	name := of.policy()
	out, err := s.p.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &of.role, PolicyName: &name})
	if errorCode(err) == "NoSuchEntity" {
		return false, nil
	}
	if err != nil {
		return false, classify(ctx, "look at the policies of the role "+of.role, err, true)
	}
	return strings.Contains(aws.ToString(out.PolicyDocument), policyMark), nil
}

// Inspect finds the role and the name of the session by what it says of itself.
func (s *Sessions) Inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	st, err := s.inspect(ctx, c)
	return st, ours(err)
}

func (s *Sessions) inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	id := c.Part(credential.PartID).Reveal()
	op := "find the session of " + secret.Mask(id)
	refuse := func(class, why error) (providers.KeyState, error) {
		return providers.KeyState{}, &providers.Error{Provider: SessionName, Op: op, Class: class, Err: why}
	}
	v, err := s.p.Verify(ctx, c)
	switch {
	case err != nil:
		return providers.KeyState{}, err
	case v.Liveness == providers.Dead:
		return refuse(providers.ErrAuth, errors.New("it is dead already: "+v.Detail))
	case v.Identity.Who == "":
		return refuse(providers.ErrAuth, errors.New("STS does not tell whose it is: "+v.Detail))
	}
	of, ok := assumed(v.Identity.Who)
	if !ok {
		return refuse(providers.ErrUnsupported, errUserSession)
	}
	if err := s.manageable(ctx, op, of, v.Identity.Account); err != nil {
		return providers.KeyState{}, err
	}
	return providers.KeyState{
		Key:      providers.KeyInfo{Ref: providers.KeyRef{Kind: credential.AWSSession, ID: id, Owner: of.owner()}, Active: true},
		Identity: v.Identity, Warnings: warnOf(of),
	}, nil
}

// manageable refuses roles that take no policy from us.
func (s *Sessions) manageable(ctx context.Context, op string, of session, account string) error {
	var own *sts.GetCallerIdentityOutput
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { own, err = s.p.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}) })
	out, missing := s.p.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &of.role})
	wg.Wait()
	switch {
	case err != nil:
		return classify(ctx, "ask who we are", err, true)
	case aws.ToString(own.Account) != account:
		return &providers.Error{Provider: SessionName, Op: op, Class: providers.ErrRefused, Err: fmt.Errorf("it is a session in account %s, and our own access is to account %s; use an administrator's key of account %s", account, aws.ToString(own.Account), account)}
	case missing != nil:
		return classify(ctx, "look at the role "+of.role, missing, true)
	case out.Role != nil && strings.HasPrefix(aws.ToString(out.Role.Path), "/aws-"): // /aws-reserved/, /aws-service-role/
		return &providers.Error{Provider: SessionName, Op: op, Class: providers.ErrUnsupported, Err: errForeignRole}
	}
	return nil
}

func warnOf(of session) []string {
	out := []string{"every session of the role " + of.role + " that is called " + of.name + " and was made before is refused with it, also where it did not leak"}
	if strings.HasPrefix(of.name, "i-") {
		out = append(out, "the session is named like an EC2 instance: what runs there is refused until the instance has fresh credentials")
	}
	return out
}

// Why a session is not ended.
var (
	errUserSession = errors.New("it is no session of a role: one of a user is judged by the user's rights of the moment, so a deny policy on the user ends it (and all that the user does), and deleting the key that made it does not; one of root cannot be limited and ends by itself")
	errForeignRole = errors.New("it is a session of a role that AWS manages (IAM Identity Center, or service-linked): end it there, by signing the user out in IAM Identity Center, or let it end by itself")
)
