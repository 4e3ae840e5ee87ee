package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/cli"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/lab/leakyrepo"
	"github.com/secretguard/secretguard/internal/term"
)

// world is a lab in this process with the demo's estate and a repository that
// leaks its key.
type world struct {
	t      testing.TB
	lab    *lab.Lab
	estate lab.Estate
	repo   string
	env    map[string]string
	now    func() time.Time
	stdin  string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, lab.Options{})
}

func newWorldOn(tb testing.TB, o lab.Options) *world {
	tb.Helper()
	l, err := lab.Start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(l.Close)
	w := &world{t: tb, lab: l, repo: filepath.Join(tb.TempDir(), "shop"), now: time.Now}
	if w.estate, err = lab.DemoEstate(l); err != nil {
		tb.Fatal(err)
	}
	other := func() leakyrepo.Pair {
		return leakyrepo.Pair{ID: "AKIA" + lab.MadeUpOf("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), Secret: lab.MadeUp("", 40)}
	}
	leaks := leakyrepo.Leaks{
		History: leakyrepo.Pair{ID: w.estate.LeakedID, Secret: w.estate.LeakedSecret}, Deleted: other(), Branch: other(),
	}
	if err := leakyrepo.Make(w.repo, leaks); err != nil {
		tb.Fatal(err)
	}
	doc, err := json.Marshal(map[string]any{"env": l.Env(), "lab_url": l.URL("lab")})
	if err != nil {
		tb.Fatal(err)
	}
	home := tb.TempDir()
	file := filepath.Join(home, "lab.json")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		tb.Fatal(err)
	}
	w.env = map[string]string{"HOME": home, "SECRETGUARD_LAB": file}
	return w
}

// run runs a command in this process.
func (w *world) run(args ...string) (code int, out, errs string) {
	w.t.Helper()
	var o, e bytes.Buffer
	code = cli.Main(args, cli.Streams{
		In: strings.NewReader(w.stdin), Out: &o, Err: &e, Env: func(n string) string { return w.env[n] }, Facts: term.Facts{}, Now: w.now,
	})
	return code, o.String(), e.String()
}

// must runs a command that ends with the given exit code and returns its stdout.
func (w *world) must(want int, args ...string) string {
	w.t.Helper()
	code, out, errs := w.run(args...)
	if code != want {
		w.t.Fatalf("secretguard %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, errs)
	}
	return out
}

// leakedCase returns the id of the case of the key that production uses.
func (w *world) leakedCase() string {
	w.t.Helper()
	var doc struct {
		Cases []struct{ ID, Mask string }
	}
	if err := json.Unmarshal([]byte(w.must(1, "scan", "git", w.repo, "--json")), &doc); err != nil {
		w.t.Fatal(err)
	}
	for _, c := range doc.Cases {
		if strings.HasSuffix(w.estate.LeakedID, c.Mask[len(c.Mask)-4:]) {
			return c.ID
		}
	}
	w.t.Fatal("the leaked key has no case")
	return ""
}

// plan plans the rotation and returns the plan's file, id and digest.
func (w *world) plan() (file, id, digest string) {
	w.t.Helper()
	file = filepath.Join(w.t.TempDir(), "plan.json")
	var p struct{ ID, Digest string }
	if err := json.Unmarshal([]byte(w.must(0, "plan", w.leakedCase(), "-t", w.repo, "-o", file, "--json")), &p); err != nil {
		w.t.Fatal(err)
	}
	return file, p.ID, p.Digest
}

func TestPlanExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file, _, digest := w.plan()
	served := w.lab.Served()
	for name, tt := range map[string]struct {
		shift time.Duration
		want  string
	}{
		"too late":        {16 * time.Minute, "the plan is too old to be approved: it expired at"},
		"the clock moved": {-time.Hour, "it was made in the future; check this machine's clock"},
	} {
		w.now = func() time.Time { return time.Now().Add(tt.shift) }
		code, _, errs := w.run("rotate", file, "--approve", digest)
		if code != cli.ExitUsage || !strings.Contains(errs, tt.want) || !strings.Contains(errs, "try: secretguard plan CASE -o plan.json") {
			t.Errorf("%s: exit code %d and %q", name, code, errs)
		}
	}
	if n := w.lab.Served(); n != served {
		t.Errorf("%d requests were sent for a plan that is not valid", n-served)
	}
	w.now = time.Now
}
