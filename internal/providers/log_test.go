package providers_test

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestHideInLog(t *testing.T) {
	t.Parallel()
	known, long := "a known value", strings.Repeat("Ab1", 12)
	got := providers.HideInLog(
		[]string{"listen on 8080 with " + known, "Bearer " + long + "==.", "KeyError: 'AWS_SECRET_ACCESS_KEY'", "dial postgres://jo:" + "short@db.test:5432/x"},
		map[string]secret.Text{"KEY": secret.New(known), "PORT": secret.New("8080")})
	want := []string{"listen on 8080 with <KEY>", "Bearer <hidden>.", "KeyError: 'AWS_SECRET_ACCESS_KEY'", "dial postgres://<hidden>@db.test:5432/x"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
}
