//go:build e2e

package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
)

// leakedIn is a lab whose Netlify site runs with one leaked value, and somebody with a
// repository that holds it.
type leakedIn struct {
	user

	lab      *lab.Lab
	home     string
	variable string
	site     string
}

// leakIn starts one; more are settings beside the lab's own.
func leakIn(t *testing.T, home, variable, value string, more map[string]string) leakedIn {
	t.Helper()
	return leakInto(t, startLab(t), home, variable, value, more)
}

func startLab(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// leakInto does it with a lab that runs.
func leakInto(t *testing.T, l *lab.Lab, home, variable, value string, more map[string]string) leakedIn {
	t.Helper()
	estate, err := lab.DemoEstate(l)
	if err != nil {
		t.Fatal(err)
	}
	l.Netlify.SetVar(estate.Site, variable, "production", value, false)
	env := l.Env()
	maps.Copy(env, more)
	doc, err := json.Marshal(map[string]any{"lab_url": l.URL("lab"), "env": env})
	if err != nil {
		t.Fatal(err)
	}
	pointer, repo := filepath.Join(home, "lab.json"), t.TempDir()
	for name, text := range map[string][]byte{pointer: doc, filepath.Join(repo, ".env"): []byte(variable + "=" + value + "\n")} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	u := user{t: t, bin: normalBinary(t), repo: repo, env: []string{"HOME=" + home, "SECRETGUARD_LAB=" + pointer}}
	return leakedIn{u, l, home, variable, estate.Site}
}

// stored is what the site has now.
func (u leakedIn) stored() string { return u.lab.Netlify.Value(u.site, u.variable, "production") }

// finds wants the one leak, and returns its case.
func (u leakedIn) finds() string {
	u.t.Helper()
	var scan struct{ Cases []struct{ ID string } }
	u.json(1, &scan, "scan", "dir", ".")
	if len(scan.Cases) != 1 {
		u.t.Fatalf("cases: %+v, want the one secret", scan.Cases)
	}
	return scan.Cases[0].ID
}

// plans saves a plan for a case, and returns its file, its id and its digest.
func (u leakedIn) plans(id string) (file, run, digest string) {
	u.t.Helper()
	var plan struct{ ID, Digest string }
	file = filepath.Join(u.home, "plan.json")
	u.json(0, &plan, "plan", id, "-o", file)
	return file, plan.ID, plan.Digest
}
