package difftest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/zricethezav/gitleaks/v8/cmd"
)

// asGitleaks makes the test binary behave as the gitleaks program.
const asGitleaks = "SECRETGUARD_TEST_AS_GITLEAKS"

func TestMain(m *testing.M) {
	if os.Getenv(asGitleaks) != "" {
		cmd.Execute()
		return
	}
	m.Run()
}

// theirs is a finding of gitleaks as its JSON report has it.
type theirs struct {
	RuleID    string
	File      string
	Commit    string
	Secret    string
	StartLine int
	EndLine   int

	Fingerprint string
	Tags        []string
}

// sum names a secret in messages without showing it.
func sum(secret string) string {
	s := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(s[:6])
}

// gitEnv is the environment of every git that a test runs: nobody's settings,
// and no refusal because the folder belongs to someone else.
func gitEnv() []string {
	return append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		"GIT_AUTHOR_NAME=Jo", "GIT_AUTHOR_EMAIL=jo@shop.invalid", "GIT_COMMITTER_NAME=Jo", "GIT_COMMITTER_EMAIL=jo@shop.invalid",
		"GITLEAKS_CONFIG=", "GITLEAKS_CONFIG_TOML=", "LC_ALL=C",
		// Git looks there for attributes, and complains about a home that it may not read.
		"HOME="+os.TempDir(), "XDG_CONFIG_HOME="+os.TempDir())
}

// gitleaks runs "gitleaks ARGS" with its defaults and returns what it reports.
// Anything on its error channel fails the test: gitleaks stops a scan early on
// any complaint of git and still ends with 0, and such a run proves nothing.
func gitleaks(t *testing.T, args ...string) []theirs {
	t.Helper()
	return gitleaksIn(t, "", args...)
}

// gitleaksIn is gitleaks with dir as its working folder.
func gitleaksIn(t *testing.T, dir string, args ...string) []theirs {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "gitleaks.json")
	c := exec.CommandContext(t.Context(), self, append(args, "--no-banner", "--no-color", "--log-level=error",
		"--exit-code=0", "--report-format=json", "--report-path="+out)...)
	c.Dir = dir
	c.Env = append(gitEnv(), asGitleaks+"=1")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("gitleaks %q: %v\n%s", args, err, stderr.String())
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var list []theirs
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// git runs git in dir and returns its output.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...)
	c.Env = gitEnv()
	var stderr bytes.Buffer
	c.Stderr = &stderr
	b, err := c.Output()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, stderr.String())
	}
	return string(b)
}

func (f theirs) String() string {
	return fmt.Sprintf("%s %s:%d-%d %s commit %.10s", f.RuleID, f.File, f.StartLine, f.EndLine, sum(f.Secret), f.Commit)
}

// fingerprints are those of gitleaks' report, as .gitleaksignore takes them.
func fingerprints(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	for _, f := range gitleaks(t, "git", dir) {
		out = append(out, f.Fingerprint)
	}
	return out
}
