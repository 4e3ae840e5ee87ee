package netlify_test

import (
	"testing"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/netlify"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

// Every request of our client and every answer of the twin, held to Netlify's
// own document.
func TestContract(t *testing.T) {
	t.Parallel()
	c := providertest.OpenContract(t, "netlify-swagger.yml", "netlify", "/api/v1",
		providertest.Deviation{Real: `"post_processing"`, Document: `"post-processing"`, Why: "answers spell the scope so (netlify/cli)"},
		providertest.Deviation{Real: `{"msg":`, Document: `{"message":`, Why: "errors of the env endpoints (netlify/cli reads msg)"},
	)
	l := providertest.Start(t, lab.Options{Wrap: c.Wrap})
	n, id, sec := l.Netlify, lab.MadeUp("AKIA", 16), lab.MadeUp("", 40)
	shop := n.AddSite("shop")
	n.SetVar(shop, "AWS_ACCESS_KEY_ID", "production", id, false)
	n.SetVar(shop, "AWS_ACCESS_KEY_ID", "branch/feature-x", id, false)
	n.SetVar(shop, "AWS_SECRET_ACCESS_KEY", "production", sec, true)
	n.SetVar("", "SHARED", "all", sec, false)
	n.Deploy(shop)
	p := open(t, l)
	ctx := t.Context()
	found, err := p.Locate(ctx, wanted(id, sec))
	if err != nil || len(found.Placements) != 4 {
		t.Fatalf("%+v, %v", found, err)
	}
	for _, pl := range found.Placements {
		if err := p.Store(ctx, pl, secret.New("new")); err != nil {
			t.Error(err)
		}
	}
	target := found.Placements[0].Targets[0]
	d, err := p.Start(ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Status(ctx, target, d.ID); err != nil {
		t.Error(err)
	}
	if _, err := p.Latest(ctx, target); err != nil {
		t.Error(err)
	}
	for _, r := range p.Rights(ctx, []providers.Ask{{Act: providers.DoStore, Placement: &found.Placements[0]}}) {
		if r.May != providers.MayYes {
			t.Errorf("%+v", r)
		}
	}
	// Refusals, in both spellings.
	gone := found.Placements[0]
	gone.Key = "NO_SUCH"
	_, _ = p.Read(ctx, gone)
	_, _ = p.Status(ctx, target, "no-such")
	n.NoBuild(shop, 422)
	_, _ = p.Start(ctx, target)
	stranger, err := netlify.New(netlify.Config{Token: secret.New("wrong"), BaseURL: l.Env()["SECRETGUARD_NETLIFY_URL"], Client: providertest.Client(t)})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = stranger.Latest(httpx.ReadOnly(ctx), providers.Target{ID: shop, Name: "shop"})
	c.Check(t, "listAccountsForUser 200", "listSitesForAccount 200", "getEnvVars 200", "getEnvVar 200", "getEnvVar 404", "setEnvVarValue 201",
		"createSiteBuild 200", "createSiteBuild 422", "getDeploy 200", "getDeploy 404", "getSite 200", "getSite 401", "listSiteDeploys 200", "getCurrentUser 200", "listMembersForAccount 200")
}
