package render_test

import (
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/render"
	"github.com/secretguard/secretguard/internal/secret"
)

// Every request of our client and every answer of the twin, held to Render's own
// document.
func TestContract(t *testing.T) {
	t.Parallel()
	c := providertest.OpenContract(t, "render-openapi.json", "render", "/v1")
	l := providertest.Start(t, lab.Options{Wrap: c.Wrap})
	r, id, sec := l.Render, lab.MadeUp("AKIA", 16), lab.MadeUp("", 40)
	web := r.AddService("web", "web_service")
	var all []string
	for _, kind := range []string{"static_site", "private_service", "background_worker", "cron_job"} {
		all = append(all, r.AddService(kind, kind))
	}
	r.SetVar(web, "AWS_ACCESS_KEY_ID", id)
	r.SetFile(web, ".env", sec)
	group := r.AddGroup("shared", append(all, web)...)
	r.SetVar(group, "SECRET", sec)
	r.SetFile(group, ".env", sec)
	r.ManualDeploys(web)
	r.Suspend(all[1])
	r.Deploy(web)
	p := open(t, l)
	ctx := t.Context()
	found, err := p.Locate(ctx, wanted(id, sec))
	if err != nil || len(found.Placements) != 2 || len(found.Gaps) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	for _, pl := range found.Placements {
		if err := p.Store(ctx, pl, secret.New("new")); err != nil {
			t.Error(err)
		}
		if _, err := p.Read(ctx, pl); err != nil {
			t.Error(err)
		}
	}
	for _, target := range found.Placements[1].Targets { // one of each kind
		if target.Suspended {
			continue
		}
		d, err := p.Start(ctx, target)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Status(ctx, target, d.ID); err != nil {
			t.Error(err)
		}
	}
	l.Render.Needs(web, "NO_SUCH")
	l.Render.Deploy(web)
	for range 2 { // a service that is well, and one that crashed
		for _, name := range []string{"web", "cron_job"} {
			if _, err := p.Condition(ctx, one(t, p, name)); err != nil {
				t.Error(err)
			}
		}
		if _, err := p.Environment(ctx, one(t, p, "web")); err != nil {
			t.Error(err)
		}
	}
	l.Render.Crash(all[3], "boom")
	_, _ = p.Condition(ctx, one(t, p, "cron_job"))
	for _, r := range p.Rights(ctx, []providers.Ask{{Act: providers.DoStore, Placement: &found.Placements[0]}}) {
		if r.May != providers.MayYes {
			t.Errorf("%+v", r)
		}
	}
	gone := found.Placements[0]
	gone.Key = "NO_SUCH"
	_, _ = p.Read(ctx, gone)
	_, _ = p.Start(ctx, providers.Target{ID: "srv-nowhere", Name: "nowhere"})
	r.Hide(web)
	_, _ = p.Locate(ctx, wanted(id, sec))
	stranger, err := render.New(render.Config{Token: secret.New("wrong"), BaseURL: l.Env()["SECRETGUARD_RENDER_URL"], Client: providertest.Client(t)})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = stranger.Locate(ctx, wanted(id, sec))
	c.Check(t, "list-services 200", "list-services 401", "retrieve-service 200", "retrieve-service 404", "get-env-vars-for-service 200", "get-env-vars-for-service 403",
		"retrieve-env-var 200", "retrieve-env-var 404", "update-env-var 200", "list-secret-files-for-service 200", "list-owners 200", "list-env-groups 200",
		"retrieve-env-group 200", "retrieve-env-group-env-var 200", "update-env-group-env-var 200", "list-deploys 200", "create-deploy 201", "create-deploy 202", "retrieve-deploy 200", "get-user 200", "retrieve-owner-members 200", "list-events 200", "list-logs 200")
}
