package actions_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/actions"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stored is what the twin holds at a placement.
func stored(l *lab.Lab, p providers.Placement) string {
	place := "repos/" + p.ResourceName
	switch {
	case p.Resource == "":
		place = "orgs/" + p.Account
	case p.Context != "":
		place += "/environments/" + p.Context
	}
	if p.WriteOnly {
		return l.Actions.Secret(place, p.Key)
	}
	return l.Actions.Variable(place, p.Key)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		l := providertest.Start(t, lab.Options{})
		a, id, sec := l.Actions, lab.MadeUp("AKIA", 16), lab.MadeUp("", 40)
		for i := range 35 { // more than a page
			a.AddRepo(fmt.Sprintf("jo/tool-%02d", i), false)
		}
		a.AddRepo("shop/web", true, "production", "eu west")
		for i := range 35 {
			a.SetVariable("repos/shop/web", fmt.Sprintf("A_%03d", i), "x")
			a.SetSecret("repos/shop/web", fmt.Sprintf("A_%03d", i), "y")
		}
		a.SetVariable("repos/shop/web", "QUEUE", "sqs://"+id+":"+sec+"@eu")
		a.SetSecret("repos/shop/web", "AWS_SECRET_ACCESS_KEY", sec)
		a.SetSecret("repos/shop/web/environments/eu west", "AWS_SECRET_ACCESS_KEY", sec)
		a.SetVariable("repos/shop/web/environments/production", "AWS_ACCESS_KEY_ID", id)
		a.SetSecret("orgs/shop", "AWS_SECRET_ACCESS_KEY", sec, 1000, 1035)
		a.SetSecret("orgs/shop", "AWS_ACCESS_KEY_ID", id)
		return &providertest.World{
			Lab: l, Twin: "actions", Provider: open(t, l), Secrets: []string{l.Env()["GITHUB_ACTIONS_TOKEN"], sec},
			Sink: &providertest.SinkSide{
				Wanted: wanted(id, sec),
				Places: []string{
					"github-actions/shop/repository-variable/shop%2Fweb/QUEUE//", "github-actions/shop/repository-secret/shop%2Fweb/AWS_SECRET_ACCESS_KEY//",
					"github-actions/shop/environment-secret/shop%2Fweb/AWS_SECRET_ACCESS_KEY/eu west/", "github-actions/shop/environment-variable/shop%2Fweb/AWS_ACCESS_KEY_ID/production/",
					"github-actions/shop/organization-secret//AWS_SECRET_ACCESS_KEY//", "github-actions/shop/organization-secret//AWS_ACCESS_KEY_ID//",
				},
				Everything: a.Everything, Value: func(p providers.Placement) string { return stored(l, p) },
				LocateOps: []string{"GET repos", "GET secrets", "GET variables", "GET environments"}, GapOps: []string{"GET secrets", "GET variables", "GET environments"},
				ReadOp: "GET variables one", StoreOp: "PATCH variables one", BriefStore: true,
			},
		}
	}})
}

func open(t *testing.T, l *lab.Lab, only ...string) *actions.Provider {
	t.Helper()
	env := l.Env()
	p, err := actions.New(actions.Config{
		Token: secret.New(env["GITHUB_ACTIONS_TOKEN"]), Repositories: only, BaseURL: env["SECRETGUARD_GITHUB_ACTIONS_URL"], Client: providertest.Client(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wanted(id, sec string) []providers.Wanted {
	return []providers.Wanted{
		{Part: credential.PartID, Value: secret.New(id), Names: []string{"AWS_ACCESS_KEY_ID"}}, {Part: credential.PartSecret, Value: secret.New(sec), Names: []string{"AWS_SECRET_ACCESS_KEY"}},
	}
}

// shop is a repository with one secret.
func shop(t *testing.T) (*lab.Lab, providers.Placement) {
	t.Helper()
	l := providertest.Start(t, lab.Options{})
	l.Actions.AddRepo("shop/web", true)
	l.Actions.AddRepo("shop/old", true)
	l.Actions.SetSecret("repos/shop/web", "AWS_SECRET_ACCESS_KEY", "old")
	l.Actions.SetSecret("repos/shop/old", "AWS_SECRET_ACCESS_KEY", "old")
	l.Actions.Archive("shop/old")
	got, err := open(t, l).Locate(t.Context(), wanted(lab.MadeUp("AKIA", 16), lab.MadeUp("", 40)))
	if err != nil || len(got.Placements) != 1 { // the archived one is left out
		t.Fatalf("%+v, %v", got, err)
	}
	return l, got.Placements[0]
}

// A secret that somebody took away meanwhile is for nobody: it is not made anew.
func TestASecretThatIsGoneIsNotMade(t *testing.T) {
	t.Parallel()
	l, p := shop(t)
	p.Key = "GONE"
	if err := open(t, l).Store(t.Context(), p, secret.New("new")); !errors.Is(err, providers.ErrNotFound) || l.Actions.Secret("repos/shop/web", "GONE") != "" {
		t.Errorf("stored: %v", err)
	}
}

// A token whose hour is used up gets 403, as one without the right does: it must not
// look as if there was nothing to see.
func TestASpentTokenIsNoMissingRight(t *testing.T) {
	t.Parallel()
	l, p := shop(t)
	l.Actions.Spend(true)
	var e *providers.Error
	_, err := open(t, l).Locate(t.Context(), wanted("a", "b"))
	if !errors.Is(err, providers.ErrRateLimited) || !errors.As(err, &e) || e.RetryAfter < time.Hour {
		t.Errorf("locate: %v", err)
	}
	if err := open(t, l).Store(t.Context(), p, secret.New("new")); !errors.Is(err, providers.ErrRateLimited) {
		t.Errorf("store: %v", err)
	}
}

// What our token may not see is told, and the rest is searched.
func TestHiddenPlaces(t *testing.T) {
	t.Parallel()
	l, _ := shop(t)
	l.Actions.Hide("orgs/shop")
	got, err := open(t, l, "shop/web").Locate(t.Context(), wanted(lab.MadeUp("AKIA", 16), lab.MadeUp("", 40)))
	if err != nil || len(got.Placements) != 1 || len(got.Gaps) != 2 || !strings.Contains(got.Gaps[0].What, "secrets of shop") {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsNoRepository(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"web", "/web", "shop/", "a/b/c"} {
		if _, err := actions.New(actions.Config{Token: secret.New("t"), Repositories: []string{name}}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
