package rotate_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/secret"
)

// world is a lab with the demo's estate, a journal and a plan for its leak.
type world struct {
	t       *testing.T
	lab     *lab.Lab
	estate  lab.Estate
	reg     providers.Registry
	dir     string
	health  func(context.Context, string) error
	leaked  credential.Credential
	points  []string
	crashAt func(n int, point string) bool
	// onEvent and sleep, when set, are the executor's.
	onEvent func(rotate.Event)
	sleep   func(context.Context, time.Duration) error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOn(t, lab.Options{}, 0)
}

// newWorldOn sets the lab's speed and how long a request may take.
func newWorldOn(t *testing.T, o lab.Options, timeout time.Duration) *world {
	t.Helper()
	l, err := lab.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	estate, err := lab.DemoEstate(l)
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		t: t, lab: l, estate: estate, reg: registry(t, l.Env(), timeout), dir: filepath.Join(t.TempDir(), "state"),
		health: httpx.New(httpx.Options{AllowPrivate: true}).Healthy,
		leaked: credential.Credential{
			Kind: credential.AWSAccessKey, ID: estate.LeakedID, Parts: map[credential.Part]secret.Text{
				credential.PartID: secret.New(estate.LeakedID), credential.PartSecret: secret.New(estate.LeakedSecret),
			},
		},
	}
}

func registry(t *testing.T, env map[string]string, timeout time.Duration) providers.Registry {
	t.Helper()
	reg, problems := all.Registry(all.Options{Env: func(n string) string { return env[n] }, AllowPrivate: true, Version: "test", Timeout: timeout})
	if len(problems) > 0 {
		t.Fatalf("unconfigured providers: %v", problems)
	}
	return reg
}

func (w *world) open() *journal.Journal {
	w.t.Helper()
	j, err := journal.Open(w.t.Context(), w.dir, "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return j
}

// plan plans and saves; mutate may change the request.
func (w *world) plan(j *journal.Journal, mutate func(*rotate.Request)) (rotate.Plan, error) {
	w.t.Helper()
	ctx := w.t.Context()
	req := rotate.Request{Case: "c-1", Credential: w.leaked, Strategy: rotate.KeepRunning, MinLevel: rotate.L3}
	policy := rotate.LabPolicy()
	req.Policy = &policy
	for _, p := range w.reg.Sinks() {
		sink, _ := providers.As[providers.Sink](p)
		found, err := sink.Locate(httpx.ReadOnly(ctx), []providers.Wanted{
			{Part: credential.PartID, Value: w.leaked.Part(credential.PartID), Names: []string{"AWS_ACCESS_KEY_ID"}},
			{Part: credential.PartSecret, Value: w.leaked.Part(credential.PartSecret), Names: []string{"AWS_SECRET_ACCESS_KEY"}},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		req.Located.Placements = append(req.Located.Placements, found.Placements...)
	}
	if mutate != nil {
		mutate(&req)
	}
	pl := &rotate.Planner{Registry: w.reg, Key: j.HashKey(), Guard: httpx.ReadOnly, Now: time.Now}
	p, err := pl.Plan(ctx, req)
	if err != nil {
		return p, err
	}
	return p, rotate.Save(ctx, j, p, w.leaked, "tester")
}

// errKilled is what a failpoint returns in place of a kill -9.
var errKilled = errors.New("killed")

func (w *world) executor(j *journal.Journal) *rotate.Executor {
	n := 0
	sleep := w.sleep
	if sleep == nil {
		sleep = httpx.Sleep
	}
	return &rotate.Executor{
		Registry: w.reg, Journal: j, Actor: "tester", Health: w.health, Sleep: sleep, Now: time.Now, OnEvent: w.onEvent,
		Failpoint: func(point string) error {
			n++
			w.points = append(w.points, point)
			if w.crashAt != nil && w.crashAt(n, point) {
				return errKilled
			}
			return nil
		},
	}
}

// start plans and runs with the world's failpoint.
func (w *world) start(mutate func(*rotate.Request)) (rotate.Plan, error) {
	w.t.Helper()
	j := w.open()
	defer j.Close()
	p, err := w.plan(j, mutate)
	if err != nil {
		w.t.Fatal(err)
	}
	return p, w.executor(j).Start(w.t.Context(), p, rotate.Approval{Digest: p.Digest, Typed: p.Phrase, Who: "tester"})
}

// resume opens everything anew, as a new process would.
func (w *world) resume(run string) error {
	w.t.Helper()
	j := w.open()
	defer j.Close()
	return w.executor(j).Resume(w.t.Context(), run)
}

func (w *world) snapshot(run string) rotate.Snapshot {
	w.t.Helper()
	j := w.open()
	defer j.Close()
	s, err := rotate.Load(w.t.Context(), j, run)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.Snapshot()
}

// assertRotated checks the end of a run at the services themselves.
func (w *world) assertRotated(run string) {
	w.t.Helper()
	snap := w.snapshot(run)
	if snap.Status != rotate.RunDone || snap.Proof == nil {
		w.t.Fatalf("run is %s: %s", snap.Status, snap.Problem)
	}
	keys := w.lab.AWS.Keys(w.estate.User)
	if len(keys) != 1 || keys[0].ID != snap.NewKey || !keys[0].Active {
		w.t.Errorf("keys at the issuer: %+v, want only the new one %s", keys, snap.NewKey)
	}
	for consumer, id := range w.lab.LiveKeys() {
		if id != snap.NewKey {
			w.t.Errorf("%s runs with %s, want %s", consumer, id, snap.NewKey)
		}
	}
	w.assertNeverDown()
}

// assertNeverDown checks that no consumer failed at any instant.
func (w *world) assertNeverDown() {
	w.t.Helper()
	if n := w.estate.Failures(); n != 0 {
		w.t.Errorf("production failed %d times on the way", n)
	}
}

func (w *world) assertNoMutation(from int) {
	w.t.Helper()
	for _, r := range w.lab.Requests()[from:] {
		if r.Mutates {
			w.t.Errorf("a mutating request while planning: %s %s %s", r.Method, r.Path, r.Op)
		}
	}
}

func (w *world) liveIDs() []string {
	var ids []string
	for _, k := range w.lab.AWS.Keys(w.estate.User) {
		ids = append(ids, fmt.Sprint(k.ID, " ", k.Active))
	}
	slices.Sort(ids)
	return ids
}
