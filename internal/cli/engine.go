package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/source"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
	"github.com/secretguard/secretguard/internal/tui"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// engine is what the responder works with: scan, triage, planner and executor
// behind the interface that the screens know. It is safe for use from many
// goroutines.
type engine struct {
	app     *app
	w       *workspace
	req     scanRequest
	root    string // the folder of the target's files
	offline bool
	notices []string
	// reported are the ids of a saved report that is opened again; nil for none.
	reported []string

	mu      sync.Mutex
	result  scan.Result
	loadErr error // of the newest scan
	cases   map[string]triage.Case
	runs    map[string]*liveRun
	scanN   *scan.Progress
	dirty   []string
	wake    chan struct{}
	wg      sync.WaitGroup
}

var _ tui.Engine = (*engine)(nil)

func newEngine(a *app, w *workspace, req scanRequest) *engine {
	root := source.WorkTree(req.path)
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	w.source = root
	return &engine{
		app: a, w: w, req: req, root: root, cases: map[string]triage.Case{}, runs: map[string]*liveRun{}, wake: make(chan struct{}, 1),
	}
}

// Next waits for the next hint. Several changes of one run are one hint.
func (e *engine) Next(ctx context.Context) (tui.Hint, error) {
	for {
		if h, ok := e.takeHint(); ok {
			return h, nil
		}
		select {
		case <-e.wake:
		case <-ctx.Done():
			return tui.Hint{}, ctx.Err()
		}
	}
}

func (e *engine) takeHint() (tui.Hint, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := tui.Hint{Progress: e.scanN}
	e.scanN = nil
	if len(e.dirty) > 0 {
		h.Run, e.dirty = e.dirty[0], e.dirty[1:]
	}
	return h, h.Progress != nil || h.Run != ""
}

// hint marks a run as changed; the caller holds the lock.
func (e *engine) hint(run string) {
	if !slices.Contains(e.dirty, run) {
		e.dirty = append(e.dirty, run)
	}
	e.ring()
}

func (e *engine) ring() {
	select {
	case e.wake <- struct{}{}:
	default: // a hint is waiting already
	}
}

// told is the scan's progress.
func (e *engine) told(p scan.Progress) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.scanN = &p
	e.ring()
}

// Load scans the target anew.
func (e *engine) Load(ctx context.Context) (screen.Board, error) {
	req := e.req
	req.tell = e.told
	if _, err := os.Stat(e.baseline()); err == nil {
		req.baseline = e.baseline()
	}
	res, err := e.app.scanTarget(ctx, req)
	stopped := err != nil && ctx.Err() != nil
	e.mu.Lock()
	if e.loadErr = err; stopped {
		e.loadErr = nil
	}
	e.mu.Unlock()
	if err != nil && !stopped {
		return screen.Board{}, forPeople(err)
	}
	cases := triage.Build(res)
	e.mu.Lock()
	e.result = res
	e.cases = map[string]triage.Case{}
	for _, c := range cases {
		e.cases[c.ID] = c
	}
	e.mu.Unlock()
	b := screen.Board{
		Target: res.Target, Cases: cases, Coverage: res.Coverage, Stopped: stopped, Accepted: len(res.Findings) - len(res.Active()),
		Baseline: req.baseline, Abilities: map[credential.Kind]screen.Ability{}, Notices: append(slices.Clone(e.notices), e.lost(res)...),
	}
	if p, err := filepath.Abs(res.Target.Path); err == nil {
		b.Target.Path = p
	}
	for _, c := range cases {
		if _, ok := b.Abilities[c.Kind]; !ok {
			b.Abilities[c.Kind] = e.w.ability(c.Kind)
		}
	}
	return b, nil
}

// lost names what a saved report had and the new scan has not.
func (e *engine) lost(res scan.Result) []string {
	n := 0
	for _, id := range e.reported {
		if !slices.ContainsFunc(res.Findings, func(f scan.Finding) bool { return f.ID == id }) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d findings of the report were not found again in %s", n, res.Target.Path)}
}

// ability says what the set-up providers can do for a kind, or why nothing.
func (w *workspace) ability(k credential.Kind) screen.Ability {
	i := slices.IndexFunc(all.Descriptors(), func(d providers.Descriptor) bool { return slices.Contains(d.Kinds, k) })
	if i < 0 {
		a := screen.Ability{NoRotate: "by hand at its issuer: no provider here rotates this kind"}
		if name, who, call, ok := probe.Of(k); ok {
			a.Provider, a.Issuer, a.Call = name, term.Clean(who), term.Clean(call)
		} else {
			a.NoVerify = term.Clean("nobody is asked about this kind: " + w.registry.WhyNot(credential.Credential{Kind: k}))
		}
		return a
	}
	d := all.Descriptors()[i]
	a := screen.Ability{Provider: d.Name, Issuer: term.Clean(d.Title), Call: term.Clean(d.VerifyCall)}
	if a.Call == "" {
		a.Call = "a call that only reads"
	}
	p, ok := w.registry.Get(d.Name)
	if !ok {
		why := d.Name + " is not set up"
		for _, problem := range w.problems {
			if problem.Provider == d.Name {
				why += ": " + problem.Missing
			}
		}
		a.NoRotate = term.Clean(why)
		if !d.VerifyAlone {
			a.NoVerify = a.NoRotate
		}
		return a
	}
	if _, ok := providers.As[providers.Verifier](p); !ok {
		a.NoVerify = term.Clean(d.Title + " offers no check that only reads")
	}
	_, issues := providers.As[providers.Issuer](p)
	if _, guides := providers.As[providers.Guide](p); !issues && !guides {
		a.NoRotate = term.Clean(d.Title + " cannot issue keys, and does not say how a person does it: replace it by hand")
	}
	return a
}

// find returns a case of the last scan.
func (e *engine) find(id string) (triage.Case, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.cases[id]
	if !ok {
		return c, screen.Problem{Text: term.Clean("no credential " + id + " in the last scan"), Try: "scan again with t"}
	}
	return c, nil
}

// Verify asks the issuer.
func (e *engine) Verify(ctx context.Context, id string) (triage.Liveness, error) {
	c, err := e.online(id)
	if err != nil {
		return triage.Liveness{}, err
	}
	l, err := e.w.verify(httpx.ReadOnly(ctx), c)
	return l, forPeople(err)
}

// online returns a case for a request that needs the network.
func (e *engine) online(id string) (triage.Case, error) {
	if e.offline {
		return triage.Case{}, screen.Problem{Text: "offline, as asked for", Try: "start without --offline"}
	}
	return e.find(id)
}

// Locate searches the consumers and asks the issuer about the key, both with our
// own access and only reading.
func (e *engine) Locate(ctx context.Context, id string) (screen.Located, error) {
	c, err := e.online(id)
	if err != nil {
		return screen.Located{}, err
	}
	ctx = httpx.ReadOnly(ctx)
	out := screen.Located{At: e.app.Now()}
	located, err := triage.Locate(ctx, e.w.registry, c)
	if err != nil && len(located.Gaps) == 0 {
		return out, forPeople(err)
	}
	out.Placements, out.Gaps = located.Placements, append(located.Gaps, e.w.unsearched()...)
	out.Key, out.Problem = e.inspect(ctx, c)
	return out, nil
}

func (e *engine) inspect(ctx context.Context, c triage.Case) (*providers.KeyState, string) {
	p, ok := e.w.registry.IssuerOf(c.Kind)
	if !ok {
		if why := e.w.ability(c.Kind).NoVerify; why != "" {
			return nil, string(why)
		}
		return nil, "no provider is set up for this kind"
	}
	in, ok := providers.As[providers.Inspector](p)
	switch {
	case !ok:
		return nil, p.Describe().Title + " tells nothing about its keys"
	case !c.Credential.Complete():
		return nil, "a part of the credential was not found"
	}
	state, err := in.Inspect(ctx, c.Credential)
	if err != nil {
		return nil, err.Error()
	}
	return &state, ""
}

// around is how many lines an excerpt shows before and after the finding.
const around = 12

// Excerpt reads the lines around a finding from the object or the file it was
// found in.
func (e *engine) Excerpt(ctx context.Context, id string, i int) (screen.Excerpt, error) {
	c, err := e.find(id)
	if err != nil {
		return screen.Excerpt{}, err
	}
	if i < 0 || i >= len(c.Findings) {
		return screen.Excerpt{Why: "there is no such finding"}, nil
	}
	f := c.Findings[i]
	e.mu.Lock()
	known, target := e.result.Findings, e.result.Target
	e.mu.Unlock()
	var text []byte
	switch {
	case f.Blob != "" && target.Kind != "dir":
		text, err = source.ReadBlob(ctx, e.req.path, f.Blob, 0)
	case f.File != "" && target.Kind == "dir":
		text, err = source.ReadFile(e.req.path, f.File, 0)
	default:
		return screen.Excerpt{Why: "it stands in a " + strings.ReplaceAll(string(f.Where), "-", " ") + ", which has no lines to show"}, nil
	}
	if err != nil {
		return screen.Excerpt{}, forPeople(err)
	}
	here := slices.DeleteFunc(slices.Clone(known), func(o scan.Finding) bool { return o.Blob != f.Blob || o.File != f.File })
	var out screen.Excerpt
	for _, l := range triage.Excerpt(string(text), here, known, f.Line, around) {
		out.Lines = append(out.Lines, screen.ExcerptLine{N: l.N, Text: l.Text, Hit: l.N == f.Line})
	}
	return out, nil
}

// Plan looks for the consumers, plans and saves the plan.
func (e *engine) Plan(ctx context.Context, id string, s rotate.Strategy) (rotate.Plan, error) {
	c, err := e.online(id)
	if err != nil {
		return rotate.Plan{}, err
	}
	p, err := e.w.makePlan(ctx, c, s, rotate.L3)
	return p, forPeople(err)
}

// forPeople turns an error into a problem with the command to run next.
func forPeople(err error) error {
	if err == nil {
		return nil
	}
	var p screen.Problem
	if errors.As(err, &p) {
		return err
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	return screen.Problem{Text: term.Clean(text), Try: term.Clean(remedy(err))}
}
