package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
)

// together is how many keys the big demo replaces at a time.
const together = 6

// ending is how the leak of one key ended in the big demo.
type ending struct {
	provider string
	person   []string // what the person does, in words
	status   rotate.RunStatus
	proof    string
	problem  string
}

// ok reports whether the key was replaced and is proven dead.
func (e ending) ok() bool { return e.problem == "" && e.status == rotate.RunDone && e.proof != "" }

// way is who did what.
func (e ending) way() string {
	switch made, took := slices.Contains(e.person, madeKey), slices.Contains(e.person, tookKey); {
	case made && took:
		return "guided"
	case made:
		return "revoke only"
	case took:
		return "issue only"
	}
	return "automatic"
}

// What a person does on an issuer's page.
const (
	madeKey = "made the new key and typed it in"
	tookKey = "took the old key away"
)

// demoAll leaks a key of every sort and ends each leak; where a call is missing, a
// script plays the person: on the issuer's page of the lab, and at this program's own
// prompt.
func (a *app) demoAll(ctx context.Context, st *stage) error {
	a.say("SecretGuard's big demo: one repository, a leaked key of every issuer that it knows.")
	a.say("It runs against twins on this machine: no account, no network.")
	res, err := a.scanTarget(ctx, newScanRequest("git", st.Repo))
	if err != nil {
		return err
	}
	a.say("\n1. FIND: %s", report.Summary(res))
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // every record was flushed
	w.source = sourceOf(st.Repo)
	a.say("\n2. END each leak: plan, new key, consumers, old key, proof; %d at a time", together)
	cases, list := triage.Build(res), leaksOf(st.info)
	ends := make([]ending, len(list))
	var g errgroup.Group
	g.SetLimit(together)
	for _, keys := range byService(list) {
		g.Go(func() error {
			for _, i := range keys {
				ends[i] = a.endLeak(ctx, st, w, list[i], cases)
				a.say("   %-16s %s", list[i].Provider, term.Clean(strings.TrimSpace(string(ends[i].status)+" "+ends[i].problem)))
			}
			return nil
		})
	}
	_ = g.Wait() // each ending holds its own problem
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return a.endings(ends)
}

// byService groups leaks by the first word of their issuer's name: openai-admin is
// OpenAI's too. One key of a service ends after the other, in the order of the list: a
// plan is stale when its owner has another key meanwhile, and a JWT secret is revoked
// only after the keys that are signed with it.
func byService(list []lab.Family) [][]int {
	var out [][]int
	at := map[string]int{}
	for i, f := range list {
		name, _, _ := strings.Cut(f.Provider, "-")
		if _, seen := at[name]; !seen {
			at[name] = len(out)
			out = append(out, nil)
		}
		out[at[name]] = append(out[at[name]], i)
	}
	return out
}

// leaksOf lists the leaks of the lab, the AWS key of the small demo among them.
func leaksOf(info labFile) []lab.Family {
	return append([]lab.Family{{Provider: "aws", Leaked: info.Leaks.History.Secret}}, info.Families...)
}

// endLeak replaces one key, and asks afterwards with requests of its own.
func (a *app) endLeak(ctx context.Context, st *stage, w *workspace, f lab.Family, cases []triage.Case) ending {
	e := ending{provider: f.Provider}
	fail := func(why string) ending { e.problem = why; return e }
	i := slices.IndexFunc(cases, func(c triage.Case) bool {
		return slices.ContainsFunc(c.Credential.PartNames(), func(p credential.Part) bool { return c.Credential.Part(p).Equal(secret.New(f.Leaked)) })
	})
	if i < 0 {
		return fail("the scan did not find it")
	}
	c := cases[i]
	p, err := w.makePlan(ctx, c, rotate.KeepRunning, rotate.L3)
	switch {
	case err != nil:
		return fail(err.Error())
	case p.Issuer != f.Provider:
		return fail("it was taken for a key of " + p.Issuer)
	}
	for _, s := range p.Steps {
		if word := map[rotate.Action]string{rotate.ActIssue: madeKey, rotate.ActDelete: tookKey}[s.Action]; s.Guide != nil && word != "" {
			e.person = append(e.person, word)
		}
	}
	err = w.executor(nil).Start(ctx, p, rotate.Approval{Digest: p.Digest, Typed: p.Phrase, Who: actor() + " (demo)", At: a.Now().UTC()})
	for range 2 { // a person has two things to do at most
		if errors.Is(err, rotate.ErrHeld) {
			err = a.playPerson(ctx, st, w, f, p)
		}
	}
	if err != nil {
		e.problem = err.Error()
	}
	s, loaded := runs.Load(ctx, w.journal, p.ID)
	if loaded != nil {
		return fail(loaded.Error())
	}
	snap := s.Snapshot()
	e.status = snap.Status
	if snap.Proof != nil {
		e.proof = fmt.Sprintf("refused %d times over %s (%s)", snap.Proof.Refusals, snap.Proof.Window.Round(1e8), snap.Proof.Code)
	}
	if e.problem == "" {
		e.problem = w.looksAgain(ctx, c, p)
	}
	return e
}

// looksAgain says what is not as the run says; empty when all is.
func (w *workspace) looksAgain(ctx context.Context, c triage.Case, plan rotate.Plan) string {
	if c.Credential.Kind.OfAProject() && c.Credential.Project == "" {
		c.Credential.Project = plan.Account // the plan has seen whose it was
	}
	p, _ := w.registry.Get(plan.Issuer)
	if further, ok := providers.As[providers.Corroborator](p); ok { // everywhere where a proof asks
		for _, at := range further.Endpoints() {
			if v, err := further.VerifyAt(ctx, at, c.Credential); err != nil || v.Liveness != providers.Dead {
				return fmt.Sprintf("asked again at %s, the old key is %s (%v)", at, v.Liveness, err)
			}
		}
	} else if l, err := triage.Verify(ctx, w.registry, c); err != nil || l.Value != string(providers.Dead) {
		return fmt.Sprintf("asked again, the old key is %s (%v)", l.Value, err)
	}
	located, err := triage.Locate(ctx, w.registry, c)
	if err != nil || len(located.Placements)+len(located.Gaps) > 0 {
		return fmt.Sprintf("%d stored values hold the old key (%v)", len(located.Placements), err)
	}
	return ""
}

// playPerson does what a held run waits for.
func (a *app) playPerson(ctx context.Context, st *stage, w *workspace, f lab.Family, p rotate.Plan) error {
	s, err := runs.Load(ctx, w.journal, p.ID)
	if err != nil {
		return err
	}
	snap := s.Snapshot()
	i := slices.IndexFunc(snap.Steps, func(s rotate.StepState) bool { return s.Status == rotate.StepFailed })
	if i < 0 || p.Steps[i].Guide == nil {
		return errors.New(snap.Problem)
	}
	if p.Steps[i].Action != rotate.ActIssue {
		if _, err := st.atIssuer(ctx, map[string]string{"provider": f.Provider, "remove": f.Leaked}); err != nil {
			return err
		}
		return w.executor(nil).Resume(ctx, p.ID)
	}
	key, err := st.atIssuer(ctx, map[string]string{"provider": f.Provider})
	if err != nil {
		return err
	}
	return st.typeKey(ctx, p.ID, key)
}

// atIssuer does something on an issuer's page in the lab, and returns the key that it
// shows.
func (st *stage) atIssuer(ctx context.Context, ask map[string]string) (string, error) {
	body, err := json.Marshal(ask)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, st.info.LabURL+"/_lab/person", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return "", fmt.Errorf("ask the lab: %w", err)
	}
	defer res.Body.Close()
	var out struct{ Key string }
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil || res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the lab's issuer has no such page: HTTP %d", res.StatusCode)
	}
	return out.Key, nil
}

// endings prints how each leak ended.
func (a *app) endings(ends []ending) error {
	a.say("\n3. HOW EACH ENDED, and who did it; the person was a script, on the issuer's page and at the hidden prompt")
	a.say("   automatic: calls do both. revoke only: a person makes the new key. issue only: the old key")
	a.say("   ends by itself. guided: a person does both.\n")
	a.say("   %-16s %-11s %-7s %s", "ISSUER", "WAY", "END", "PROOF OF DEATH, with a control request before and after")
	checks, bad := []check{}, []string{}
	for _, e := range ends {
		word := "ok"
		if !e.ok() {
			word, bad = "FAILED", append(bad, e.provider)
		}
		a.say("   %-16s %-11s %-7s %s", e.provider, e.way(), word, term.Clean(strings.TrimSpace(e.proof+" "+e.problem)))
		checks = append(checks, check{e.provider + ": " + strings.Join(append([]string{e.way()}, e.person...), ", "), e.ok(), strings.TrimSpace(e.proof + " " + e.problem)})
	}
	for _, d := range all.Descriptors() {
		if d.Way() != providers.WayStores && !slices.ContainsFunc(ends, func(e ending) bool { return e.provider == d.Name }) {
			bad = append(bad, d.Name)
			a.say("   %-16s was not leaked: the lab has no key of it", d.Name)
		}
	}
	if a.json {
		if err := a.encodeDemo("", len(bad) == 0, checks); err != nil {
			return err
		}
	}
	if len(bad) > 0 {
		return exitError{code: ExitNeedsPerson, err: fmt.Errorf("the demo's story did not end well for %s", strings.Join(bad, ", "))}
	}
	return nil
}
