package probe

import (
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
)

// reason is why keys of a kind, or of a form of it, are never asked about.
type reason struct {
	kind   credential.Kind
	prefix string // empty for all of the kind that no probe fits
	why    string
}

const exchanges = "its one use exchanges it for a new one: the old one would end"

// reasons are those for which no free request that only reads exists. The kinds and
// forms are those of our own rules.
func reasons() []reason {
	return []reason{
		{credential.AWSAccessKey, "", "only an id and its secret together can be checked"},
		{credential.AnthropicKey, "sk-ant-ort01-", exchanges},
		{credential.GitHubToken, "ghr_", exchanges},
		{credential.SlackToken, "xoxe-1-", exchanges},
		{credential.SlackToken, "xoxr-", exchanges},
		{credential.SlackToken, "xapp-", "Slack's one call for it opens a connection to the app's events"},
		{credential.SlackWebhook, "", "a request to it posts a message"},
		{credential.RenderHook, "", "a request to it deploys"},
		{credential.StripeWebhook, "", "it signs what Stripe sends: no request takes it"},
		{credential.SupabaseSecretKey, "", "no project was found that it could belong to"},
		{credential.SupabasePublicKey, "", "no project was found that it could belong to"},
		{credential.SupabaseLegacyJWT, "", "it names no project"},
		{credential.SupabaseJWTSecret, "", "it signs tokens and opens nothing itself: set SUPABASE_ACCESS_TOKEN and SUPABASE_PROJECT_REF, then Supabase says whether it is trusted"},
		{credential.BedrockKey, "", "it names no region"},
		{credential.PrefectAuthString, "", "nobody said where the server is: set SECRETGUARD_PREFECT_SERVER_URL to its API address"},
		{
			credential.SupabaseDatabase, "",
			"a log-in with a password that was changed counts against this machine's address, which the pooler shuts out (Supabase: “Circuit breaker open after password rotation”): set SUPABASE_ACCESS_TOKEN and SUPABASE_PROJECT_REF, then it is asked once",
		},
		{credential.GitRemotePassword, "", "only what was scanned names its host"},
		{credential.DatabasePassword, "", "a password of a database of any host: a log-in is no free request, and a host of one's own is not asked"},
		{credential.GitHubOAuth, "", "no request of GitHub's tells a wrong secret of an app without a code that a person gave it"},
		{credential.GoogleOAuth, "", "Google tells a wrong secret of a client only in an exchange of a code that a person gave it"},
		{credential.StripePublicKey, "", "no secret: it tells the account of a key"},
		{credential.TwilioAccount, "", "only an account's id and its token together can be checked"},
		{credential.TwilioKey, "", "only a key's id and its secret together can be checked"},
		{credential.SQSURL, "", "no secret: it tells the account of a key"},
		{credential.SupabaseProject, "", "no secret: it tells the project of a key"},
	}
}

// WhyNot says why nobody is asked about a credential.
func (c *Checker) WhyNot(cr credential.Credential) string {
	value := sent(cr).Reveal()
	general := ""
	for _, r := range reasons() {
		switch {
		case r.kind != cr.Kind:
		case r.prefix == "":
			general = r.why
		case strings.HasPrefix(value, r.prefix):
			return r.why
		}
	}
	switch {
	case general != "":
		return general
	case strings.HasPrefix(string(cr.Kind), "generic."):
		return "its form does not tell whose it is, so there is nobody to ask"
	}
	return "no free request that only reads is known"
}
