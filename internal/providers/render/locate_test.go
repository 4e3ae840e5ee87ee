package render_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

func locate(t *testing.T, l *lab.Lab, value string) providers.Located {
	t.Helper()
	found, err := open(t, l).Locate(t.Context(), wanted(value, "nothing-has-this-value"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func gapsOf(l providers.Located) string {
	var out []string
	for _, g := range l.Gaps {
		out = append(out, g.What+" ("+g.Why+")")
	}
	return strings.Join(out, "\n")
}

// Lists are pages of a hundred at most, with an opaque cursor; none is left out.
func TestAllPages(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	value := lab.MadeUp("", 40)
	const services = 205
	for i := range services {
		l.Render.SetVar(l.Render.AddService(fmt.Sprintf("s%d", i), "web_service"), "KEY", value)
	}
	if found := locate(t, l, value); len(found.Placements) != services || found.Searched != services || len(found.Gaps) != 0 {
		t.Errorf("%d placements, %d searched, gaps %s", len(found.Placements), found.Searched, gapsOf(found))
	}
}

// Groups are listed for each workspace. A list of a hundred may be cut off, and
// nothing says how to go on: that is a gap.
func TestGroupsOfEveryWorkspace(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	r, value := l.Render, lab.MadeUp("", 40)
	one := r.AddService("one", "web_service")
	r.SetVar(r.AddGroup("first", one), "KEY", value)
	r.AddOwner()
	two, sleeping := r.AddService("two", "cron_job"), r.AddService("sleeping", "background_worker")
	r.Suspend(sleeping)
	second := r.AddGroup("second", two, sleeping, one)
	r.SetVar(second, "KEY", value)
	found := locate(t, l, value)
	if len(found.Placements) != 2 || len(found.Gaps) != 0 {
		t.Fatalf("found %+v", found)
	}
	for _, p := range found.Placements {
		if p.Resource != second {
			continue
		}
		var names []string
		for _, target := range p.Targets {
			names = append(names, fmt.Sprint(target.Name, " ", target.Suspended))
		}
		if !slices.Equal(names, []string{"two false", "sleeping true", "one false"}) {
			t.Errorf("every linked service is deployed after a change, a suspended one is known: %v", names)
		}
	}
	r.AddGroup("dangling", "srv-not-ours")
	for i := range 100 {
		r.AddGroup(fmt.Sprintf("g%d", i))
	}
	found = locate(t, l, value)
	for _, want := range []string{"srv-not-ours", "after the first 100"} {
		if !strings.Contains(gapsOf(found), want) {
			t.Errorf("no gap names %q: %s", want, gapsOf(found))
		}
	}
}

// Secret files are searched, and what cannot be changed here is said.
func TestSecretFiles(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	r, value := l.Render, lab.MadeUp("", 40)
	web := r.AddService("web", "web_service")
	for i := range 130 {
		r.SetFile(web, fmt.Sprintf("f%03d", i), "x")
	}
	r.SetFile(web, "zz.env", "KEY="+value+"\n")
	r.SetFile(r.AddGroup("shared", web), "app.json", `{"key":"`+value+`"}`)
	found := locate(t, l, value)
	if len(found.Placements) != 0 || len(found.Gaps) != 2 || !strings.Contains(gapsOf(found), "zz.env of web") || !strings.Contains(gapsOf(found), "app.json of shared") {
		t.Errorf("found %+v", found)
	}
	for _, g := range found.Gaps {
		if strings.Contains(g.What+g.Why, value) {
			t.Error("a gap holds the value")
		}
	}
}

func TestServiceThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	r, value := l.Render, lab.MadeUp("", 40)
	hidden, seen := r.AddService("hidden", "web_service"), r.AddService("seen", "web_service")
	r.SetVar(hidden, "KEY", value)
	r.SetVar(seen, "KEY", value)
	r.Hide(hidden)
	found := locate(t, l, value)
	if len(found.Placements) != 1 || found.Placements[0].Resource != seen || !strings.Contains(gapsOf(found), "hidden") {
		t.Errorf("found %+v", found)
	}
}

// Only an address that is public and shows health is asked for health.
func TestHealthURL(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	r, value := l.Render, lab.MadeUp("", 40)
	want := map[string]string{
		"web_service": l.URL("app") + "/render/web_service/health", "static_site": l.URL("app") + "/render/static_site",
		"private_service": "", "background_worker": "", "cron_job": "",
	}
	for kind := range want {
		r.SetVar(r.AddService(kind, kind), "KEY", value)
	}
	for _, p := range locate(t, l, value).Placements {
		if got := p.Targets[0].HealthURL; got != want[p.ResourceName] {
			t.Errorf("%s: %q, want %q", p.ResourceName, got, want[p.ResourceName])
		}
	}
}

// Names and values of every form survive the way there and back.
func TestStrangeNamesAndValues(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	r := l.Render
	web := r.AddService("web", "web_service")
	group := r.AddGroup("shared")
	p := open(t, l)
	for _, key := range []string{"PLAIN", "with space", "a/b", "a%2Fb", "?x=1#y", "ü"} {
		for level, id := range map[string]string{"service": web, "env-group": group} {
			r.SetVar(id, key, "old")
			pl := providers.Placement{Provider: "render", Level: level, Resource: id, Key: key}
			for _, value := range []string{"plain", "two\nlines\n", `"quoted" \ ü`, strings.Repeat("x", 10_000)} {
				if err := p.Store(t.Context(), pl, secret.New(value)); err != nil {
					t.Fatalf("%s %q: %v", level, key, err)
				}
				got, err := p.Read(t.Context(), pl)
				if err != nil || got.Reveal() != value || r.Value(id, key) != value {
					t.Errorf("%s %q: %v", level, key, err)
				}
			}
		}
	}
}
