package triage

import (
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
)

// Title names a kind in our own words. A generic kind shows its rule when the
// rule's name is plain, since rules may come from a foreign configuration.
func Title(k credential.Kind) string {
	switch k {
	case credential.AWSAccessKey:
		return "aws access key"
	case credential.SupabaseSecretKey:
		return "supabase secret key"
	case credential.SupabasePublicKey:
		return "supabase publishable key"
	case credential.SupabaseToken:
		return "supabase access token"
	case credential.SupabaseLegacyJWT:
		return "supabase legacy jwt key"
	case credential.PrefectUserKey:
		return "prefect user key"
	case credential.PrefectServiceKey:
		return "prefect service account key"
	case credential.StripeSecretKey:
		return "stripe secret key"
	case credential.StripeWebhook:
		return "stripe webhook secret"
	case credential.OpenAIKey:
		return "openai api key"
	case credential.AnthropicKey:
		return "anthropic api key"
	case credential.GoogleAPIKey:
		return "google api key"
	case credential.TwoCaptchaKey:
		return "2captcha api key"
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

// VariableNames returns the names under which consumers usually keep a part of a
// credential. They matter where a stored value cannot be read back.
func VariableNames(k credential.Kind, p credential.Part) []string {
	switch k {
	case credential.AWSAccessKey:
		return awsNames(p)
	case credential.SupabaseSecretKey:
		return []string{"SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_KEY"}
	case credential.SupabasePublicKey:
		return []string{"SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY", "NEXT_PUBLIC_SUPABASE_ANON_KEY", "NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY"}
	case credential.SupabaseToken:
		return []string{"SUPABASE_ACCESS_TOKEN"}
	case credential.SupabaseLegacyJWT:
		return []string{"SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_ANON_KEY", "SUPABASE_KEY", "SUPABASE_JWT_SECRET"}
	case credential.PrefectUserKey, credential.PrefectServiceKey:
		return []string{"PREFECT_API_KEY"}
	case credential.StripeSecretKey:
		return []string{"STRIPE_SECRET_KEY", "STRIPE_API_KEY", "STRIPE_KEY"}
	case credential.StripeWebhook:
		return []string{"STRIPE_WEBHOOK_SECRET", "STRIPE_ENDPOINT_SECRET"}
	case credential.OpenAIKey:
		return []string{"OPENAI_API_KEY", "OPENAI_KEY"}
	case credential.AnthropicKey:
		return []string{"ANTHROPIC_API_KEY", "CLAUDE_API_KEY"}
	case credential.GoogleAPIKey:
		return []string{"GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_MAPS_API_KEY"}
	case credential.TwoCaptchaKey:
		return []string{"TWOCAPTCHA_API_KEY", "TWO_CAPTCHA_API_KEY", "CAPTCHA_API_KEY"}
	}
	return nil
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
