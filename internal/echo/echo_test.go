package echo_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/echo"
	"github.com/secretguard/secretguard/internal/secret"
)

const variable = "AWS_SECRET_ACCESS_KEY"

func TestReplyShowsTheKeyAndNothingElse(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	key, other := secret.New("the key"), secret.New("another key")
	for name, tt := range map[string]struct {
		held  secret.Text
		late  time.Duration
		spoil func(*echo.Question)
		want  error
	}{
		"the same key":        {held: key},
		"a clock that is off": {held: key, late: 4 * time.Minute},
		"an old question":     {held: key, late: 6 * time.Minute, want: echo.ErrOtherKey},
		"another key":         {held: other, want: echo.ErrOtherKey},
		"no key":              {want: echo.ErrNotSet},
		"a forged question":   {held: key, spoil: func(q *echo.Question) { q.Nonce = "chosen" }, want: echo.ErrOtherKey},
	} {
		q := echo.Ask(variable, key, now)
		if tt.spoil != nil {
			tt.spoil(&q)
		}
		body, err := json.Marshal(echo.Reply(q, tt.held, now.Add(tt.late)))
		if err != nil {
			t.Fatal(err)
		}
		if err := echo.Check(q, key, body); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if bytes.Contains(body, []byte(key.Reveal())) {
			t.Errorf("%s: the answer holds the key", name)
		}
	}
}

// An answer to one nonce, or the question itself sent back, shows nothing for
// another one.
func TestAnswersAreNotReplayed(t *testing.T) {
	t.Parallel()
	key, now := secret.New("the key"), time.Now()
	first, second := echo.Ask(variable, key, now), echo.Ask(variable, key, now)
	body, _ := json.Marshal(echo.Reply(first, key, now))
	if err := echo.Check(second, key, body); !errors.Is(err, echo.ErrOtherKey) {
		t.Errorf("a recorded answer was accepted: %v", err)
	}
	mirrored, _ := json.Marshal(echo.Answer{Version: 1, Variable: variable, Proof: second.Proof})
	if err := echo.Check(second, key, mirrored); !errors.Is(err, echo.ErrOtherKey) {
		t.Errorf("the question's own signature was accepted: %v", err)
	}
	for _, junk := range []string{"", "Created", `{"ok":true}`, `{"secretguard":1,"variable":"OTHER","proof":"00"}`, `[]`, `{"secretguard":1,"variable":"` + variable + `"}`} {
		if err := echo.Check(second, key, []byte(junk)); !errors.Is(err, echo.ErrNoProof) {
			t.Errorf("%q: %v", junk, err)
		}
	}
}

// The examples of the documentation speak the convention: they are started and asked.
func TestExamples(t *testing.T) {
	t.Parallel()
	for name, command := range map[string][]string{
		"node":   {"node", "../../docs/examples/echo.mjs", "0"},
		"python": {"python3", "../../docs/examples/echo.py", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(command[0]); err != nil {
				t.Skipf("SKIPPED: no %s here", command[0])
			}
			key := secret.New("made up for this test")
			address := serve(t, command, variable+"="+key.Reveal(), "UNRELATED=value")
			now := time.Now()
			good, late := echo.Ask(variable, key, now), echo.Ask(variable, key, now.Add(-time.Hour))
			forged := good
			forged.Nonce = "chosen"
			for what, tt := range map[string]struct {
				ask    echo.Question
				key    secret.Text
				status int
				want   error
			}{
				"the key":               {good, key, 200, nil},
				"another key":           {echo.Ask(variable, secret.New("x"), now), secret.New("x"), 401, echo.ErrOtherKey},
				"an old question":       {late, key, 401, echo.ErrOtherKey},
				"a forged question":     {forged, key, 401, echo.ErrOtherKey},
				"a variable not set":    {echo.Ask("PREFECT_API_KEY", key, now), key, 503, echo.ErrNotSet},
				"a variable not listed": {echo.Ask("UNRELATED", secret.New("value"), now), secret.New("value"), 503, echo.ErrNotSet},
			} {
				status, body := post(t, address, tt.ask)
				if err := echo.Check(tt.ask, tt.key, body); !errors.Is(err, tt.want) || status != tt.status {
					t.Errorf("%s: status %d and %v, want %d and %v; %s", what, status, err, tt.status, tt.want, body)
				}
			}
			if status, body := post(t, address, "no object"); status/100 != 4 && status/100 != 5 {
				t.Errorf("junk: %d %s", status, body)
			}
		})
	}
}

// serve starts an example, which prints its port.
func serve(t *testing.T, command []string, env ...string) string {
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

func post(t *testing.T, address string, body any) (int, []byte) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer
}
