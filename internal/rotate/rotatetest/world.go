// Package rotatetest is a world for tests of rotations: the lab with the demo's
// estate, a journal, and a plan for its leak.
package rotatetest

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/executor"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/secret"
)

// World is a lab with the demo's estate, a journal and a plan for its leak.
type World struct {
	T      *testing.T
	Lab    *lab.Lab
	Estate lab.Estate
	Reg    providers.Registry
	Dir    string // the state folder
	Health func(context.Context, string) error
	Echo   func(ctx context.Context, address, variable, nonce string) (string, error)
	Check  func(ctx context.Context, c rotate.Check, address string) (bool, string, error)
	Doctor func(context.Context, json.RawMessage) ([]string, error)
	Leaked credential.Credential
	// Names are the variables that usually hold a part.
	Names map[credential.Part][]string
	// Points are the boundaries that were passed; at one for which CrashAt says so
	// the run ends as if it was killed.
	Points  []string
	CrashAt func(n int, point string) bool
	// OnEvent, Files, Sleep and Until, when set, are the executor's.
	OnEvent func(rotate.Event)
	Files   func(ctx context.Context, dir string, values []secret.Text) (found, unread []string, err error)
	Sleep   func(context.Context, time.Duration) error
	Until   string

	mu sync.Mutex // over Points
}

// New makes a world whose services answer at once.
func New(t *testing.T) *World {
	t.Helper()
	return NewOn(t, lab.Options{}, 0)
}

// NewOn sets the lab's speed and how long a request may take.
func NewOn(t *testing.T, o lab.Options, timeout time.Duration) *World {
	t.Helper()
	return newWorld(t, o, timeout, lab.DemoEstate)
}

// NewSmall makes a world with one consumer.
func NewSmall(t *testing.T) *World {
	t.Helper()
	return newWorld(t, lab.Options{}, 0, lab.SmallEstate)
}

func newWorld(t *testing.T, o lab.Options, timeout time.Duration, build func(*lab.Lab) (lab.Estate, error)) *World {
	t.Helper()
	l, err := lab.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	estate, err := build(l)
	if err != nil {
		t.Fatal(err)
	}
	return &World{
		T: t, Lab: l, Estate: estate, Reg: Registry(t, l.Env(), timeout), Dir: filepath.Join(t.TempDir(), "state"),
		Health: httpx.New(httpx.Options{AllowPrivate: true}).Healthy, Echo: httpx.New(httpx.Options{AllowPrivate: true}).Echo,
		Names: map[credential.Part][]string{
			credential.PartID: {"AWS_ACCESS_KEY_ID"}, credential.PartSecret: {"AWS_SECRET_ACCESS_KEY"}, credential.PartToken: {"STRIPE_SECRET_KEY"},
		},
		Leaked: credential.Credential{
			Kind: credential.AWSAccessKey, ID: estate.LeakedID, Parts: map[credential.Part]secret.Text{
				credential.PartID: secret.New(estate.LeakedID), credential.PartSecret: secret.New(estate.LeakedSecret),
			},
		},
	}
}

// Beside is a second responder in the same world, with a state folder of its own or
// the same one.
func (w *World) Beside(dir string) *World {
	return &World{T: w.T, Lab: w.Lab, Estate: w.Estate, Reg: w.Reg, Dir: dir, Health: w.Health, Echo: w.Echo, Check: w.Check, Doctor: w.Doctor, Leaked: w.Leaked, Names: w.Names}
}

// Registry sets the providers up from an environment.
func Registry(t *testing.T, env map[string]string, timeout time.Duration) providers.Registry {
	t.Helper()
	reg, problems := all.Registry(all.Options{Env: func(n string) string { return env[n] }, AllowPrivate: true, Version: "test", Timeout: timeout})
	if len(problems) > 0 {
		t.Fatalf("unconfigured providers: %v", problems)
	}
	return reg
}

// Open opens the journal. The caller closes it.
func (w *World) Open() *journal.Journal {
	w.T.Helper()
	j, err := journal.Open(w.T.Context(), w.Dir, "test")
	if err != nil {
		w.T.Fatal(err)
	}
	return j
}

// Plan plans and saves; mutate may change the request.
func (w *World) Plan(j *journal.Journal, mutate func(*planner.Request)) (rotate.Plan, error) {
	w.T.Helper()
	ctx := w.T.Context()
	req := planner.Request{Case: "c-1", Credential: w.Leaked, Strategy: rotate.KeepRunning, MinLevel: rotate.L3}
	policy := rotate.LabPolicy()
	req.Policy = &policy
	for _, p := range w.Reg.Sinks() {
		sink, _ := providers.As[providers.Sink](p)
		var wanted []providers.Wanted
		for _, part := range w.Leaked.PartNames() {
			wanted = append(wanted, providers.Wanted{Part: part, Value: w.Leaked.Part(part), Names: w.Names[part]})
		}
		found, err := sink.Locate(httpx.ReadOnly(ctx), wanted)
		if err != nil {
			w.T.Fatal(err)
		}
		req.Located.Placements = append(req.Located.Placements, found.Placements...)
	}
	if mutate != nil {
		mutate(&req)
	}
	pl := &planner.Planner{Registry: w.Reg, Key: j.HashKey(), Guard: httpx.ReadOnly, Echo: w.Echo, Now: time.Now}
	p, err := pl.Plan(ctx, req)
	if err != nil {
		return p, err
	}
	return p, runs.Save(ctx, j, p, w.Leaked, req.Onto, "tester")
}

// ErrKilled is what a failpoint returns in place of a kill -9.
var ErrKilled = errors.New("killed")

// Executor carries out, with the failpoint.
func (w *World) Executor(j *journal.Journal) *executor.Executor {
	n := 0
	sleep := w.Sleep
	if sleep == nil {
		sleep = httpx.Sleep
	}
	return &executor.Executor{
		Registry: w.Reg, Journal: j, Actor: "tester", Health: w.Health, Echo: w.Echo, Check: w.Check, Doctor: w.Doctor, Sleep: sleep, Now: time.Now, OnEvent: w.OnEvent, Files: w.Files, Until: w.Until,
		Failpoint: func(point string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			n++
			w.Points = append(w.Points, point)
			if w.CrashAt != nil && w.CrashAt(n, point) {
				return ErrKilled
			}
			return nil
		},
	}
}

// Start plans and runs with the world's failpoint.
func (w *World) Start(mutate func(*planner.Request)) (rotate.Plan, error) {
	w.T.Helper()
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, mutate)
	if err != nil {
		w.T.Fatal(err)
	}
	return p, w.Executor(j).Start(w.T.Context(), p, rotate.Approval{Digest: p.Digest, Typed: p.Phrase, Who: "tester"})
}

// Resume opens everything anew, as a new process would.
func (w *World) Resume(run string) error {
	w.T.Helper()
	j := w.Open()
	defer j.Close()
	return w.Executor(j).Resume(w.T.Context(), run)
}

// Supply hands a key in, as a person does.
func (w *World) Supply(run, value string) error {
	w.T.Helper()
	j := w.Open()
	defer j.Close()
	return w.Executor(j).Supply(w.T.Context(), run, secret.New(value))
}

// Rollback undoes the run.
func (w *World) Rollback(run string) error {
	w.T.Helper()
	j := w.Open()
	defer j.Close()
	return w.Executor(j).Rollback(w.T.Context(), run, "test")
}

// Abandon gives the run up.
func (w *World) Abandon(run, reason string) error {
	w.T.Helper()
	j := w.Open()
	defer j.Close()
	return w.Executor(j).Abandon(w.T.Context(), run, reason)
}

// Snapshot reads a run from the journal.
func (w *World) Snapshot(run string) rotate.Snapshot {
	w.T.Helper()
	j := w.Open()
	defer j.Close()
	s, err := runs.Load(w.T.Context(), j, run)
	if err != nil {
		w.T.Fatal(err)
	}
	return s.Snapshot()
}

// Waive accepts that a step shows less than it should, down to a level.
func (w *World) Waive(run, step string, level rotate.Level, reason string) {
	w.T.Helper()
	j := w.Open()
	defer j.Close()
	if err := w.Executor(j).Waive(w.T.Context(), run, step, level, reason); err != nil {
		w.T.Fatal(err)
	}
}

// CallHostile says that the traffic on the old key is the thief's.
func (w *World) CallHostile(run, reason string) error {
	w.T.Helper()
	j := w.Open()
	defer j.Close()
	return w.Executor(j).CallHostile(w.T.Context(), run, reason)
}

// Stranger uses the leaked key for a service, again and again, as somebody does whom
// no plan knows; refused counts how often it failed. It ends with stop, or with the
// test.
func (w *World) Stranger(service string) (refused func() int, stop func()) {
	ctx, cancel := context.WithCancel(w.T.Context())
	var failed atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for httpx.Sleep(ctx, 20*time.Millisecond) == nil {
			if !w.Lab.AWS.Use(w.Estate.LeakedID, w.Estate.LeakedSecret, service) {
				failed.Add(1)
			}
		}
	})
	stop = func() { cancel(); wg.Wait() }
	w.T.Cleanup(stop)
	return func() int { return int(failed.Load()) }, stop
}
