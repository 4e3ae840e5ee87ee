package probe

import (
	"net/http"

	"github.com/secretguard/secretguard/internal/credential"
)

// aiProbes are those of AI services whose keys tell whose they are.
func aiProbes() []probe {
	models := func(w whom) good { return has("data", w).equal("object", "list") }
	openAI := whom{account: "header Openai-Organization", project: "header Openai-Project"}
	wrongKey := is(http.StatusUnauthorized, "error.code", "invalid_api_key")
	noScope := either(is(http.StatusForbidden, "error.code", "missing_scope"), is(http.StatusUnauthorized, "error.message", "missing scopes"), is(http.StatusUnauthorized, "error.code", "incorrect_hostname"))
	anthropic := func(name string) func(http.Header, string) {
		return func(h http.Header, key string) {
			h.Set("Anthropic-Version", "2023-06-01")
			if name == "Authorization" {
				bearer(h, key)
				h.Set("Anthropic-Beta", "oauth-2025-04-20")
				return
			}
			h.Set(name, key)
		}
	}
	unknownToAnthropic := is(http.StatusUnauthorized, "error.type", "authentication_error").and("type", "error")
	return []probe{
		{
			name: "openai", title: "OpenAI", kind: credential.OpenAIKey, form: whole(`sk-(?:(?:proj|svcacct|service|None)-[\w-]{20,100}|[A-Za-z0-9]{20})T3BlbkFJ[\w-]{20,100}`),
			base: "https://api.openai.com", call: "GET /v1/models", header: bearer, docs: "https://platform.openai.com/docs/api-reference/models",
			live: models(openAI), dead: wrongKey, scoped: noScope,
		},
		{
			name: "openai", title: "OpenAI", what: "admin key", kind: credential.OpenAIKey, form: whole(`sk-admin-[\w-]{20,100}T3BlbkFJ[\w-]{20,100}`),
			base: "https://api.openai.com", call: "GET /v1/organization/projects?limit=1", header: bearer, docs: "https://platform.openai.com/docs/api-reference/projects/list",
			live: models(openAI), dead: wrongKey, scoped: noScope,
		},
		{
			name: "anthropic", title: "Anthropic", kind: credential.AnthropicKey, form: whole(`sk-ant-api03-[\w-]{40,200}`),
			base: "https://api.anthropic.com", call: "GET /v1/models", docs: "https://docs.anthropic.com/en/api/models-list", header: anthropic("X-Api-Key"),
			live: has("data", whom{account: "header Anthropic-Organization-Id"}).equal("data.0.type", "model"), dead: unknownToAnthropic,
		},
		{
			name: "anthropic", title: "Anthropic", what: "admin key", kind: credential.AnthropicKey, form: whole(`sk-ant-admin01-[\w-]{40,200}`),
			base: "https://api.anthropic.com", call: "GET /v1/organizations/me", docs: "https://platform.claude.com/docs/en/api/admin/organizations/me", header: anthropic("X-Api-Key"),
			live: has("id name", whom{account: "id", who: "name"}).equal("type", "organization"), dead: unknownToAnthropic,
		},
		{
			// Not in Anthropic's reference: it is how Claude Code learns who has logged in.
			name: "anthropic", title: "Anthropic", what: "OAuth token", kind: credential.AnthropicKey, form: whole(`sk-ant-oat01-[\w.-]{40,300}`),
			base: "https://api.anthropic.com", call: "GET /api/oauth/profile", docs: "https://code.claude.com/docs/en/authentication", header: anthropic("Authorization"),
			live: has("account.uuid organization.uuid", whom{account: "organization.uuid", who: "account.email"}), dead: unknownToAnthropic,
			scoped: is(http.StatusForbidden, "error.message", "scope requirement").and("error.type", "permission_error"),
		},
		{
			name: "google", title: "Google", kind: credential.GoogleAPIKey, form: whole(`AIza[\w-]{35}|AQ\.[\w-]{40,120}`),
			base: "https://generativelanguage.googleapis.com", call: "GET /v1beta/models?pageSize=1", header: header("X-Goog-Api-Key"),
			docs: "https://cloud.google.com/apis/design/errors#error_info", live: has("models.0.name", whom{}),
			dead: is(http.StatusBadRequest, "error.details.0.reason", "api_key_invalid"), scoped: restrictedByGoogle(),
		},
		{
			name: "huggingface", title: "Hugging Face", kind: credential.HuggingFaceToken, form: whole(`(?:hf|api_org)_[A-Za-z0-9]{34}`),
			base: "https://huggingface.co", call: "GET /api/whoami-v2", header: bearer, docs: "https://huggingface.co/docs/hub/api",
			live: has("name type", whom{account: "id", who: "name", scopes: "auth.accessToken.role"}).equal("type", "user", "org"),
			dead: is(http.StatusUnauthorized, "error", "invalid credentials", "invalid username or password"),
		},
		{
			name: "groq", title: "Groq", kind: credential.GroqKey, form: whole(`gsk_[A-Za-z0-9]{50,54}`),
			base: "https://api.groq.com", call: "GET /openai/v1/models", header: bearer, docs: "https://console.groq.com/docs/api-reference",
			live: models(whom{}), dead: wrongKey,
		},
		{
			name: "openrouter", title: "OpenRouter", kind: credential.OpenRouterKey, form: whole(`sk-or-v1-[a-f0-9]{64}`),
			base: "https://openrouter.ai", call: "GET /api/v1/key", header: bearer, docs: "https://openrouter.ai/docs/api-reference/limits",
			live: has("data.label data.usage", whom{who: "data.label"}),
			dead: is(http.StatusUnauthorized, "error.message", "user not found", "no auth credentials found").and("error.code", float64(http.StatusUnauthorized)),
		},
		{
			name: "xai", title: "xAI", kind: credential.XAIKey, form: whole(`xai-[\w-]{70,120}`),
			base: "https://api.x.ai", call: "GET /v1/api-key", header: bearer, docs: "https://docs.x.ai/docs/api-reference",
			live: has("redacted_api_key", whom{account: "team_id", who: "name", scopes: "acls"}).not("api_key_blocked", "api_key_disabled", "team_blocked"),
			dead: either(is(http.StatusBadRequest, "error", "incorrect api key"), says(true, "api_key_blocked", "api_key_disabled")),
		},
		{
			name: "replicate", title: "Replicate", kind: credential.ReplicateKey, form: whole(`r8_[A-Za-z0-9]{37}`),
			base: "https://api.replicate.com", call: "GET /v1/account", header: bearer, docs: "https://replicate.com/docs/reference/http",
			live: has("username type", whom{who: "username"}), dead: is(http.StatusUnauthorized, "title", "unauthenticated"),
		},
		{
			// Perplexity refuses a key without credit as it refuses one that it does not know.
			name: "perplexity", title: "Perplexity", kind: credential.PerplexityKey, form: whole(`pplx-[A-Za-z0-9]{40,64}`),
			base: "https://api.perplexity.ai", call: "GET /v1/async/sonar", header: bearer, docs: "https://docs.perplexity.ai/api-reference/async-sonar-get",
			live: has("requests", whom{}), refused: is(http.StatusUnauthorized, "error.type", "invalid_api_key"), but: "a key without credit is refused in the same way",
		},
		{
			name: "langsmith", title: "LangSmith", kind: credential.LangSmithKey, form: whole(langSmithForm),
			base: "https://api.smith.langchain.com", call: "GET /api/v1/workspaces", header: header("X-Api-Key"), docs: langSmithDocs, live: langSmithLive(), dead: langSmithDead(),
		},
		{
			name: "langsmith_eu", title: "LangSmith in the EU", kind: credential.LangSmithKey, form: whole(langSmithForm),
			base: "https://eu.api.smith.langchain.com", call: "GET /api/v1/workspaces", header: header("X-Api-Key"), docs: langSmithDocs, live: langSmithLive(), dead: langSmithDead(),
		},
	}
}

// A LangSmith key does not tell in which region it was made, and the other one refuses it.
const (
	langSmithForm = `lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}`
	langSmithDocs = "https://docs.langchain.com/langsmith/smith-api"
)

func langSmithLive() good {
	return list("display_name", whom{account: "0.organization_id", project: "0.display_name"})
}

func langSmithDead() sign { return is(http.StatusUnauthorized, "detail", "invalid token") }

// restrictedByGoogle are Google's reasons (google.api.ErrorReason) for a key that
// exists and is not let through here; the answer names its project.
func restrictedByGoogle() sign {
	s := is(http.StatusForbidden, "error.details.0.reason", "service_disabled", "api_key_service_blocked", "api_key_http_referrer_blocked",
		"api_key_ip_address_blocked", "api_key_android_app_blocked", "api_key_ios_app_blocked")
	s.whom = whom{project: "error.details.0.metadata.consumer"}
	return s
}
