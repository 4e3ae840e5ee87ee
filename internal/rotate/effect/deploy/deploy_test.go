package deploy_test

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// The service says that it deploys and hands back the deploy that is live: a
// stored value that no new deploy carries is no proof of anything.
func TestRow52NoNewDeploy(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	live := w.Lab.Netlify.LiveDeploy(w.Estate.Site)
	w.Lab.Fault("netlify", "POST builds", lab.Fault{Status: 200, Body: `{"deploy_id":"` + live + `"}`, ContentType: "application/json"})
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err, "from before the push")
	w.AssertNeverDown()
}

// A build fails, and what it says holds both keys and a screenful more.
func TestRow53BuildFails(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	var fresh string
	w.When("store:netlify/shop-team/site/"+w.Estate.Site+"/AWS_SECRET_ACCESS_KEY/production/", rotate.StepDone, func() {
		fresh = w.Lab.Netlify.Value(w.Estate.Site, "AWS_SECRET_ACCESS_KEY", "production")
		w.Lab.Netlify.FailWith(w.Estate.Site, "found "+w.Estate.LeakedSecret+" and "+fresh+"\n"+strings.Repeat("log ", 1000))
	})
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err, "ended as", "found ")
	w.AssertNeverDown()
	if fresh == "" || fresh == w.Estate.LeakedSecret {
		t.Fatal("the new value was not stored")
	}
	problem := w.Snapshot(p.ID).Problem
	for _, text := range []string{problem, err.Error()} {
		if strings.Contains(text, fresh) || strings.Contains(text, w.Estate.LeakedSecret) {
			t.Error("a secret value is in what the run says")
		}
	}
	if len(problem) > 1000 {
		t.Errorf("%d bytes of a foreign text", len(problem))
	}
	w.Lab.Netlify.Fail(w.Estate.Site, false)
	w.Finish(p.ID)
}
