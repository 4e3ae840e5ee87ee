package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
)

// say writes a line of the demo's story; with --json there is no story.
func (a *app) say(format string, args ...any) {
	if !a.json {
		_ = a.line(fmt.Sprintf(format, args...)) // a reader that went away must not stop a rotation; the verdict is in the exit code
	}
}

// demoHeadless runs the story to its end and then checks it from outside: with
// requests of its own, not from what the run says of itself.
func (a *app) demoHeadless(ctx context.Context, st *stage) error {
	a.say("SecretGuard's demo: one leaked key, from the leak to the proof that it is dead.")
	a.say("It runs against twins of AWS, Netlify and Render on this machine: no account, no network.")
	a.say("\n1. THE LEAK: a git repository, %s", st.Repo)
	a.say("   docs/quick-deploy.md   an AWS key that a later commit took out again; production runs with it")
	a.say("   deploy/ci.env          an AWS key in a file that was deleted")
	a.say("   report/run.sh          an AWS key on a branch that was never merged")
	a.say("   config/settings.env    a Stripe and an Anthropic key, still there")
	res, c, err := a.findLeak(ctx, st)
	if err != nil {
		return err
	}
	a.say("\n2. FIND: every object of the history, not only the files of today")
	a.say("   %s", report.Summary(res))
	if !a.json {
		if err := report.WriteCases(a.Out, triage.Build(res)); err != nil {
			return err
		}
	}
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // every record was flushed
	p, err := a.demoRotate(ctx, st, w, c)
	if err != nil {
		return err
	}
	return a.demoCheck(ctx, w, c, p)
}

// findLeak scans the demo's repository and finds the case of the key that
// production uses.
func (a *app) findLeak(ctx context.Context, st *stage) (scan.Result, triage.Case, error) {
	res, err := a.scanTarget(ctx, newScanRequest("git", st.Repo))
	if err != nil {
		return res, triage.Case{}, err
	}
	id := secret.New(st.info.Leaks.History.ID)
	for _, c := range triage.Build(res) {
		if c.Kind == credential.AWSAccessKey && c.Credential.Part(credential.PartID).Equal(id) && c.Credential.Complete() {
			return res, c, nil
		}
	}
	return res, triage.Case{}, errors.New("the scan did not find the key that production uses")
}

func (a *app) demoRotate(ctx context.Context, st *stage, w *workspace, c triage.Case) (rotate.Plan, error) {
	l, err := w.verify(ctx, c)
	if err != nil {
		return rotate.Plan{}, err
	}
	a.say("\n3. VERIFY: does it still work, and who runs with it?")
	a.say("   %s is %s: %s", c.Mask, strings.ToUpper(l.Value), term.Clean(l.Verdict.Identity.Who))
	w.source = sourceOf(st.Repo)
	p, err := w.makePlan(ctx, c, rotate.KeepRunning, rotate.L3)
	if err != nil {
		return p, err
	}
	a.at("demo: planned")
	for _, s := range p.Steps {
		if s.Action == rotate.ActStore {
			where := strings.TrimSpace(s.Placement.Key + " " + s.Placement.Context)
			a.say("   in use at %s %s: %s", s.Placement.Provider, term.Clean(s.Placement.ResourceName), term.Clean(where))
		}
	}
	a.say("\n4. PLAN: read, then approve")
	if !a.json {
		if err := report.WritePlan(a.Out, p); err != nil {
			return p, err
		}
	}
	a.say("\n5. ROTATE: approved with the words that a person types: %q", p.Phrase)
	approval := rotate.Approval{Digest: p.Digest, Typed: p.Phrase, Who: actor() + " (demo)", At: a.Now().UTC()}
	if err := w.executor(a.storyTeller()).Start(ctx, p, approval); err != nil {
		return p, err
	}
	s, err := runs.Load(ctx, w.journal, p.ID)
	if err != nil {
		return p, err
	}
	if a.json {
		return p, report.WriteRunJSON(a.Out, s.Snapshot())
	}
	a.say("\n6. PROOF: %s is replaced by %s", p.OldMask, s.Snapshot().NewMask)
	return p, report.WriteProof(a.Out, s.Snapshot())
}

// storyTeller prints what each step ended with.
func (a *app) storyTeller() func(rotate.Event) {
	if a.json {
		tell, _ := a.events()
		return tell
	}
	return func(e rotate.Event) {
		if e.Status == rotate.StepDone || e.Status == rotate.StepFailed {
			a.say("   %2d  %-6s  %s", e.N, e.Status, term.Clean(strings.TrimPrefix(e.Text, "done: ")))
			for _, line := range term.Wrap(term.Clean(e.Detail), 65) {
				a.say("               %s", line)
			}
		}
	}
}

// check is one look from outside.
type check struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// demoCheck asks the services themselves.
func (a *app) demoCheck(ctx context.Context, w *workspace, old triage.Case, p rotate.Plan) error {
	a.say("\n7. CHECKED FROM OUTSIDE: with requests of our own, not from what the run says of itself")
	checks := []check{}
	l, err := triage.Verify(ctx, w.registry, old)
	checks = append(checks, check{"the old key is refused", err == nil && l.Value == string(providers.Dead), l.Verdict.Code})
	located, err := triage.Locate(ctx, w.registry, old)
	checks = append(checks, check{"no stored value holds the old key", err == nil && len(located.Placements) == 0 && len(located.Gaps) == 0, fmt.Sprintf("%d places", len(located.Placements))})
	checks = append(checks, a.checkConsumers(ctx, w, p)...)
	keys, err := a.ownersKeys(ctx, w, p)
	checks = append(checks, check{p.Old.Owner + " has exactly one key, the new one", err == nil && len(keys) == 1, strings.Join(keys, " ")})
	bad := slices.IndexFunc(checks, func(c check) bool { return !c.OK })
	for _, c := range checks {
		word := "ok    "
		if !c.OK {
			word = "FAILED"
		}
		a.say("   %s %s (%s)", word, term.Clean(c.What), term.Clean(c.Detail))
	}
	if a.json {
		if err := a.encodeDemo(p.ID, bad < 0, checks); err != nil {
			return err
		}
	}
	if bad >= 0 {
		return exitError{code: ExitNeedsPerson, err: fmt.Errorf("the demo's story did not end well; not true: %s", checks[bad].What)}
	}
	return nil
}

// encodeDemo writes the demo's document; a story of many runs names none.
func (a *app) encodeDemo(run string, ok bool, checks []check) error {
	return a.encode(struct {
		Schema string  `json:"schema"`
		Run    string  `json:"run"`
		OK     bool    `json:"ok"`
		Checks []check `json:"checks"`
	}{"secretguard.demo/1", run, ok, checks})
}

// checkConsumers looks at each consumer's live deploy and health.
func (a *app) checkConsumers(ctx context.Context, w *workspace, p rotate.Plan) []check {
	var out []check
	for _, s := range p.Steps {
		if s.Action != rotate.ActDeploy {
			continue
		}
		name := s.Target.Provider + " " + s.Target.Name
		pr, _ := w.registry.Get(s.Target.Provider)
		d, ok := providers.As[providers.Deployer](pr)
		if !ok {
			out = append(out, check{name + " can be asked", false, "not set up"})
			continue
		}
		now, err := d.Latest(ctx, *s.Target)
		out = append(out, check{name + " serves a newer deploy", err == nil && now.LiveID != "" && now.LiveID != s.PreImage, now.LiveID})
		if s.Target.HealthURL != "" {
			err := w.health(ctx, s.Target.HealthURL)
			out = append(out, check{name + " is well", err == nil, s.Target.HealthURL})
		}
	}
	return out
}

// ownersKeys lists the keys of the leaked key's owner from the new key's view.
func (a *app) ownersKeys(ctx context.Context, w *workspace, p rotate.Plan) ([]string, error) {
	s, err := runs.Load(ctx, w.journal, p.ID)
	if err != nil {
		return nil, err
	}
	pr, ok := w.registry.Get(p.Issuer)
	if !ok {
		return nil, providers.ErrUnsupported
	}
	in, ok := providers.As[providers.Inspector](pr)
	if !ok {
		return nil, providers.ErrUnsupported
	}
	id := s.Snapshot().NewKey
	ks, err := in.Inspect(ctx, credential.Credential{
		Kind: p.Kind, ID: id, Parts: map[credential.Part]secret.Text{credential.PartID: secret.New(id)},
	})
	if err != nil {
		return nil, err
	}
	keys := []string{secret.Mask(ks.Key.Ref.ID)}
	for _, k := range ks.Siblings {
		keys = append(keys, secret.Mask(k.Ref.ID))
	}
	return keys, nil
}

// checkResumed checks the end of a demo that was killed and continued. At the
// screen a person may have rotated another key than the one in production.
func (a *app) checkResumed(ctx context.Context, st *stage, run string) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // only read
	s, err := runs.Load(ctx, w.journal, run)
	if err != nil {
		return err
	}
	res, err := a.scanTarget(ctx, newScanRequest("git", st.Repo))
	if err != nil {
		return err
	}
	c, err := pickCase(triage.Build(res), s.Plan().Case, st.Repo)
	if err != nil {
		return err
	}
	return a.demoCheck(ctx, w, c, s.Plan())
}
