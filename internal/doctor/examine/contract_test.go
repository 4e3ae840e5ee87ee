package examine_test

import (
	"slices"
	"testing"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/doctor"
	"github.com/secretguard/secretguard/internal/doctor/examine"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
)

// here examines this process, with an environment of the test's own.
func here(t *testing.T, c config.Consumer, env map[string]string) doctor.Facts {
	t.Helper()
	c.Name, c.Where = "here", config.WhereHere
	x := &examine.Examiner{HTTP: providertest.Client(t), Env: func(n string) string { return env[n] }}
	return x.Examine(t.Context(), []config.Consumer{c})[0]
}

// Every request to Prefect and every answer of the twin, held to Prefect's own document.
func TestPrefectContract(t *testing.T) {
	t.Parallel()
	c := providertest.OpenContract(t, "prefect-server-trimmed-openapi.json", "flows", "/api")
	l := providertest.Start(t, lab.Options{Wrap: c.Wrap})
	l.Flows.AddPool("default")
	l.Flows.SetWorker("default", "w1", true)
	l.Flows.AddDeployment("intake/process", "default")
	env := map[string]string{"PREFECT_API_URL": l.Flows.URL(), "PREFECT_API_KEY": l.Flows.Key()}
	p := config.Prefect{URL: "PREFECT_API_URL", Key: "PREFECT_API_KEY", Deployment: "intake/process"}
	f := here(t, config.Consumer{Prefect: &p}, env)
	if got := f.Prefect; got == nil || got.Key != providers.AnswerYes || got.Deployment != providers.AnswerYes || got.PoolThere != providers.AnswerYes || got.Online != 1 {
		t.Errorf("%+v", got)
	}
	c.Check(t, "read_deployments_deployments_filter_post 200", "read_deployment_by_name_deployments_name__flow_name___deployment_name__get 200",
		"read_work_pool_work_pools__name__get 200", "read_workers_work_pools__work_pool_name__workers_filter_post 200")
}

// A name may hold anything: it stays one segment of the path. What is not there is
// told from what could not be asked.
func TestPrefectNames(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	env := map[string]string{"PREFECT_API_URL": l.Flows.URL() + "/", "PREFECT_API_KEY": l.Flows.Key()}
	p := config.Prefect{URL: "PREFECT_API_URL", Key: "PREFECT_API_KEY", Deployment: "fl ow?x/na me#1/2", Pool: "a/b"}
	got := here(t, config.Consumer{Prefect: &p}, env).Prefect
	if got == nil || got.Deployment != providers.AnswerNo || got.PoolThere != providers.AnswerNo {
		t.Errorf("%+v", got)
	}
	var asked []string
	for _, r := range l.Requests() {
		asked = append(asked, r.URL)
	}
	for _, want := range []string{"/api/deployments/name/fl%20ow%3Fx/na%20me%231%2F2", "/api/work_pools/a%2Fb"} {
		if !slices.Contains(asked, want) {
			t.Errorf("%s was not asked: %q", want, asked)
		}
	}
	l.Fault("flows", "GET deployments", lab.Fault{Status: 503, Times: 9})
	if got = here(t, config.Consumer{Prefect: &p}, env).Prefect; got.Deployment != providers.AnswerUnknown || got.Detail == "" {
		t.Errorf("an outage says nothing of the deployment: %+v", got)
	}
}

func TestSupabase(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	key := lab.MadeUp("sb_secret_", 31)
	l.Services.Know("supabase_project", key)
	address := l.URL("services") + "/supabase_project"
	for name, tt := range map[string]struct {
		url, key string
		want     providers.Answer
	}{
		"the key":      {address, key, providers.AnswerYes},
		"another key":  {address + "/", lab.MadeUp("sb_secret_", 31), providers.AnswerNo},
		"no project":   {l.URL("services") + "/nothing", key, providers.AnswerUnknown},
		"a login page": {l.URL("flows"), key, providers.AnswerUnknown},
	} {
		f := here(t, config.Consumer{Supabase: &config.Supabase{URL: "URL", Key: "KEY"}}, map[string]string{"URL": tt.url, "KEY": tt.key})
		if f.Supabase == nil || f.Supabase.Key != tt.want {
			t.Errorf("%s: %+v", name, f.Supabase)
		}
	}
}
