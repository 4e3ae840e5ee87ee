package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/config"
)

// declare loads a file that the user names.
func declare(t *testing.T, text string) (config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "my.secretguard.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(config.Options{Explicit: path, Env: func(string) string { return "" }})
}

func TestConsumers(t *testing.T) {
	t.Parallel()
	cfg, err := declare(t, `
[[consumer]]
name = "web"
where = "netlify:shop"
same = ["AWS_REGION"]
[consumer.queue]
actions = ["send"]

[[consumer]]
name = "flows"
where = "env"
variables = ["LOG_LEVEL"]
[consumer.prefect]
auth = "PREFECT_API_AUTH_STRING"
deployment = "etl/nightly/eu"
`)
	if err != nil || len(cfg.Consumers) != 2 {
		t.Fatalf("%+v, %v", cfg.Consumers, err)
	}
	web, flows := cfg.Consumers[0], cfg.Consumers[1]
	if web.Provider() != "netlify" || web.Service() != "shop" || web.Here() || !flows.Here() || flows.Provider() != "" {
		t.Errorf("places: %+v", cfg.Consumers)
	}
	if want := []string{"AWS_REGION", "SQS_QUEUE_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}; !slices.Equal(web.Needs(), want) {
		t.Errorf("needs %q, want %q", web.Needs(), want)
	}
	if flows.Prefect.Key != "" || flows.Prefect.URL != "PREFECT_API_URL" {
		t.Errorf("%+v", flows.Prefect)
	}
}

func TestConsumerMistakes(t *testing.T) {
	t.Parallel()
	head := "[[consumer]]\nname = \"a\"\nwhere = \"env\"\n"
	render := "[[consumer]]\nname = \"a\"\nwhere = \"render:a\"\n"
	for text, want := range map[string]string{
		"[[consumer]]\nwhere = \"env\"\nvariables = [\"A\"]":          "name",
		head + "variables = [\"A\"]\n" + head + "variables = [\"A\"]": "twice",
		head: "nothing would be looked at",
		"[[consumer]]\nname = \"a\"\nwhere = \"heroku:x\"\nvariables = [\"A\"]":                   "names no place",
		"[[consumer]]\nname = \"a\"\nwhere = \"netlify:\"\nvariables = [\"A\"]":                   "names no place",
		head + "variables = [\"A B\"]":                                                            "no name of a variable",
		head + "variable = [\"A\"]":                                                               "consumer.variables",
		head + "[consumer.queue]\nactions = [\"purge\"]":                                          "send, receive, delete",
		head + "[consumer.prefect]\ndeployment = \"nightly\"":                                     "FLOW/NAME",
		head + "[consumer.prefect]\nkey = \"A\"\nauth = \"B\"":                                    "beside key",
		head + "[consumer.check]\nurl = \"https://x.example\"":                                    "not for the process itself",
		render + "[consumer.check]\ncommand = [\"x\"]":                                            "check.url",
		render + "[consumer.check]\nurl = \"https://x.example\"\npreview = \"https://x.example\"": "the same as url",
		render + "[consumer.check]\nurl = \"https://x.example\"\ncommand = [\"\"]":                "has no program",
		head + "[consumer.endpoint]\nurl = \"https://x.example\"":                                 "status alone shows nothing",
		head + "[consumer.endpoint]\nurl = \"ftp://x.example\"\nproves = [\"A\"]":                 "absolute http",
		head + "[consumer.endpoint]\nurl = \"https://jo:pw@x.example\"\nproves = [\"A\"]":         "absolute http",
	} {
		if _, err := declare(t, text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// A scanned repository says nothing about where keys are sent to.
func TestConsumersOfTheTargetDoNotCount(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, config.OwnName)
	text := "[[consumer]]\nname = \"a\"\nwhere = \"env\"\nvariables = [\"A\"]"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{Target: dir, Env: func(string) string { return "" }})
	if err != nil || len(cfg.Consumers) != 0 || cfg.ForeignConsumers != path {
		t.Errorf("%+v, %v", cfg, err)
	}
	cfg, err = config.Load(config.Options{Target: dir, Explicit: path, Env: func(string) string { return "" }})
	if err != nil || len(cfg.Consumers) != 1 {
		t.Errorf("taken over: %+v, %v", cfg, err)
	}
}

// A file of ours that has not our name would be read as rules, and what it declares be
// lost without a word.
func TestConsumersUnderAnotherName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mine.toml")
	for text, lost := range map[string]bool{
		"[[consumer]]\nname = \"a\"\n": true, "  [journal]\n": true, "[providers.aws]\n": true,
		"[[rules]]\nid = \"consumer\"\nregex = \"x\"\n": false,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(config.Options{Explicit: path, Env: func(string) string { return "" }})
		if (err != nil) != lost || lost && !strings.Contains(err.Error(), "mine.secretguard.toml") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
