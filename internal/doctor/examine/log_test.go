package examine

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/doctor"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestHide(t *testing.T) {
	t.Parallel()
	known, long := "a known value", strings.Repeat("Ab1", 12)
	vars := map[string]doctor.Value{"KEY": {Text: secret.New(known)}, "PORT": {Text: secret.New("8080")}}
	got := hide([]string{"listen on 8080 with " + known, "Bearer " + long + "==.", "KeyError: 'AWS_SECRET_ACCESS_KEY'"}, vars)
	want := []string{"listen on 8080 with <KEY>", "Bearer <hidden>.", "KeyError: 'AWS_SECRET_ACCESS_KEY'"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
}
