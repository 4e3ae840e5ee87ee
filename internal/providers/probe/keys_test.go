package probe_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/secret"
)

const (
	hexDigits = "0123456789abcdef"
	digits    = "0123456789"
)

// sample is a made-up key of one form, the service that is asked about it, and what
// the twin's answer tells of a key that works.
type sample struct {
	form, service string
	key           credential.Credential
	// query is the one that knows this sort of key, where an address serves several.
	query string
	whom  providers.Identity
	// little: the twin has an answer for a key with few rights.
	little bool
	// open: a refusal proves nothing. closed: nothing proves that it works.
	open, closed bool
}

func token(kind credential.Kind, value string) credential.Credential {
	return credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(value)}}
}

func pair(kind credential.Kind, id, half string) credential.Credential {
	return credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartID: secret.New(id), credential.PartSecret: secret.New(half)}}
}

// value is what a service is sent: a token, or both halves of a pair.
func value(c credential.Credential) string {
	if c.Kind.Paired() {
		return c.Part(credential.PartID).Reveal() + ":" + c.Part(credential.PartSecret).Reveal()
	}
	return c.Part(credential.PartToken).Reveal()
}

func hexes(n int) string { return lab.MadeUpOf(hexDigits, n) }

// jwt makes a token that names a project.
func jwt(issuer, ref string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + e([]byte(`{"iss":"`+issuer+`","ref":"`+ref+`","role":"anon"}`)) + "." + lab.MadeUp("", 43)
}

// project is the reference of a Supabase project that is not there.
var project = strings.Repeat("abcd", 5)

func bound(c credential.Credential) credential.Credential {
	c.Project, c.Bound = project, true
	return c
}

// bedrockShort makes a short-lived Bedrock key of a region.
func bedrockShort(region string) string {
	return "bedrock-api-key-" + base64.StdEncoding.EncodeToString([]byte("bedrock.amazonaws.com/?Action=CallWithBearerToken&X-Amz-Credential=ASIA"+
		lab.MadeUpOf("ABCDEFGH", 16)+"%2F20260101%2F"+region+"%2Fbedrock%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=43200&X-Amz-Signature="+hexes(64)))
}

// samples are a made-up key of each form.
func samples() []sample {
	type id = providers.Identity
	supabase := func(prefix string) string {
		return prefix + lab.MadeUp("", 22) + "_" + lab.MadeUp("", 8)
	}
	railway := func() credential.Credential {
		return token(credential.RailwayToken, hexes(8)+strings.Repeat("-"+hexes(4), 3)+"-"+hexes(12))
	}
	return []sample{
		{form: "openai", service: "openai", key: token(credential.OpenAIKey, lab.MadeUp("sk-", 20)+"T3BlbkFJ"+lab.MadeUp("", 20)), whom: id{Account: "shop-org", Project: "proj_1"}, little: true},
		{form: "openai admin", service: "openai", key: token(credential.OpenAIKey, lab.MadeUp("sk-admin-", 58)+"T3BlbkFJ"+lab.MadeUp("", 58)), whom: id{Account: "shop-org"}, little: true},
		{form: "anthropic", service: "anthropic", key: token(credential.AnthropicKey, lab.MadeUp("sk-ant-api03-", 93)+"AA"), whom: id{Account: "org-1"}},
		{form: "anthropic admin", service: "anthropic", key: token(credential.AnthropicKey, lab.MadeUp("sk-ant-admin01-", 93)+"AA"), whom: id{Account: "org-1", Who: "Shop"}},
		{form: "anthropic oauth", service: "anthropic", key: token(credential.AnthropicKey, lab.MadeUp("sk-ant-oat01-", 80)), whom: id{Account: "org-1", Who: "jo@example.com"}, little: true},
		{form: "google", service: "google", key: token(credential.GoogleAPIKey, lab.MadeUp("AIza", 35)), little: true},
		{form: "huggingface", service: "huggingface", key: token(credential.HuggingFaceToken, lab.MadeUp("hf_", 34)), whom: id{Account: "6", Who: "jo", Scopes: "write"}},
		{form: "groq", service: "groq", key: token(credential.GroqKey, lab.MadeUp("gsk_", 52))},
		{form: "openrouter", service: "openrouter", key: token(credential.OpenRouterKey, "sk-or-v1-"+hexes(64)), whom: id{Who: "sk-or-v1-0…1"}},
		{form: "xai", service: "xai", key: token(credential.XAIKey, lab.MadeUp("xai-", 80)), whom: id{Account: "t1", Who: "ci", Scopes: "api-key:model:*"}},
		{form: "replicate", service: "replicate", key: token(credential.ReplicateKey, lab.MadeUp("r8_", 37)), whom: id{Who: "jo"}},
		{form: "perplexity", service: "perplexity", key: token(credential.PerplexityKey, lab.MadeUp("pplx-", 48)), open: true},
		{form: "prefect server", service: "prefect_server", key: token(credential.PrefectAuthString, "admin:"+hexes(32)), open: true},
		{form: "langsmith", service: "langsmith", key: token(credential.LangSmithKey, "lsv2_pt_"+hexes(32)+"_"+hexes(10)), whom: id{Account: "o1", Project: "Shop"}},
		{form: "langsmith of the EU", service: "langsmith_eu", key: token(credential.LangSmithKey, "lsv2_sk_"+hexes(32)+"_"+hexes(10)), whom: id{Account: "o1", Project: "Shop"}},
		{form: "github", service: "github", key: token(credential.GitHubToken, lab.MadeUp("ghp_", 36)), whom: id{Account: "7", Who: "jo", Scopes: "repo,read:org"}},
		{form: "github installation", service: "github", key: token(credential.GitHubToken, lab.MadeUp("ghs_", 36)), whom: id{Who: "shop"}},
		{
			form: "slack", service: "slack", key: token(credential.SlackToken, "xoxb-"+lab.MadeUpOf(digits, 12)+"-"+lab.MadeUpOf(digits, 12)+"-"+lab.MadeUp("", 24)),
			whom: id{Account: "shop", Who: "bot", Scopes: "chat:write,users:read"},
		},
		{form: "netlify", service: "netlify", key: token(credential.NetlifyToken, lab.MadeUp("nfp_", 36)), whom: id{Account: "u1", Who: "jo@example.com"}},
		{form: "netlify, older", service: "netlify", key: token(credential.NetlifyToken, lab.MadeUp("", 43)), whom: id{Account: "u1", Who: "jo@example.com"}},
		{form: "render", service: "render", key: token(credential.RenderKey, lab.MadeUp("rnd_", 28)), whom: id{Account: "tea-1", Who: "Shop"}},
		{form: "supabase", service: "supabase", key: token(credential.SupabaseToken, "sbp_"+hexes(40)), whom: id{Account: "g1", Who: "jo@example.com"}},
		{form: "supabase oauth", service: "supabase", key: token(credential.SupabaseToken, "sbp_oauth_"+hexes(40)), whom: id{Account: "shop", Who: "Shop"}},
		{form: "supabase legacy", service: "supabase_project", key: token(credential.SupabaseLegacyJWT, jwt("supabase", project))},
		{form: "supabase secret", service: "supabase_project", key: bound(token(credential.SupabaseSecretKey, supabase("sb_secret_"))), whom: id{Project: project}},
		{form: "supabase publishable", service: "supabase_project", key: bound(token(credential.SupabasePublicKey, supabase("sb_publishable_"))), whom: id{Project: project}},
		{form: "prefect", service: "prefect", key: token(credential.PrefectUserKey, lab.MadeUp("pnu_", 36)), whom: id{Account: "0b", Who: "jo"}},
		{form: "prefect service account", service: "prefect", key: token(credential.PrefectServiceKey, lab.MadeUp("pnb_", 36)), whom: id{Account: "shop", Project: "prod"}},
		{form: "stripe organisation", service: "stripe", key: token(credential.StripeOrgKey, lab.MadeUp("sk_org_live_", 40)), closed: true},
		{form: "bedrock", service: "bedrock", key: token(credential.BedrockKey, lab.MadeUp("ABSK", 128)), open: true, little: true},
		{form: "bedrock, short", service: "bedrock", key: token(credential.BedrockKey, bedrockShort("eu-west-1")), little: true},
		{form: "elevenlabs", service: "elevenlabs", key: token(credential.ElevenLabsKey, "sk_"+hexes(48)), whom: id{Account: "u1", Who: "Jo"}, little: true},
		{form: "elevenlabs, older", service: "elevenlabs", key: token(credential.ElevenLabsKey, hexes(32)), whom: id{Account: "u1", Who: "Jo"}},
		{form: "deepseek", service: "deepseek", key: token(credential.DeepSeekKey, "sk-"+hexes(32))},
		{form: "mistral", service: "mistral", key: token(credential.MistralKey, lab.MadeUp("", 32))},
		{form: "cohere", service: "cohere", key: token(credential.CohereKey, lab.MadeUp("", 40)), whom: id{Account: "o1", Who: "u1"}},
		{form: "2captcha", service: "twocaptcha", key: token(credential.TwoCaptchaKey, hexes(32))},
		{form: "rucaptcha", service: "rucaptcha", key: token(credential.TwoCaptchaKey, hexes(32))},
		{form: "twilio account", service: "twilio", key: twilio(), whom: id{Account: "AC1", Who: "Shop"}},
		{form: "twilio account in Ireland", service: "twilio_ie1", key: twilio(), whom: id{Account: "AC1", Who: "Shop"}},
		{form: "twilio account in Australia", service: "twilio_au1", key: twilio(), whom: id{Account: "AC1", Who: "Shop"}},
		{form: "twilio key", service: "twilio_verify", key: pair(credential.TwilioKey, "SK"+hexes(32), lab.MadeUp("", 32)), whom: id{Account: "AC1"}, open: true},
		{form: "railway account", service: "railway", query: "me {", key: railway(), whom: id{Account: "u1", Who: "Jo"}},
		{form: "railway workspace", service: "railway", query: "apiToken {", key: railway(), whom: id{Account: "w1", Who: "Shop"}},
		{form: "railway project", service: "railway", query: "projectToken {", key: railway(), whom: id{Project: "p1"}},
	}
}

func twilio() credential.Credential {
	return pair(credential.TwilioAccount, "AC"+hexes(32), hexes(32))
}

// of returns the sample of a form.
func of(form string) sample {
	for _, s := range samples() {
		if s.form == form {
			return s
		}
	}
	panic("no sample of " + form)
}

func (s sample) knownTo(l *lab.Lab) {
	if s.query != "" {
		l.Services.KnowFor(s.service, value(s.key), s.query)
		return
	}
	l.Services.Know(s.service, value(s.key))
}

// Every probe has a key that it is tried with, a description of its request, and a
// name that the twin and the settings know.
func TestEveryProbeIsTried(t *testing.T) {
	t.Parallel()
	for _, p := range probe.Shapes() {
		tried := 0
		for _, s := range samples() {
			if p.Fits(s.key.Kind, value(s.key)) {
				tried++
			}
		}
		if tried == 0 {
			t.Errorf("%s %s of %s is tried with no key", p.Name, p.Call, p.Kind)
		}
		if !strings.HasPrefix(p.Docs, "https://") {
			t.Errorf("%s %s has no description", p.Name, p.Call)
		}
	}
}
