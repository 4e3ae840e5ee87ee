package cli_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/cli"
	"github.com/secretguard/secretguard/internal/lab"
)

// found is the answer of consumers find --json, as places.
func (w *world) find(code int, value string, args ...string) (places, byHand, files []string) {
	w.t.Helper()
	w.stdin = value + "\n"
	var d struct {
		Placements []struct {
			Resource, Key, Context, Match string
			Param                         string `json:"context_parameter"`
		}
		Files []struct {
			File, Form string
			Line       int
		}
		Gaps []struct {
			What, Why string
			Holds     bool
		}
	}
	out := w.must(code, append([]string{"consumers", "find", "-", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	if strings.Contains(out, value) {
		w.t.Errorf("the answer shows the value")
	}
	for _, p := range d.Placements {
		places = append(places, strings.Join(strings.Fields(strings.Join([]string{p.Resource, p.Key, p.Context, p.Param, p.Match}, " ")), " "))
	}
	for _, g := range d.Gaps {
		if g.Holds {
			byHand = append(byHand, g.What)
		}
	}
	for _, f := range d.Files {
		files = append(files, fmt.Sprintf("%s:%d %s", f.File, f.Line, f.Form))
	}
	slices.Sort(places)
	slices.Sort(byHand)
	return places, byHand, files
}

// An estate of three sites, four services, two groups and 500 variables: every place
// of five values is found, and nothing else.
func TestConsumersFindsEveryPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n, r := w.lab.Netlify, w.lab.Render
	empty := t.TempDir()
	sites := []string{n.AddSite("s1"), n.AddSite("s2"), n.AddSiteTo(n.AddAccount("Other team"), "s3")}
	var services []string
	for _, name := range []string{"r1", "r2", "r3", "r4"} {
		services = append(services, r.AddService(name, "background_worker"))
	}
	g1, g2 := r.AddGroup("g1", services[0], services[1]), r.AddGroup("g2", services[2])
	for i := range 500 {
		key, value := fmt.Sprintf("VAR_%d", i), lab.MadeUp("", 40)
		if i%2 == 0 {
			n.SetVar(sites[i%3], key, []string{"all", "production", "dev", "branch/main"}[i/2%4], value, false)
		} else {
			r.SetVar(append(services, g1, g2)[i%6], key, value)
		}
	}
	keys := make([]string, 5)
	for i := range keys {
		keys[i] = lab.MadeUp("k_", 19) + "+/" + lab.MadeUp("", 19)
	}
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	n.SetVar(sites[0], "PLAIN", "production", keys[0], false)
	n.SetVar(sites[0], "PLAIN", "dev", keys[1], false)
	n.SetVar(sites[1], "PLAIN", "branch/staging", keys[0], false)
	n.SetVar("", "SHARED", "all", keys[0], false)
	n.SetVar(sites[2], "IN_JSON", "all", `{"key":"`+keys[2]+`"}`, false)
	n.SetVar(sites[2], "HEADER", "all", "Basic "+b64("user:"+keys[2]), false)
	r.SetVar(services[0], "DSN", "https://u:"+url.QueryEscape(keys[1])+"@h/x")
	r.SetVar(services[1], "PLAIN", keys[1])
	r.SetVar(g1, "PLAIN", keys[3])
	r.SetVar(services[0], "PLAIN", keys[4]) // stands before the group's
	r.SetFile(g2, "app.json", `{"k":"`+b64(keys[3])+`"}`)
	r.SetFile(services[3], ".env", "K="+keys[3])
	for i, want := range []struct{ places, byHand []string }{
		{[]string{"Shop team SHARED all exact", "s1 PLAIN production exact", "s2 PLAIN branch staging exact"}, nil},
		{[]string{"r1 DSN inside", "r2 PLAIN exact", "s1 PLAIN dev exact"}, nil},
		{[]string{"s3 IN_JSON all inside"}, []string{"netlify site s3: HEADER all"}},
		{[]string{"g1 PLAIN exact"}, []string{"render secret file .env of r4", "render secret file app.json of g2"}},
		{[]string{"r1 PLAIN exact"}, nil},
	} {
		places, byHand, files := w.find(cli.ExitOK, keys[i], "-t", empty)
		if !slices.Equal(places, want.places) || !slices.Equal(byHand, want.byHand) || len(files) != 0 {
			t.Errorf("value %d: found\n%q and %q by hand, want\n%q and %q; files %q", i, places, byHand, want.places, want.byHand, files)
		}
	}
	if places, byHand, _ := w.find(cli.ExitOK, lab.MadeUp("k_", 40), "-t", empty); len(places)+len(byHand) != 0 {
		t.Errorf("invented: %q %q", places, byHand)
	}
}

// What cannot be read back is never taken for searched.
func TestConsumersFindSaysWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	empty := t.TempDir()
	w.lab.Netlify.SetVar(w.estate.Site, "STRIPE_SECRET_KEY", "production", "x", true)
	value := key()
	if places, _, _ := w.find(cli.ExitIncomplete, value, "-t", empty); len(places) != 0 {
		t.Errorf("%q", places)
	}
	if places, _, _ := w.find(cli.ExitOK, value, "-t", empty, "--name", "STRIPE_SECRET_KEY"); len(places) != 1 || !strings.HasSuffix(places[0], "by-name") {
		t.Errorf("%q", places)
	}
	w.stdin = value
	_, out, _ := w.run("consumers", "find", "-", "-t", empty)
	if !strings.Contains(out, "cannot be read back, and their names do not fit: 1 stored values") || !strings.Contains(out, "not searched: 1 stored values") {
		t.Error(out)
	}
	w.lab.Render.Hide(w.estate.Web)
	w.find(cli.ExitIncomplete, value, "-t", empty, "--name", "STRIPE_SECRET_KEY")
	for _, short := range []string{"", "short"} {
		w.stdin = short
		w.must(cli.ExitUsage, "consumers", "find", "-", "-t", empty)
	}
}

// Files that services are started from, those that git ignores too.
func TestConsumersFindsFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, value := t.TempDir(), lab.MadeUp("k_", 38)+"/"
	write(t, dir, ".gitignore", ".env*\n")
	write(t, dir, "app/.env.local", "A=1\nKEY="+value+"\n")
	write(t, dir, "Dockerfile", "ENV KEY="+url.QueryEscape(value)+"\n")
	write(t, dir, ".github/workflows/ci.yml", "env:\n  K: "+base64.StdEncoding.EncodeToString([]byte(value))+"\n")
	write(t, dir, "notes.md", value)
	write(t, dir, "node_modules/x/.env", value)
	outside := t.TempDir()
	write(t, outside, "secret.env", value)
	if err := os.Symlink(outside+"/secret.env", dir+"/link.env"); err != nil {
		t.Skipf("SKIPPED: no symbolic links here: %v", err)
	}
	_, _, files := w.find(cli.ExitOK, value, "-t", dir)
	if want := []string{".github/workflows/ci.yml:2 base64", "Dockerfile:1 url-encoded", "app/.env.local:2 "}; !slices.Equal(files, want) {
		t.Errorf("found %q, want %q", files, want)
	}
	w.find(cli.ExitIncomplete, value, "-t", dir+"/nowhere")
}
