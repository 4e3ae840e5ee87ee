package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/triage"
)

// demoHeadless runs the story to its end and then checks it from outside: with
// requests of its own, not from what the run says of itself.
func (a *app) demoHeadless(ctx context.Context, st *stage) error {
	if err := a.line("1. A repository with leaked keys: " + st.Repo); err != nil {
		return err
	}
	res, err := a.scanTarget(ctx, scanRequest{kind: "git", path: st.Repo})
	if err != nil {
		return err
	}
	cases := triage.Build(res)
	if err := a.line(fmt.Sprintf("2. Scan: %d findings, %d credentials", len(res.Active()), len(cases))); err != nil {
		return err
	}
	if err := report.WriteCases(a.Out, cases); err != nil {
		return err
	}
	c, err := leakedCase(cases, st.info)
	if err != nil {
		return err
	}
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // every record was flushed
	p, err := a.demoRotate(ctx, w, c)
	if err != nil {
		return err
	}
	return a.demoCheck(ctx, w, c, p)
}

// leakedCase finds the case of the key that production uses.
func leakedCase(cases []triage.Case, info labFile) (triage.Case, error) {
	for _, c := range cases {
		if c.Kind == credential.AWSAccessKey && c.Credential.Part(credential.PartID).Equal(secret.New(info.Leaks.History.ID)) && c.Credential.Complete() {
			return c, nil
		}
	}
	return triage.Case{}, errors.New("the scan did not find the key that production uses")
}

func (a *app) demoRotate(ctx context.Context, w *workspace, c triage.Case) (rotate.Plan, error) {
	l, err := triage.Verify(ctx, w.registry, c)
	if err != nil {
		return rotate.Plan{}, err
	}
	if err := a.line(fmt.Sprintf("3. Verify %s: %s, %s", c.Mask, strings.ToUpper(l.Value), l.Verdict.Identity.Who)); err != nil {
		return rotate.Plan{}, err
	}
	p, err := w.makePlan(ctx, c, rotate.KeepRunning, rotate.L3)
	if err != nil {
		return p, err
	}
	if err := a.line("4. Plan (reads only)"); err != nil {
		return p, err
	}
	if err := report.WritePlan(a.Out, p); err != nil {
		return p, err
	}
	if err := a.line("5. Rotate: approved by typing \"" + p.Phrase + "\""); err != nil {
		return p, err
	}
	approval := rotate.Approval{Digest: p.Digest, Typed: p.Phrase, Who: actor() + " (demo)", At: a.Now().UTC()}
	if err := w.executor(a.storyTeller()).Start(ctx, p, approval); err != nil {
		return p, err
	}
	s, err := rotate.Load(ctx, w.journal, p.ID)
	if err != nil {
		return p, err
	}
	if err := a.line("6. Result"); err != nil {
		return p, err
	}
	return p, report.WriteRun(a.Out, s.Snapshot())
}

// storyTeller prints one line for each step that ends.
func (a *app) storyTeller() func(rotate.Event) {
	if a.json {
		return a.events()
	}
	return func(e rotate.Event) {
		if e.Status == rotate.StepDone || e.Status == rotate.StepFailed {
			_ = a.line(fmt.Sprintf("   %2d  %-8s %s: %s", e.N, e.Status, strings.TrimPrefix(e.Text, "done: "), e.Detail)) // a closed pipe must not stop a rotation
		}
	}
}

// demoCheck asks the services themselves.
func (a *app) demoCheck(ctx context.Context, w *workspace, old triage.Case, p rotate.Plan) error {
	if err := a.line("7. Checked from outside"); err != nil {
		return err
	}
	var failed []string
	check := func(what string, ok bool, detail string) {
		word := "ok    "
		if !ok {
			word = "FAILED"
			failed = append(failed, what)
		}
		_ = a.line(fmt.Sprintf("   %s %s  %s", word, what, detail)) // the verdict is in the exit code too
	}
	l, err := triage.Verify(ctx, w.registry, old)
	check("the old key is refused", err == nil && l.Value == string(providers.Dead), l.Verdict.Code)
	located, err := triage.Locate(ctx, w.registry, old)
	check("no consumer holds the old key", err == nil && len(located.Placements) == 0, fmt.Sprintf("%d placements", len(located.Placements)))
	a.checkConsumers(ctx, w, p, check)
	keys, err := a.ownersKeys(ctx, w, p)
	check("exactly one key is left, the new one", err == nil && len(keys) == 1, strings.Join(keys, " "))
	if len(failed) > 0 {
		return fmt.Errorf("the demo's story did not end well: %s", strings.Join(failed, "; "))
	}
	return nil
}

// checkConsumers looks at each consumer's live deploy and health.
func (a *app) checkConsumers(ctx context.Context, w *workspace, p rotate.Plan, check func(string, bool, string)) {
	for _, s := range p.Steps {
		if s.Action != rotate.ActDeploy {
			continue
		}
		pr, _ := w.registry.Get(s.Target.Provider)
		d, ok := providers.As[providers.Deployer](pr)
		if !ok {
			continue
		}
		now, err := d.Latest(ctx, *s.Target)
		check(s.Target.Provider+" "+s.Target.Name+" serves a newer deploy", err == nil && now.LiveID != "" && now.LiveID != s.PreImage, now.LiveID)
		if s.Target.HealthURL != "" {
			err := w.health(ctx, s.Target.HealthURL)
			check(s.Target.Provider+" "+s.Target.Name+" is well", err == nil, s.Target.HealthURL)
		}
	}
}

// ownersKeys lists the keys of the leaked key's owner from the new key's view.
func (a *app) ownersKeys(ctx context.Context, w *workspace, p rotate.Plan) ([]string, error) {
	s, err := rotate.Load(ctx, w.journal, p.ID)
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

// afterResume ends a demo whose run was continued: the stage is taken down when
// the run is closed.
func (a *app) afterResume(ctx context.Context, st *stage, pointer, run string) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	s, err := rotate.Load(ctx, w.journal, run)
	if err := errors.Join(err, w.close()); err != nil {
		return err
	}
	if !s.Closed() {
		return nil
	}
	a.talk("the demo's run is closed after %s; its folder and lab are removed", time.Since(s.Plan().Created).Round(time.Second))
	return errors.Join(st.tearDown(ctx), removePointer(pointer))
}
