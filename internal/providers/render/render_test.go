package render_test

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/render"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		l := providertest.Start(t, lab.Options{})
		r, id, sec := l.Render, lab.MadeUp("AKIA", 16), lab.MadeUp("", 40)
		web := r.AddService("web", "web_service")
		worker := r.AddService("worker", "background_worker")
		for i := range 105 { // more than a page
			r.SetVar(web, fmt.Sprintf("A_%03d", i), "x")
		}
		r.SetVar(web, "AWS_ACCESS_KEY_ID", id)
		r.SetVar(web, "AWS_SECRET_ACCESS_KEY", sec)
		r.SetFile(worker, "notes.txt", "nothing of interest")
		shared := r.AddGroup("shared", web, worker)
		r.SetVar(shared, "QUEUE", "sqs://"+id+":"+sec+"@eu")
		r.SetVar(shared, "PORT", "8080")
		r.Deploy(web)
		owner := r.Owners()[0]
		return &providertest.World{
			RightsOps: []string{"GET users", "GET members"}, NoRights: func() { r.Role("WORKSPACE_VIEWER") },
			Lab: l, Twin: "render", Provider: open(t, l), Secrets: []string{l.Env()["RENDER_API_KEY"], id, sec},
			Sink: &providertest.SinkSide{
				Wanted: wanted(id, sec),
				Places: []string{
					"render/" + owner + "/service/" + web + "/AWS_ACCESS_KEY_ID//", "render/" + owner + "/service/" + web + "/AWS_SECRET_ACCESS_KEY//",
					"render/" + owner + "/env-group/" + shared + "/QUEUE//",
				},
				Everything: r.Everything, Value: func(p providers.Placement) string { return r.Value(p.Resource, p.Key) },
				PastDeploys: r.Past,
				FailDeploys: func() { r.Fail(web, true) },
				LocateOps:   []string{"GET services", "GET owners", "GET env-groups", "GET env-groups one", "GET env-vars", "GET secret-files"},
				GapOps:      []string{"GET env-groups", "GET env-groups one", "GET env-vars", "GET secret-files"},
				ReadOp:      "GET env-vars one", StoreOp: "PUT env-vars one", StartOp: "POST deploys", StatusOp: "GET deploys one",
			},
		}
	}})
}

func open(t *testing.T, l *lab.Lab) *render.Provider {
	t.Helper()
	env := l.Env()
	p, err := render.New(render.Config{Token: secret.New(env["RENDER_API_KEY"]), BaseURL: env["SECRETGUARD_RENDER_URL"], Client: providertest.Client(t)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wanted(id, sec string) []providers.Wanted {
	return []providers.Wanted{{Part: credential.PartID, Value: secret.New(id)}, {Part: credential.PartSecret, Value: secret.New(sec)}}
}
