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

// A rotation ends with doctor for the consumers that it changed: a variable that is
// missing at one of them keeps the old key alive, and is named with its remedy.
func TestRotationEndsWithDoctor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "mine.secretguard.toml")
	write(t, dir, "mine.secretguard.toml", "[[consumer]]\nname = \"subscriber\"\nwhere = \"render:shop-subscriber\"\nvariables = [\"PREFECT_API_URL\"]\nsame = [\"AWS_ACCESS_KEY_ID\"]\n\n"+
		"[[consumer]]\nname = \"elsewhere\"\nwhere = \"render:nowhere\"\nvariables = [\"NEVER_SET\"]\n")
	var p struct{ ID, Digest string }
	file := filepath.Join(t.TempDir(), "plan.json")
	if err := json.Unmarshal([]byte(w.must(0, "plan", w.leakedCase(), "-t", w.repo, "-o", file, "--json", "-c", config)), &p); err != nil {
		t.Fatal(err)
	}
	if text := read(t, file); !strings.Contains(text, "PREFECT_API_URL") || strings.Contains(text, "NEVER_SET") {
		t.Errorf("the plan holds other declarations than that of its consumer: %s", text)
	}
	_, out, errs := w.run("rotate", file, "--approve", p.Digest)
	if flat := strings.Join(strings.Fields(out+errs), " "); !strings.Contains(flat, "PREFECT_API_URL: ") || !strings.Contains(flat, "(to mend it: ") {
		t.Fatalf("doctor's finding is not told: %s", flat)
	}
	if !w.lab.AWS.Accepts(w.estate.LeakedID, w.estate.LeakedSecret) {
		t.Fatal("the old key is dead")
	}
	w.lab.Render.SetVar(w.estate.Web, "PREFECT_API_URL", "https://prefect.example/api")
	w.must(0, "rotate", "resume", p.ID)
	if w.lab.AWS.Accepts(w.estate.LeakedID, w.estate.LeakedSecret) {
		t.Error("the old key works")
	}
	if report := w.must(0, "report", p.ID); !strings.Contains(strings.Join(strings.Fields(report), " "), "doctor finds nothing wrong with it") {
		t.Errorf("the report: %s", report)
	}
}
