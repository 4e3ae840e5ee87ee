package doctor_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/doctor"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// status diagnoses one variable with a value and returns the check that is not ok.
func status(value string) string {
	f := doctor.Facts{
		Consumer:  config.Consumer{Name: "a", Where: config.WhereHere, Variables: []string{"KEY"}},
		Variables: map[string]doctor.Value{"KEY": {Text: secret.New(value), Readable: true, From: "environment"}},
	}
	for _, x := range doctor.Diagnose([]doctor.Facts{f})[0].Findings {
		if x.Status != doctor.OK {
			return x.Check
		}
	}
	return ""
}

func TestValuesThatAreNone(t *testing.T) {
	t.Parallel()
	for check, values := range map[string][]string{
		"variable.empty": {" ", "\n"},
		"variable.placeholder": {
			"changeme", "CHANGE_ME", "change-me", "replace_me", "your-api-key", "YOUR_KEY_HERE", "<your key>", "<log level>", "[key]", "${AWS_KEY}", "{{ key }}",
			"$AWS_KEY", "xxxx", "XXXXXXXX", "****", "...", "todo", "TBD", "null", "undefined", "insert-key-here", "AKIAIOSFODNN7" + "EXAMPLE", "sk_live_" + "xxxxxxxxxxxx",
			"https://<project>.supabase.co", "https://your-project.supabase.co", `"changeme"`, "%KEY%", "sync: false",
		},
		"variable.quoted": {`"info"`, "'info'", " info", "info\n", "info "},
		"": {
			"info", "none", "false", "0", "-1", "a", "https://shop.supabase.co", "us-east-1", "postgres://jo:x@db.shop.test/prod", "it's", "don't say \"no\"",
			"exchangemeeting", "maxxx", "yours", "eu-west-1", "[::1]:8080", "a=$b", "price in $USD", "x", "xx", "Hello<br>", "<p>hi</p>", "{\"a\":1}",
		},
	} {
		for _, v := range values {
			if got := status(v); got != check {
				t.Errorf("%q: %q, want %q", v, got, check)
			}
		}
	}
}

func TestQueueRegion(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://sqs.eu-west-1.amazonaws.com/123456789012/jobs":         "eu-west-1",
		"https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs":     "cn-north-1",
		"https://us-east-2.queue.amazonaws.com/123456789012/jobs.fifo":  "us-east-2",
		"http://localhost:4566/000000000000/jobs":                       "",
		"https://sqs.eu-west-1.amazonaws.com/jobs":                      "!",
		"https://sqs.eu-west-1.amazonaws.com/123456789012/jobs/":        "!",
		"https://eu-west-1.console.aws.amazon.com/sqs/v3/home#/queues/": "!",
		"arn:aws:sqs:eu-west-1:123456789012:jobs":                       "!",
		"jobs": "!", "": "!", "ftp://sqs.x.amazonaws.com/123456789012/jobs": "!", "https://[::1/123456789012/jobs": "!",
	} {
		region, err := doctor.QueueRegion(address)
		if (err != nil) != (want == "!") || err == nil && region != want {
			t.Errorf("%q: %q, %v; want %q", address, region, err, want)
		}
		if err != nil && address != "" && strings.Contains(err.Error(), address) {
			t.Errorf("%q: the error repeats it: %v", address, err)
		}
	}
}

// Whatever is not known, the answer is never ok: no facts, no health. And no finding
// holds a value.
func TestNothingKnownIsNeverWell(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := "value-" + rapid.StringMatching(`[a-z0-9]{20}`).Draw(t, "value")
		c := config.Consumer{
			Name: "a", Where: "render:a", Variables: []string{"KEY"}, Same: []string{"OTHER"},
			Queue:    &config.Queue{URL: "URL", KeyID: "ID", Secret: "SECRET", Region: "REGION", Actions: []string{"send"}},
			Prefect:  &config.Prefect{URL: "PREFECT", Key: "PKEY", Deployment: "a/b"},
			Supabase: &config.Supabase{URL: "SURL", Key: "SKEY"}, Endpoint: &config.Endpoint{URL: "https://a.test", Proves: []string{"KEY"}},
		}
		f := doctor.Facts{Consumer: c}
		if rapid.Bool().Draw(t, "variables") {
			f.Variables = map[string]doctor.Value{}
			for _, name := range c.Needs() {
				if rapid.Bool().Draw(t, name) {
					f.Variables[name] = doctor.Value{Text: secret.New(value), Readable: rapid.Bool().Draw(t, "readable"), From: "service"}
				}
			}
		}
		if rapid.Bool().Draw(t, "condition") {
			f.Condition = &providers.Condition{}
		}
		if rapid.Bool().Draw(t, "queue") {
			f.Queue = &providers.QueueState{}
		}
		if rapid.Bool().Draw(t, "prefect") {
			f.Prefect = &doctor.Prefect{}
		}
		if rapid.Bool().Draw(t, "supabase") {
			f.Supabase = &doctor.Service{}
		}
		r := doctor.Diagnose([]doctor.Facts{f})[0]
		if r.Status() == doctor.OK {
			t.Fatalf("well, and nothing was known: %+v", r)
		}
		for _, x := range r.Findings {
			if strings.Contains(x.Text+x.Remedy+x.Subject, value) {
				t.Fatalf("a finding holds a value: %+v", x)
			}
			if x.Status != doctor.OK && x.Remedy == "" || x.Text == "" || x.Check == "" {
				t.Fatalf("no remedy or no text: %+v", x)
			}
		}
	})
}

// A value that stands in the wrong variable is not shown as a region.
func TestRegionIsShownOnlyIfItIsOne(t *testing.T) {
	t.Parallel()
	for region, shown := range map[string]bool{"us-west-2": true, "cn-north-1": true, "us-gov-west-1": true, "a-key-in-the-wrong-place": false} {
		c := config.Consumer{Name: "a", Where: config.WhereHere, Queue: &config.Queue{URL: "URL", KeyID: "ID", Secret: "SECRET", Region: "REGION"}}
		f := doctor.Facts{Consumer: c, Variables: map[string]doctor.Value{
			"URL": {Text: secret.New("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"), Readable: true}, "REGION": {Text: secret.New(region), Readable: true},
		}}
		found := false
		for _, x := range doctor.Diagnose([]doctor.Facts{f})[0].Findings {
			if x.Check == "queue.region" && x.Status == doctor.Bad {
				found = true
				if strings.Contains(x.Text, region) != shown {
					t.Errorf("%q: %s", region, x.Text)
				}
			}
		}
		if !found {
			t.Errorf("%q: another region than the queue's is not found", region)
		}
	}
}

func TestReportStatusIsTheWorst(t *testing.T) {
	t.Parallel()
	of := func(list ...doctor.Status) doctor.Status {
		var r doctor.Report
		for _, s := range list {
			r.Findings = append(r.Findings, doctor.Finding{Status: s})
		}
		return r.Status()
	}
	if of() != doctor.Unknown || of("ok", "unknown", "ok") != doctor.Unknown || of("unknown", "ok", "bad") != doctor.Bad || of("ok", "ok") != doctor.OK {
		t.Error("the worst finding must win")
	}
}
