package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// A check of the user's own configuration is in the plan, is run after the deploy, and
// with its control at a preview reaches level 3; one of the scanned repository is not.
func TestDeclaredCheckInARotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wrong := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusInternalServerError) }))
	t.Cleanup(wrong.Close)
	jobs := w.lab.URL("app") + "/render/shop-subscriber/health"
	text := "[[consumer]]\nname = \"subscriber\"\nwhere = \"render:shop-subscriber\"\n[consumer.check]\nurl = \"" + jobs + "\"\npreview = \"" + wrong.URL + "\"\n"
	write(t, w.repo, ".secretguard.toml", strings.ReplaceAll(text, jobs, jobs+"?of-the-repository"))
	config := filepath.Join(t.TempDir(), "mine.secretguard.toml")
	write(t, filepath.Dir(config), "mine.secretguard.toml", text)
	file := filepath.Join(t.TempDir(), "plan.json")
	_, id, _ := w.plan()
	if out := w.must(0, "rotate", "status", id, "--json"); strings.Contains(out, "of-the-repository") {
		t.Errorf("the repository's own check is in the plan: %s", out)
	}
	var p struct{ ID, Digest string }
	if err := json.Unmarshal([]byte(w.must(0, "plan", w.leakedCase(), "-t", w.repo, "-o", file, "--json", "-c", config)), &p); err != nil {
		t.Fatal(err)
	}
	shown := strings.Join(strings.Fields(w.must(0, "rotate", "status", p.ID)), " ")
	if want := "GET " + jobs + " must pass, and fail at " + wrong.URL; !strings.Contains(read(t, file), want) {
		t.Errorf("the plan does not say %q: %s", want, shown)
	}
	w.must(0, "rotate", file, "--approve", p.Digest)
	flat := strings.Join(strings.Fields(w.must(0, "report", p.ID)), " ")
	if !strings.Contains(flat, "L3: deploy") || !strings.Contains(flat, "negative control: passed, the same check failed") {
		t.Errorf("the report: %s", flat)
	}
}
