package scan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/scan/sample"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// scanFiles scans files with all rules.
func scanFiles(t *testing.T, files map[string]string) scan.Result {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	src, err := source.Dir(dir, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := scan.New(set, scan.Options{}).Scan(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func made(t *testing.T, template string) string {
	t.Helper()
	tm, err := sample.Parse(template)
	if err != nil {
		t.Fatal(err)
	}
	return tm.Make(sample.Source(t.Name() + template))
}

// The project stands in one file, its key in another: the checksum joins them. What
// names the project is context, no finding.
func TestAKeyIsBoundToItsProject(t *testing.T) {
	t.Parallel()
	ref := made(t, "{lower:20}")
	res := scanFiles(t, map[string]string{
		"web/client.js": "const url = 'https://" + ref + ".supabase.co'\n",
		"api/.env":      "SUPABASE_SECRET_KEY=" + made(t, "{supabase:sb_secret_:"+ref+"}") + "\n",
	})
	if len(res.Findings) != 1 || res.Findings[0].Proof.Project != ref || res.Findings[0].Proof.Checksum != "valid" {
		t.Errorf("got %+v", res.Findings)
	}
}

func TestARoleDecidesTheSeverity(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]scan.Severity{"anon": scan.Info, "service_role": scan.Critical} {
		res := scanFiles(t, map[string]string{"a.env": "K=" + made(t, "{jwt:"+role+"}") + "\n"})
		if len(res.Findings) != 1 || res.Findings[0].Severity != want || res.Findings[0].Kind != "supabase.legacy_jwt" {
			t.Errorf("%s: %+v", role, res.Findings)
		}
	}
}

// What is no secret is reported with its reason and does not count.
func TestSetAside(t *testing.T) {
	t.Parallel()
	vectors := ""
	for i := range 4 {
		vectors += "  key: \"" + made(t, "{hex:64}"+strings.Repeat(" ", i)) + "\"\n"
	}
	for name, tc := range map[string]struct{ file, text, by string }{
		"placeholder":    {"a.env", "STRIPE_KEY=sk_live_" + strings.Repeat("x", 24) + "\n", "noise"},
		"documentation":  {"a.env", "AWS_ACCESS_KEY_ID=AKIA" + "IOSFODNN7EXAMPLE\n", "public"},
		"local stack":    {"a.env", "K=sb_secret_" + "N7UND0UgjK" + "TVK-Uodkm0" + "Hg_xSvEMPvz\n", "public"},
		"wrong checksum": {"a.env", "K=ghp_" + made(t, "{alnum:30}") + "000000\n", "proof"},
		"identifier":     {"a.go", "key := \"testRSA2048PrivateKey\"\n", "noise"},
		"vectors":        {"crypto/testdata/v.txt", vectors, "noise"},
		"lock file":      {"flake.lock", "auth_token = \"" + made(t, "{alnum:40}") + "1a\"\n", "noise"},
	} {
		res := scanFiles(t, map[string]string{tc.file: tc.text})
		if len(res.Findings) == 0 || len(res.Active()) != 0 {
			t.Errorf("%s: %d findings, %d of them count", name, len(res.Findings), len(res.Active()))
		}
		for _, f := range res.Findings {
			if s := f.Suppressed; s == nil || !s.SetAside() || s.Reason == "" || s.By != tc.by {
				t.Errorf("%s: %+v", name, s)
			}
		}
	}
	// The same values elsewhere count.
	for name, text := range map[string]string{"key.txt": vectors, "a.go": "key := \"" + made(t, "{alnum:32}") + "\"\n"} {
		if res := scanFiles(t, map[string]string{name: text}); len(res.Active()) == 0 {
			t.Errorf("%s: nothing counts", name)
		}
	}
}
