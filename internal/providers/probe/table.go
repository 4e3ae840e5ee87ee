package probe

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
)

// probe is how keys of one form are asked about: one request that only reads, costs
// nothing and needs no other access.
type probe struct {
	name  string // of the service: SECRETGUARD_<NAME>_URL, [providers.name]
	title string
	kind  credential.Kind
	// form is what the whole value must look like, or it is not sent: a kind alone is
	// only what a rule said.
	form *regexp.Regexp
	// base is the service's address, and call the request below it, "GET /v1/models".
	base, call string
	// home returns the address for services that have one for each project, from what the
	// key itself says; nil otherwise.
	home   func(key string) (string, bool)
	header func(h http.Header, key string)
	body   func(key string) any // of a POST that only reads; nil for a GET
	// live tells whether an answer with status 2xx is the one that the service gives to
	// a key that works, and whom it speaks for.
	live func(v any) (providers.Identity, bool)
	// dead tells whether an answer is the one that it gives to a key that it does not
	// know. scoped: one that it gives to a key that works and may not do this.
	dead, scoped func(status int, v any) bool
	docs         string
}

func bearer(h http.Header, key string) { h.Set("Authorization", "Bearer "+key) }

func header(name string) func(http.Header, string) {
	return func(h http.Header, key string) { h.Set(name, key) }
}

// whole compiles an expression that must match all of a value.
func whole(expr string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + expr + `)$`) }

// at walks into a JSON value: a string is a field, "0" of a list its first element.
func at(v any, path ...string) any {
	for _, p := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			if p != "0" || len(x) == 0 {
				return nil
			}
			v = x[0]
		default:
			return nil
		}
	}
	return v
}

func text(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

// is tells whether an answer has this status and one of the words at a place in its
// body, in any case.
func is(status int, path string, words ...string) func(int, any) bool {
	return func(got int, v any) bool {
		if got != status {
			return false
		}
		value := strings.ToLower(text(v, strings.Split(path, ".")...))
		for _, w := range words {
			if strings.Contains(value, w) {
				return true
			}
		}
		return false
	}
}

func either(list ...func(int, any) bool) func(int, any) bool {
	return func(status int, v any) bool {
		for _, f := range list {
			if f(status, v) {
				return true
			}
		}
		return false
	}
}

// has: the answer is this service's when a place in it holds something; who and
// account are where it says whom the key speaks for.
func has(path, account, who string) func(any) (providers.Identity, bool) {
	split := func(s string) []string { return strings.Split(s, ".") }
	return func(v any) (providers.Identity, bool) {
		id := providers.Identity{Account: text(v, split(account)...), Who: text(v, split(who)...)}
		return id, at(v, split(path)...) != nil
	}
}

// list: the answer is a list, perhaps an empty one.
func list(v any) (providers.Identity, bool) {
	_, ok := v.([]any)
	return providers.Identity{}, ok
}

func never(int, any) bool { return false }

// table lists what is known, with the vendor's description of the request. Services
// without a free request that only reads are not here: Perplexity, Slack and Render
// hooks, webhook signing secrets.
func table() []probe {
	models := has("data", "", "")
	wrongKey := is(http.StatusUnauthorized, "error.code", "invalid_api_key")
	return []probe{
		{
			name: "openai", title: "OpenAI", kind: credential.OpenAIKey, form: whole(`sk-[A-Za-z0-9_-]{20,220}`),
			base: "https://api.openai.com", call: "GET /v1/models", header: bearer, docs: "https://platform.openai.com/docs/api-reference/models",
			live: models, dead: wrongKey, scoped: either(is(http.StatusForbidden, "error.code", "missing_scope"), is(http.StatusUnauthorized, "error.message", "missing scopes")),
		},
		{
			name: "openai", title: "OpenAI", kind: credential.OpenAIServiceKey, form: whole(`sk-svcacct-[A-Za-z0-9_-]{20,220}`),
			base: "https://api.openai.com", call: "GET /v1/models", header: bearer, docs: "https://platform.openai.com/docs/api-reference/models",
			live: models, dead: wrongKey, scoped: either(is(http.StatusForbidden, "error.code", "missing_scope"), is(http.StatusUnauthorized, "error.message", "missing scopes")),
		},
		{
			name: "openai", title: "OpenAI", kind: credential.OpenAIAdminKey, form: whole(`sk-admin-[A-Za-z0-9_-]{20,220}`),
			base: "https://api.openai.com", call: "GET /v1/organization/projects?limit=1", header: bearer, docs: "https://platform.openai.com/docs/api-reference/projects",
			live: models, dead: wrongKey, scoped: is(http.StatusForbidden, "error.code", "missing_scope"),
		},
		{
			name: "anthropic", title: "Anthropic", kind: credential.AnthropicKey, form: whole(`sk-ant-api03-[\w-]{40,200}`),
			base: "https://api.anthropic.com", call: "GET /v1/models", docs: "https://docs.anthropic.com/en/api/models-list",
			header: func(h http.Header, key string) { h.Set("X-Api-Key", key); h.Set("Anthropic-Version", "2023-06-01") },
			live:   models, dead: is(http.StatusUnauthorized, "error.type", "authentication_error"), scoped: never,
		},
		{
			name: "google", title: "Google", kind: credential.GoogleAPIKey, form: whole(`AIza[\w-]{35}|AQ\.[\w-]{40,120}`),
			base: "https://generativelanguage.googleapis.com", call: "GET /v1beta/models?pageSize=1", header: header("X-Goog-Api-Key"),
			docs: "https://ai.google.dev/api/models", live: has("models", "", ""),
			dead:   is(http.StatusBadRequest, "error.details.0.reason", "api_key_invalid"),
			scoped: is(http.StatusForbidden, "error.details.0.reason", "service_disabled", "api_key_service_blocked"),
		},
		{
			name: "github", title: "GitHub", kind: credential.GitHubToken, form: whole(`(?:gh[pou]_[A-Za-z0-9]{36}|github_pat_\w{82})`),
			base: "https://api.github.com", call: "GET /user", header: bearer, docs: "https://docs.github.com/en/rest/users/users",
			live: has("login", "id", "login"), dead: is(http.StatusUnauthorized, "message", "bad credentials"), scoped: never,
		},
		{
			name: "github", title: "GitHub", kind: credential.GitHubToken, form: whole(`ghs_[\w.-]{36,1000}[\w.-]{0,1000}`),
			base: "https://api.github.com", call: "GET /installation/repositories?per_page=1", header: bearer,
			docs: "https://docs.github.com/en/rest/apps/installations", live: has("total_count", "", "repositories.0.owner.login"),
			dead: is(http.StatusUnauthorized, "message", "bad credentials"), scoped: never,
		},
		{
			name: "slack", title: "Slack", kind: credential.SlackToken, form: whole(`xox[abposr]-[\w-]{20,200}|xoxe\.xox[bp]-1-[\w-]{100,200}`),
			base: "https://slack.com", call: "POST /api/auth.test", header: bearer, body: func(string) any { return struct{}{} },
			docs: "https://api.slack.com/methods/auth.test",
			live: func(v any) (providers.Identity, bool) {
				return providers.Identity{Account: text(v, "team"), Who: text(v, "user")}, at(v, "ok") == true && text(v, "team_id") != ""
			},
			dead: func(status int, v any) bool {
				return at(v, "ok") == false && is(http.StatusOK, "error", "invalid_auth", "token_revoked", "token_expired", "account_inactive")(status, v)
			},
			scoped: never,
		},
		{
			name: "huggingface", title: "Hugging Face", kind: credential.HuggingFaceToken, form: whole(`(?:hf|api_org)_[A-Za-z0-9]{34}`),
			base: "https://huggingface.co", call: "GET /api/whoami-v2", header: bearer, docs: "https://huggingface.co/docs/hub/api",
			live: has("name", "id", "name"), dead: is(http.StatusUnauthorized, "error", "invalid credentials", "invalid username or password"), scoped: never,
		},
		{
			name: "netlify", title: "Netlify", kind: credential.NetlifyToken, form: whole(`nf[pcoub]_[A-Za-z0-9]{36}`),
			base: "https://api.netlify.com/api/v1", call: "GET /user", header: bearer, docs: "https://open-api.netlify.com",
			live: has("id", "id", "email"), dead: is(http.StatusUnauthorized, "message", "access denied"), scoped: never,
		},
		{
			name: "render", title: "Render", kind: credential.RenderKey, form: whole(`rnd_[A-Za-z0-9]{24,40}`),
			base: "https://api.render.com/v1", call: "GET /owners?limit=1", header: bearer, docs: "https://api-docs.render.com/reference/list-owners",
			live: func(v any) (providers.Identity, bool) {
				_, ok := v.([]any)
				return providers.Identity{Account: text(v, "0", "owner", "id"), Who: text(v, "0", "owner", "name")}, ok
			},
			dead: is(http.StatusUnauthorized, "message", "unauthorized"), scoped: never,
		},
		{
			name: "supabase", title: "Supabase", kind: credential.SupabaseToken, form: whole(`sbp_(?:oauth_)?[a-f0-9]{40}`),
			base: "https://api.supabase.com", call: "GET /v1/projects", header: bearer, docs: "https://supabase.com/docs/reference/api/v1-list-all-projects",
			live: list, dead: is(http.StatusUnauthorized, "message", "unauthorized", "invalid token"), scoped: never,
		},
		{
			name: "supabase_project", title: "Supabase", kind: credential.SupabaseLegacyJWT, form: whole(`eyJ[\w-]{10,200}\.eyJ[\w-]{30,800}\.[\w-]{43}`),
			home: projectOf, call: "GET /auth/v1/settings", header: header("Apikey"), docs: "https://supabase.com/docs/guides/api/api-keys",
			live: has("external", "", ""), dead: is(http.StatusUnauthorized, "message", "invalid api key"), scoped: never,
		},
		{
			name: "prefect", title: "Prefect Cloud", kind: credential.PrefectUserKey, form: whole(`pnu_[A-Za-z0-9]{36}`),
			base: "https://api.prefect.cloud", call: "GET /api/me/", header: bearer, docs: "https://app.prefect.cloud/api/docs",
			live: has("id", "id", "handle"), dead: is(http.StatusUnauthorized, "detail", "invalid authentication credentials"), scoped: never,
		},
		{
			name: "prefect", title: "Prefect Cloud", kind: credential.PrefectServiceKey, form: whole(`pnb_[A-Za-z0-9]{36}`),
			base: "https://api.prefect.cloud", call: "GET /api/me/", header: bearer, docs: "https://app.prefect.cloud/api/docs",
			live: has("id", "id", "handle"), dead: is(http.StatusUnauthorized, "detail", "invalid authentication credentials"), scoped: never,
		},
	}
}

// byContext lists forms that do not tell whose they are: such a value is asked about
// only because a rule of ours found it under the service's name.
func byContext() []probe {
	models := has("data", "", "")
	return []probe{
		{
			name: "groq", title: "Groq", kind: credential.GroqKey, form: whole(`gsk_[A-Za-z0-9]{50,54}`),
			base: "https://api.groq.com", call: "GET /openai/v1/models", header: bearer, docs: "https://console.groq.com/docs/api-reference",
			live: models, dead: is(http.StatusUnauthorized, "error.code", "invalid_api_key"), scoped: never,
		},
		{
			name: "openrouter", title: "OpenRouter", kind: credential.OpenRouterKey, form: whole(`sk-or-v1-[a-f0-9]{64}`),
			base: "https://openrouter.ai", call: "GET /api/v1/key", header: bearer, docs: "https://openrouter.ai/docs/api-reference/limits",
			live: has("data.label", "", "data.label"),
			dead: func(status int, v any) bool {
				return status == http.StatusUnauthorized && at(v, "error", "code") == float64(status)
			},
			scoped: never,
		},
		{
			name: "xai", title: "xAI", kind: credential.XAIKey, form: whole(`xai-[\w-]{70,120}`),
			base: "https://api.x.ai", call: "GET /v1/api-key", header: bearer, docs: "https://docs.x.ai/docs/api-reference",
			live: has("redacted_api_key", "team_id", "name"), dead: is(http.StatusBadRequest, "error", "incorrect api key"), scoped: never,
		},
		{
			name: "replicate", title: "Replicate", kind: credential.ReplicateKey, form: whole(`r8_[A-Za-z0-9]{37}`),
			base: "https://api.replicate.com", call: "GET /v1/account", header: bearer, docs: "https://replicate.com/docs/reference/http",
			live: has("username", "type", "username"), dead: is(http.StatusUnauthorized, "title", "unauthenticated"), scoped: never,
		},
		{
			name: "elevenlabs", title: "ElevenLabs", kind: credential.ElevenLabsKey, form: whole(`sk_[a-f0-9]{48}|[a-f0-9]{32}`),
			base: "https://api.elevenlabs.io", call: "GET /v1/user", header: header("Xi-Api-Key"), docs: "https://elevenlabs.io/docs/api-reference",
			live: has("user_id", "user_id", "first_name"), dead: is(http.StatusUnauthorized, "detail.status", "invalid_api_key"),
			scoped: is(http.StatusUnauthorized, "detail.status", "missing_permissions"),
		},
		{
			name: "langsmith", title: "LangSmith", kind: credential.LangSmithKey, form: whole(`lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}`),
			base: "https://api.smith.langchain.com", call: "GET /api/v1/sessions?limit=1", header: header("X-Api-Key"), docs: "https://api.smith.langchain.com/redoc",
			live: list, dead: is(http.StatusUnauthorized, "detail", "invalid token"), scoped: never,
		},
		{
			name: "deepseek", title: "DeepSeek", kind: credential.DeepSeekKey, form: whole(`sk-[a-f0-9]{32}`),
			base: "https://api.deepseek.com", call: "GET /user/balance", header: bearer, docs: "https://api-docs.deepseek.com/api/get-user-balance",
			live: has("is_available", "", ""), dead: is(http.StatusUnauthorized, "error.type", "authentication_error"), scoped: never,
		},
		{
			name: "mistral", title: "Mistral", kind: credential.MistralKey, form: whole(`[A-Za-z0-9]{32}`),
			base: "https://api.mistral.ai", call: "GET /v1/models", header: bearer, docs: "https://docs.mistral.ai/api",
			live: models, dead: either(is(http.StatusUnauthorized, "detail", "unauthorized"), is(http.StatusUnauthorized, "message", "unauthorized")), scoped: never,
		},
		{
			name: "cohere", title: "Cohere", kind: credential.CohereKey, form: whole(`[A-Za-z0-9]{40}`),
			base: "https://api.cohere.com", call: "GET /v1/models", header: bearer, docs: "https://docs.cohere.com/reference/list-models",
			live: has("models", "", ""), dead: is(http.StatusUnauthorized, "message", "invalid api token"), scoped: never,
		},
		{
			name: "twocaptcha", title: "2Captcha", kind: credential.TwoCaptchaKey, form: whole(`[a-f0-9]{32}`),
			base: "https://api.2captcha.com", call: "POST /getBalance", header: func(http.Header, string) {}, docs: "https://2captcha.com/api-docs/get-balance",
			body: func(key string) any { return map[string]string{"clientKey": key} },
			live: func(v any) (providers.Identity, bool) {
				return providers.Identity{}, at(v, "errorId") == float64(0) && at(v, "balance") != nil
			},
			dead: is(http.StatusOK, "errorCode", "error_key_does_not_exist"), scoped: never,
		},
		{
			name: "railway", title: "Railway", kind: credential.RailwayToken, form: whole(`[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}`),
			base: "https://backboard.railway.com", call: "POST /graphql/v2", header: bearer, docs: "https://docs.railway.com/reference/public-api",
			body: func(string) any { return map[string]string{"query": "query { me { id name } }"} },
			// A workspace or project token may not ask for "me": a refusal proves nothing.
			live: has("data.me.id", "data.me.id", "data.me.name"), dead: never, scoped: never,
		},
	}
}

// everything is what is known, worked out once: each form is a compiled expression.
var everything = sync.OnceValue(func() []probe { return append(table(), byContext()...) })

// withProject are forms that do not tell their project: only a provider that knows it
// asks about them.
var withProject = sync.OnceValue(func() []probe {
	row := func(kind credential.Kind, form string) probe {
		return probe{
			name: "supabase_project", title: "Supabase", kind: kind, form: whole(form), call: "GET /auth/v1/settings", header: header("Apikey"),
			docs: "https://supabase.com/docs/guides/api/api-keys", live: has("external", "", ""),
			dead: is(http.StatusUnauthorized, "message", "invalid api key"), scoped: never,
		}
	}
	return []probe{row(credential.SupabaseSecretKey, `sb_secret_[\w-]{20,60}`), row(credential.SupabasePublicKey, `sb_publishable_[\w-]{20,60}`)}
})

var projectRef = whole(`[a-z]{20}`)

// projectOf returns the address of the project that a Supabase token names in its
// claims; false when it names none.
func projectOf(token string) (string, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Issuer string `json:"iss"`
		Ref    string `json:"ref"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Issuer != "supabase" || !projectRef.MatchString(claims.Ref) {
		return "", false
	}
	return "https://" + claims.Ref + ".supabase.co", true
}
