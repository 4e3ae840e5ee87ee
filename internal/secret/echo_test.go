package secret_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/secret"
)

// The examples in docs/attestation.md make the same echo as we do.
func TestEchoOfTheExamples(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/attestation.md")
	if err != nil {
		t.Fatal(err)
	}
	const variable, nonce, value = "AWS_SECRET_ACCESS_KEY", "0123456789abcdef", "made-up/of+signs"
	want := secret.Echo(secret.New(value), variable, nonce)
	for lang, c := range map[string]struct{ program, flag, call string }{
		"python": {"python3", "-c", "\nprint(echo('" + variable + "', '" + nonce + "'))\nassert echo('PATH', '" + nonce + "') is None and echo('" + variable + "', 'short') is None"},
		"js":     {"node", "-e", "\nconsole.log(echo('" + variable + "', '" + nonce + "'))"},
	} {
		_, code, ok := strings.Cut(string(doc), "```"+lang+"\n")
		code, _, closed := strings.Cut(code, "```")
		if !ok || !closed {
			t.Fatalf("no example in %s", lang)
		}
		bin, err := exec.LookPath(c.program)
		if err != nil {
			t.Logf("SKIPPED: the %s example was not run: %v", lang, err)
			continue
		}
		if lang == "js" { // without the server
			code, _, _ = strings.Cut(code, "require('http')")
		}
		cmd := exec.Command(bin, c.flag, code+c.call)
		cmd.Env = append(os.Environ(), variable+"="+value)
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: %v: %s, want %s", lang, err, got, want)
		}
	}
}
