package secret

import "strings"

// publicPrefixes are the constant starts that vendors document as format
// markers; showing them tells the kind and gives nothing away. Longest first.
var publicPrefixes = []string{
	"sk-ant-admin01-", "sk-ant-api03-", "sk-ant-oat01-", "sk-ant-ort01-",
	"sb_publishable_", "sk-svcacct-", "sk-service-", "github_pat_", "sb_secret_", "sbp_oauth_",
	"sk-admin-", "sk-or-v1-", "sk_live_", "rk_live_", "sk_test_", "rk_test_", "sk-proj-",
	"sk_org_", "whsec_", "pplx-", "ghp_", "gho_", "ghs_", "ghu_", "ghr_", "sbp_", "pnu_", "pnb_",
	"nfp_", "rnd_", "gsk_", "xai-", "AKIA", "ASIA", "ABIA", "ACCA", "AIza", "eyJ", "hf_", "r8_", "AQ.", "sk-",
}

// tail is how many closing characters a mask shows; minShown is the length
// under which a mask shows none: four of twelve characters would be too much.
const (
	tail     = 4
	minShown = 20
)

// Mask returns plain with its public prefix and last four characters kept and
// the rest as stars. A value under 20 bytes becomes stars only. The length is
// kept up to 40 stars so that a column stays readable.
func Mask(plain string) string {
	if len(plain) < minShown {
		return strings.Repeat("*", len(plain))
	}
	prefix := PublicPrefix(plain)
	end := plain[len(plain)-tail:]
	if !printable(end) {
		end = strings.Repeat("*", tail)
	}
	stars := min(len(plain)-len(prefix)-tail, 40)
	return prefix + strings.Repeat("*", stars) + end
}

// PublicPrefix returns the constant start of a value that tells its kind and is no
// secret; empty when there is none.
func PublicPrefix(plain string) string {
	for _, p := range publicPrefixes {
		if strings.HasPrefix(plain, p) {
			return p
		}
	}
	return ""
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x21 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
