package netlify_test

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/netlify"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		l := providertest.Start(t, lab.Options{})
		n, id, sec := l.Netlify, lab.MadeUp("AKIA", 16), lab.MadeUp("", 40)
		n.PageSize(5)
		for i := range 6 {
			n.AddSite(fmt.Sprintf("other-%d", i))
		}
		shop := n.AddSite("shop") // behind the first page
		n.SetVar(shop, "AWS_ACCESS_KEY_ID", "production", id, false)
		n.SetVar(shop, "AWS_ACCESS_KEY_ID", "branch/feature-x", id, false)
		n.SetVar(shop, "AWS_ACCESS_KEY_ID", "dev", "another", false)
		n.SetVar(shop, "AWS_SECRET_ACCESS_KEY", "production", sec, true)
		n.SetVar(shop, "QUEUE", "all", "sqs://"+id+":"+sec+"@eu", false)
		n.SetVar("", "TEAM_KEY", "all", sec, false)
		n.Deploy(shop)
		account := "netlify/shop-team/"
		return &providertest.World{
			RightsOps: []string{"GET user", "GET members"}, NoRights: func() { n.Role("Reviewer") },
			Lab: l, Twin: "netlify", Provider: open(t, l), Secrets: []string{l.Env()["NETLIFY_AUTH_TOKEN"], id, sec},
			Sink: &providertest.SinkSide{
				Wanted: wanted(id, sec),
				Places: []string{
					account + "site/" + shop + "/AWS_ACCESS_KEY_ID/production/", account + "site/" + shop + "/AWS_ACCESS_KEY_ID/branch/feature-x",
					account + "site/" + shop + "/AWS_SECRET_ACCESS_KEY/production/", account + "site/" + shop + "/QUEUE/all/", account + "team//TEAM_KEY/all/",
				},
				Everything: n.Everything, Value: func(p providers.Placement) string { return n.Value(p.Resource, p.Key, contextOf(p)) },
				PastDeploys: n.Past,
				FailDeploys: func() { n.Fail(shop, true) },
				LocateOps:   []string{"GET accounts", "GET sites", "GET env", "GET team env"}, GapOps: []string{"GET sites", "GET env", "GET team env"},
				ReadOp: "GET env one", StoreOp: "PATCH env", StartOp: "POST builds", StatusOp: "GET deploy",
			},
		}
	}})
}

func open(t *testing.T, l *lab.Lab) *netlify.Provider {
	t.Helper()
	env := l.Env()
	p, err := netlify.New(netlify.Config{
		Token: secret.New(env["NETLIFY_AUTH_TOKEN"]), BaseURL: env["SECRETGUARD_NETLIFY_URL"], Client: providertest.Client(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wanted(id, sec string) []providers.Wanted {
	return []providers.Wanted{
		{Part: credential.PartID, Value: secret.New(id), Names: []string{"AWS_ACCESS_KEY_ID"}},
		{Part: credential.PartSecret, Value: secret.New(sec), Names: []string{"AWS_SECRET_ACCESS_KEY"}},
	}
}

func contextOf(p providers.Placement) string {
	if p.ContextParam != "" {
		return p.Context + "/" + p.ContextParam
	}
	return p.Context
}
