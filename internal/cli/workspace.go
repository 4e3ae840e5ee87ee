package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"path/filepath"

	declared "github.com/secretguard/secretguard/internal/check"
	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/executor"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/keeper"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/scan/literal"
	"github.com/secretguard/secretguard/internal/scan/source"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
)

// workspace is what the commands that act need: providers and the journal.
type workspace struct {
	app      *app
	registry providers.Registry
	problems []all.Problem
	options  all.Options // what the registry was built from
	journal  *journal.Journal
	health   func(context.Context, string) error
	echo     func(ctx context.Context, address, variable, nonce string) (string, error)
	policy   *rotate.Policy
	people   int                     // who must approve a plan; zero means one
	checks   map[string]rotate.Check // that were declared, by consumer
	declared map[string]json.RawMessage
	byName   bool   // values that cannot be read are changed for their names
	source   string // the folder or repository of the leak; empty when there is none
	identity journal.Identity
	probed   probes      // when leaked keys were asked about
	onto     triage.Case // another leaked key that takes the planned one's place
}

// connect builds the provider registry from the environment and the user's own
// configuration; never from the scanned repository.
func (a *app) connect() (*workspace, error) {
	if path := a.Env(labEnv); path != "" && !a.inLab {
		if err := a.useLab(path); err != nil {
			return nil, err
		}
	}
	cfg, err := config.Load(config.Options{Explicit: a.configPath, Env: a.Env, Providers: all.EndpointNames()})
	if err != nil {
		return nil, usage(err)
	}
	w := &workspace{app: a, identity: journal.Identity{Place: journal.Place(cfg.Journal.Identity), Keeper: keeper.Keeper{Env: a.Env}}}
	private := a.allowPrivate || a.inLab
	w.options = all.Options{
		Env: a.Env, AllowPrivate: private, Version: Version(),
		BaseURL:  func(name string) string { return cfg.Provider(name).BaseURL },
		Private:  func(name string) bool { return cfg.Provider(name).AllowPrivate },
		Verdicts: a.verdicts,
	}
	w.registry, w.problems = all.Registry(w.options)
	consumers := httpx.New(httpx.Options{AllowPrivate: private, Version: Version()})
	w.health, w.echo = consumers.Healthy, consumers.Echo
	w.checks = declaredChecks(cfg.Consumers)
	if w.declared, err = declaredConsumers(cfg.Consumers); err != nil {
		return nil, err
	}
	if a.inLab {
		p := rotate.LabPolicy()
		w.policy = &p
	}
	return w, nil
}

// open also opens the journal. The caller closes it.
func (a *app) open(ctx context.Context) (*workspace, error) {
	w, err := a.connect()
	if err != nil {
		return nil, err
	}
	dir, err := config.MakeStateDir(a.Env)
	if err != nil {
		return nil, usage(err)
	}
	w.journal, err = journal.OpenWith(ctx, dir, Version(), w.identity)
	switch {
	case err != nil && w.journal == nil && (errors.Is(err, journal.ErrCorrupt) || errors.Is(err, journal.ErrLocked)):
		return nil, fmt.Errorf("%w (in %s)", err, dir)
	case err != nil && w.journal == nil:
		return nil, usage(err)
	case err != nil && a.damaged == nil:
		a.damaged = err
		a.talk("warning: %s: it can be read, nothing will be changed", term.Clean(err.Error()))
	}
	return w, nil
}

// sweep destroys sealed values that are of no more use. That it could not is
// said, and stops nothing.
func (w *workspace) sweep(ctx context.Context) {
	if w.app.damaged != nil {
		return // nothing can be written
	}
	if err := runs.Sweep(ctx, w.journal, actor(), w.app.Now()); err != nil {
		w.app.talk("warning: sealed values of old runs are still there: %s", term.Clean(err.Error()))
	}
}

func (w *workspace) close() error { return w.journal.Close() }

// planner returns a planner that can only read.
func (w *workspace) planner() *planner.Planner {
	return &planner.Planner{Registry: w.registry, Key: w.journal.HashKey(), Guard: httpx.ReadOnly, Echo: w.echo, Now: w.app.Now}
}

// executor returns an executor that reports to onEvent.
func (w *workspace) executor(onEvent func(rotate.Event)) *executor.Executor {
	return &executor.Executor{
		Registry: w.registry, Journal: w.journal, Actor: actor(), Health: w.health, Echo: w.echo, Check: declared.Runner{Get: w.health, Env: commandEnv}.Run, Doctor: w.wrongWith,
		OnEvent: w.forgetful(onEvent), Abort: w.app.abort, Sleep: httpx.Sleep, Now: w.app.Now,
		Failpoint: w.app.failpoint, Files: valuesIn,
	}
}

// forgetful passes events on. With each step that is done, what issuers said of keys is
// forgotten: of the old one and the new one it may be otherwise now.
func (w *workspace) forgetful(onEvent func(rotate.Event)) func(rotate.Event) {
	return func(e rotate.Event) {
		if dir := config.CacheDir(w.app.Env); dir != "" && e.Status == rotate.StepDone {
			probe.ForgetVerdicts(dir)
		}
		if onEvent != nil {
			onEvent(e)
		}
	}
}

// valuesIn looks for values in the files of a folder.
func valuesIn(ctx context.Context, dir string, values []secret.Text) (found, unread []string, err error) {
	f, err := literal.Find(ctx, dir, values)
	for _, p := range f.Places {
		found = append(found, fmt.Sprintf("%s:%d", p.File, p.Line))
	}
	return found, f.Unread, err
}

// sourceOf names the files of a scan's target, wherever a run goes on.
func sourceOf(target string) string {
	dir, err := filepath.Abs(source.WorkTree(target))
	if err != nil {
		return ""
	}
	return dir
}

// actor names the person at the keyboard for the journal.
func actor() string {
	u, err := user.Current()
	if err != nil {
		return "unknown"
	}
	return u.Username
}

// requireWrite refuses in read-only mode.
func (a *app) requireWrite(what string) error {
	if a.readOnly {
		return usagef("%s: --read-only is set", what)
	}
	return nil
}
