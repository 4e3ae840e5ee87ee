package executor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

// bothLeaked is a world in which each consumer runs with another key of the one user,
// and both have leaked. It returns the second one.
func bothLeaked(t *testing.T) (*rotatetest.World, credential.Credential) {
	t.Helper()
	w := rotatetest.New(t)
	id, sec := w.Lab.AWS.CreateKey(w.Estate.User)
	w.Lab.Render.SetVar(w.Estate.Web, "AWS_ACCESS_KEY_ID", id)
	w.Lab.Render.SetVar(w.Estate.Web, "AWS_SECRET_ACCESS_KEY", sec)
	w.Lab.Render.Deploy(w.Estate.Web)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) { //nolint:forbidigo // the lab runs on the real clock
		running := false
		for _, key := range w.Lab.LiveKeys() {
			running = running || key == id
		}
		if running {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the second consumer did not go live")
		}
	}
	return w, credential.Credential{Kind: credential.AWSAccessKey, ID: id, Parts: map[credential.Part]secret.Text{
		credential.PartID: secret.New(id), credential.PartSecret: secret.New(sec),
	}}
}

// Both keys of a user have leaked and both are in use: the consumers of the one go
// over to the other, which makes room for a new key; production never stops, and both
// are dead at the end.
func TestRow75BothKeysHaveLeaked(t *testing.T) {
	t.Parallel()
	w, second := bothLeaked(t)
	first := w.Leaked
	j := w.Open()
	if _, err := w.Plan(j, rotatetest.Fast); !errors.Is(err, rotate.ErrNoRoom) || !strings.Contains(err.Error(), "plan c-1 --onto") {
		t.Fatalf("got %v", err)
	}
	j.Close()

	w.Leaked = second
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.Onto, r.OntoCase = first, "c-first" })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Risks, func(r string) bool {
		return strings.Contains(r, "BOTH KEYS") && strings.Contains(r, "secretguard plan c-first")
	}) {
		t.Errorf("the order is not in the plan: %q", p.Risks)
	}
	for _, s := range p.Steps {
		if s.Placement != nil && s.Placement.Provider != "render" {
			t.Errorf("a consumer of the first key is touched: %s", s.ID)
		}
	}
	snap := w.Snapshot(p.ID)
	if snap.Status != rotate.RunDone || snap.Proof == nil || !strings.Contains(snap.Remedy, "plan c-first") {
		t.Fatalf("%s, next %q", snap.Status, snap.Remedy)
	}
	if w.Count("CreateAccessKey") != 0 || w.Count("DeleteAccessKey") != 1 || w.Lab.AWS.Accepts(second.ID, second.Part(credential.PartSecret).Reveal()) {
		t.Errorf("made %d, deleted %d", w.Count("CreateAccessKey"), w.Count("DeleteAccessKey"))
	}
	w.AssertNeverDown()

	w.Leaked = first
	p, err = w.Start(rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
}

// The way back leaves both keys as they were, and a kill at any boundary ends as
// without one.
func TestRow75WayBackAndKills(t *testing.T) {
	t.Parallel()
	w, second := bothLeaked(t)
	first := w.Leaked
	w.Leaked = second
	onto := func(r *planner.Request) { rotatetest.Fast(r); r.Onto, r.OntoCase = first, "c-first" }
	w.Lab.Render.Fail(w.Estate.Web, true)
	p, err := w.Start(onto)
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	w.Lab.Render.Fail(w.Estate.Web, false)
	if err := w.Rollback(p.ID); !errors.Is(err, rotate.ErrRolledBack) {
		t.Fatalf("got %v", err)
	}
	if w.Count("DeleteAccessKey") != 0 || len(w.LiveIDs()) != 2 {
		t.Errorf("keys %v", w.LiveIDs())
	}
	w.AssertNeverDown()
	for _, point := range []string{"before intent:issue", "after intent:issue", "before done:issue", "after done:issue", "effect disable", "effect delete"} {
		w, second := bothLeaked(t)
		first := w.Leaked
		w.Leaked = second
		w.CrashAt = func(_ int, at string) bool { return at == point }
		p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.Onto, r.OntoCase = first, "c-first" })
		if !errors.Is(err, rotatetest.ErrKilled) {
			t.Fatalf("%s: %v", point, err)
		}
		w.CrashAt = nil
		if err := w.Resume(p.ID); err != nil {
			t.Fatalf("%s: %v", point, err)
		}
		if ids := w.LiveIDs(); len(ids) != 1 || !strings.HasPrefix(ids[0], first.ID) {
			t.Errorf("%s: keys %v", point, ids)
		}
		w.AssertNeverDown()
	}
}

// What cannot take the place is refused before anything is planned.
func TestRow75WhatCannotTakeThePlace(t *testing.T) {
	t.Parallel()
	w, second := bothLeaked(t)
	j := w.Open()
	defer j.Close()
	plan := func(change func(*planner.Request)) error {
		_, err := w.Plan(j, func(r *planner.Request) { r.Onto, r.OntoCase = second, "c-2"; change(r) })
		return err
	}
	for name, change := range map[string]func(*planner.Request){
		"itself": func(r *planner.Request) { r.Onto = w.Leaked },
		"half a key": func(r *planner.Request) {
			r.Onto.Parts = map[credential.Part]secret.Text{credential.PartID: secret.New(second.ID)}
		},
		"in an outage": func(r *planner.Request) { r.Strategy = rotate.ContainFirst },
	} {
		if err := plan(change); err == nil {
			t.Errorf("%s took its place", name)
		}
	}
	w.Lab.AWS.Deactivate(second.ID)
	if err := plan(func(*planner.Request) {}); err == nil || !strings.Contains(err.Error(), "disabled already") {
		t.Errorf("got %v", err)
	}
}
