// Package credential says what a credential is: a kind, a public id and the
// secret parts that belong together. It is a leaf: it knows no provider and no
// scanner.
package credential

import (
	"cmp"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/secret"
)

// Kind names a credential family, such as "aws.access_key".
type Kind string

// Kinds that a rotation knows. A finding of any other rule has the kind
// "generic.<rule>" and is shown, not rotated.
const (
	AWSAccessKey      Kind = "aws.access_key"
	AWSSession        Kind = "aws.session" // temporary: an access key with a session token
	SupabaseSecretKey Kind = "supabase.secret_key"
	SupabasePublicKey Kind = "supabase.publishable_key"
	SupabaseToken     Kind = "supabase.access_token"
	SupabaseLegacyJWT Kind = "supabase.legacy_jwt"
	SupabaseJWTSecret Kind = "supabase.jwt_secret" //nolint:gosec // the name of a kind
	SupabaseDatabase  Kind = "supabase.database_password"
	PrefectUserKey    Kind = "prefect.user_key"
	PrefectServiceKey Kind = "prefect.service_key"
	PrefectAuthString Kind = "prefect.auth_string" // of a server of one's own
	StripeSecretKey   Kind = "stripe.secret_key"
	StripeWebhook     Kind = "stripe.webhook_secret"
	OpenAIKey         Kind = "openai.api_key"
	OpenAIServiceKey  Kind = "openai.service_key" // of a service account
	OpenAIAdminKey    Kind = "openai.admin_key"
	AnthropicKey      Kind = "anthropic.api_key"
	GoogleAPIKey      Kind = "google.api_key"
	TwoCaptchaKey     Kind = "twocaptcha.api_key"
)

// Kinds that are found and can be verified; no rotation knows them yet.
const (
	BedrockKey       Kind = "aws.bedrock_key"
	SQSURL           Kind = "aws.sqs_url" // context: no secret
	SupabaseProject  Kind = "supabase.project"
	StripeOrgKey     Kind = "stripe.organization_key"
	CohereKey        Kind = "cohere.api_key"
	MistralKey       Kind = "mistral.api_key"
	GroqKey          Kind = "groq.api_key"
	XAIKey           Kind = "xai.api_key"
	HuggingFaceToken Kind = "huggingface.token"
	ReplicateKey     Kind = "replicate.api_key"
	PerplexityKey    Kind = "perplexity.api_key"
	DeepSeekKey      Kind = "deepseek.api_key"
	OpenRouterKey    Kind = "openrouter.api_key"
	ElevenLabsKey    Kind = "elevenlabs.api_key"
	LangSmithKey     Kind = "langsmith.api_key"
	NetlifyToken     Kind = "netlify.token" //nolint:gosec // the name of a kind
	RenderKey        Kind = "render.api_key"
	RenderHook       Kind = "render.deploy_hook"
	RailwayToken     Kind = "railway.token"
	GitHubToken      Kind = "github.token"
	SlackToken       Kind = "slack.token"
	SlackWebhook     Kind = "slack.webhook"
	// GitRemotePassword is a password in the address of a repository at any host.
	GitRemotePassword Kind = "git.remote_password"
	StripePublicKey   Kind = "stripe.publishable_key" // context: no secret
	TwilioAccount     Kind = "twilio.account"
	TwilioKey         Kind = "twilio.api_key"
	GoogleOAuth       Kind = "google.oauth_client"
	GitHubOAuth       Kind = "github.oauth_client"
	DatabasePassword  Kind = "database.password"
)

// Paired reports whether a credential of this kind has two halves, an id and a secret,
// and opens nothing without both. A database's password does not count: its user is
// often known without having leaked.
func (k Kind) Paired() bool {
	switch k {
	case AWSAccessKey, AWSSession, TwilioAccount, TwilioKey, GoogleOAuth, GitHubOAuth:
		return true
	default:
		return false
	}
}

// OfAProject reports whether keys of this kind open one project and are refused by
// every other, so that a refusal tells something only when the project is known.
func (k Kind) OfAProject() bool {
	return k == SupabaseSecretKey || k == SupabasePublicKey || k == SupabaseLegacyJWT || k == SupabaseDatabase
}

// Part names one piece of a credential.
type Part string

// Parts. A single-token credential has only PartToken.
const (
	PartToken        Part = "token"
	PartID           Part = "id"
	PartSecret       Part = "secret"
	PartSessionToken Part = "session_token"
)

// Credential is one credential, whole or with parts missing.
type Credential struct {
	Kind Kind
	// ID is the issuer's public name of the key (an AWS access key id), empty
	// where the issuer has none or it is not known. It is no secret.
	ID    string
	Parts map[Part]secret.Text
	// Project is what the key opens where its issuer has an address for each (the
	// reference of a Supabase project); empty when it is not known. Bound tells that
	// the key itself proves it; otherwise the project only stood near the key.
	Project string
	Bound   bool
}

// Part returns a part, empty when it is missing.
func (c Credential) Part(p Part) secret.Text { return c.Parts[p] }

// PartNames returns the names of the parts present, in a stable order.
func (c Credential) PartNames() []Part {
	names := make([]Part, 0, len(c.Parts))
	for p, v := range c.Parts {
		if !v.Empty() {
			names = append(names, p)
		}
	}
	slices.SortFunc(names, func(a, b Part) int { return cmp.Compare(a, b) })
	return names
}

// Complete reports whether the credential can be used: a pair needs its id and its
// secret, a session its token too, everything else one token.
func (c Credential) Complete() bool {
	if c.Kind == AWSSession && c.Part(PartSessionToken).Empty() {
		return false
	}
	if c.Kind.Paired() {
		return !c.Part(PartID).Empty() && !c.Part(PartSecret).Empty()
	}
	return !c.Part(PartToken).Empty()
}

// Narrow returns the kind that a token's own form tells, where one rule finds several
// kinds that are replaced in different ways.
func Narrow(k Kind, token secret.Text) Kind {
	begins := func(prefix string) bool { return strings.HasPrefix(token.Reveal(), prefix) }
	switch {
	case k == OpenAIKey && begins("sk-svcacct-"):
		return OpenAIServiceKey
	case k == OpenAIKey && begins("sk-admin-"):
		return OpenAIAdminKey
	}
	return k
}

// Wide returns the kind that a rule finds, of one that [Narrow] made of it.
func Wide(k Kind) Kind {
	if k == AWSSession {
		return AWSAccessKey
	}
	if k == OpenAIServiceKey || k == OpenAIAdminKey {
		return OpenAIKey
	}
	return k
}
