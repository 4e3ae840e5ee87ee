package probe

import (
	"net/http"

	"github.com/secretguard/secretguard/internal/credential"
)

// platformProbes are those of platforms whose keys tell whose they are.
func platformProbes() []probe {
	badCredentials := is(http.StatusUnauthorized, "message", "bad credentials")
	const enterprise = "a GitHub Enterprise Server makes tokens of the same form"
	prefect := is(http.StatusUnauthorized, "detail", "invalid authentication credentials")
	supabase := either(is(http.StatusUnauthorized, "message", "invalid token", "jwt could not be decoded"), unauthorized("message", "unauthorized"))
	const anyGateway = "a gateway that refuses everybody could answer in the same words"
	bedrock := has("modelSummaries", whom{})
	noRight := either(is(http.StatusForbidden, "Message", "is not authorized to perform"), is(http.StatusForbidden, "message", "is not authorized to perform"))
	const bedrockDocs = "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html"
	return append([]probe{
		{
			name: "github", title: "GitHub", kind: credential.GitHubToken, form: whole(`(?:gh[pou]_[A-Za-z0-9]{36}|github_pat_\w{82})`),
			base: "https://api.github.com", call: "GET /user", header: bearer, docs: "https://docs.github.com/en/rest/users/users",
			live: has("login id", whom{account: "id", who: "login", scopes: "header X-Oauth-Scopes"}), dead: badCredentials, but: enterprise,
		},
		{
			name: "github", title: "GitHub", what: "installation token", kind: credential.GitHubToken, form: whole(`ghs_[\w.-]{36,1000}[\w.-]{0,1000}`),
			base: "https://api.github.com", call: "GET /installation/repositories?per_page=1", header: bearer,
			docs: "https://docs.github.com/en/rest/apps/installations", live: has("total_count repositories", whom{who: "repositories.0.owner.login"}),
			dead: badCredentials, but: enterprise,
		},
		{
			name: "slack", title: "Slack", kind: credential.SlackToken, form: whole(`xox[abpos]-[\w-]{20,200}|xoxe\.xox[bp]-1-[\w-]{100,200}`),
			base: "https://slack.com", call: "POST /api/auth.test", header: bearer, body: nothing, docs: "https://api.slack.com/methods/auth.test",
			live: has("team_id", whom{account: "team", who: "user", scopes: "header X-Oauth-Scopes"}).equal("ok", true),
			dead: is(http.StatusOK, "error", "invalid_auth", "token_revoked", "token_expired", "account_inactive").and("ok", false), but: "GovSlack makes tokens of the same form",
		},
		{
			name: "netlify", title: "Netlify", kind: credential.NetlifyToken, form: whole(`nf[pcoub]_[A-Za-z0-9]{36}`),
			base: "https://api.netlify.com/api/v1", call: "GET /user", header: bearer, docs: "https://open-api.netlify.com",
			live: has("id email", whom{account: "id", who: "email"}), dead: unauthorized("message", "access denied").and("code", float64(http.StatusUnauthorized)),
		},
		{
			name: "render", title: "Render", kind: credential.RenderKey, form: whole(`rnd_[A-Za-z0-9]{24,40}`),
			base: "https://api.render.com/v1", call: "GET /owners?limit=1", header: bearer, docs: "https://api-docs.render.com/reference/list-owners",
			live: list("owner", whom{account: "0.owner.id", who: "0.owner.name"}), dead: unauthorized("message", "unauthorized"),
			but: anyGateway,
		},
		{
			name: "supabase", title: "Supabase", kind: credential.SupabaseToken, form: whole(`sbp_[a-f0-9]{40}`),
			base: "https://api.supabase.com", call: "GET /v1/profile", header: bearer, docs: "https://supabase.com/docs/reference/api/v1-get-profile",
			live: has("gotrue_id primary_email", whom{account: "gotrue_id", who: "primary_email"}), dead: supabase, but: anyGateway,
		},
		{
			name: "supabase", title: "Supabase", what: "OAuth token", kind: credential.SupabaseToken, form: whole(`sbp_oauth_[a-f0-9]{40}`),
			base: "https://api.supabase.com", call: "GET /v1/organizations", header: bearer, docs: "https://supabase.com/docs/reference/api/v1-list-all-organizations",
			live: list("slug", whom{account: "0.slug", who: "0.name"}), dead: supabase, but: anyGateway,
		},
		{
			name: "prefect", title: "Prefect Cloud", kind: credential.PrefectUserKey, form: whole(`pnu_[A-Za-z0-9]{36}`),
			base: "https://api.prefect.cloud", call: "GET /api/me/", header: bearer, docs: "https://app.prefect.cloud/api/docs",
			live: has("id handle", whom{account: "id", who: "handle"}), dead: prefect,
		},
		{
			name: "prefect", title: "Prefect Cloud", kind: credential.PrefectServiceKey, form: whole(`pnb_[A-Za-z0-9]{36}`),
			base: "https://api.prefect.cloud", call: "GET /api/me/workspaces", header: bearer, docs: "https://app.prefect.cloud/api/docs",
			live: list("workspace_id", whom{account: "0.account_handle", project: "0.workspace_handle"}), dead: prefect,
		},
		{
			// Which server takes it, the string does not say: one that refuses it proves
			// nothing, unless it takes the string that came after it.
			name: "prefect_server", title: "the Prefect server of SECRETGUARD_PREFECT_SERVER_URL", kind: credential.PrefectAuthString, form: whole(`[^\s:"'\x60]{1,64}:[^\s"'\x60]{4,128}`),
			call: "GET /admin/version", header: basic, docs: "https://docs.prefect.io/v3/advanced/security-settings",
			live: versionText(), refused: unauthorized("exception_message", "unauthorized"), but: "it may be the string of another server",
		},
		{
			// Every request of an organisation's key must name one of its accounts, which
			// nobody here knows: only a refusal tells something.
			name: "stripe", title: "Stripe", kind: credential.StripeOrgKey, form: whole(`sk_org_(?:live_|test_)?[A-Za-z0-9]{20,247}`),
			base: "https://api.stripe.com", call: "GET /v1/account", header: bearer, docs: "https://docs.stripe.com/keys/organization-api-keys",
			dead: is(http.StatusUnauthorized, "error.message", "invalid api key provided", "expired api key provided").and("error.type", "invalid_request_error"),
			but:  "every request must name an account, so that it works cannot be shown",
		},
		{
			name: "bedrock", title: "Amazon Bedrock", kind: credential.BedrockKey, form: whole(`ABSK[A-Za-z0-9+/]{109,269}={0,2}`),
			base: "https://bedrock.us-east-1.amazonaws.com", call: "GET /foundation-models", header: bearer, docs: bedrockDocs,
			live: bedrock, scoped: noRight, but: "it may be good in another region than us-east-1",
		},
		{
			name: "bedrock", title: "Amazon Bedrock", what: "short-lived", kind: credential.BedrockKey, form: whole(bedrockPrefix + `[A-Za-z0-9+/]{60,1000}[A-Za-z0-9+/]{0,1000}={0,2}`),
			home: bedrockRegion, call: "GET /foundation-models", header: bearer, docs: bedrockDocs,
			live: bedrock, scoped: noRight, dead: is(http.StatusForbidden, "Message", "make sure your api key is valid", "api key has expired"),
		},
	}, supabaseProject()...)
}

// supabaseProject are the keys of one Supabase project, which its own gateway checks
// before any service behind it sees the request.
func supabaseProject() []probe {
	p := probe{
		name: "supabase_project", title: "Supabase", call: "GET /auth/v1/settings", header: header("Apikey"), docs: "https://supabase.com/docs/guides/api/api-keys",
		live: has("external disable_signup", whom{}), dead: is(http.StatusUnauthorized, "message", "invalid api key", "unregistered api key", "legacy api keys are disabled"),
	}
	legacy, private, public := p, p, p
	legacy.kind, legacy.form, legacy.home = credential.SupabaseLegacyJWT, whole(`eyJ[\w-]{10,200}\.eyJ[\w-]{30,800}\.[\w-]{43}`), named
	private.kind, private.form, private.home = credential.SupabaseSecretKey, whole(`sb_secret_[\w-]{22}_[\w-]{8}`), found
	public.kind, public.form, public.home = credential.SupabasePublicKey, whole(`sb_publishable_[\w-]{22}_[\w-]{8}`), found
	return []probe{legacy, private, public}
}

// contextProbes are those of forms that do not tell whose they are: such a value is
// asked about only because a rule of ours found it under the service's name.
func contextProbes() []probe {
	balance := has("balance", whom{}).equal("errorId", float64(0))
	noKey := is(http.StatusOK, "errorCode", "error_key_does_not_exist")
	captcha := func(key string) any { return map[string]string{"clientKey": key} }
	refused := is(http.StatusOK, "errors.0.message", "not authorized")
	uuid := whole(`[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}`)
	const railway, railwayDocs = "https://backboard.railway.com", "https://docs.railway.com/reference/public-api"
	return []probe{
		{
			name: "elevenlabs", title: "ElevenLabs", kind: credential.ElevenLabsKey, form: whole(`sk_[a-f0-9]{48}|[a-f0-9]{32}`),
			base: "https://api.elevenlabs.io", call: "GET /v1/user", header: header("Xi-Api-Key"), docs: "https://elevenlabs.io/docs/api-reference",
			live: has("user_id subscription", whom{account: "user_id", who: "first_name"}), dead: is(http.StatusUnauthorized, "detail.status", "invalid_api_key"),
			scoped: is(http.StatusUnauthorized, "detail.status", "missing_permissions"),
		},
		{
			name: "deepseek", title: "DeepSeek", kind: credential.DeepSeekKey, form: whole(`sk-[a-f0-9]{32}`),
			base: "https://api.deepseek.com", call: "GET /user/balance", header: bearer, docs: "https://api-docs.deepseek.com/api/get-user-balance",
			live: has("is_available balance_infos", whom{}), dead: is(http.StatusUnauthorized, "error.message", "authentication fails").and("error.type", "authentication_error"),
		},
		{
			name: "mistral", title: "Mistral", kind: credential.MistralKey, form: whole(`[A-Za-z0-9]{32}`),
			base: "https://api.mistral.ai", call: "GET /v1/models", header: bearer, docs: "https://docs.mistral.ai/api",
			live: has("data", whom{}).equal("object", "list"), dead: either(unauthorized("detail", "unauthorized"), unauthorized("message", "unauthorized").with("request_id")),
		},
		{
			name: "cohere", title: "Cohere", kind: credential.CohereKey, form: whole(`[A-Za-z0-9]{40}`),
			base: "https://api.cohere.com", call: "POST /v1/check-api-key", header: bearer, body: nothing, docs: "https://docs.cohere.com/reference/check-api-key",
			live: has("valid", whom{account: "organization_id", who: "owner_id"}).equal("valid", true),
			dead: either(is(http.StatusUnauthorized, "message", "invalid api token"), says(false, "valid")),
		},
		{
			name: "twocaptcha", title: "2Captcha", kind: credential.TwoCaptchaKey, form: whole(`[a-f0-9]{32}`),
			base: "https://api.2captcha.com", call: "POST /getBalance", header: func(http.Header, string) {}, docs: "https://2captcha.com/api-docs/get-balance",
			body: captcha, live: balance, dead: noKey,
		},
		{
			name: "rucaptcha", title: "RuCaptcha", kind: credential.TwoCaptchaKey, form: whole(`[a-f0-9]{32}`),
			base: "https://api.rucaptcha.com", call: "POST /getBalance", header: func(http.Header, string) {}, docs: "https://rucaptcha.com/api-docs/get-balance",
			body: captcha, live: balance, dead: noKey,
		},
		{
			name: "netlify", title: "Netlify", what: "older", kind: credential.NetlifyToken, form: whole(`[\w-]{43}`), not: otherService,
			base: "https://api.netlify.com/api/v1", call: "GET /user", header: bearer, docs: "https://open-api.netlify.com",
			live: has("id email", whom{account: "id", who: "email"}), dead: unauthorized("message", "access denied").and("code", float64(http.StatusUnauthorized)),
		},
		{
			name: "railway", title: "Railway", what: "of an account", kind: credential.RailwayToken, form: uuid, base: railway, call: "POST /graphql/v2", docs: railwayDocs, header: bearer,
			body: query("query { me { id name } }"), live: has("data.me.id", whom{account: "data.me.id", who: "data.me.name"}), dead: refused,
		},
		{
			name: "railway", title: "Railway", what: "of a workspace", kind: credential.RailwayToken, form: uuid, base: railway, call: "POST /graphql/v2", docs: railwayDocs, header: bearer,
			body: query("query { apiToken { workspaces { id name } } }"),
			live: has("data.apiToken.workspaces.0.id", whom{account: "data.apiToken.workspaces.0.id", who: "data.apiToken.workspaces.0.name"}), dead: refused,
		},
		{
			name: "railway", title: "Railway", what: "of a project", kind: credential.RailwayToken, form: uuid, base: railway, call: "POST /graphql/v2", docs: railwayDocs, header: header("Project-Access-Token"),
			body: query("query { projectToken { projectId environmentId } }"),
			live: has("data.projectToken.projectId", whom{project: "data.projectToken.projectId"}), dead: either(refused, is(http.StatusOK, "errors.0.message", "project token not found")),
		},
	}
}

var version = whole(`\d+\.\d+\.\d+[\w.+-]{0,40}`)

// versionText is an answer that is a version and nothing else, in JSON.
func versionText() good {
	return good{text: "a version", fits: func(v any) bool {
		s, ok := v.(string)
		return ok && version.MatchString(s)
	}}
}
