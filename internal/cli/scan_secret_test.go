package cli_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/lab"
)

// exposed is a file and the secrets in it.
type exposed struct {
	name, text string
	secrets    []string
}

const (
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	hexa    = "0123456789abcdef"
	letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
)

// exposure draws files with secrets of every family in every kind of place.
func exposure(t *rapid.T) []exposed {
	families := map[string]func() string{
		"stripe": key, "aws": func() string { return "AKIA" + lab.MadeUpOf(upper, 16) },
		"supabase": func() string { return "sb_secret_" + lab.MadeUpOf(letters, 22) + "_" + lab.MadeUpOf(letters, 8) },
		"prefect":  func() string { return "pnu_" + lab.MadeUpOf(letters, 36) }, "anthropic": func() string { return "sk-ant-api03-" + lab.MadeUpOf(letters, 93) + "AA" },
		"google": func() string { return "AIza" + lab.MadeUpOf(letters, 35) }, "github": func() string { return "ghp_" + lab.MadeUpOf(letters, 36) },
		"short": func() string { return lab.MadeUpOf(letters, 12) }, "captcha": func() string { return lab.MadeUpOf(hexa, 32) },
	}
	wraps := []func(string) string{
		func(s string) string { return "api_key = \"" + s + "\"\n" },
		func(s string) string { return "2captcha password: '" + s + "',\n" },
		func(s string) string { return "{\"token\":\"" + s + "\",\"x\":\"<&>\"}\n" },
		func(s string) string { return "https://user:" + s + "@host.invalid/?secret=" + s + "\n" },
		func(s string) string {
			return "data: " + base64.StdEncoding.EncodeToString([]byte("secret_key: \""+s+"\" ")) + "\n"
		},
		func(s string) string { return "curl -u \"joe:" + s + "\" https://host.invalid\n" },
		func(s string) string {
			return "-----BEGIN " + "PRIVATE KEY-----\n" + s + "\n" + lab.MadeUpOf(letters, 64) + "\n-----END " + "PRIVATE KEY-----\n"
		},
	}
	var out []exposed
	for i, family := range rapid.SliceOfN(rapid.SampledFrom([]string{"stripe", "aws", "supabase", "prefect", "anthropic", "google", "github", "short", "captcha"}), 4, 9).Draw(t, "families") {
		secret := families[family]()
		wrap := rapid.SampledFrom(wraps).Draw(t, "wrap")
		out = append(out, exposed{fmt.Sprintf("f%d-%s.txt", i, family), wrap(secret), []string{secret}})
	}
	return out
}

// TestNoSecretInAnyOutput, in the clear or as JSON or base64 would write it, of any
// command that sees findings; and all of them with --show-secrets.
func TestNoSecretInAnyOutput(t *testing.T) {
	t.Parallel()
	for seed := range 4 { // a run loads two hundred rules: fewer draws, many secrets in each
		files := rapid.Custom(exposure).Example(seed)
		dir := repository(t)
		for _, f := range files {
			write(t, dir, f.name, f.text)
		}
		git(t, dir, "add", "-A")
		outDir := t.TempDir()
		report, baseline := filepath.Join(outDir, "report.json"), filepath.Join(outDir, "baseline.json")
		staged := run("scan", "--staged", dir, "-v")
		git(t, dir, "commit", "-q", "-m", "a change")
		everything := []string{
			staged.String(),
			run("scan", "git", dir, "--json", "--report-path", report).String(),
			run("scan", "dir", dir, "--color", "always").String(),
			call{stdin: files[0].text}.run("scan", "stdin").String(),
			run("baseline", "create", dir, "-o", baseline, "--reason", "r").String(),
			contents(t, report), contents(t, baseline),
		}
		shown, plain := 0, run("scan", "dir", dir, "--show-secrets").out
		for _, f := range files {
			for _, secret := range f.secrets {
				for i, text := range everything {
					if holdsSecret(text, secret) {
						t.Errorf("seed %d: output %d holds the secret of %s", seed, i, f.name)
					}
				}
				if strings.Contains(plain, secret) {
					shown++
				}
			}
		}
		if shown < len(files)/2 {
			t.Errorf("seed %d: %d of %d secrets were found at all", seed, shown, len(files))
		}
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// holdsSecret looks for a secret as it is, backwards, and inside what JSON, HTML, URLs,
// hexadecimal digits and base64 make of it.
func holdsSecret(text, secret string) bool {
	quoted, _ := json.Marshal(secret)
	backwards := []byte(secret)
	slices.Reverse(backwards)
	for _, form := range []string{
		secret, strings.Trim(string(quoted), `"`), secret[:len(secret)-6], secret[6:], string(backwards), url.QueryEscape(secret), url.PathEscape(secret),
		html.EscapeString(secret), hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))), strconv.Quote(secret)[1 : len(strconv.Quote(secret))-1],
	} {
		if strings.Contains(text, form) {
			return true
		}
	}
	for shift := range 3 { // base64 of a text that holds it, at each of the three alignments
		for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			enc := alphabet.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			if core := strings.TrimRight(enc[4:], "="); strings.Contains(text, core[:len(core)-2]) {
				return true
			}
		}
	}
	return false
}

// TestShowSecrets: refused where others read the log, unless a file takes them;
// then the log has masks all the same, and the file is for its owner alone.
func TestShowSecrets(t *testing.T) {
	t.Parallel()
	dir, secret := t.TempDir(), key()
	write(t, dir, "a.txt", "k="+secret+"\n")
	for _, json := range []string{"--json=true", "--json=false"} {
		if r := run("scan", "dir", dir, "--show-secrets", json); r.code != 1 || !strings.Contains(r.out, secret) {
			t.Errorf("--show-secrets shows nothing: %s", r)
		}
		ci := call{env: map[string]string{"CI": "true"}}
		if r := ci.run("scan", "dir", dir, "--show-secrets", json); r.code != 2 || strings.Contains(r.String(), secret) || !strings.Contains(r.err, "--report-path") {
			t.Errorf("in CI: %s", r)
		}
		file := filepath.Join(t.TempDir(), "report.json")
		r := ci.run("scan", "dir", dir, "--show-secrets", json, "--report-path", file)
		if r.code != 1 || strings.Contains(r.String(), secret) {
			t.Errorf("in CI with a file the log shows the secret, or the scan failed: exit %d", r.code)
		}
		if !strings.Contains(contents(t, file), secret) {
			t.Error("the file that was named has no secret")
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
}

// TestReportFile: made for its owner alone also when one was there before, and a
// file that cannot be written is an error beside the results.
func TestReportFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.txt", leak())
	file := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(file, []byte(strings.Repeat("old ", 10_000)), 0o644); err != nil {
		t.Fatal(err)
	}
	run("scan", "dir", dir, "--report-path", file).expect(t, 1)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(contents(t, file)), &doc); err != nil {
		t.Error(err)
	}
	run("scan", "dir", dir, "--report-path", filepath.Join(dir, "no", "where.json")).expect(t, 2, "write the report")
}
