package effect_test

import (
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

func TestRow30NoAnswerInTime(t *testing.T) {
	t.Parallel()
	for _, f := range []struct{ service, op string }{
		{"aws", "CreateAccessKey"}, {"netlify", "PATCH env"}, {"render", "PUT env-vars one"}, {"render", "POST deploys"}, {"aws", "DeleteAccessKey"},
	} {
		t.Run(f.op, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.NewOn(t, lab.Options{}, time.Second)
			w.When("issue", rotate.StepRunning, func() { w.Lab.Fault(f.service, f.op, lab.Fault{Hang: true}) })
			p, err := w.Start(rotatetest.Fast)
			if err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
		})
	}
}

// Row 31 for every kind of request; package providertest cuts the answer of a
// create everywhere.
func TestRow31CutOffAnswers(t *testing.T) {
	t.Parallel()
	for _, f := range []struct{ service, op string }{
		{"aws", "CreateAccessKey"},
		{"aws", "ListAccessKeys"},
		{"aws", "UpdateAccessKey"},
		{"aws", "DeleteAccessKey"},
		{"aws", "GetCallerIdentity"},
		{"netlify", "PATCH env"},
		{"netlify", "GET env one"},
		{"netlify", "POST builds"},
		{"netlify", "GET deploy"},
		{"render", "PUT env-vars one"},
		{"render", "POST deploys"},
	} {
		t.Run(f.op, func(t *testing.T) {
			t.Parallel()
			for _, keep := range []int{0, 30} {
				w := rotatetest.New(t)
				w.When("issue", rotate.StepRunning, func() { w.Lab.Fault(f.service, f.op, lab.Fault{Cut: true, Keep: keep}) })
				p, err := w.Start(rotatetest.Fast)
				if err != nil {
					t.Fatalf("after %d bytes: %v", keep, err)
				}
				w.AssertRotated(p.ID)
			}
		})
	}
}

func TestRow32AnswersThatAreNone(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]lab.Fault{
		"page":         {Status: 200, Body: "<html>log in</html>"},
		"empty object": {Status: 200, Body: "{}", ContentType: "application/json"},
		"other type":   {Status: 201, Body: `{"key":"x"}`, ContentType: "text/plain"},
		"too large":    {Status: 200, Body: strings.Repeat(" ", httpx.MaxBody+1), ContentType: "application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			f.Times = 2
			w.When("issue", rotate.StepRunning, func() {
				for _, at := range []struct{ service, op string }{
					{"aws", "CreateAccessKey"}, {"netlify", "PATCH env"}, {"render", "PUT env-vars one"}, {"netlify", "POST builds"}, {"render", "POST deploys"}, {"aws", "DeleteAccessKey"},
				} {
					w.Lab.Fault(at.service, at.op, f)
				}
			})
			p, err := w.Start(rotatetest.Fast)
			if err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
		})
	}
}
