package proof_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan/proof"
	"github.com/secretguard/secretguard/internal/scan/sample"
	"github.com/secretguard/secretguard/internal/secret"
)

var now = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

func made(t *testing.T, template string) string {
	t.Helper()
	tm, err := sample.Parse(template)
	if err != nil {
		t.Fatal(err)
	}
	return tm.Make(sample.Source(t.Name() + template))
}

func of(kind credential.Kind, part credential.Part, value string, h proof.Hints) proof.Proof {
	return proof.Of(kind, part, secret.New(value), h, now)
}

// keyOf makes an access key id that holds an account, by the published layout.
func keyOf(account uint64) string {
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], account<<7|1<<47)
	raw := append(wide[2:], 0x11, 0x22, 0x33, 0x44)
	return "AKIA" + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
}

// The known answer: the key id that the author of the note on the layout took apart
// (T. Beery, "A short note on AWS KEY ID").
func TestAWSAccount(t *testing.T) {
	t.Parallel()
	if p := of(credential.AWSAccessKey, credential.PartID, "ASIA"+"QNZGKIQY56JQ7WML", proof.Hints{}); p.Account != "029608264753" {
		t.Errorf("the account of the published id is %q", p.Account)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, 999_999_999_999).Draw(t, "account")
		id := keyOf(n)
		p := of(credential.AWSAccessKey, credential.PartID, id, proof.Hints{})
		if id[4] != 'I' && id[4] != 'J' && p.Account != fmt.Sprintf("%012d", n) {
			t.Fatalf("%012d became %q", n, p.Account)
		}
	})
	p := of(credential.AWSAccessKey, credential.PartID, keyOf(171436882533), proof.Hints{})
	if !p.Canary {
		t.Error("a canary account is not known")
	}
	p = of(credential.AWSAccessKey, credential.PartID, keyOf(210987654321), proof.Hints{Accounts: []string{"210987654321"}})
	if p.Canary || !strings.Contains(p.Note, "queue") {
		t.Errorf("got %+v", p)
	}
	for _, old := range []string{"AKIAI" + strings.Repeat("Q", 15), "AKIAJ" + strings.Repeat("Q", 15), "AKIA", ""} {
		if p := of(credential.AWSAccessKey, credential.PartID, old, proof.Hints{}); p.Account != "" {
			t.Errorf("%q has the account %s", old, p.Account)
		}
	}
	if p := of(credential.AWSAccessKey, credential.PartID, "AKIA"+"IOSFODNN7EXAMPLE", proof.Hints{}); p.Public == "" {
		t.Error("the key id of the documentation is not known")
	}
}

func TestGitHubChecksum(t *testing.T) {
	t.Parallel()
	good := made(t, "ghp_{crc32:30}")
	for value, want := range map[string]proof.Checksum{
		good: proof.Valid, good[:39] + string(good[39]^1): proof.Invalid, made(t, "ghr_{alnum:76}"): proof.None, made(t, "github_pat_{alnum:22}_{alnum:59}"): proof.None,
	} {
		if p := of(credential.GitHubToken, credential.PartToken, value, proof.Hints{}); p.Checksum != want {
			t.Errorf("%d characters: %s, want %s", len(value), p.Checksum, want)
		}
	}
}

func TestSupabaseProject(t *testing.T) {
	t.Parallel()
	ref := made(t, "{lower:20}")
	for _, kind := range []credential.Kind{credential.SupabaseSecretKey, credential.SupabasePublicKey} {
		key := made(t, "{supabase:sb_secret_:"+ref+"}")
		p := of(kind, credential.PartToken, key, proof.Hints{Projects: []string{made(t, "x{lower:19}"), ref}})
		if p.Checksum != proof.Valid || p.Project != ref {
			t.Errorf("with its project: %+v", p)
		}
		if p := of(kind, credential.PartToken, key, proof.Hints{Projects: []string{made(t, "x{lower:19}")}}); p.Checksum != proof.None || p.Project != "" {
			t.Errorf("without it: %+v; no match proves nothing", p)
		}
	}
	self := made(t, "{supabase:sb_secret_:supabase-self-hosted}")
	if p := of(credential.SupabaseSecretKey, credential.PartToken, self, proof.Hints{}); p.Checksum != proof.Valid {
		t.Errorf("self-hosted: %+v", p)
	}
	local := "sb_secret_" + "N7UND0UgjK" + "TVK-Uodkm0" + "Hg_xSvEMPvz"
	if p := of(credential.SupabaseSecretKey, credential.PartToken, local, proof.Hints{}); p.Public == "" {
		t.Error("the key of every local stack is not known")
	}
}

func jwt(claims string) string { return signed("a secret that nobody knows", claims) }

func signed(key, claims string) string {
	e := base64.RawURLEncoding.EncodeToString
	text := e([]byte(`{"alg":"HS256"}`)) + "." + e([]byte(claims))
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return text + "." + e(m.Sum(nil))
}

// The keys of vendors' own documentation are known, and nothing else of their form is.
func TestDocumentedKeys(t *testing.T) {
	t.Parallel()
	for value, kind := range map[string]credential.Kind{
		"sk_test_" + "4eC39HqLyjWD" + "arjtT1zdp7dc":      credential.StripeSecretKey,
		"sk_test_" + "BQokikJOvBiI" + "2HlWgH4olfQ2":      credential.StripeSecretKey,
		"sk_test_" + "tR3PYbcVNZZ7" + "96tH88S4VQ2u":      credential.StripeSecretKey,
		"1abc234d" + "e56fab7c" + "89012d34" + "e56fa7b8": credential.TwoCaptchaKey,
	} {
		if p := of(kind, credential.PartToken, value, proof.Hints{}); !strings.Contains(p.Public, "documentation") {
			t.Errorf("%s…: %+v", value[:8], p)
		}
		if p := of(kind, credential.PartToken, value[1:]+"0", proof.Hints{}); p.Public != "" {
			t.Errorf("another value is public: %+v", p)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value string
		want  proof.Proof
	}{
		"anon":              {jwt(`{"iss":"supabase","ref":"abc","role":"anon","exp":4000000000}`), proof.Proof{Kind: credential.SupabaseLegacyJWT, Project: "abc", Role: "anon", Severity: "info"}},
		"service role":      {jwt(`{"iss":"supabase","ref":"abc","role":"service_role","exp":4000000000}`), proof.Proof{Kind: credential.SupabaseLegacyJWT, Project: "abc", Role: "service_role", Severity: "critical"}},
		"ended":             {jwt(`{"iss":"x","role":"admin","exp":1500000000}`), proof.Proof{Role: "admin", Severity: "low", Note: "it ended on 2017-07-14"}},
		"local":             {signed("super-secret-jwt-token-with-at-least-32-characters-long", `{"role":"anon","iss":"supabase-demo","exp":1983812996}`), proof.Proof{Kind: credential.SupabaseLegacyJWT, Role: "anon", Severity: "info", Public: "a token of every local Supabase stack"}},
		"demo, signed anew": {jwt(`{"role":"service_role","iss":"supabase-demo","exp":1983812996}`), proof.Proof{Kind: credential.SupabaseLegacyJWT, Role: "service_role", Severity: "critical"}},
		"jwt.io":            {signed("your-256-bit-secret", `{"sub":"1234567890"}`), proof.Proof{Public: "a token of jwt.io"}},
		"before 2021":       {jwt(`{"role":"service_role","iat":1610000000,"exp":1925576000}`), proof.Proof{Kind: credential.SupabaseLegacyJWT, Role: "service_role", Severity: "critical"}},
		"for an hour":       {jwt(`{"role":"service_role","iat":1925572400,"exp":1925576000}`), proof.Proof{Role: "service_role"}},
		"another's":         {jwt(`{"role":"service_role","iss":"x","iat":1610000000,"exp":1925576000}`), proof.Proof{Role: "service_role"}},
		"a person's":        {jwt(`{"iss":"supabase","ref":"abc","role":"authenticated","exp":4000000000}`), proof.Proof{Kind: credential.SupabaseLegacyJWT, Project: "abc", Role: "authenticated", Severity: "medium"}},
		"other types":       {jwt(`{"iss":5,"role":["a"],"exp":"soon"}`), proof.Proof{}},
		"hostile role":      {jwt(`{"iss":"x","role":"\u001b[31mroot"}`), proof.Proof{}},
		"no JSON":           {"eyJh.####.x", proof.Proof{}},
		"two parts":         {"eyJh.eyJh", proof.Proof{}},
	} {
		tc.want.Checksum = proof.None
		if got := of("generic.jwt", credential.PartToken, tc.value, proof.Hints{}); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}

// Whatever the value: no panic, and nothing of it is repeated in words for people.
func TestAnyValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]credential.Kind{credential.AWSAccessKey, credential.GitHubToken, credential.SupabaseSecretKey, credential.OpenAIKey, "generic.jwt"}).Draw(t, "kind")
		value := rapid.SampledFrom([]string{"", "eyJ", "AKIA", "ghp_", "sb_secret_"}).Draw(t, "prefix") + rapid.String().Draw(t, "value")
		of(kind, credential.PartID, value, proof.Hints{Projects: []string{value}})
	})
}

// A Bedrock key tells its account: a long-lived one in its user's name, a short-lived one
// in the key id of the presigned address that it is, with the day on which it ended.
func TestBedrock(t *testing.T) {
	t.Parallel()
	long := func(user string) string {
		return "ABSK" + base64.StdEncoding.EncodeToString([]byte(user+":"+strings.Repeat("s", 60)))
	}
	short := func(query string) string {
		return "bedrock-api-key-" + base64.StdEncoding.EncodeToString([]byte("bedrock.amazonaws.com/?Action=CallWithBearerToken&"+query))
	}
	id := keyOf(210987654321)
	for name, tc := range map[string]struct {
		key  string
		want proof.Proof
	}{
		"long":            {long("BedrockAPIKey-ab12-at-210987654321"), proof.Proof{Account: "210987654321", Note: "of the IAM user BedrockAPIKey-ab12"}},
		"long, canary":    {long("BedrockAPIKey-ab12-at-171436882533"), proof.Proof{Account: "171436882533", Canary: true, Note: "an account that makes canaries: using the key raises an alarm"}},
		"long, other":     {long("somebody-at-210987654321"), proof.Proof{}},
		"long, hostile":   {long("BedrockAPIKey-\x1b[2J-at-210987654321"), proof.Proof{}},
		"long, no base64": {"ABSK!!!!", proof.Proof{}},
		"short, ended":    {short("X-Amz-Credential=" + id + "%2F20260101%2Feu-west-1%2Fbedrock%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=43200"), proof.Proof{Account: "210987654321", Severity: "low", Note: "it ended on 2026-01-01"}},
		"short, good":     {short("X-Amz-Credential=" + id + "%2F20260601%2Feu-west-1%2Fbedrock%2Faws4_request&X-Amz-Date=20260531T230000Z&X-Amz-Expires=43200"), proof.Proof{Account: "210987654321"}},
		"short, no date":  {short("X-Amz-Credential=" + id + "%2F20260101&X-Amz-Date=yesterday&X-Amz-Expires=99999999999999999999"), proof.Proof{Account: "210987654321"}},
		"short, nothing":  {short(""), proof.Proof{}},
		"short, broken":   {"bedrock-api-key-%%%", proof.Proof{}},
	} {
		tc.want.Checksum = proof.None
		if got := of(credential.BedrockKey, credential.PartToken, tc.key, proof.Hints{}); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}
