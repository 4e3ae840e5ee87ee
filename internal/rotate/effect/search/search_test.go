package search_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

// While the run goes on, somebody stores the old key in another context of the same
// site, inside a larger value of another service, and for the whole team. All are
// told, the run is held for them, and it ends when they are gone.
func TestRow49ValueStandsElsewhere(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.When("validate", rotate.StepDone, func() {
		w.Lab.Netlify.SetVar(w.Estate.Site, "OLD_COPY", "deploy-preview", w.Estate.LeakedSecret, false)
		w.Lab.Netlify.SetVar("", "TEAM_COPY", "all", w.Estate.LeakedID, false)
		w.Lab.Render.SetVar(w.Estate.Web, "QUEUE_URL", "sqs://"+w.Estate.LeakedID+":x@queue")
	})
	p, err := w.Start(rotatetest.Fast)
	assertHeld(t, w, p.ID, err, "OLD_COPY (deploy-preview) of netlify shop-frontend", "TEAM_COPY", "QUEUE_URL of render shop-subscriber", "rotate waive "+p.ID+" search")
	assertHeld(t, w, p.ID, w.Resume(p.ID), "OLD_COPY")
	w.Lab.Netlify.SetVar(w.Estate.Site, "OLD_COPY", "deploy-preview", "taken out", false)
	w.Lab.Netlify.SetVar("", "TEAM_COPY", "all", "taken out", false)
	assertHeld(t, w, p.ID, w.Resume(p.ID), "QUEUE_URL")
	w.Lab.Render.SetVar(w.Estate.Web, "QUEUE_URL", "sqs://queue")
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	if left := w.Snapshot(p.ID).Left; len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// A person accepts that the dead key stands there: the report keeps the list.
func TestRow49WhatIsAcceptedStaysInTheList(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.When("prove", rotate.StepRunning, func() { w.Lab.Render.SetVar(w.Estate.Web, "OLD_COPY", w.Estate.LeakedSecret) })
	p, err := w.Start(rotatetest.Fast)
	assertHeld(t, w, p.ID, err, "OLD_COPY")
	w.Waive(p.ID, "search", rotate.L0, "nobody reads it")
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	snap := w.Snapshot(p.ID)
	if len(snap.Left) != 1 || !strings.Contains(snap.Left[0], "OLD_COPY of render shop-subscriber still holds the old key") {
		t.Errorf("left: %v", snap.Left)
	}
	if len(snap.Waivers) != 1 || snap.Waivers[0].Reason != "nobody reads it" {
		t.Errorf("waivers: %+v", snap.Waivers)
	}
}

// A service that does not answer is no service without the old key.
func TestRow49ServiceThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.When("prove", rotate.StepDone, func() { w.Lab.Fault("render", "GET services", lab.Fault{Status: 403, Times: 1000}) })
	p, err := w.Start(rotatetest.Fast)
	assertHeld(t, w, p.ID, err, "not known", "render could not be searched")
	w.Lab.Calm()
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
}

// Lines of files that hold the old key, and files that could not be read, are left
// for a person: they hold nothing up.
func TestRow49FilesOfTheRepository(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	var asked []secret.Text
	w.Files = func(_ context.Context, dir string, values []secret.Text) (found, unread []string, err error) {
		if dir != "/src/shop" {
			t.Errorf("looked in %q", dir)
		}
		asked = values
		return []string{"deploy.yml:3"}, []string{"closed: permission denied"}, nil
	}
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.Source = "/src/shop" })
	if err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	want := []string{"deploy.yml:3 in /src/shop still holds the old key: take it out", "not searched for the old key: closed: permission denied"}
	if left := w.Snapshot(p.ID).Left; !slices.Equal(left, want) {
		t.Errorf("left: %v", left)
	}
	if len(asked) != 2 {
		t.Errorf("%d values were looked for", len(asked))
	}
}

// A folder that is gone is said; it is no folder without the old key.
func TestRow49RepositoryIsGone(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Files = func(context.Context, string, []secret.Text) (found, unread []string, err error) {
		return nil, nil, errors.New("no such folder")
	}
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.Source = "/src/shop" })
	if err != nil {
		t.Fatal(err)
	}
	if left := w.Snapshot(p.ID).Left; len(left) != 1 || !strings.Contains(left[0], "not searched for the old key: the files in /src/shop (no such folder)") {
		t.Errorf("left: %v", left)
	}
}

// assertHeld checks that the run waits at the search, when the old key is dead.
func assertHeld(t *testing.T, w *rotatetest.World, run string, err error, words ...string) {
	t.Helper()
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v, want held", err)
	}
	snap := w.Snapshot(run)
	if snap.Proof == nil || snap.Status != rotate.RunHeld {
		t.Errorf("status %s, proof %v", snap.Status, snap.Proof)
	}
	for _, word := range words {
		if !strings.Contains(snap.Problem, word) {
			t.Errorf("%q is not in %q", word, snap.Problem)
		}
	}
	if stands := strings.Join(snap.Stands, "\n"); !strings.Contains(stands, "is proven dead") {
		t.Errorf("what stands: %s", stands)
	}
}
