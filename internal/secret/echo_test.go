package secret_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/secret"
)

// The examples of the documentation make the same echo as we do: they are started and
// asked.
func TestEchoOfTheExamples(t *testing.T) {
	t.Parallel()
	const variable, nonce, value = "AWS_SECRET_ACCESS_KEY", "0123456789abcdef", "made-up/of+signs"
	want := secret.Echo(secret.New(value), variable, nonce)
	for name, command := range map[string][]string{
		"node":   {"node", "../../docs/examples/echo.mjs", "0"},
		"python": {"python3", "../../docs/examples/echo.py", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skipf("SKIPPED: no %s here", command[0])
			}
			base := start(t, command, variable+"="+value, "UNRELATED=value", "PREFECT_API_KEY=")
			const path = "/.well-known/secretguard-echo"
			for what, tt := range map[string]struct{ path, variable, nonce, hmac string }{
				"the key":               {path, variable, nonce, want},
				"a short nonce":         {path, variable, nonce[1:], ""},
				"no nonce":              {path, variable, "", ""},
				"a variable not set":    {path, "PREFECT_API_KEY", nonce, ""},
				"a variable not listed": {path, "UNRELATED", nonce, ""},
				"no variable":           {path, "", nonce, ""},
				"another path":          {"/", variable, nonce, ""},
			} {
				status, got := ask(t, base+tt.path+"?"+url.Values{"variable": {tt.variable}, "nonce": {tt.nonce}}.Encode())
				if good := map[bool]int{true: 200, false: 404}[tt.hmac != ""]; got != tt.hmac || status != good {
					t.Errorf("%s: status %d and %q, want %d and %q", what, status, got, good, tt.hmac)
				}
			}
		})
	}
}

// start starts an example, which prints its port.
func start(t *testing.T, command []string, env ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), command[0], command[1:]...)
	c.Env = append(c.Environ(), env...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("it did not start: %v", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

func ask(t *testing.T, address string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ HMAC string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Errorf("no JSON: %v", err)
	}
	return res.StatusCode, answer.HMAC
}
