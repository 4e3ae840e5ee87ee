package cli

import (
	"testing"

	"github.com/secretguard/secretguard/internal/providers/all"
)

// In a lab run, no setting of a real account may get through: neither of a
// provider that the lab has a twin of nor of any other.
func TestLabHidesRealAccounts(t *testing.T) {
	t.Parallel()
	outside := "https://outside.example"
	a := &app{Streams: Streams{Env: func(string) string { return outside }}}
	a.overlay(labFile{Env: map[string]string{"NETLIFY_AUTH_TOKEN": "the lab's"}})
	names := []string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_IAM"}
	for _, d := range all.Descriptors() {
		for _, s := range d.Settings {
			names = append(names, s.Env, s.Env+"_FILE")
		}
	}
	for _, n := range names {
		want := ""
		if n == "NETLIFY_AUTH_TOKEN" {
			want = "the lab's"
		}
		if got := a.Env(n); got != want {
			t.Errorf("%s is %q, want %q", n, got, want)
		}
	}
	if a.Env("TERM") != outside {
		t.Error("everything else stays as it is")
	}
}
