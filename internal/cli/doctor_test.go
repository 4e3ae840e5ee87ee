package cli_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/cli"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
)

// pipeline is the estate of the incident that doctor was made for: a function at
// Netlify publishes to a queue, a subscriber at Render reads it and starts a flow of
// Prefect. Nothing of it worked, and nothing said so.
type pipeline struct {
	*world
	site, worker, queue string
	file                string
}

func newPipeline(t *testing.T) *pipeline {
	t.Helper()
	w := newWorld(t)
	l := w.lab
	p := &pipeline{world: w, site: l.Netlify.AddSite("intake"), queue: l.AWS.AddQueue("jobs")}
	l.AWS.CreateUser("pipeline-bot")
	l.Echo("netlify/intake", "AWS_SECRET_ACCESS_KEY")
	p.worker = l.Render.AddService("subscriber", "background_worker")
	l.Render.Needs(p.worker, "AWS_SECRET_ACCESS_KEY")
	p.file = filepath.Join(t.TempDir(), "pipeline.secretguard.toml")
	text := `
[[consumer]]
name = "intake"
where = "netlify:intake"
same = ["SQS_QUEUE_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
[consumer.queue]
actions = ["send"]
[consumer.endpoint]
url = "` + l.URL("app") + `/netlify/intake/publish"
proves = ["AWS_SECRET_ACCESS_KEY"]

[[consumer]]
name = "subscriber"
where = "render:subscriber"
variables = ["LOG_LEVEL"]
same = ["SQS_QUEUE_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
[consumer.queue]
actions = ["receive", "delete"]
[consumer.prefect]
deployment = "intake/process"
`
	if err := writeFile(p.file, text); err != nil {
		t.Fatal(err)
	}
	return p
}

// breakIt leaves the pipeline as it was found.
func (p *pipeline) breakIt() {
	l := p.lab
	l.Netlify.SetVar(p.site, "SQS_QUEUE_URL", "production", p.queue, false)
	l.Netlify.SetVar(p.site, "AWS_REGION", "production", "us-west-2", false)
	l.Netlify.Deploy(p.site) // without any AWS key

	id, _ := l.AWS.CreateKey("pipeline-bot")
	l.AWS.AllowQueue("jobs", "pipeline-bot", "GetQueueAttributes", "ReceiveMessage")
	l.Render.SetVar(p.worker, "SQS_QUEUE_URL", p.queue)
	l.Render.SetVar(p.worker, "AWS_REGION", "us-east-1")
	l.Render.SetVar(p.worker, "AWS_ACCESS_KEY_ID", id)
	l.Render.SetVar(p.worker, "AWS_SECRET_ACCESS_KEY", "")
	l.Render.SetVar(p.worker, "LOG_LEVEL", "<log level>")
	l.Render.SetVar(p.worker, "PREFECT_API_URL", l.Flows.URL())
	l.Render.SetVar(p.worker, "PREFECT_API_KEY", l.Flows.Key())
	l.Render.Deploy(p.worker) // its process ends at once
	p.settle()
}

// mendIt does what doctor says.
func (p *pipeline) mendIt() {
	l := p.lab
	id := l.Render.Value(p.worker, "AWS_ACCESS_KEY_ID")
	l.AWS.AllowQueue("jobs", "pipeline-bot", "GetQueueAttributes", "ReceiveMessage", "DeleteMessage", "SendMessage")
	l.Render.SetVar(p.worker, "AWS_SECRET_ACCESS_KEY", l.AWS.Secret(id))
	l.Render.SetVar(p.worker, "LOG_LEVEL", "info")
	l.Netlify.SetVar(p.site, "AWS_REGION", "production", "us-east-1", false)
	l.Netlify.SetVar(p.site, "AWS_ACCESS_KEY_ID", "production", id, false)
	l.Netlify.SetVar(p.site, "AWS_SECRET_ACCESS_KEY", "production", l.AWS.Secret(id), false)
	l.Flows.AddPool("default")
	l.Flows.SetWorker("default", "w1", true)
	l.Flows.AddDeployment("intake/process", "default")
	l.Netlify.Deploy(p.site)
	l.Render.Deploy(p.worker)
	p.settle()
}

// settle gives the twins' deploys their (short) time.
func (p *pipeline) settle() {
	for range 3 {
		p.lab.LiveKeys()
		<-time.After(2 * time.Millisecond)
	}
}

// doc is the answer of doctor --json.
type doctorAnswer struct {
	Status           string
	Bad, Unknown, OK int
	Consumers        []struct {
		Name, Status string
		Findings     []struct {
			Check, Subject, Status, Text, Remedy string
			Log                                  []string
		}
	}
}

func (p *pipeline) doctor(code int, args ...string) doctorAnswer {
	p.t.Helper()
	var d doctorAnswer
	out := p.must(code, append([]string{"doctor", "-c", p.file, "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	return d
}

// find returns the first finding with the status.
func (d doctorAnswer) find(consumer, check, subject, status string) (text, remedy string, ok bool) {
	for _, c := range d.Consumers {
		for _, f := range c.Findings {
			if c.Name == consumer && f.Check == check && f.Subject == subject && f.Status == status {
				return f.Text, f.Remedy, true
			}
		}
	}
	return "", "", false
}

// The incident, played again: one run names every fault with its remedy, changes
// nothing, and after the remedies there is nothing left to name.
func TestDoctorNamesTheWholeIncident(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.breakIt()
	mutations := func() (n int) {
		for _, r := range p.lab.Requests() {
			if r.Mutates {
				n++
			}
		}
		return n
	}
	before := mutations()
	d := p.doctor(cli.ExitFindings)
	for _, want := range []struct{ consumer, check, subject, text string }{
		{"intake", "variable.missing", "AWS_ACCESS_KEY_ID", "not set"},
		{"intake", "variable.missing", "AWS_SECRET_ACCESS_KEY", "not set"},
		{"intake", "queue.region", "AWS_REGION", "us-west-2"},
		{"intake", "endpoint.proof", "AWS_SECRET_ACCESS_KEY", "status 201"},
		{"subscriber", "variable.empty", "AWS_SECRET_ACCESS_KEY", "empty"},
		{"subscriber", "variable.placeholder", "LOG_LEVEL", "placeholder"},
		{"subscriber", "consumer.crash", "subscriber", "update_failed"},
		{"subscriber", "prefect.deployment", "intake/process", "no such deployment"},
	} {
		text, remedy, ok := d.find(want.consumer, want.check, want.subject, "bad")
		if !ok || !strings.Contains(text, want.text) || remedy == "" {
			t.Errorf("%+v: found %t, %q, remedy %q", want, ok, text, remedy)
		}
	}
	if n := mutations(); n != before {
		t.Errorf("doctor sent %d mutating requests", n-before)
	}
	out := p.must(cli.ExitFindings, "doctor", "-c", p.file)
	for _, want := range []string{"| Error: AWS_SECRET_ACCESS_KEY is not set", "try: the log names AWS_SECRET_ACCESS_KEY: set AWS_SECRET_ACCESS_KEY at", "try: in its repository: prefect deploy --name process"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	p.mendIt()
	d = p.doctor(cli.ExitFindings) // the endpoint still shows nothing
	if _, _, ok := d.find("intake", "endpoint.proof", "AWS_SECRET_ACCESS_KEY", "bad"); !ok || d.Bad != 1 || d.Unknown != 0 {
		t.Errorf("after the remedies: %+v", d)
	}
	text := strings.ReplaceAll(read(t, p.file), "/publish", "/")
	if err := writeFile(p.file, text); err != nil {
		t.Fatal(err)
	}
	if d = p.doctor(cli.ExitOK); d.Status != "ok" || d.OK < 15 || d.Bad+d.Unknown != 0 {
		t.Errorf("all is well: %+v", d)
	}
}

// Each fault alone, beside a pipeline that is well.
func TestDoctorNamesOneFault(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil                    func(*pipeline)
		consumer, check, subject string
		status                   string
		code                     int
	}{
		"another key at a sibling": {func(p *pipeline) {
			id, sec := p.lab.AWS.CreateKey("pipeline-bot")
			p.lab.Render.SetVar(p.worker, "AWS_ACCESS_KEY_ID", id)
			p.lab.Render.SetVar(p.worker, "AWS_SECRET_ACCESS_KEY", sec)
		}, "intake", "variable.differs", "AWS_ACCESS_KEY_ID", "bad", 1},
		"the secret of another key": {func(p *pipeline) {
			_, sec := p.lab.AWS.CreateKey("pipeline-bot")
			p.lab.Render.SetVar(p.worker, "AWS_SECRET_ACCESS_KEY", sec)
		}, "subscriber", "queue.key", "AWS_SECRET_ACCESS_KEY", "bad", 1},
		"a dead key": {func(p *pipeline) { p.lab.AWS.RemoveKey(p.lab.Render.Value(p.worker, "AWS_ACCESS_KEY_ID")) }, "subscriber", "queue.key", "AWS_ACCESS_KEY_ID", "bad", 1},
		"a right is missing": {func(p *pipeline) {
			p.lab.AWS.AllowQueue("jobs", "pipeline-bot", "GetQueueAttributes", "SendMessage", "ReceiveMessage")
		}, "subscriber", "queue.right", "sqs:DeleteMessage", "bad", 1},
		"another queue":           {func(p *pipeline) { p.lab.Render.SetVar(p.worker, "SQS_QUEUE_URL", p.queue+"2") }, "subscriber", "queue.missing", "jobs2", "bad", 1},
		"an ARN for a URL":        {func(p *pipeline) { p.lab.Render.SetVar(p.worker, "SQS_QUEUE_URL", "arn:aws:sqs:us-east-1:1:jobs") }, "subscriber", "queue.url", "SQS_QUEUE_URL", "bad", 1},
		"quotes in the value":     {func(p *pipeline) { p.lab.Render.SetVar(p.worker, "LOG_LEVEL", `"info"`) }, "subscriber", "variable.quoted", "LOG_LEVEL", "bad", 1},
		"a wrong Prefect key":     {func(p *pipeline) { p.lab.Render.SetVar(p.worker, "PREFECT_API_KEY", "pnu_other") }, "subscriber", "prefect.key", "PREFECT_API_KEY", "bad", 1},
		"no /api in the address":  {func(p *pipeline) { p.lab.Render.SetVar(p.worker, "PREFECT_API_URL", p.lab.URL("flows")) }, "subscriber", "prefect.api", "PREFECT_API_URL", "bad", 1},
		"no worker":               {func(p *pipeline) { p.lab.Flows.SetWorker("default", "w1", false) }, "subscriber", "prefect.worker", "default", "bad", 1},
		"a paused pool":           {func(p *pipeline) { p.lab.Flows.Pause("default", true) }, "subscriber", "prefect.pool", "default", "bad", 1},
		"a paused deployment":     {func(p *pipeline) { p.lab.Flows.Pause("intake/process", true) }, "subscriber", "prefect.deployment", "intake/process", "bad", 1},
		"Prefect is down":         {func(p *pipeline) { p.lab.Fault("flows", "POST deployments", lab.Fault{Status: 503, Times: 9}) }, "subscriber", "prefect.api", "PREFECT_API_URL", "unknown", 3},
		"AWS is down":             {func(p *pipeline) { p.lab.Fault("aws", "GetCallerIdentity", lab.Fault{Status: 503, Times: 99}) }, "subscriber", "queue.key", "AWS_ACCESS_KEY_ID", "unknown", 3},
		"stored and not deployed": {func(p *pipeline) { p.lab.Netlify.SetVar(p.site, "SQS_QUEUE_URL", "production", p.queue, false) }, "intake", "variable.not-deployed", "SQS_QUEUE_URL", "bad", 1},
		"only builds see it":      {func(p *pipeline) { p.lab.Netlify.SetScopes(p.site, "SQS_QUEUE_URL", "builds") }, "intake", "variable.scope", "SQS_QUEUE_URL", "bad", 1},
		"it crashed later":        {func(p *pipeline) { p.lab.Render.Crash(p.worker, "out of memory") }, "subscriber", "consumer.crash", "subscriber", "bad", 1},
		"suspended":               {func(p *pipeline) { p.lab.Render.Suspend(p.worker) }, "subscriber", "consumer.suspended", "subscriber", "bad", 1},
		"a locked deploy": {func(p *pipeline) {
			p.lab.Netlify.Lock(p.site, true)
			p.lab.Netlify.Deploy(p.site)
			p.settle()
		}, "intake", "consumer.deploy", "intake", "bad", 1},
		"our token may not read it": {func(p *pipeline) { p.lab.Render.Hide(p.worker) }, "subscriber", "variable.missing", "LOG_LEVEL", "unknown", 3},
		"the team cannot be read":   {func(p *pipeline) { p.lab.Netlify.HideTeam("shop-team", 401) }, "intake", "consumer.gap", "shared variables of netlify account shop-team", "unknown", 3},
		"a value that is write-only": {func(p *pipeline) {
			p.lab.Netlify.SetVar(p.site, "AWS_SECRET_ACCESS_KEY", "production", "hidden from us", true)
		}, "intake", "endpoint.proof", "AWS_SECRET_ACCESS_KEY", "bad", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipeline(t)
			if err := writeFile(p.file, strings.ReplaceAll(read(t, p.file), "/publish", providers.EchoPath)); err != nil {
				t.Fatal(err)
			}
			p.breakIt()
			p.mendIt()
			if name == "a value that is write-only" {
				tt.spoil(p)
				p.lab.Netlify.Deploy(p.site)
				p.settle()
			} else {
				tt.spoil(p)
			}
			d := p.doctor(tt.code)
			if text, remedy, ok := d.find(tt.consumer, tt.check, tt.subject, tt.status); !ok || text == "" || remedy == "" {
				t.Errorf("not found: %+v", d)
			}
		})
	}
}

// After a rotation, a place that was not known and still holds the old key is named,
// with the run that replaced it.
func TestDoctorFindsWhatARotationLeft(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	text := "[[consumer]]\nname = \"late\"\nwhere = \"render:late\"\nvariables = [\"AWS_ACCESS_KEY_ID\", \"AWS_SECRET_ACCESS_KEY\"]\n"
	if err := writeFile(p.file, text); err != nil {
		t.Fatal(err)
	}
	plan, run, digest := p.plan()
	p.must(cli.ExitOK, "rotate", plan, "--approve", digest)
	late := p.lab.Render.AddService("late", "web_service") // somebody copied the old key here
	p.lab.Render.SetVar(late, "AWS_ACCESS_KEY_ID", p.estate.LeakedID)
	p.lab.Render.SetVar(late, "AWS_SECRET_ACCESS_KEY", p.estate.LeakedSecret)
	p.lab.Render.Deploy(late)
	p.settle()
	d := p.doctor(cli.ExitFindings)
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if text, _, ok := d.find("late", "variable.stale", name, "bad"); !ok || !strings.Contains(text, run) {
			t.Errorf("%s: %q in %+v", name, text, d)
		}
	}
}

// As a gate in a start command it reads the process's own environment.
func TestDoctorHere(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.breakIt()
	p.mendIt()
	for _, key := range []string{"SQS_QUEUE_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "PREFECT_API_URL", "PREFECT_API_KEY"} {
		p.env[key] = p.lab.Render.Value(p.worker, key)
	}
	d := p.doctor(cli.ExitFindings, "--here", "subscriber", "--only", "subscriber")
	if _, _, ok := d.find("subscriber", "variable.missing", "LOG_LEVEL", "bad"); !ok || d.Bad != 1 {
		t.Errorf("LOG_LEVEL is not set here: %+v", d)
	}
	for _, served := range p.lab.Requests() {
		if served.Service == "render" {
			t.Errorf("it asked Render: %s", served.Op)
		}
	}
	p.must(cli.ExitUsage, "doctor", "-c", p.file, "--here", "nobody")
	p.must(cli.ExitUsage, "doctor", "-c", p.file, "--only", "nobody")
}

func TestDoctorWithoutADeclaration(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	dir := t.TempDir()
	if code, _, errs := p.run("doctor", "-t", dir); code != cli.ExitUsage || !strings.Contains(errs, "secretguard doctor init") {
		t.Errorf("%d %s", code, errs)
	}
	write(t, dir, ".secretguard.toml", read(t, p.file))
	served := p.lab.Served()
	if code, _, errs := p.run("doctor", "-t", dir); code != cli.ExitUsage || !strings.Contains(errs, "does not count") || !strings.Contains(errs, "doctor -c ") {
		t.Errorf("%d %s", code, errs)
	}
	if p.lab.Served() != served {
		t.Error("it asked somebody on the word of a file in the target")
	}
	p.env["SECRETGUARD_LAB"] = "" // no provider is set up: nothing is known, and that is said
	d := p.doctor(cli.ExitIncomplete)
	if text, remedy, ok := d.find("intake", "consumer.unseen", "netlify:intake", "unknown"); !ok || !strings.Contains(remedy, "NETLIFY_AUTH_TOKEN") {
		t.Errorf("%q %q %+v", text, remedy, d)
	}
}

// A process that crashes may print its keys: they do not reach the screen.
func TestDoctorHidesKeysInLogs(t *testing.T) {
	t.Parallel()
	p := newPipeline(t)
	p.breakIt()
	key, other := p.lab.Render.Value(p.worker, "PREFECT_API_KEY"), lab.MadeUp("sk_live_", 40)
	p.lab.Render.Log(p.worker, "app", "env: "+key+" and "+other+" \x1b[2J")
	for _, args := range [][]string{{"doctor", "-c", p.file}, {"doctor", "-c", p.file, "-v"}, {"doctor", "-c", p.file, "--json"}} {
		out := p.must(cli.ExitFindings, args...)
		for _, bad := range []string{key, other, p.lab.Flows.Key(), "\x1b", p.env["RENDER_API_KEY"]} {
			if bad != "" && strings.Contains(out, bad) {
				t.Errorf("%q shows %q", args, bad)
			}
		}
		if !strings.Contains(out, "PREFECT_API_KEY") || !strings.Contains(out, "hidden") {
			t.Errorf("the line itself is to be shown:\n%s", out)
		}
	}
}
