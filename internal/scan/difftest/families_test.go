package difftest

import (
	"encoding/base64"
	"strings"
)

// form is one documented form of a key: a template of package sample, and a name
// under which people keep such a key.
type form struct{ name, template string }

// family is what is measured together.
type family struct {
	title string
	kind  string // of our findings
	forms []form
	// traps look like a key of the family and are none.
	traps []form
}

// joined keeps values that are public constants out of the text of this file.
func joined(parts ...string) string { return strings.Join(parts, "") }

// The header and the claims of a service_role key: of a Supabase of one's own, whose
// example writes the claims with blanks and names no project, and of before 2021, when
// keys named no issuer.
var (
	jwtHeader  = base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "."
	selfHosted = jwtHeader + base64.RawURLEncoding.EncodeToString([]byte("{\n  \"role\": \"service_role\",\n  \"iss\": \"supabase\",\n  \"iat\": 1715050800,\n  \"exp\": 1972817200\n}")) + "."
	before2021 = jwtHeader + base64.RawURLEncoding.EncodeToString([]byte(`{"role":"service_role","iat":1610000000,"exp":1925576000}`)) + "."
)

// families are the forms that vendors document or that keys in public issues show,
// written down apart from the rules that find them.
var families = []family{
	{"AWS", "aws.", []form{
		{"AWS_ACCESS_KEY_ID", "AKIA{base32:16}"},
		{"AWS_ACCESS_KEY_ID", "ASIA{base32:16}"},
		{"AWS_SECRET_ACCESS_KEY", "{base64:40}"},
		{"AWS_SESSION_TOKEN", "IQoJb3JpZ2lu{base64:400}"},
		{"AWS_BEARER_TOKEN_BEDROCK", "ABSK{base64:127}="},
		{"AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key{-*1}YmVkcm9jay5hbWF6b25hd3MuY29t{base64:800}"},
	}, []form{
		{"AWS_ACCESS_KEY_ID", joined("AKIA", "IOSFODNN7EXAMPLE")},
		{"AWS_SECRET_ACCESS_KEY", joined("wJalrXUtnFEMI", "/K7MDENG/bPxRfiCYEXAMPLEKEY")},
		{"USER_ID", "AIDA{base32:16}"},
		{"ROLE_ID", "AROA{base32:16}"},
		{"AWS_SECRET_ACCESS_KEY", "${{AWS_SECRET}}"},
		{"REVISION", "{hex:40}"},
	}},
	{"Supabase", "supabase.", []form{
		{"SUPABASE_SECRET_KEY", "{supabase:sb_secret_}"},
		{"SUPABASE_PUBLISHABLE_KEY", "{supabase:sb_publishable_}"},
		{"SUPABASE_ACCESS_TOKEN", "sbp_{hex:40}"},
		{"SUPABASE_ACCESS_TOKEN", "sbp_oauth_{hex:40}"},
		{"SUPABASE_SERVICE_ROLE_KEY", "{jwt:service_role}"},
		{"SUPABASE_ANON_KEY", "{jwt:anon}"},
		{"SUPABASE_JWT_SECRET", "{base64:86}=="},
		{"SUPABASE_SERVICE_KEY", selfHosted + "{base64url:42}a"},
		{"SUPABASE_SERVICE_KEY", before2021 + "{base64url:42}a"},
	}, []form{
		{"SUPABASE_SECRET_KEY", joined("sb_secret_", "N7UND0UgjK", "TVK-Uodkm0", "Hg_xSvEMPvz")},
		{"SUPABASE_PUBLISHABLE_KEY", joined("sb_publishable_", "ACJWlzQHlZ", "jBrEguHvfO", "xg_3BJgxAaH")},
		{"SUPABASE_SECRET_KEY", "sb_secret_..."},
		{"SUPABASE_JWT_SECRET", "your-super-secret-jwt-token-with-at-least-32-characters-long"},
		{"SUPABASE_URL", "https://{lower:20}.supabase.co"},
		{"SUPABASE_SECRET_KEY", "sb_secret_xxxxxxxxxxxxxxxxxxxxxx_xxxxxxxx"},
	}},
	{"Prefect", "prefect.", []form{{"PREFECT_API_KEY", "pnu_{alnum:36}"}, {"PREFECT_API_KEY", "pnb_{alnum:36}"}, {"PREFECT_API_AUTH_STRING", "admin:{hex:48}"}}, []form{
		{"PREFECT_API_KEY", "pnu_1234567890abcdefghijklmnopqrstuvwxyz"}, {"PREFECT_API_KEY", "pnu_xxxxxxxx"}, {"PREFECT_API_AUTH_STRING", "admin:pass"}, {"PREFECT_API_URL", "https://api.prefect.cloud/api/accounts/{uuid}"},
	}},
	{"Stripe", "stripe.", []form{
		{"STRIPE_SECRET_KEY", "sk_live_{alnum:24}"},
		{"STRIPE_SECRET_KEY", "sk_live_{alnum:99}"},
		{"STRIPE_RESTRICTED_KEY", "rk_live_{alnum:99}"},
		{"STRIPE_TEST_KEY", "sk_test_{alnum:99}"},
		{"STRIPE_WEBHOOK_SECRET", "whsec_{alnum:32}"},
		{"STRIPE_ORG_KEY", "sk_org_{alnum:99}"},
	}, []form{
		{"STRIPE_PUBLISHABLE_KEY", "pk_live_{alnum:24}"}, {"STRIPE_PRICE", "price_{alnum:24}"}, {"STRIPE_SECRET_KEY", "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx"}, {"STRIPE_SECRET_KEY", "sk_test_..."},
	}},
	{"OpenAI", "openai.", []form{
		{"OPENAI_API_KEY", "sk-{alnum:20}T3BlbkFJ{alnum:20}"},
		{"OPENAI_API_KEY", "sk-proj-{base64url:73}aT3BlbkFJ{base64url:73}a"},
		{"OPENAI_API_KEY", "sk-proj-{base64url:57}aT3BlbkFJ{base64url:57}a"},
		{"OPENAI_API_KEY", "sk-svcacct-{alnum:20}T3BlbkFJ{alnum:20}"},
		{"OPENAI_API_KEY", "sk-svcacct-{alnum:51}T3BlbkFJ{alnum:51}"},
		{"OPENAI_ADMIN_KEY", "sk-admin-{base64url:57}aT3BlbkFJ{base64url:57}a"},
		{"OPENAI_API_KEY", "sk-None-{alnum:20}T3BlbkFJ{alnum:20}"},
	}, []form{{"OPENAI_API_KEY", "sk-..."}, {"OPENAI_API_KEY", "sk-your-openai-api-key-here"}, {"OPENAI_ORG", "org-{alnum:24}"}, {"OPENAI_API_KEY", "sk-proj-xxxxxxxxxxxxxxxxxxxx"}}},
	{"Anthropic", "anthropic.", []form{
		{"ANTHROPIC_API_KEY", "sk-ant-api03-{base64url:93}AA"},
		{"ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-{base64url:93}AA"},
		{"CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-{base64url:93}AA"},
		{"CLAUDE_REFRESH_TOKEN", "sk-ant-ort01-{base64url:93}AA"},
	}, []form{{"ANTHROPIC_API_KEY", "sk-ant-..."}, {"ANTHROPIC_API_KEY", "sk-ant-api03-your-key-here"}, {"ANTHROPIC_MODEL", "claude-sonnet-4-5-20250929"}}},
	{"Google", "google.", []form{{"GEMINI_API_KEY", "AIza{base64url:34}a"}, {"GEMINI_API_KEY", "AQ.Ab8RN6{base64url:43}a"}}, []form{
		{"GOOGLE_API_KEY", "AIzaSyXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"}, {"GOOGLE_CLIENT_ID", "{digit:12}-{base36:32}.apps.googleusercontent.com"}, {"GOOGLE_API_KEY", "AIza..."},
	}},
	{"Cohere", "cohere.", []form{{"COHERE_API_KEY", "{alnum:40}"}, {"CO_API_KEY", "{alnum:40}"}}, []form{{"COHERE_REVISION", "{hex:40}"}, {"COHERE_API_KEY", "your-cohere-api-key"}, {"COHERE_MODEL", "command-r-plus-08-2024"}}},
	{"Mistral", "mistral.", []form{{"MISTRAL_API_KEY", "{alnum:32}"}}, []form{{"MISTRAL_CHECKSUM", "{hex:32}"}, {"MISTRAL_API_KEY", "your_mistral_api_key"}, {"MISTRAL_MODEL", "mistral-large-latest"}}},
	{"Groq", "groq.", []form{{"GROQ_API_KEY", "gsk_{alnum:20}WGdyb3FY{alnum:24}"}}, []form{{"GROQ_API_KEY", "gsk_..."}, {"GROQ_API_KEY", "gsk_xxxxxxxxxxxxxxxx"}, {"GROQ_MODEL", "llama-3.3-70b-versatile"}}},
	{"xAI", "xai.", []form{{"XAI_API_KEY", "xai-{alnum:80}"}}, []form{{"XAI_API_KEY", "xai-..."}, {"XAI_API_KEY", "xai-your-key"}, {"XAI_MODEL", "grok-4-fast-reasoning"}}},
	{"Hugging Face", "huggingface.", []form{{"HF_TOKEN", "hf_{letter:34}"}, {"HF_TOKEN", "hf_{alnum:34}"}, {"HF_ORG_TOKEN", "api_org_{letter:34}"}}, []form{
		{"HF_TOKEN", "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, {"HF_HUB", "hf_hub_download_timeout_seconds"}, {"HF_TOKEN", "hf_..."},
	}},
	{"Replicate", "replicate.", []form{{"REPLICATE_API_TOKEN", "r8_{alnum:37}"}}, []form{{"REPLICATE_API_TOKEN", "r8_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, {"REPLICATE_VERSION", "{hex:64}"}, {"REPLICATE_API_TOKEN", "r8_..."}}},
	{"Perplexity", "perplexity.", []form{{"PERPLEXITY_API_KEY", "pplx-{alnum:48}"}}, []form{{"PERPLEXITY_API_KEY", "pplx-..."}, {"MODEL", "pplx-70b-online"}, {"PERPLEXITY_API_KEY", "pplx-your-key-here"}}},
	{"DeepSeek", "deepseek.", []form{{"DEEPSEEK_API_KEY", "sk-{hex:32}"}}, []form{{"DEEPSEEK_API_KEY", "sk-..."}, {"DEEPSEEK_MODEL", "deepseek-reasoner"}, {"DEEPSEEK_API_KEY", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}},
	{"OpenRouter", "openrouter.", []form{{"OPENROUTER_API_KEY", "sk-or-v1-{hex:64}"}}, []form{{"OPENROUTER_API_KEY", "sk-or-v1-..."}, {"OPENROUTER_API_KEY", "sk-or-v1-your-key"}, {"OPENROUTER_SITE", "https://openrouter.ai/api/v1"}}},
	{"ElevenLabs", "elevenlabs.", []form{{"ELEVENLABS_API_KEY", "{hex:32}"}, {"ELEVENLABS_API_KEY", "sk_{hex:48}"}}, []form{{"ELEVENLABS_VOICE", "{alnum:20}"}, {"ELEVENLABS_API_KEY", "sk_..."}, {"ELEVENLABS_API_KEY", "your-elevenlabs-key"}}},
	{"LangSmith", "langsmith.", []form{{"LANGSMITH_API_KEY", "lsv2_pt_{hex:32}_{hex:10}"}, {"LANGSMITH_API_KEY", "lsv2_sk_{hex:32}_{hex:10}"}}, []form{{"LANGSMITH_API_KEY", "lsv2_pt_..."}, {"LANGSMITH_PROJECT", "{uuid}"}, {"LANGSMITH_API_KEY", "lsv2_your_key"}}},
	{"2Captcha", "twocaptcha.", []form{{"TWOCAPTCHA_API_KEY", "{hex:32}"}, {"RUCAPTCHA_KEY", "{hex:32}"}}, []form{{"PAGE_MD5", "{hex:32}"}, {"TWOCAPTCHA_API_KEY", "YOUR_2CAPTCHA_KEY"}, {"CAPTCHA_SITE_KEY_ID", "{uuid}"}}},
	{"Netlify", "netlify.", []form{{"NETLIFY_AUTH_TOKEN", "nfp_{alnum:36}"}, {"NETLIFY_AUTH_TOKEN", "nfc_{alnum:36}"}, {"NETLIFY_AUTH_TOKEN", "nfo_{alnum:36}"}, {"NETLIFY_AUTH_TOKEN", "nfu_{alnum:36}"}, {"NETLIFY_AUTH_TOKEN", "nfb_{alnum:36}"}}, []form{
		{"NETLIFY_SITE_ID", "{uuid}"}, {"NETLIFY_AUTH_TOKEN", "nfp_xxxx"}, {"NETLIFY_AUTH_TOKEN", "$NETLIFY_TOKEN"},
	}},
	{"Render", "render.", []form{{"RENDER_API_KEY", "rnd_{alnum:28}"}, {"RENDER_API_KEY", "rnd_{alnum:32}"}, {"RENDER_DEPLOY_HOOK", "https://api.render.com/deploy/srv-{base36:20}?key={base64url:10}a"}}, []form{
		{"RENDER_SERVICE", "srv-{base36:20}"}, {"RENDER_API_KEY", "rnd_xxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, {"RENDER_URL", "https://api.render.com/v1/services"},
	}},
	{"Railway", "railway.", []form{{"RAILWAY_TOKEN", "{uuid}"}, {"RAILWAY_API_TOKEN", "{uuid}"}}, []form{{"RAILWAY_PROJECT_ID", "{uuid}"}, {"RAILWAY_SERVICE_ID", "{uuid}"}, {"RAILWAY_TOKEN", "your-railway-token"}}},
	{"GitHub", "github.", []form{
		{"GITHUB_TOKEN", "ghp_{crc32:30}"},
		{"GITHUB_TOKEN", "gho_{crc32:30}"},
		{"GITHUB_TOKEN", "ghs_{crc32:30}"},
		{"GITHUB_TOKEN", "ghu_{crc32:30}"},
		{"GITHUB_TOKEN", "github_pat_{alnum:22}_{alnum:59}"},
		{"GITHUB_TOKEN", "ghs_{digit:7}_{jwt:installation}"},
	}, []form{{"GITHUB_TOKEN", "ghp_{x*36}"}, {"GITHUB_SHA", "{hex:40}"}, {"GITHUB_TOKEN", "ghp_yourtokenhere"}, {"GITHUB_TOKEN", "ghp_1234567890abcdefghijklmnopqrstuvwxyz"}}},
	{"Slack", "slack.", []form{
		{"SLACK_TOKEN", "xoxc-{digit:12}-{digit:13}-{digit:13}-{hex:64}"},
		{"SLACK_COOKIE", "xoxd-{alnum:120}%2B{alnum:60}%3D%3D"},
		{"SLACK_BOT_TOKEN", "xoxb-{digit:12}-{digit:13}-{alnum:24}"},
		{"SLACK_USER_TOKEN", "xoxp-{digit:11}-{digit:12}-{digit:13}-{hex:32}"},
		{"SLACK_APP_TOKEN", "xapp-1-A{BASE36:10}-{digit:13}-{hex:64}"},
		{"SLACK_WEBHOOK", "https://hooks.slack.com/services/T{BASE36:10}/B{BASE36:10}/{alnum:24}"},
	}, []form{{"SLACK_BOT_TOKEN", "xoxb-your-token"}, {"SLACK_CHANNEL", "C{BASE36:10}"}, {"SLACK_WEBHOOK", "https://hooks.slack.com/services/"}}},
	{"Twilio", "twilio.", []form{
		{"TWILIO_ACCOUNT_SID", "AC{hex:32}"},
		{"TWILIO_AUTH_TOKEN", "{hex:32}"},
		{"TWILIO_API_KEY", "SK{hex:32}"},
		{"TWILIO_API_KEY_SECRET", "{alnum:32}"},
	}, []form{{"TWILIO_AUTH_TOKEN", "your_auth_token"}, {"TWILIO_ACCOUNT_SID", "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, {"ETAG", "{hex:32}"}, {"TWILIO_PHONE", "+15005550006"}}},
	{"Google OAuth", "google.oauth", []form{{"GOOGLE_CLIENT_SECRET", "GOCSPX-{base64url:27}a"}}, []form{
		{"GOOGLE_CLIENT_ID", "{digit:12}-{base36:32}.apps.googleusercontent.com"}, {"GOOGLE_CLIENT_SECRET", "GOCSPX-your-client-secret"},
	}},
	{"GitHub OAuth", "github.oauth", []form{{"GITHUB_CLIENT_SECRET", "{hex:40}"}}, []form{
		{"GITHUB_CLIENT_ID", "Iv1.{hex:16}"}, {"GITHUB_CLIENT_ID", "Ov23li{alnum:14}"}, {"GITHUB_CLIENT_SECRET", "your-client-secret"},
	}},
	{"Database URLs", "database.", []form{
		{"DATABASE_URL", "postgresql://shop:{alnum:16}@db.shop.example.com:5432/shop"},
		{"MONGO_URL", "mongodb+srv://shop:{alnum:20}@cluster0.shop.example.net/shop"},
	}, []form{
		{"DATABASE_URL", "postgresql://postgres:postgres@localhost:5432/postgres"},
		{"DATABASE_URL", "postgresql://shop@db.shop.example.com:5432/shop"},
		{"DATABASE_URL", "mysql://root:password@mysql:3306/app"},
		{"REDIS_URL", "redis://cache.shop.example.com:6379/0"},
	}},
	{"no family", "", nil, []form{
		{"API_KEY", "your-api-key-here"},
		{"API_KEY", "${{API_KEY}}"},
		{"API_KEY", "<YOUR_API_KEY>"},
		{"SECRET_KEY", "changeme"},
		{"API_KEY", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
		{"API_KEY", "0123456789abcdef0123456789abcdef"},
		{"CHECKSUM", "{hex:64}"},
		{"GIT_COMMIT", "{hex:40}"},
		{"INTEGRITY", "sha512-{base64:86}=="},
		{"ETAG", "{hex:32}"},
		{"REQUEST_ID", "{uuid}"},
		{"KEY_NAME", "projectServiceAccountKeyName2024"},
		{"TOKEN_URL", "https://auth.example.com/oauth2/token"},
		{"CACHE_KEY", "user_session_cache_key_v2"},
		{"ACCESS_TOKEN_PATH", "/var/run/secrets/kubernetes.io/serviceaccount/token"},
		{"SECRET_NAME", "prod-database-credentials-2024"},
	}},
}
