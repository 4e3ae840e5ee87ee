package providers_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// The forms in which a service is handed a key inside something else.
func TestMatchEncodedFindsEveryForm(t *testing.T) {
	t.Parallel()
	forms := map[string]func(string) string{
		"base64":              func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64 without end":  func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
		"base64 for URLs":     func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
		"hex":                 func(s string) string { return hex.EncodeToString([]byte(s)) },
		"HEX":                 func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
		"escaped for a query": url.QueryEscape,
		"escaped for a path":  url.PathEscape,
		"lower-case escapes":  func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "+", "%2b"), "/", "%2f") },
		"JSON":                func(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "/", `\/`), "+", `\u002b`) },
		"JSON in JSON": func(s string) string {
			inner, _ := json.Marshal(map[string]string{"k": s})
			outer, _ := json.Marshal(string(inner))
			return strings.ReplaceAll(string(outer), "/", `\/`)
		},
		"URL in base64": func(s string) string {
			return base64.StdEncoding.EncodeToString([]byte("https://u:" + url.QueryEscape(s) + "@h/"))
		},
	}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[A-Za-z0-9]{18}[+]/[A-Za-z0-9]{20}`).Draw(t, "key")
		wanted := []providers.Wanted{{Part: credential.PartSecret, Value: secret.New(key)}}
		before, after := rapid.StringMatching(`[a-z]{0,5}:`).Draw(t, "before"), rapid.StringMatching(`(:[a-z]{0,5})?`).Draw(t, "after")
		for name, form := range forms {
			inner := form(before + key + after)
			for _, value := range []string{inner, "AUTH " + inner, "v1_" + inner, `{"auth":"` + inner + `"}`} {
				if providers.Holds(secret.New(value), secret.New(key)) { // it is changed in place
					continue
				}
				got := providers.MatchEncoded(secret.New(value), wanted)
				if len(got) != 1 || got[0].Part != credential.PartSecret || got[0].Form == "" {
					t.Fatalf("%s: %q not found in %q: %v", name, key, value, got)
				}
			}
		}
		for _, plain := range []string{key, "x" + key, ""} { // what MatchValue finds, or nothing
			if got := providers.MatchEncoded(secret.New(plain), wanted); len(got) != 0 {
				t.Fatalf("%q: %v", plain, got)
			}
		}
	})
}

// A value of foreign making ends quickly and finds nothing that is not there.
func FuzzMatchEncoded(f *testing.F) {
	f.Add("%%%2%2f", "key-that-is-not-there")
	f.Add(`\u002\`, "x")
	f.Add(strings.Repeat("QUFB", 4000), "AAAA")
	f.Fuzz(func(t *testing.T, value, key string) {
		wanted := []providers.Wanted{{Part: "token", Value: secret.New(key)}}
		plain := providers.MatchValue(secret.New(value), wanted)
		if got := providers.MatchEncoded(secret.New(value), wanted); len(got) > 0 && len(plain) > 0 {
			t.Fatalf("both plain and encoded: %v %v", plain, got)
		}
	})
}

func BenchmarkMatchEncoded(b *testing.B) {
	wanted := []providers.Wanted{{Part: "token", Value: secret.New(strings.Repeat("k/", 20))}}
	for name, value := range map[string]string{
		"a short value": "https://shop.example/path", "4 KB of base64": strings.Repeat("QUFB", 1024), "4 KB of escapes": strings.Repeat(`%25\\`, 800),
	} {
		text := secret.New(value)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				providers.MatchEncoded(text, wanted)
			}
		})
	}
}
