package netlify_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
)

func TestExamine(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	n, p := l.Netlify, open(t, l)
	n.PageSize(2)
	for range 5 {
		n.AddSite("other")
	}
	site := n.AddSite("shop")
	n.SetVar(site, "OWN", "production", "own", false)
	n.SetVar(site, "BOTH", "all", "site", false)
	n.SetVar(site, "DEV_ONLY", "dev", "dev", false)
	n.SetVar(site, "HIDDEN", "production", "secret", true)
	n.SetVar(site, "BUILD", "all", "b", false)
	n.SetScopes(site, "BUILD", "builds")
	n.SetVar("", "BOTH", "all", "team", false)
	n.SetVar("", "DEV_ONLY", "all", "team", false)
	found, gaps, err := p.Find(t.Context(), "shop")
	if err != nil || len(found) != 1 || len(gaps) != 0 {
		t.Fatalf("%v %v %v", found, gaps, err)
	}
	env, err := p.Environment(t.Context(), found[0])
	if err != nil || len(env.Gaps) != 0 {
		t.Fatal(env.Gaps, err)
	}
	var got []string
	for _, v := range env.Variables {
		if v.Changed.IsZero() || v.NotAtRuntime != (v.Key == "BUILD") {
			t.Errorf("%s: changed %s, not at runtime: %t", v.Key, v.Changed, v.NotAtRuntime)
		}
		got = append(got, v.Key+"="+v.Value.Reveal()+" "+v.From)
	}
	if want := []string{"BOTH=site site", "BUILD=b site", "DEV_ONLY=team team", "HIDDEN= site", "OWN=own site"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: the mask of a secret is no value", got, want)
	}
	n.HideTeam("shop-team", 401)
	if env, err = p.Environment(t.Context(), found[0]); err != nil || len(env.Gaps) != 1 {
		t.Errorf("a team that may not be read is a gap: %v %v", env.Gaps, err)
	}

	n.Deploy(site)
	c := condition(t, p, found[0])
	if c.Crashed || c.Live.IsZero() {
		t.Errorf("well: %+v", c)
	}
	n.FailWith(site, "Secrets scanning found 1 instance(s) of secrets")
	n.Deploy(site)
	c = condition(t, p, found[0])
	if !c.Crashed || !strings.Contains(strings.Join(c.Log, ""), "Secrets scanning") {
		t.Errorf("its newest deploy failed: %+v", c)
	}
}

func condition(t *testing.T, p providers.Examiner, target providers.Target) providers.Condition {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; {
		c, err := p.Condition(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		if c.Deploys.Newest.Phase != providers.PhaseRunning || time.Now().After(end) {
			return c
		}
	}
}
