package guided

import (
	"net/http"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/secret"
)

// second and drop are what most pages have one make and take away.
var (
	second = []string{"make a second key with the same rights as the one that ends with {end}; leave the old one alone for now", "copy the new key: it is shown once"}
	drop   = []string{"find the key that ends with {end}, by its name or its date where the page does not show its end, and delete it"}
)

// Table lists the issuers that differ only in data.
func Table() []Service {
	return []Service{
		{
			Name: "twocaptcha", Title: "2Captcha", Kind: credential.TwoCaptchaKey, Cuts: true,
			Link: "https://2captcha.com/enterpage", Docs: "https://2captcha.com/api-docs/get-balance",
			Make:   []string{"change the account's API key; the old one ends with that", "copy the new key and hand it in at once: until then every consumer fails"},
			Retire: []string{"nothing is left to do when the key was changed; look that it no longer ends with {end}"},
			Right:  "a person who may log in to the account",
			Limits: []string{"A refusal has HTTP status 200; only its error code ERROR_KEY_DOES_NOT_EXIST counts as dead.", "Money spent with the leaked key is gone: look at the account's statistics."},
		},
		{
			Name: "cohere", Title: "Cohere", Kind: credential.CohereKey, Make: second, Retire: drop,
			Link: "https://dashboard.cohere.com/api-keys", Docs: "https://docs.cohere.com/reference/about",
		},
		{
			Name: "mistral", Title: "Mistral", Kind: credential.MistralKey, Make: second, Retire: drop,
			Link: "https://console.mistral.ai/api-keys", Docs: "https://docs.mistral.ai/api",
			Limits: []string{"Mistral has an admin API for enterprises; that it makes keys is not confirmed, so it is not used."},
		},
		{
			Name: "groq", Title: "Groq", Kind: credential.GroqKey, Prefixes: []string{"gsk_"}, Make: second, Retire: drop,
			Link: "https://console.groq.com/keys", Docs: "https://console.groq.com/docs/api-reference",
		},
		{
			Name: "huggingface", Title: "Hugging Face", Kind: credential.HuggingFaceToken, Prefixes: []string{"api_org_", "hf_"},
			Link: "https://huggingface.co/settings/tokens", Docs: "https://huggingface.co/docs/hub/security-tokens",
			Make: []string{
				"make a SECOND token with the same type and rights; do not press \"Invalidate and refresh\" on the old one: that ends it at once",
				"copy the new token: it is shown once",
			},
			Retire: []string{"find the token that ends with {end}, and delete it"},
			Limits: []string{"The page's own \"Invalidate and refresh\" ends the old token before any consumer has the new one: it is not used."},
		},
		{
			Name: "replicate", Title: "Replicate", Kind: credential.ReplicateKey, Prefixes: []string{"r8_"}, Make: second, Retire: drop,
			Link: "https://replicate.com/account/api-tokens", Docs: "https://replicate.com/docs/topics/security/api-tokens",
		},
		{
			Name: "deepseek", Title: "DeepSeek", Kind: credential.DeepSeekKey, Prefixes: []string{"sk-"}, Make: second, Retire: drop,
			Link: "https://platform.deepseek.com/api_keys", Docs: "https://api-docs.deepseek.com/",
		},
		{
			Name: "github", Title: "GitHub tokens", Kind: credential.GitHubToken, Prefixes: []string{"github_pat_", "ghp_", "gho_", "ghu_", "ghs_"},
			Link: "https://github.com/settings/tokens", Docs: "https://docs.github.com/en/rest/credentials/revoke",
			Make: []string{
				"make a second token with the same rights and repositories as the one that ends with {end}; a fine-grained one is narrower than a classic one",
				"copy the new token: it is shown once",
			},
			Retire: []string{"find the token by its name or date, since the page does not show its end ({end}), and delete it"},
			Right:  "the person whose token it is",
			Limits: []string{
				"POST /credentials/revoke takes a personal access token from anybody, without an account, 60 times an hour from one address; its owner gets an e-mail. It says only that the request was accepted: what it did is asked.",
				"Tokens of apps (gho_, ghu_, ghs_) are replaced in the app, not on this page, and a person takes them away.",
			},
			Revoke: &Revocation{
				Base: "https://api.github.com", Path: "/credentials/revoke", Status: http.StatusAccepted, Prefixes: []string{"ghp_", "github_pat_"},
				Body: func(key secret.Text) any { return map[string][]string{"credentials": {key.Reveal()}} },
			},
		},
		{
			Name: "perplexity", Title: "Perplexity", Kind: credential.PerplexityKey, Prefixes: []string{"pplx-"}, Retire: drop, Beside: true,
			Link: "https://www.perplexity.ai/account/api/keys", Docs: "https://docs.perplexity.ai/guides/api-key-management",
			Make: []string{"make a second key in the SAME group as the one that ends with {end}; leave the old one alone for now", "copy the new key: it is shown once"},
			Limits: []string{
				"A key can make others (POST /generate_auth_token), and no call lists them: look through the group's keys on the page, a thief may have made some.",
				"That call is not used here: when its answer is lost, nobody can tell whether a key was made.",
				"A group without credit is refused like a key that is not known. So a refusal counts only in the proof of death, while the new key of the same group is accepted before and after; asked alone, the old key stays unknown.",
			},
			Revoke: &Revocation{
				Base: "https://api.perplexity.ai", Path: "/revoke_auth_token", Status: http.StatusOK, Itself: true,
				Body: func(key secret.Text) any { return map[string]string{"auth_token": key.Reveal()} },
			},
		},
		{
			Name: "netlify-token", Title: "Netlify access tokens", Kind: credential.NetlifyToken, Prefixes: []string{"nfp_", "nfc_", "nfo_", "nfu_", "nfb_"}, Make: second, Retire: drop,
			Link: "https://app.netlify.com/user/applications", Docs: "https://docs.netlify.com/api/get-started/",
			Right:  "the person whose token it is",
			Limits: []string{"Where SecretGuard itself works with the leaked token, give it the new one (NETLIFY_AUTH_TOKEN) before the old one is taken away.", "A token may do all that its person may: look at the team's audit log."},
		},
		{
			Name: "render-key", Title: "Render API keys", Kind: credential.RenderKey, Prefixes: []string{"rnd_"}, Make: second, Retire: drop,
			Link: "https://dashboard.render.com/u/settings#api-keys", Docs: "https://api-docs.render.com/reference/authentication",
			Right:  "the person whose key it is",
			Limits: []string{"Where SecretGuard itself works with the leaked key, give it the new one (RENDER_API_KEY) before the old one is taken away."},
		},
		{
			Name: "supabase-token", Title: "Supabase access tokens", Kind: credential.SupabaseToken, Prefixes: []string{"sbp_oauth_", "sbp_"}, Make: second, Retire: drop,
			Link: "https://supabase.com/dashboard/account/tokens", Docs: "https://supabase.com/docs/reference/api/introduction",
			Right:  "the person whose token it is",
			Limits: []string{"Such a token opens every project of its person, and can make and read their keys: look at the audit logs of each."},
			Window: 2 * time.Minute,
		},
		{
			Name: "langsmith", Title: "LangSmith", Kind: credential.LangSmithKey, Prefixes: []string{"lsv2_pt_", "lsv2_sk_"}, Make: second, Retire: drop,
			Link: "https://smith.langchain.com/settings", Docs: "https://docs.smith.langchain.com/administration/how_to_guides/organization_management/create_account_api_key",
		},
	}
}
