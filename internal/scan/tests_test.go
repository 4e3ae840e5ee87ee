package scan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
)

// In the files of tests, private keys and what no form tells are low, and count; a key of
// a known form is what it is.
func TestWhatStandsInTestsIsLow(t *testing.T) {
	t.Parallel()
	block := "-----BEGIN RSA " + "PRIVATE KEY-----\n" + strings.Repeat(made(t, "{base64:64}")+"\n", 8) + "-----END RSA " + "PRIVATE KEY-----\n"
	generic, stripe := "api_key = \""+made(t, "{alnum:40}")+"\"\n", "k = \""+made(t, "sk_live_{alnum:40}")+"\"\n"
	for file, inTests := range map[string]bool{
		"deploy/server.pem": false, "ssh/testdata/server.pem": true, "ssh/server_test.go": true, "contest/server.pem": false, "latest/key.txt": false, "src/__tests__/a.js": true,
		"openpgp/keys_test_data.go": true, "test_data/key.asc": true,
	} {
		for text, want := range map[string]scan.Severity{block: scan.Medium, generic: scan.Medium, stripe: scan.Critical} {
			res := scanFiles(t, map[string]string{file: text})
			if inTests && want == scan.Medium {
				want = scan.Low
			}
			if len(res.Active()) != 1 {
				t.Errorf("%s: %d findings count for %.30s", file, len(res.Active()), text)
				continue
			}
			if f := res.Active()[0]; f.Severity != want || slices.Contains(f.Tags, "in-tests") != (want == scan.Low) {
				t.Errorf("%s: %s is %s, want %s, tags %v", file, f.Rule, f.Severity, want, f.Tags)
			}
		}
	}
}
