package render_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/render"
)

// one finds the service of a name.
func one(t *testing.T, p *render.Provider, name string) providers.Target {
	t.Helper()
	found, gaps, err := p.Find(t.Context(), name)
	if err != nil || len(found) != 1 || len(gaps) != 0 {
		t.Fatalf("%v %v %v", found, gaps, err)
	}
	return found[0]
}

// settled waits until the newest deploy is at its end.
func settled(t *testing.T, p *render.Provider, target providers.Target) providers.Condition {
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

func TestEnvironmentIsWhatADeployGets(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	r := l.Render
	for range 120 { // more than one page
		r.AddService("other", "web_service")
	}
	id := r.AddService("worker", "background_worker")
	r.SetVar(id, "OWN", "own")
	r.SetVar(id, "BOTH", "service")
	r.SetVar(r.AddGroup("linked", id), "BOTH", "group")
	r.SetVar(r.AddGroup("shared", id), "SHARED", "group")
	r.SetVar(r.AddGroup("elsewhere"), "FOREIGN", "x")
	p := open(t, l)
	env, err := p.Environment(t.Context(), one(t, p, "worker"))
	if err != nil || len(env.Gaps) != 0 {
		t.Fatal(env.Gaps, err)
	}
	var got []string
	for _, v := range env.Variables {
		got = append(got, v.Key+"="+v.Value.Reveal()+" "+v.From)
	}
	if want := []string{"BOTH=service service", "OWN=own service", "SHARED=group env group shared"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if r.Deploy(id); l.LiveKeys() == nil { // the twin deploys the same
		t.Error("no deploy")
	}
}

func TestConditionTellsCrashes(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	r := l.Render
	p := open(t, l)
	id := r.AddService("worker", "background_worker")
	target := one(t, p, "worker")
	if c := settled(t, p, target); c.Crashed || c.Deploys.Newest.ID != "" {
		t.Errorf("never deployed: %+v", c)
	}
	r.Deploy(id)
	if c := settled(t, p, target); c.Crashed || c.Live.IsZero() || c.Log != nil {
		t.Errorf("well: %+v", c)
	}
	r.Crash(id, "boom")
	if c := settled(t, p, target); !c.Crashed || !strings.Contains(c.Why, "ended by itself") || !slices.Contains(c.Log, "boom") {
		t.Errorf("it crashed after its start: %+v", c)
	}
	r.Needs(id, "AWS_ACCESS_KEY_ID")
	r.Deploy(id)
	c := settled(t, p, target)
	if !c.Crashed || !strings.Contains(c.Why, "update_failed") || len(c.Log) == 0 || c.Log[0] != "Error: AWS_ACCESS_KEY_ID is not set" {
		t.Errorf("it crashed at its start: %+v", c)
	}
	r.SetVar(id, "AWS_ACCESS_KEY_ID", "x")
	r.Deploy(id)
	if c := settled(t, p, target); c.Crashed {
		t.Errorf("a newer deploy is well: %+v", c)
	}
	r.CrashLoop(id)
	if c := settled(t, p, target); !c.Crashed || !strings.Contains(c.Why, "again and again") {
		t.Errorf("suspended for it: %+v", c)
	}
}

// What only helps to understand and cannot be read is a gap, and said.
func TestConditionWithoutLogs(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	p := open(t, l)
	id := l.Render.AddService("worker", "background_worker")
	l.Render.Needs(id, "X")
	l.Render.Deploy(id)
	target := one(t, p, "worker")
	settled(t, p, target)
	l.Fault("render", "GET logs", lab.Fault{Status: 403})
	if c := settled(t, p, target); !c.Crashed || len(c.Gaps) != 1 {
		t.Errorf("%+v", c)
	}
}
