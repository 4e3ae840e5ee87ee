package propose_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/doctor/propose"
)

// folder makes files in memory.
func folder(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// load writes the draft to a file and loads it, as a person would.
func load(t *testing.T, d propose.Draft) []config.Consumer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "draft.secretguard.toml")
	if err := os.WriteFile(path, []byte(d.TOML()), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{Explicit: path, Env: func(string) string { return "" }})
	if err != nil {
		t.Fatalf("the draft is no valid configuration: %v\n%s", err, d.TOML())
	}
	return cfg.Consumers
}

// The repository of the incident gives the declaration that would have shown it.
func TestDraftOfThePipeline(t *testing.T) {
	t.Parallel()
	d, err := propose.From(folder(map[string]string{
		"netlify.toml":        "[build]\npublish = \"public\"\n[functions]\ndirectory = \"functions\"\n",
		".netlify/state.json": `{"siteId":"11111111-2222-3333-4444-555555555555"}`,
		"functions/publish.mjs": `import { SQSClient, SendMessageCommand } from "@aws-sdk/client-sqs";
const client = new SQSClient({ region: process.env.AWS_REGION, credentials: {
  accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env["AWS_SECRET_ACCESS_KEY"] } });
const level = process.env.LOG_LEVEL || "info";
await client.send(new SendMessageCommand({ QueueUrl: process.env.SQS_QUEUE_URL }));`,
		"render.yaml": `services:
  - type: worker
    name: shop-subscriber
    rootDir: worker
    envVars:
      - key: AWS_ACCESS_KEY_ID
        sync: false
      - fromGroup: shared
  - type: keyvalue
    name: cache
envVarGroups:
  - name: shared
    envVars:
      - key: SQS_QUEUE_URL
        value: x
`,
		"worker/main.py": `import os, boto3
from prefect.deployments import run_deployment
sqs = boto3.client("sqs", region_name=os.environ["AWS_REGION"], aws_secret_access_key=os.getenv("AWS_SECRET_ACCESS_KEY"))
m = sqs.receive_message(QueueUrl=os.environ["SQS_QUEUE_URL"])
run_deployment(name="intake/process")
sqs.delete_message(QueueUrl=os.environ.get("SQS_QUEUE_URL", ""))
print(os.environ["PREFECT_API_URL"], os.environ["PREFECT_API_KEY"])`,
		"node_modules/x/index.js":  `process.env.FOREIGN`,
		"worker/test_main_test.py": `os.environ["ONLY_A_TEST"]`,
	}))
	if err != nil || len(d.Unread) != 0 {
		t.Fatal(err, d.Unread)
	}
	got := load(t, d)
	if len(got) != 2 {
		t.Fatalf("%d consumers\n%s", len(got), d.TOML())
	}
	sub, site := got[0], got[1]
	if sub.Where != "render:shop-subscriber" || site.Where != "netlify:11111111-2222-3333-4444-555555555555" {
		t.Errorf("places: %s, %s", sub.Where, site.Where)
	}
	if strings.Join(site.Queue.Actions, " ") != "send" || strings.Join(sub.Queue.Actions, " ") != "receive delete" {
		t.Errorf("actions: %v, %v", site.Queue.Actions, sub.Queue.Actions)
	}
	if sub.Prefect == nil || sub.Prefect.Deployment != "intake/process" || site.Prefect != nil {
		t.Errorf("prefect: %+v, %+v", sub.Prefect, site.Prefect)
	}
	text := d.TOML()
	for _, c := range got {
		if !strings.Contains(strings.Join(c.Same, " "), "AWS_SECRET_ACCESS_KEY") || !strings.Contains(strings.Join(c.Same, " "), "SQS_QUEUE_URL") {
			t.Errorf("%s must have what its sibling has: %q", c.Name, c.Same)
		}
	}
	for _, no := range []string{"FOREIGN", "ONLY_A_TEST", "LOG_LEVEL", "cache"} {
		if strings.Contains(text, no) {
			t.Errorf("%s does not belong into\n%s", no, text)
		}
	}
}

func TestReadersOfTheEnvironment(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ code, want string }{
		"a.js":         {`const { ALPHA, BETA: b, GAMMA = "x" } = process.env; process.env.DELTA ?? 1; process.env.EPS_ILON; process.env.SET = "x"`, "ALPHA BETA EPS_ILON"},
		"b.ts":         {`Netlify.env.get("ALPHA"); Deno.env.get('BETA') ?? "x"; process.env.NODE_ENV; if (process.env.GAMMA === "1") {}`, "ALPHA GAMMA"},
		"c.py":         {`os.environ["ALPHA"]; os.environ.get("BETA"); os.getenv('GAMMA', "x"); os.environ["SET"] = "1"`, "ALPHA BETA"},
		"d.go":         {"os.Getenv(\"ALPHA\"); v, ok := os.LookupEnv(`BETA`); os.Setenv(\"SET\", \"x\")", "ALPHA BETA"},
		"e.txt":        {`process.env.ALPHA`, ""},
		".env.example": {"# a comment\nALPHA=\nexport BETA=x\n  GAMMA = y\nnot a line\nPORT=1\n", "ALPHA BETA GAMMA"},
	} {
		d, err := propose.From(folder(map[string]string{name: tt.code}))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(d.Consumers) > 0 {
			got = strings.Join(d.Consumers[0].Variables, " ")
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// What a foreign repository writes cannot end in a declaration that means something
// else, and never stops the draft.
func FuzzDraft(f *testing.F) {
	f.Add("services:\n  - name: \"a\\n[consumer.endpoint]\"\n    envVars: [{key: A_B}]", "[functions]\ndirectory = \"../..\"", "process.env.AB")
	f.Add("services: [{name: x, envVars: [{key: AB}]}, {name: x, envVars: [{key: AB}]}, {name: \"\\x7f\"}]", "", "os.getenv('AB')")
	f.Add("a: &a [*a]", "= = =", `run_deployment("a/b\"]")`)
	f.Fuzz(func(t *testing.T, render, netlify, code string) {
		d, err := propose.From(folder(map[string]string{"render.yaml": render, "netlify.toml": netlify, "x/a.py": code, "x/b.js": code}))
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Consumers) == 0 {
			return
		}
		for _, c := range load(t, d) {
			if c.Endpoint != nil {
				t.Fatalf("it declared an endpoint:\n%s", d.TOML())
			}
		}
	})
}

func TestDraftSaysWhatItCouldNotRead(t *testing.T) {
	t.Parallel()
	d, err := propose.From(folder(map[string]string{"render.yaml": "\t: [", "netlify.toml": "[", "big.js": strings.Repeat("x", 2<<20)}))
	if err != nil || len(d.Unread) != 3 {
		t.Errorf("%q, %v", d.Unread, err)
	}
}
