package cli_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// Secrets of GitHub Actions cannot be read: that they hold the key is told by their
// names. They are left to a person, or changed with --by-name; a variable beside them
// that holds the key is read, and is changed in any case.
func TestPlanByName(t *testing.T) {
	t.Parallel()
	for _, byName := range []bool{false, true} {
		w := newWorld(t)
		const place = "repos/shop/web"
		w.lab.Actions.AddRepo("shop/web", false)
		w.lab.Actions.SetVariable(place, "QUEUE", "sqs://"+w.estate.LeakedID+"@eu")
		w.lab.Actions.SetSecret(place, "AWS_SECRET_ACCESS_KEY", w.estate.LeakedSecret)
		w.lab.Actions.SetSecret(place, "OTHER", "theirs")
		file := filepath.Join(t.TempDir(), "plan.json")
		args := []string{"plan", w.leakedCase(), "-t", w.repo, "-o", file, "--json"}
		if byName {
			args = append(args, "--by-name")
		}
		var p struct {
			Digest string
			Risks  []string
		}
		if err := json.Unmarshal([]byte(w.must(0, args...)), &p); err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{false: "or plan with --by-name", true: "is changed for its name alone"}[byName]
		if risks := strings.Join(p.Risks, "\n"); !strings.Contains(risks, want) || !strings.Contains(risks, "with their next run") {
			t.Errorf("by name %v: risks\n%s", byName, risks)
		}
		w.must(0, "rotate", file, "--approve", p.Digest, "--until", "store")
		if got := w.lab.Actions.Variable(place, "QUEUE"); got == "sqs://"+w.estate.LeakedID+"@eu" || !strings.Contains(got, "@eu") {
			t.Errorf("by name %v: the variable holds %q", byName, got)
		}
		if got := w.lab.Actions.Secret(place, "AWS_SECRET_ACCESS_KEY"); (got != w.estate.LeakedSecret) != byName {
			t.Errorf("by name %v: the secret was changed: %v", byName, !byName)
		}
		if w.lab.Actions.Secret(place, "OTHER") != "theirs" {
			t.Error("another secret was changed")
		}
	}
}
