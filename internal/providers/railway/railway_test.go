package railway_test

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/railway"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const prod = "env-shop-production"

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		l := providertest.Start(t, lab.Options{})
		r, id, sec := l.Railway, lab.MadeUp("AKIA", 16), lab.MadeUp("", 40)
		r.AddEnvironment("shop", "production", "web", "worker")
		r.AddEnvironment("shop", "staging", "web")
		r.AddEnvironment("other", "production", "tool")
		r.Set(prod, "svc-web", "AWS_ACCESS_KEY_ID", id)
		r.Set(prod, "svc-web", "PORT", "8080")
		r.Set(prod, "svc-web", "AWS_SECRET_ACCESS_KEY", "${{shared.AWS_SECRET_ACCESS_KEY}}")
		r.Set(prod, "", "AWS_SECRET_ACCESS_KEY", sec)
		r.Set("env-shop-staging", "svc-web", "QUEUE", "sqs://"+id+":"+sec+"@eu")
		r.Seal(prod, "svc-worker", "AWS_SECRET_ACCESS_KEY", sec)
		r.Seal(prod, "", "OTHER", "theirs")
		return &providertest.World{
			Lab: l, Twin: "railway", Provider: open(t, l), Secrets: []string{l.Env()["RAILWAY_API_TOKEN"], sec},
			Sink: &providertest.SinkSide{
				Wanted: wanted(id, sec),
				Places: []string{
					"railway/project-shop/service/svc-web/AWS_ACCESS_KEY_ID/production/" + prod, "railway/project-shop/shared//AWS_SECRET_ACCESS_KEY/production/" + prod,
					"railway/project-shop/service/svc-web/QUEUE/staging/env-shop-staging", "railway/project-shop/service/svc-worker/AWS_SECRET_ACCESS_KEY/production/" + prod,
				},
				Everything: r.Everything, Value: func(p providers.Placement) string { return r.Value(p.ContextParam, p.Resource, p.Key) },
				FailDeploys: r.Fail,
				LocateOps:   []string{"TokenWorkspaces", "Projects", "Environment", "Variables"}, GapOps: []string{"Projects", "Environment", "Variables"},
				ReadOp: "Variables", StoreOp: "Upsert", StartOp: "Redeploy", StatusOp: "Deployment",
			},
		}
	}})
}

func open(t *testing.T, l *lab.Lab) *railway.Provider {
	t.Helper()
	env := l.Env()
	p, err := railway.New(railway.Config{Token: secret.New(env["RAILWAY_API_TOKEN"]), BaseURL: l.URL("railway"), Client: providertest.Client(t)})
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

// A service that refers to a value elsewhere must be deployed when that value changes,
// and keeps its reference.
func TestReferencesAreFollowed(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	sec, fresh := lab.MadeUp("", 40), lab.MadeUp("", 40)
	l.Railway.AddEnvironment("shop", "production", "web", "worker", "cron")
	l.Railway.Set(prod, "", "KEY", sec)
	l.Railway.Set(prod, "svc-web", "AWS_SECRET_ACCESS_KEY", "${{shared.KEY}}")
	l.Railway.Set(prod, "svc-worker", "COPY", "${{web.AWS_SECRET_ACCESS_KEY}}")
	p := open(t, l)
	got, err := p.Locate(t.Context(), wanted("none", sec))
	if err != nil || len(got.Placements) != 1 || len(got.Placements[0].Targets) != 1 || got.Placements[0].Targets[0].Name != "web (production)" {
		t.Fatalf("%+v, %v", got, err)
	}
	place := got.Placements[0]
	if err := p.Store(t.Context(), place, secret.New(fresh)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Start(t.Context(), place.Targets[0]); err != nil {
		t.Fatal(err)
	}
	if l.Railway.Running(prod, "svc-web", "AWS_SECRET_ACCESS_KEY") != fresh || l.Railway.Value(prod, "svc-web", "AWS_SECRET_ACCESS_KEY") != "${{shared.KEY}}" {
		t.Error("the new value does not run, or the reference is gone")
	}
}

// A token of an account is told from one of a workspace, and one of nobody is refused.
func TestTokens(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.Railway.AddEnvironment("shop", "production", "web")
	l.Railway.AsAccount()
	if got, err := open(t, l).Locate(t.Context(), wanted("a", "b")); err != nil || len(got.Gaps) != 0 {
		t.Errorf("an account's: %+v, %v", got, err)
	}
	p, err := railway.New(railway.Config{Token: secret.New("another"), BaseURL: l.URL("railway"), Client: providertest.Client(t)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Locate(t.Context(), wanted("a", "b")); !errors.Is(err, providers.ErrAuth) {
		t.Errorf("nobody's: %v", err)
	}
}

// What Railway refuses inside an answer of 200 is no success.
func TestRefusedInside200(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]error{
		"Not Authorized": providers.ErrForbidden, "Service not found": providers.ErrNotFound, "You hit the rate limit": providers.ErrRateLimited, "Problem processing request": providers.ErrAmbiguous,
	} {
		l := providertest.Start(t, lab.Options{})
		l.Railway.AddEnvironment("shop", "production", "web")
		l.Railway.Set(prod, "svc-web", "KEY", "old")
		l.Fault("railway", "Upsert", lab.Fault{Status: 200, ContentType: "application/json", Body: `{"data":null,"errors":[{"message":"` + message + `"}]}`})
		place := providers.Placement{Provider: railway.Name, Account: "project-shop", Level: "service", Resource: "svc-web", ResourceName: "web", Key: "KEY", Context: "production", ContextParam: prod}
		if err := open(t, l).Store(t.Context(), place, secret.New("new")); !errors.Is(err, want) {
			t.Errorf("%s: %v", message, err)
		}
	}
}

func TestHiddenEnvironment(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.Railway.AddEnvironment("shop", "production", "web")
	l.Railway.AddEnvironment("shop", "staging", "web")
	l.Railway.Hide(prod)
	got, err := open(t, l).Locate(t.Context(), wanted("a", "b"))
	if err != nil || len(got.Gaps) != 1 || !strings.Contains(got.Gaps[0].What, "shop (production)") {
		t.Errorf("%+v, %v", got, err)
	}
}
