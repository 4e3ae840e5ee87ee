package cli_test

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
)

// A leaked key of a service that nobody has set up is asked about: live, then dead
// once the service has forgotten it. Nothing that is said or kept holds the key.
func TestVerifyAsksTheServiceThatTheFormNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, value := t.TempDir(), lab.MadeUp("sk-", 20)+"T3BlbkFJ"+lab.MadeUp("", 20)
	write(t, dir, "a.env", "OPENAI_API_KEY="+value+"\n")
	w.lab.Services.Know("openai", value)
	out := w.must(1, "verify", "-t", dir, "--yes", "--no-cache", "--json")
	if !strings.Contains(out, `"liveness":"live"`) || !strings.Contains(out, `"grade":"identity"`) {
		t.Errorf("got %s", out)
	}
	w.lab.Services.Forget("openai", value)
	out += w.must(0, "verify", "-t", dir, "--yes", "--no-cache", "--json")
	if !strings.Contains(out, `"liveness":"dead"`) {
		t.Errorf("got %s", out)
	}
	if strings.Contains(out, value[5:18]) {
		t.Error("the key is in the output")
	}
}
