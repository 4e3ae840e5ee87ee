package cli_test

import (
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/report/export"
)

// parrot is an issuer, and a host of variables, that repeats all that it was sent in what
// it answers, as some services and many firewalls do.
func parrot(t *testing.T) map[string]string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said := fmt.Sprintf("%s %v %s", r.URL, r.Header, body)
		status, kind := 401, "application/json"
		switch len(said) % 3 {
		case 0:
			status = 200
		case 1:
			kind = "text/html"
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("X-Oauth-Scopes", said)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"message":%q,"detail":%q,"error":{"message":%q},"login":%q,"id":%q,"Code":%q}`, "bad credentials "+said, said, said, said, said, said)
	}))
	t.Cleanup(srv.Close)
	env := map[string]string{"AWS_ENDPOINT_URL": srv.URL, "AWS_ACCESS_KEY_ID": "ours", "AWS_SECRET_ACCESS_KEY": "ours", "NETLIFY_AUTH_TOKEN": "ours", "RENDER_API_KEY": "ours"}
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name := range l.Env() {
		if strings.HasSuffix(name, "_URL") {
			env[name] = srv.URL
		}
	}
	return env
}

var caseName = regexp.MustCompile(`c-[A-Za-z0-9]{10}`)

// questions are the commands that see findings, over a repository and one of its cases.
func questions(dir, out, one string) map[string][]string {
	report, baseline := filepath.Join(out, "report.json"), filepath.Join(out, "baseline.json")
	all := map[string][]string{
		"scan": {"scan", dir, "-v"}, "scan git": {"scan", "git", dir}, "scan dir": {"scan", "dir", dir, "--accessible"}, "scan again": {"scan", "git", dir, "--no-cache", "--json"},
		"saved": {"scan", "git", dir, "--json", "-r", report}, "baseline": {"baseline", "create", dir, "-o", baseline, "--by-path"},
		"keyed": {"baseline", "create", dir, "-o", filepath.Join(out, "keyed.json"), "--keyed", "--json"}, "review": {"baseline", "review", baseline, "-t", dir, "--json"},
		"with a baseline": {"scan", dir, "-b", baseline, "--json"}, "verify": {"verify", "-t", dir, "--yes", "--allow-private"},
		"verify as JSON": {"verify", "-t", dir, "--yes", "--allow-private", "--json", "--no-cache", "-v"}, "verify a report": {"verify", report, "--yes", "--allow-private"},
		"plan": {"plan", one, "-t", dir, "--allow-private"}, "plan as JSON": {"plan", one, "-t", dir, "--allow-private", "--json", "-o", filepath.Join(out, "plan.json")},
		"contain": {"contain", one, "-t", dir, "--allow-private", "--no-input"}, "consumers": {"consumers", "find", one, "-t", dir, "--allow-private"},
		"doctor": {"doctor", "init", dir}, "orphans": {"rotate", "orphans", "--allow-private"}, "runs": {"rotate", "status", "--json"},
		"a wrong case": {"plan", "c-none", "-t", dir}, "not a report": {"verify", filepath.Join(dir, "conf", "aws.ini"), "--yes"},
	}
	for _, format := range export.Names() {
		all["scan as "+format] = []string{"scan", "git", dir, "-f", format, "-r", filepath.Join(out, "report."+format)}
		all["report as "+format] = []string{"report", report, "-f", format}
	}
	return all
}

// Whatever lies in a repository, and whatever is asked in which order of issuers that
// repeat what they are sent: no output, no report, no cache and no file of the state
// folder holds a whole secret that was not asked for.
func TestNoSecretWhateverIsAsked(t *testing.T) {
	t.Parallel()
	env := parrot(t)
	// A draw takes a second. All hundred are for make soak; what fails is made smaller in
	// as many as that needs.
	left, failed := 10, false
	if os.Getenv("SECRETGUARD_SOAK") != "" {
		left = math.MaxInt
	}
	rapid.Check(t, func(rt *rapid.T) {
		if left--; left < 0 && !failed {
			return
		}
		files := anywhere(rt)
		dir, home, out := repository(t), t.TempDir(), t.TempDir()
		for _, f := range files {
			write(t, dir, f.name, f.text)
		}
		git(t, dir, "add", "-A")
		// Nobody knows of a value that no rule finds: those that one does may stand in names too.
		shown, named := run("scan", "dir", dir, "--show-secrets").out, key()
		for _, f := range files {
			if strings.Contains(shown, f.secrets[0]) {
				named = f.secrets[0]
			}
		}
		git(t, dir, "commit", "-q", "-m", "with "+named, "--author", "Jo "+named+" <jo@shop.invalid>")
		if regexp.MustCompile(`^[\w-]+$`).MatchString(named) { // else it is no name of a branch
			git(t, dir, "branch", "fix-"+named)
		}
		c := call{env: map[string]string{"SECRETGUARD_HOME": home}}
		for k, v := range env {
			c.env[k] = v
		}
		said := map[string]string{"first": c.run("scan", "git", dir, "--json", "-r", filepath.Join(out, "report.json")).String()}
		one := caseName.FindString(said["first"] + contents(t, filepath.Join(out, "report.json")))
		asked := questions(dir, out, one)
		for i, name := range rapid.SliceOfN(rapid.SampledFrom(slices.Sorted(maps.Keys(asked))), 2, 4).Draw(rt, "questions") {
			said[fmt.Sprintf("%s (%d)", name, i)] = c.run(asked[name]...).String()
		}
		for _, folder := range []string{home, out} {
			addFiles(t, said, folder)
			if err := os.RemoveAll(folder); err != nil { // a hundred of them fill a small disk
				rt.Fatal(err)
			}
		}
		for _, f := range files {
			for _, secret := range f.secrets {
				for name, text := range said {
					if holdsSecret(text, secret) {
						failed = true
						rt.Errorf("%s holds the secret of %.20s", name, f.name)
					}
				}
			}
		}
	})
}
