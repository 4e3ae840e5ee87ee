package cli_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
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

// What an earlier run stored where nothing can be read is known by the journal's keyed
// hash: when that key leaks too, the place is changed without --by-name, and named as a
// risk. A place that somebody else's key is kept at, is not.
func TestPlanKnowsWhatEarlierRunsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const place, other = "repos/shop/web", "repos/shop/other"
	for _, p := range []string{"shop/web", "shop/other"} {
		w.lab.Actions.AddRepo(p, false)
	}
	w.lab.Actions.SetSecret(place, "AWS_SECRET_ACCESS_KEY", w.estate.LeakedSecret)
	file := filepath.Join(t.TempDir(), "plan.json")
	plan := func(id string, args ...string) (digest, risks string) {
		var p struct {
			Digest string
			Risks  []string
		}
		if err := json.Unmarshal([]byte(w.must(0, append([]string{"plan", id, "-t", w.repo, "-o", file, "--json"}, args...)...)), &p); err != nil {
			t.Fatal(err)
		}
		return p.Digest, strings.Join(p.Risks, "\n")
	}
	digest, _ := plan(w.leakedCase(), "--by-name")
	w.must(0, "rotate", file, "--approve", digest)
	id, sec := w.lab.Render.Value(w.estate.Web, "AWS_ACCESS_KEY_ID"), w.lab.Actions.Secret(place, "AWS_SECRET_ACCESS_KEY")
	w.lab.Actions.SetSecret(other, "AWS_SECRET_ACCESS_KEY", "another key's")

	commit(t, w.repo, "again.env", "AWS_ACCESS_KEY_ID="+id+"\nAWS_SECRET_ACCESS_KEY="+sec+"\n")
	var doc struct {
		Cases []struct {
			ID, Mask string
		}
	}
	if err := json.Unmarshal([]byte(w.must(1, "scan", "git", w.repo, "--json")), &doc); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(doc.Cases, func(c struct{ ID, Mask string }) bool { return strings.HasSuffix(c.Mask, id[len(id)-4:]) })
	if i < 0 {
		t.Fatalf("no case of the new key in %+v", doc.Cases)
	}
	digest, risks := plan(doc.Cases[i].ID)
	if !strings.Contains(risks, "an earlier run stored this key there") || strings.Count(risks, "or plan with --by-name") != 1 {
		t.Errorf("risks\n%s", risks)
	}
	w.must(0, "rotate", file, "--approve", digest, "--until", "store")
	if got := w.lab.Actions.Secret(place, "AWS_SECRET_ACCESS_KEY"); got == sec {
		t.Error("what the earlier run stored was not changed")
	}
	if got := w.lab.Actions.Secret(other, "AWS_SECRET_ACCESS_KEY"); got != "another key's" {
		t.Error("another key's place was changed")
	}
}
