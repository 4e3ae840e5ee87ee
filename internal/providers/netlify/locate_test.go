package netlify_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/netlify"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

// the values that these tests look for
func values() (id, sec string) { return lab.MadeUp("AKIA", 16), lab.MadeUp("", 40) }

func locate(t *testing.T, l *lab.Lab, id, sec string) providers.Located {
	t.Helper()
	found, err := open(t, l).Locate(t.Context(), wanted(id, sec))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func targetsOf(p providers.Placement) []string {
	var out []string
	for _, t := range p.Targets {
		out = append(out, t.Name)
	}
	slices.Sort(out)
	return out
}

// A shared value is deployed where it is seen: not on a site that hides it, but
// on one whose own variable has no value for production.
func TestSharedValueAndSitesOwn(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	n := l.Netlify
	id, sec := values()
	plain, hiding, developing, branching := n.AddSite("plain"), n.AddSite("hiding"), n.AddSite("developing"), n.AddSite("hiding-by-all")
	n.SetVar("", "KEY", "all", sec, false)
	n.SetVar(hiding, "KEY", "production", "its own", false)
	n.SetVar(developing, "KEY", "dev", "only here", false)
	n.SetVar(branching, "KEY", "all", "its own", false)
	n.SetVar(plain, "OTHER", "all", "x", false)
	found := locate(t, l, id, sec)
	if len(found.Placements) != 1 || found.Placements[0].Level != "team" || found.Placements[0].Resource != "" {
		t.Fatalf("found %+v", found.Placements)
	}
	if got := targetsOf(found.Placements[0]); !slices.Equal(got, []string{"developing", "plain"}) {
		t.Errorf("targets %v", got)
	}
	// A value that is hidden everywhere is found all the same.
	n.SetVar(plain, "KEY", "all", "x", false)
	n.SetVar(developing, "KEY", "production", "x", false)
	if found = locate(t, l, id, sec); len(found.Placements) != 1 || len(found.Placements[0].Targets) != 0 {
		t.Errorf("found %+v", found.Placements)
	}
}

func TestSeveralAccounts(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	n := l.Netlify
	id, sec := values()
	slug := n.AddAccount("Other team")
	blog := n.AddSiteTo(slug, "blog")
	n.SetVar(blog, "KEY", "all", id, false)
	n.SetTeamVar(slug, "SHARED", "production", sec)
	n.SetVar("", "SHARED", "all", "nothing", false)
	found := locate(t, l, id, sec)
	if len(found.Placements) != 2 {
		t.Fatalf("found %+v", found.Placements)
	}
	p := open(t, l)
	for _, pl := range found.Placements {
		if pl.Account != slug || pl.AccountName != "Other team" || !slices.Equal(targetsOf(pl), []string{"blog"}) {
			t.Errorf("placement %+v", pl)
		}
		if err := p.Store(t.Context(), pl, secret.New("new")); err != nil {
			t.Error(err)
		}
	}
	if n.Value(blog, "KEY", "all") != "new" || n.Value("", "SHARED", "all") != "nothing" {
		t.Error("stored in the wrong account")
	}
}

// A collaborator may not read the shared variables, which Netlify words in three
// ways; the rest of the search goes on and says what is missing.
func TestCollaborator(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 404} {
		l := providertest.Start(t, lab.Options{})
		id, sec := values()
		site := l.Netlify.AddSite("shop")
		l.Netlify.SetVar(site, "KEY", "all", id, false)
		l.Netlify.SetVar("", "SHARED", "all", sec, false)
		l.Netlify.HideTeam("shop-team", status)
		found := locate(t, l, id, sec)
		if len(found.Placements) != 1 || len(found.Gaps) != 1 || !strings.Contains(found.Gaps[0].What, "shared variables") {
			t.Errorf("%d: %+v", status, found)
		}
	}
	// A token that is refused outright is no collaborator's.
	l := providertest.Start(t, lab.Options{})
	p, err := netlify.New(netlify.Config{Token: secret.New("wrong"), BaseURL: l.Env()["SECRETGUARD_NETLIFY_URL"], Client: providertest.Client(t)})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := p.Locate(t.Context(), wanted(values())); err == nil {
		t.Errorf("a wrong token finds %+v", found)
	}
}

// However many sites a page holds, all are searched.
func TestAllPages(t *testing.T) {
	t.Parallel()
	for _, page := range []int{0, 1, 7} { // 0: as many as are asked for
		l := providertest.Start(t, lab.Options{})
		id, sec := values()
		l.Netlify.PageSize(page)
		sites := 21
		if page == 0 {
			sites = 201
		}
		for i := range sites {
			l.Netlify.SetVar(l.Netlify.AddSite(fmt.Sprintf("s%d", i)), "KEY", "all", id, false)
		}
		if found := locate(t, l, id, sec); len(found.Placements) != sites || found.Searched != sites {
			t.Errorf("pages of %d: %d of %d sites", page, len(found.Placements), sites)
		}
	}
}

// Unix time in the headers says when to go on; the search survives the limit.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	id, sec := values()
	for i := range 8 {
		l.Netlify.SetVar(l.Netlify.AddSite(fmt.Sprintf("s%d", i)), "KEY", "all", id, false)
	}
	var waits []time.Duration
	c := httpx.New(httpx.Options{AllowPrivate: true, Sleep: func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		l.Netlify.RateLimit(5, time.Minute) // the minute is over
		return nil
	}})
	t.Cleanup(c.Close)
	l.Netlify.RateLimit(5, time.Minute)
	env := l.Env()
	p, err := netlify.New(netlify.Config{Token: secret.New(env["NETLIFY_AUTH_TOKEN"]), BaseURL: env["SECRETGUARD_NETLIFY_URL"], Client: c})
	if err != nil {
		t.Fatal(err)
	}
	found, err := p.Locate(t.Context(), wanted(id, sec))
	if err != nil || len(found.Placements) != 8 {
		t.Fatalf("%+v, %v", found, err)
	}
	if len(waits) < 2 {
		t.Errorf("waited %v", waits)
	}
	for _, d := range waits {
		if d < 50*time.Second || d > 62*time.Second {
			t.Errorf("waited %s, the window is a minute", d)
		}
	}
}

// Functions have four kilobytes for all their variables: the plan warns when a
// longer value may not fit.
func TestFunctionsHaveLittleRoom(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	n := l.Netlify
	id, sec := values()
	full, roomy := n.AddSite("full"), n.AddSite("roomy")
	for _, site := range []string{full, roomy} {
		n.SetVar(site, "KEY", "all", id, false)
		n.SetVar(site, "BIG", "all", strings.Repeat("x", 2000), false)
		n.SetVar(site, "DEV", "dev", strings.Repeat("x", 3000), false)
		n.SetVar(site, "BUILD", "all", strings.Repeat("x", 3000), false)
		n.SetScopes(site, "BUILD", "builds", "post_processing")
	}
	n.SetVar("", "SHARED", "production", sec+strings.Repeat("x", 1700), false)
	n.SetVar(roomy, "SHARED", "production", "small", false)
	notes := map[string]int{}
	for _, p := range locate(t, l, id, sec).Placements {
		for _, note := range p.Notes {
			if strings.Contains(note, "4096") && strings.Contains(note, "full") {
				notes[p.ResourceName]++
			}
		}
	}
	if notes["full"] != 1 || notes["Shop team"] != 1 || notes["roomy"] != 0 {
		t.Errorf("notes at %v", notes)
	}
}
