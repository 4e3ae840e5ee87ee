//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
)

// TestPreCommitFramework installs our hooks with the pre-commit framework, from
// .pre-commit-hooks.yaml as it stands in this tree, and has git refuse a commit and
// a push.
func TestPreCommitFramework(t *testing.T) {
	framework := os.Getenv("SECRETGUARD_PRE_COMMIT")
	if _, err := os.Stat(framework); err != nil {
		t.Fatalf("pre-commit is not installed (%v); run: make e2e", err)
	}
	bin := filepath.Join(t.TempDir(), "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(normalBinary(t), filepath.Join(bin, "secretguard")); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "PRE_COMMIT_HOME="+t.TempDir(), "HOME="+t.TempDir(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=protocol.file.allow", "GIT_CONFIG_VALUE_0=always",
		"GIT_AUTHOR_NAME=Jo", "GIT_AUTHOR_EMAIL=jo@shop.invalid", "GIT_COMMITTER_NAME=Jo", "GIT_COMMITTER_EMAIL=jo@shop.invalid")
	try := func(dir, name string, args ...string) (int, string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), name, args...)
		c.Dir, c.Env = dir, env
		out, err := c.CombinedOutput()
		if c.ProcessState == nil {
			t.Fatal(err)
		}
		return c.ProcessState.ExitCode(), string(out)
	}
	do := func(dir, name string, args ...string) string {
		t.Helper()
		code, out := try(dir, name, args...)
		if code != 0 {
			t.Fatalf("%s %q: exit code %d\n%s", name, args, code, out)
		}
		return strings.TrimSpace(out)
	}
	write := func(dir, name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	hooks := t.TempDir()
	manifest, err := os.ReadFile("../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(hooks, ".pre-commit-hooks.yaml", string(manifest))
	do(hooks, "git", "init", "-q")
	do(hooks, "git", "add", "-A")
	do(hooks, "git", "commit", "-q", "-m", "hooks")

	dir, remote := t.TempDir(), t.TempDir()
	do(remote, "git", "init", "-q", "--bare", "-b", "main")
	do(dir, "git", "init", "-q", "-b", "main")
	do(dir, "git", "remote", "add", "origin", remote)
	write(dir, ".pre-commit-config.yaml", "repos:\n- repo: "+hooks+"\n  rev: "+do(hooks, "git", "rev-parse", "HEAD")+
		"\n  hooks:\n  - id: secretguard-system\n  - id: secretguard-pre-push-system\n")
	do(dir, framework, "validate-config")
	do(dir, framework, "install", "-t", "pre-commit", "-t", "pre-push")
	do(dir, "git", "add", "-A")
	do(dir, "git", "commit", "-q", "-m", "clean")
	do(dir, "git", "push", "-q", "origin", "main") // a push with the first commit of all

	key := lab.MadeUp("sk_live_", 40)
	write(dir, "a.env", "STRIPE="+key+"\n")
	do(dir, "git", "add", "-A")
	code, out := try(dir, "git", "commit", "-m", "leak")
	if code == 0 || !strings.Contains(out, "a.env:1") || !strings.Contains(out, "the commit is stopped") {
		t.Errorf("a commit with a key: exit code %d\n%s", code, out)
	}
	do(dir, "git", "commit", "-q", "--no-verify", "-m", "leak")
	code, out = try(dir, "git", "push", "origin", "main")
	if code == 0 || !strings.Contains(out, "a.env:1") || !strings.Contains(out, "the push is stopped") {
		t.Errorf("a push with a key: exit code %d\n%s", code, out)
	}
	if strings.Contains(out, key) {
		t.Error("the key is shown")
	}
	do(dir, "git", "reset", "-q", "--hard", "HEAD~1")
	write(dir, "b.txt", "nothing\n")
	do(dir, "git", "add", "-A")
	do(dir, "git", "commit", "-q", "-m", "clean")
	do(dir, "git", "push", "-q", "origin", "main")
}
