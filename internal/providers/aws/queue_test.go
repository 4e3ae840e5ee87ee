package aws_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/aws"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

// queueWorld is a twin with a user, its key and a queue.
type queueWorld struct {
	l       *lab.Lab
	id, sec string
	url     string
}

func newQueueWorld(t *testing.T) queueWorld {
	t.Helper()
	l := providertest.Start(t, lab.Options{})
	w := queueWorld{l: l, url: l.AWS.AddQueue("jobs")}
	l.AWS.CreateUser("bot")
	w.id, w.sec = l.AWS.CreateKey("bot")
	return w
}

func (w queueWorld) ask(t *testing.T, admin bool, change func(*providers.QueueRequest)) (providers.QueueState, error) {
	t.Helper()
	env := w.l.Env()
	cfg := aws.Config{Client: providertest.Client(t), IAMEndpoint: env["AWS_ENDPOINT_URL"], STSEndpoint: env["AWS_ENDPOINT_URL"], SQSEndpoint: env["AWS_ENDPOINT_URL"]}
	if admin {
		cfg.KeyID, cfg.Secret = env["AWS_ACCESS_KEY_ID"], secret.New(env["AWS_SECRET_ACCESS_KEY"])
	}
	q, err := aws.NewQueues(cfg)
	if err != nil {
		t.Fatal(err)
	}
	req := providers.QueueRequest{URL: w.url, Region: "us-east-1", As: key(w.id, w.sec), Actions: []string{"sqs:SendMessage", "sqs:DeleteMessage"}}
	if change != nil {
		change(&req)
	}
	return q.InspectQueue(httpx.ReadOnly(t.Context()), req)
}

func TestQueue(t *testing.T) {
	t.Parallel()
	w := newQueueWorld(t)
	w.l.AWS.AllowQueue("jobs", "bot", "SendMessage", "GetQueueAttributes")
	w.l.AWS.DeadLetters("jobs")
	got, err := w.ask(t, true, nil)
	if err != nil || got.Exists != providers.AnswerYes || !strings.HasSuffix(got.DeadLetter, ":jobs-dead") || !strings.HasSuffix(got.ARN, ":jobs") {
		t.Fatalf("%+v, %v", got, err)
	}
	if got.May[0].Answer != providers.AnswerYes || got.May[1].Answer != providers.AnswerNo {
		t.Errorf("rights: %+v", got.May)
	}
	for _, r := range w.l.Requests() {
		if r.Mutates {
			t.Errorf("it changed something: %s", r.Op)
		}
	}
	// Without an administrator nobody can ask about rights, and that is said.
	got, err = w.ask(t, false, nil)
	if err != nil || got.Exists != providers.AnswerYes || got.May[0].Answer != providers.AnswerUnknown || got.May[0].Detail == "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// A key that may not look at the queue may still work with it: the administrator looks.
func TestQueueThatTheKeyMayNotLookAt(t *testing.T) {
	t.Parallel()
	w := newQueueWorld(t)
	w.l.AWS.AllowQueue("jobs", "bot", "SendMessage")
	got, err := w.ask(t, true, nil)
	if err != nil || got.Exists != providers.AnswerYes || got.May[0].Answer != providers.AnswerYes {
		t.Errorf("with an administrator: %+v, %v", got, err)
	}
	got, err = w.ask(t, false, nil)
	if err != nil || got.Exists != providers.AnswerUnknown || !strings.Contains(got.Detail, "GetQueueAttributes") {
		t.Errorf("without: %+v, %v", got, err)
	}
}

func TestQueueThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newQueueWorld(t)
	got, err := w.ask(t, true, func(r *providers.QueueRequest) { r.URL += "-gone" })
	if err != nil || got.Exists != providers.AnswerNo || got.May[0].Answer != providers.AnswerUnknown {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestQueueWithADeadKey(t *testing.T) {
	t.Parallel()
	w := newQueueWorld(t)
	w.l.AWS.RemoveKey(w.id)
	got, err := w.ask(t, true, nil)
	if err != nil || got.Key.Liveness != providers.Dead || got.Exists != providers.AnswerUnknown {
		t.Errorf("%+v, %v", got, err)
	}
}

// A log-in page with status 200, an empty body and an outage say nothing of the queue.
func TestQueueFaults(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]lab.Fault{
		"a log-in page": {Status: 200, Body: "<html>log in</html>"},
		"nothing":       {Status: 200, Body: " ", ContentType: "application/x-amz-json-1.0"},
		"other JSON":    {Status: 200, Body: `{"ok":true}`, ContentType: "application/x-amz-json-1.0"},
		"an outage":     {Status: 503, Body: "busy"},
		"cut off":       {DropBefore: true},
	} {
		w := newQueueWorld(t)
		w.l.AWS.AllowQueue("jobs", "bot", "GetQueueAttributes")
		f.Times = 20
		w.l.Fault("aws", "GetQueueAttributes", f)
		got, err := w.ask(t, true, nil)
		var e *providers.Error
		if !errors.As(err, &e) || got.Exists != providers.AnswerUnknown || strings.Contains(err.Error(), w.sec) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	w := newQueueWorld(t)
	w.l.AWS.AllowQueue("jobs", "bot", "GetQueueAttributes", "SendMessage")
	w.l.Fault("aws", "SimulatePrincipalPolicy", lab.Fault{Status: 403, Times: 9})
	got, err := w.ask(t, true, nil)
	if err != nil || got.May[0].Answer != providers.AnswerUnknown || !strings.Contains(got.May[0].Detail, "iam:SimulatePrincipalPolicy") {
		t.Errorf("IAM refuses: %+v, %v", got, err)
	}
}
