package check_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/check"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/rotate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What an address answers: good, bad, or nothing that says anything of the key.
func TestAddress(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		w.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	client := httpx.New(httpx.Options{AllowPrivate: true})
	t.Cleanup(client.Close)
	r := check.Runner{Get: client.Healthy}
	for status, want := range map[string]string{
		"200": "pass", "204": "pass", "400": "fail", "401": "fail", "403": "fail", "422": "fail", "500": "fail", "501": "fail",
		"302": "unknown", "404": "unknown", "405": "unknown", "429": "unknown", "502": "unknown", "503": "unknown", "504": "unknown",
	} {
		passed, detail, err := r.Run(t.Context(), rotate.Check{}, srv.URL+"/"+status)
		if got := verdict(passed, err); got != want || err == nil && detail == "" {
			t.Errorf("%s: %s (%s, %v), want %s", status, got, detail, err, want)
		}
	}
	if _, _, err := r.Run(t.Context(), rotate.Check{}, "http://127.0.0.1:1/"); err == nil {
		t.Error("nobody answers, and that says something")
	}
}

func verdict(passed bool, err error) string {
	switch {
	case err != nil:
		return "unknown"
	case passed:
		return "pass"
	}
	return "fail"
}

func path() []string { return []string{"PATH=" + os.Getenv("PATH")} }

// program writes a shell script and returns its path.
func program(t *testing.T, text string) string {
	t.Helper()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("SKIPPED: no /bin/sh here")
	}
	script := filepath.Join(t.TempDir(), "check.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return script
}

func TestCommand(t *testing.T) {
	t.Parallel()
	secret := "sk" + "_live_" + strings.Repeat("a1B2c3", 6)
	for name, tt := range map[string]struct{ text, want, says string }{
		"good":                   {"exit 0", "pass", "exit 0"},
		"bad":                    {"echo the queue is closed >&2; exit 1", "fail", "the queue is closed"},
		"of another end":         {"exit 2", "unknown", "exit 2"},
		"killed":                 {"kill -9 $$", "unknown", "killed"},
		"too slow":               {"exec sleep 30", "unknown", "longer than"},
		"that leaves a well one": {"sleep 30 & exit 0", "pass", "exit 0"},
		"that leaves one":        {"sleep 30 & exit 1", "fail", "exit 1"},
		"given its address":      {`[ "$1" = "see http://there/x" ] && [ "$SECRETGUARD_CHECK_URL" = http://there/x ]`, "pass", ""},
		"given no more":          {`[ -z "$HOME" ]`, "pass", ""},
		"that tells too much":    {"yes x | head -c 100000; echo; echo key " + secret + "; exit 1", "fail", "key"},
		"of odd words":           {`printf '\377\033[31m'; exit 1`, "fail", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := check.Runner{Env: path, Within: 10 * time.Second}
			if name == "too slow" {
				r.Within = 100 * time.Millisecond
			}
			passed, detail, err := r.Run(t.Context(), rotate.Check{Command: []string{program(t, tt.text), "see {url}"}}, "http://there/x")
			said := detail
			if err != nil {
				said = err.Error()
			}
			if got := verdict(passed, err); got != tt.want || !strings.Contains(said, tt.says) {
				t.Errorf("%s (%s), want %s (%s)", got, said, tt.want, tt.says)
			}
			if strings.Contains(said, secret) || len(said) > 2100 {
				t.Errorf("it says %q", said)
			}
		})
	}
}

// A command that is not there tells nothing, and who stops is not told of an answer.
func TestCommandThatCannotRun(t *testing.T) {
	t.Parallel()
	r := check.Runner{Env: path}
	if _, _, err := r.Run(t.Context(), rotate.Check{Command: []string{filepath.Join(t.TempDir(), "none")}}, "http://x"); err == nil {
		t.Error("it ran")
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, _, err := r.Run(ctx, rotate.Check{Command: []string{program(t, "exec sleep 30")}}, "http://x"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
