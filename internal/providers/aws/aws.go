// Package aws issues, disables and deletes IAM access keys, with the real SDK.
//
// Protocol facts are from the API references of IAM and STS: a user may have two
// keys, CreateAccessKey has no idempotency token and shows the secret once, and
// a new or disabled key takes some seconds until every endpoint knows.
package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Name is the provider's name.
const Name = "aws"

// quota is how many access keys an IAM user may have; active and inactive ones
// both count (IAM quotas, AccessKeysPerUser).
const quota = 2

// defaultRegion is asked when no region is set.
const defaultRegion = "us-east-1"

// Config is what New needs. KeyID and Secret are the operator's own access, of
// an administrator other than the leaked user.
type Config struct {
	KeyID        string
	Secret       secret.Text
	SessionToken secret.Text
	Region       string // empty means us-east-1; IAM is a global service
	// Endpoints replace the public ones; empty keeps them.
	IAMEndpoint, STSEndpoint, SQSEndpoint string
	Client                                *httpx.Client
	Version                               string
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

// Provider is safe for use from many goroutines.
type Provider struct {
	cfg Config
	iam *iam.Client
	sts *sts.Client
}

var (
	_ providers.Verifier      = (*Provider)(nil)
	_ providers.Corroborator  = (*Provider)(nil)
	_ providers.Inspector     = (*Provider)(nil)
	_ providers.Issuer        = (*Provider)(nil)
	_ providers.Disabler      = (*Provider)(nil)
	_ providers.Deleter       = (*Provider)(nil)
	_ providers.UsageReporter = (*Provider)(nil)
	_ providers.Rekeyer       = (*Provider)(nil)
	_ providers.Lister        = (*Provider)(nil)
	_ providers.RightsTeller  = (*Provider)(nil)
	_ providers.Claimer       = (*Provider)(nil)
)

// New returns a provider; it does no I/O. All missing settings are in one error.
func New(cfg Config) (*Provider, error) {
	var missing []string
	if cfg.KeyID == "" {
		missing = append(missing, "AWS_ACCESS_KEY_ID")
	}
	if cfg.Secret.Empty() {
		missing = append(missing, "AWS_SECRET_ACCESS_KEY")
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("set %s (an administrator's access, not the leaked key)", strings.Join(missing, " and "))
	}
	if cfg.Region == "" {
		cfg.Region = defaultRegion
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	p := &Provider{cfg: cfg}
	p.iam = iam.New(iam.Options{
		Region: cfg.Region, Credentials: p.own(), HTTPClient: cfg.Client.HTTP(), BaseEndpoint: endpoint(cfg.IAMEndpoint),
		Retryer: p.retryReads(), APIOptions: p.middleware(),
	})
	p.sts = p.stsAs(p.own(), cfg.Region)
	return p, nil
}

// WithAccess returns a provider that signs with the key.
func (p *Provider) WithAccess(c credential.Credential) (providers.Provider, error) {
	cfg := p.cfg
	cfg.KeyID, cfg.Secret, cfg.SessionToken = c.Part(credential.PartID).Reveal(), c.Part(credential.PartSecret), c.Part(credential.PartSessionToken)
	return New(cfg)
}

func (p *Provider) own() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(p.cfg.KeyID, p.cfg.Secret.Reveal(), p.cfg.SessionToken.Reveal())
}

// stsAs returns an STS client that signs with other credentials. It makes one
// attempt: a verdict must come from one answer, and the caller repeats.
func (p *Provider) stsAs(c aws.CredentialsProvider, region string) *sts.Client {
	return sts.New(sts.Options{
		Region: region, Credentials: c, HTTPClient: p.cfg.Client.HTTP(), BaseEndpoint: endpoint(p.cfg.STSEndpoint),
		RetryMaxAttempts: 1, APIOptions: p.middleware(),
	})
}

func endpoint(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// once is for operations that change something: the executor decides whether to
// repeat them, and CreateAccessKey repeated would make two keys.
func once(o *iam.Options) { o.RetryMaxAttempts = 1 }

// retryReads repeats like package httpx does.
func (p *Provider) retryReads() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = httpx.ReadTries
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) { return p.cfg.Client.Wait(attempt), nil })
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if errors.Is(err, errAnswer) || errors.Is(err, io.ErrUnexpectedEOF) {
				return aws.TrueTernary
			}
			return aws.UnknownTernary
		}))
	})
}

func (p *Provider) middleware() []func(*middleware.Stack) error {
	return []func(*middleware.Stack) error{markReads, wholeAnswer, p.agent}
}

// reads are the operations that change nothing. These protocols send reads as
// POST too, so the HTTP client alone cannot tell.
var reads = []string{"ListAccessKeys", "GetAccessKeyLastUsed", "ListAttachedUserPolicies", "GetCallerIdentity", "GetAccessKeyInfo", "GetUser", "SimulatePrincipalPolicy", "ListUserTags", "GetQueueAttributes", "GetRole", "GetRolePolicy"}

// markReads tells the HTTP client which requests may go out while only reading
// is allowed. It also ends an operation whose caller has given up already: the
// SDK would not tell that nothing was sent.
func markReads(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("secretguardReads",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			if err := ctx.Err(); err != nil {
				return middleware.InitializeOutput{}, middleware.Metadata{}, errors.Join(httpx.ErrNotSent, err)
			}
			if slices.Contains(reads, awsmiddleware.GetOperationName(ctx)) {
				ctx = httpx.Reading(ctx)
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
}

type effectKey struct{}

// agent puts our name, and the id of the run, into the User-Agent: CloudTrail
// then shows which run made a call.
func (p *Provider) agent(stack *middleware.Stack) error {
	return stack.Build.Add(middleware.BuildMiddlewareFunc("secretguardAgent",
		func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
			if req, ok := in.Request.(*smithyhttp.Request); ok {
				name := "secretguard/" + p.cfg.Version
				if id, ok := ctx.Value(effectKey{}).(string); ok {
					name += " (" + id + ")"
				}
				req.Header.Set("User-Agent", name)
			}
			return next.HandleBuild(ctx, in)
		}), middleware.After)
}

// Describe returns what this provider is.
func (p *Provider) Describe() providers.Descriptor { return Descriptor() }

// Descriptor returns the provider as data, without any configuration.
func Descriptor() providers.Descriptor {
	return providers.Descriptor{
		Name: Name, Title: "AWS IAM access keys", Roles: []providers.Role{providers.RoleIssuer},
		Kinds: []credential.Kind{credential.AWSAccessKey}, Overlap: true,
		Settings: []providers.Setting{
			{Env: "AWS_ACCESS_KEY_ID", Help: "an administrator's key id, not the leaked one", Required: true},
			{Env: "AWS_SECRET_ACCESS_KEY", Help: "its secret", Secret: true, Required: true},
			{Env: "AWS_SESSION_TOKEN", Help: "for temporary credentials", Secret: true},
			{Env: "AWS_REGION", Help: "us-east-1 when not set"},
			{Env: "AWS_ENDPOINT_URL", Help: "another endpoint, also AWS_ENDPOINT_URL_IAM, _STS and _SQS"},
		},
		Can: []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanDisable, providers.CanDelete, providers.CanTellUse, providers.CanList, providers.CanRekey},
		Permissions: []string{
			"iam:CreateAccessKey", "iam:ListAccessKeys", "iam:UpdateAccessKey", "iam:DeleteAccessKey",
			"iam:GetAccessKeyLastUsed", "iam:ListAttachedUserPolicies", "sts:GetAccessKeyInfo",
			"iam:SimulatePrincipalPolicy and sqs:GetQueueAttributes (doctor)",
		},
		Limits: []string{
			"A user has at most two keys; with two in place one must go first.",
			"Temporary keys (ASIA…) are ended by another issuer, " + SessionName + ".",
			"Sessions that were made with a key outlive it.",
			"The record of last use lags, at times by hours.",
			"Death is asked for in two regions, " + defaultRegion + " and " + otherRegion(defaultRegion) + " unless AWS_REGION says otherwise: STS answers in each region by itself.",
			"Keys carry no name: a run tags the user meanwhile (iam:TagUser, iam:ListUserTags, iam:UntagUser), so that two responders see each other; where it may not, a key whose answer was lost is shown to a person and not deleted.",
			"Whether our own access may do each step is told before, where it may iam:GetUser and iam:SimulatePrincipalPolicy.",
		},
		Links: []string{
			"https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",
			"https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html",
		},
		Proof: providers.ProofPolicy{Refusals: 20, Window: time.Minute},
		// No bound is documented for access keys; IAM's reports of last access, which
		// are of the same making, "usually" follow within four hours (User Guide,
		// "Refine permissions using last accessed information").
		UsageLag:    4 * time.Hour,
		ReadyWithin: 90 * time.Second, ProbeService: "sts", VerifyCall: "sts:GetCallerIdentity", VerifyAlone: true,
	}
}

// Reasons why a key is not rotated.
var (
	errNoUser    = errors.New("the key belongs to the root user or to no IAM user; only keys of named IAM users are rotated: make one, move the consumers to its key, and delete this key in the console")
	errTemporary = errors.New("a temporary key cannot be listed, disabled or deleted: with its secret and session token, " + SessionName + " ends the session; else the role's \"Revoke sessions\" in the console ends all of them")
)
