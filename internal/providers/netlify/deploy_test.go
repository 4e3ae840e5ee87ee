package netlify_test

import (
	"errors"
	"strings"
	"testing"

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
	if d.Phase != providers.PhaseFailed || d.State != "error" || !strings.Contains(d.Detail, "Secrets scanning") {
		t.Errorf("%+v", d)
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
