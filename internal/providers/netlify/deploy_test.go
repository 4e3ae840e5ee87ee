package netlify_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/netlify"
	"github.com/secretguard/secretguard/internal/providers/providertest"
)

func shop(t *testing.T) (*lab.Netlify, *netlify.Provider, providers.Target) {
	t.Helper()
	l := providertest.Start(t, lab.Options{})
	id := l.Netlify.AddSite("shop")
	l.Netlify.Deploy(id)
	return l.Netlify, open(t, l), providers.Target{Provider: "netlify", ID: id, Name: "shop"}
}

func start(t *testing.T, p *netlify.Provider, target providers.Target) providers.Deploy {
	t.Helper()
	d, err := p.Start(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if d, err = p.Status(t.Context(), target, d.ID); err != nil {
		t.Fatal(err)
	}
	return d
}

// Ready is not live: with a locked deploy the new one is built and not served.
func TestLockedDeploy(t *testing.T) {
	t.Parallel()
	n, p, target := shop(t)
	before, err := p.Latest(t.Context(), target)
	if err != nil || before.LiveID == "" {
		t.Fatalf("%+v, %v", before, err)
	}
	n.Lock(target.ID, true)
	d := start(t, p, target)
	if d.State != "ready" || d.Phase != providers.PhaseBuilt {
		t.Errorf("locked: %+v", d)
	}
	after, err := p.Latest(t.Context(), target)
	if err != nil || after.LiveID != before.LiveID || after.Newest.ID != d.ID {
		t.Errorf("locked: %+v, %v", after, err)
	}
	n.Lock(target.ID, false)
	if d := start(t, p, target); d.Phase != providers.PhaseLive {
		t.Errorf("unlocked: %+v", d)
	}
}

// A preview is no deploy of the site.
func TestPreviewIsNotTheNewestDeploy(t *testing.T) {
	t.Parallel()
	n, p, target := shop(t)
	before, err := p.Latest(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	for range 30 { // more than one page
		n.Preview(target.ID)
	}
	if after, err := p.Latest(t.Context(), target); err != nil || after.Newest.ID != before.Newest.ID || after.LiveID != before.LiveID {
		t.Errorf("%+v, before %+v, %v", after, before, err)
	}
}

// A build that finds a secret value in the repository fails; what it says is
// passed on as the detail.
func TestFailingBuild(t *testing.T) {
	t.Parallel()
	n, p, target := shop(t)
	n.FailWith(target.ID, "Secrets scanning found secrets in build.")
	d := start(t, p, target)
	if d.Phase != providers.PhaseFailed || d.State != "error" || !strings.Contains(d.Detail, "Secrets scanning") || !strings.Contains(d.Detail, "take it out of there") {
		t.Errorf("%+v", d)
	}
	n.FailWith(target.ID, "Your environment variables exceed the 4KB limit imposed by AWS Lambda")
	if d := start(t, p, target); !strings.Contains(d.Detail, "do not fit") {
		t.Errorf("%+v", d)
	}
	n.FailWith(target.ID, "exit code: 2")
	if d := start(t, p, target); d.Detail != "exit code: 2" {
		t.Errorf("%+v", d)
	}
}

// A fourth build within a minute is refused, and says when to come again though
// Netlify's answer does not.
func TestBuildsAMinute(t *testing.T) {
	t.Parallel()
	n, p, target := shop(t)
	n.BuildLimit(3)
	for range 3 {
		start(t, p, target)
	}
	_, err := p.Start(t.Context(), target)
	var e *providers.Error
	if !errors.As(err, &e) || !errors.Is(err, providers.ErrRateLimited) || e.RetryAfter < 20*time.Second || e.RetryAfter > 2*time.Minute {
		t.Errorf("%v, %+v", err, e)
	}
}

func TestSiteThatDoesNotBuild(t *testing.T) {
	t.Parallel()
	n, p, target := shop(t)
	for status, class := range map[int]error{404: providers.ErrNotFound, 422: providers.ErrRefused} {
		n.NoBuild(target.ID, status)
		_, err := p.Start(t.Context(), target)
		if !errors.Is(err, class) || !strings.Contains(err.Error(), "deploy it by hand") {
			t.Errorf("%d: %v", status, err)
		}
	}
}
