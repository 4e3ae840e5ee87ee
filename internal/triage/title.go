package triage

import (
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
)

var titles = map[credential.Kind]string{
	credential.AWSAccessKey:      "aws access key",
	credential.AWSSession:        "aws temporary key",
	credential.SupabaseSecretKey: "supabase secret key",
	credential.SupabasePublicKey: "supabase publishable key",
	credential.SupabaseToken:     "supabase access token",
	credential.SupabaseLegacyJWT: "supabase legacy jwt key",
	credential.SupabaseJWTSecret: "supabase jwt secret",
	credential.PrefectUserKey:    "prefect user key",
	credential.PrefectServiceKey: "prefect service account key",
	credential.PrefectAuthString: "prefect server auth string",
	credential.StripeSecretKey:   "stripe secret key",
	credential.StripeWebhook:     "stripe webhook secret",
	credential.OpenAIKey:         "openai api key",
	credential.OpenAIServiceKey:  "openai service account key",
	credential.OpenAIAdminKey:    "openai admin key",
	credential.AnthropicKey:      "anthropic api key",
	credential.GoogleAPIKey:      "google api key",
	credential.TwoCaptchaKey:     "2captcha api key",
	credential.BedrockKey:        "amazon bedrock key",
	credential.SupabaseDatabase:  "supabase database password",
	credential.StripeOrgKey:      "stripe organization key",
	credential.XAIKey:            "xai api key",
	credential.HuggingFaceToken:  "hugging face token",
	credential.DeepSeekKey:       "deepseek api key",
	credential.OpenRouterKey:     "openrouter api key",
	credential.ElevenLabsKey:     "elevenlabs api key",
	credential.LangSmithKey:      "langsmith api key",
	credential.CohereKey:         "cohere api key",
	credential.MistralKey:        "mistral api key",
	credential.GroqKey:           "groq api key",
	credential.ReplicateKey:      "replicate api token",
	credential.PerplexityKey:     "perplexity api key",
	credential.NetlifyToken:      "netlify token",
	credential.RenderKey:         "render api key",
	credential.RenderHook:        "render deploy hook",
	credential.RailwayToken:      "railway token",
	credential.GitHubToken:       "github token",
	credential.SlackToken:        "slack token",
	credential.SlackWebhook:      "slack webhook",
	credential.TwilioAccount:     "twilio auth token",
	credential.TwilioKey:         "twilio api key",
	credential.GoogleOAuth:       "google oauth client secret",
	credential.GitHubOAuth:       "github oauth client secret",
	credential.DatabasePassword:  "database password",
}

// Title names a kind in our own words. A generic kind shows its rule when the
// rule's name is plain, since rules may come from a foreign configuration.
func Title(k credential.Kind) string {
	if title := titles[k]; title != "" {
		return title
	}
	if rule := strings.TrimPrefix(string(k), "generic."); plain(rule) {
		return strings.ReplaceAll(rule, "-", " ")
	}
	return "unclassified secret"
}

// plain reports whether a rule name is short and made of letters, digits and dashes.
func plain(s string) bool {
	const longest = 48
	if s == "" || len(s) > longest {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

var variableNames = map[credential.Kind][]string{
	credential.SupabaseSecretKey: {"SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_KEY"},
	credential.SupabasePublicKey: {"SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY", "NEXT_PUBLIC_SUPABASE_ANON_KEY", "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY"},
	credential.SupabaseToken:     {"SUPABASE_ACCESS_TOKEN"},
	credential.SupabaseLegacyJWT: {"SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_ANON_KEY", "SUPABASE_KEY"},
	credential.SupabaseJWTSecret: {"SUPABASE_JWT_SECRET"},
	credential.PrefectUserKey:    {"PREFECT_API_KEY"},
	credential.PrefectServiceKey: {"PREFECT_API_KEY"},
	credential.StripeSecretKey:   {"STRIPE_SECRET_KEY", "STRIPE_API_KEY", "STRIPE_KEY"},
	credential.StripeWebhook:     {"STRIPE_WEBHOOK_SECRET", "STRIPE_ENDPOINT_SECRET"},
	credential.OpenAIKey:         {"OPENAI_API_KEY", "OPENAI_KEY"},
	credential.OpenAIServiceKey:  {"OPENAI_API_KEY", "OPENAI_KEY"},
	credential.OpenAIAdminKey:    {"OPENAI_ADMIN_KEY"},
	credential.AnthropicKey:      {"ANTHROPIC_API_KEY", "CLAUDE_API_KEY"},
	credential.GoogleAPIKey:      {"GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_MAPS_API_KEY"},
	credential.TwoCaptchaKey:     {"TWOCAPTCHA_API_KEY", "TWO_CAPTCHA_API_KEY", "CAPTCHA_API_KEY"},
	credential.CohereKey:         {"COHERE_API_KEY", "CO_API_KEY"},
	credential.MistralKey:        {"MISTRAL_API_KEY"},
	credential.GroqKey:           {"GROQ_API_KEY"},
	credential.XAIKey:            {"XAI_API_KEY"},
	credential.HuggingFaceToken:  {"HF_TOKEN", "HUGGINGFACE_TOKEN", "HUGGING_FACE_HUB_TOKEN"},
	credential.ReplicateKey:      {"REPLICATE_API_TOKEN"},
	credential.PerplexityKey:     {"PERPLEXITY_API_KEY"},
	credential.DeepSeekKey:       {"DEEPSEEK_API_KEY"},
	credential.OpenRouterKey:     {"OPENROUTER_API_KEY"},
	credential.ElevenLabsKey:     {"ELEVENLABS_API_KEY"},
	credential.LangSmithKey:      {"LANGSMITH_API_KEY", "LANGCHAIN_API_KEY"},
	credential.NetlifyToken:      {"NETLIFY_AUTH_TOKEN"},
	credential.RenderKey:         {"RENDER_API_KEY"},
	credential.RenderHook:        {"RENDER_DEPLOY_HOOK_URL"},
	credential.RailwayToken:      {"RAILWAY_TOKEN", "RAILWAY_API_TOKEN"},
	credential.GitHubToken:       {"GITHUB_TOKEN", "GH_TOKEN"},
	credential.SlackToken:        {"SLACK_BOT_TOKEN", "SLACK_TOKEN"},
	credential.SlackWebhook:      {"SLACK_WEBHOOK_URL"},
	credential.BedrockKey:        {"AWS_BEARER_TOKEN_BEDROCK"},
	credential.SupabaseDatabase:  {"SUPABASE_DB_PASSWORD"},
}

// VariableNames returns the names under which consumers usually keep a part of a
// credential. They matter where a stored value cannot be read back.
func VariableNames(k credential.Kind, p credential.Part) []string {
	if k == credential.AWSAccessKey || k == credential.AWSSession {
		return awsNames(p)
	}
	return variableNames[k]
}

func awsNames(p credential.Part) []string {
	switch p {
	case credential.PartID:
		return []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"}
	case credential.PartSecret:
		return []string{"AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"}
	case credential.PartSessionToken:
		return []string{"AWS_SESSION_TOKEN"}
	default:
		return nil
	}
}
