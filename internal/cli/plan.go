package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/triage"
)

// planOptions are the flags of plan.
type planOptions struct {
	target   string
	out      string
	contain  bool
	minLevel int
}

func (a *app) planCmd() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan CASE [-o plan.json]",
		Short: "Plan the rotation of one leaked key (reads only)",
		Long: `Scans the target, takes the case, asks the issuer about the key, finds the consumers that
hold it, and writes the steps with their undo and risk. Nothing is changed anywhere. The
leaked value is sealed into this machine's journal, so that the plan file holds no secret.` + exitHelp,
		Example: `  secretguard plan c-1a2b3c -o plan.json
  secretguard plan AKIA…QRTU --target ~/src/shop --contain`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.plan(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.target, "target", "t", ".", "the repository or folder that holds the leak")
	f.StringVarP(&o.out, "output", "o", "", "write the plan to this file (mode 0600)")
	f.BoolVar(&o.contain, "contain", false, "disable the old key before anything else: an outage, on purpose")
	f.IntVar(&o.minLevel, "min-level", int(rotate.L3), "attestation level to aim at: 0 to 4")
	return cmd
}

func (a *app) plan(ctx context.Context, name string, o planOptions) error {
	if o.minLevel < 0 || o.minLevel > int(rotate.L4) {
		return usagef("a level is 0 to 4, not %d", o.minLevel)
	}
	c, err := a.findCase(ctx, o.target, name)
	if err != nil {
		return err
	}
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // the plan's record was flushed
	strategy := rotate.KeepRunning
	if o.contain {
		strategy = rotate.ContainFirst
	}
	p, err := w.makePlan(ctx, c, strategy, rotate.Level(o.minLevel))
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := writePlan(o.out, p); err != nil {
			return err
		}
	}
	if a.json {
		return json.NewEncoder(a.Out).Encode(p)
	}
	if err := report.WritePlan(a.Out, p); err != nil {
		return err
	}
	if o.out != "" {
		a.talk("approve and run:  secretguard rotate %s --approve %s", o.out, p.ShortDigest())
	}
	return nil
}

// makePlan looks for the consumers, plans, and saves the plan.
func (w *workspace) makePlan(ctx context.Context, c triage.Case, strategy rotate.Strategy, level rotate.Level) (rotate.Plan, error) {
	planner := w.planner()
	located, err := triage.Locate(planner.Guard(ctx), w.registry, c)
	if err != nil && !errors.Is(err, providers.ErrAuth) && !errors.Is(err, providers.ErrForbidden) && len(located.Gaps) == 0 {
		return rotate.Plan{}, err
	}
	// A sink that could not be searched is a gap: it is named in the plan's risks.
	located.Gaps = append(located.Gaps, w.unsearched()...)
	p, err := planner.Plan(ctx, rotate.Request{
		Case: c.ID, Credential: c.Credential, Strategy: strategy, MinLevel: level, Policy: w.policy,
		Located: providers.Located{Placements: located.Placements, Gaps: located.Gaps},
	})
	if err != nil {
		if errors.Is(err, rotate.ErrNoIssuer) {
			return p, fmt.Errorf("%w%s", err, w.missingProviders())
		}
		return p, err
	}
	return p, rotate.Save(ctx, w.journal, p, c.Credential, actor())
}

// unsearched names the sinks that are not configured: consumers may be there.
func (w *workspace) unsearched() []providers.Gap {
	var gaps []providers.Gap
	for _, p := range w.problems {
		if p.Sink {
			gaps = append(gaps, providers.Gap{What: p.Provider, Why: "not configured: " + p.Missing})
		}
	}
	return gaps
}

func writePlan(path string, p rotate.Plan) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the plan: %w", err)
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o600); err != nil {
		return usagef("write the plan: %w", err)
	}
	return nil
}

// findCase scans the target and returns the case with the id, or whose masked
// or public key id ends as the name does.
func (a *app) findCase(ctx context.Context, target, name string) (triage.Case, error) {
	res, err := a.scanTarget(ctx, scanRequest{kind: "auto", path: target})
	if err != nil {
		return triage.Case{}, err
	}
	cases := triage.Build(res)
	var hits []triage.Case
	for _, c := range cases {
		if c.ID == name || strings.HasPrefix(c.ID, name) && len(name) > 4 || c.Credential.ID != "" && c.Credential.ID == name {
			hits = append(hits, c)
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return triage.Case{}, problem{
			code: ExitUsage, err: fmt.Errorf("no case %q among the %d found in %s", name, len(cases), target),
			try: "secretguard scan " + target,
		}
	}
	return triage.Case{}, usagef("%q fits %d cases; give the whole id", name, len(hits))
}

func (a *app) verifyCmd() *cobra.Command {
	var target string
	var yes bool
	cmd := &cobra.Command{
		Use:   "verify [CASE…]",
		Short: "Ask the issuers which of the leaked keys still work",
		Long: `Makes one read-only call for each credential, with the leaked credential itself: the issuer
sees it. Asks before the first call unless --yes is given.` + exitHelp,
		RunE: func(cmd *cobra.Command, args []string) error { return a.verify(cmd.Context(), target, args, yes) },
	}
	cmd.Flags().StringVarP(&target, "target", "t", ".", "the repository or folder that holds the leak")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask before calling the issuers")
	return cmd
}

func (a *app) verify(ctx context.Context, target string, names []string, yes bool) error {
	res, err := a.scanTarget(ctx, scanRequest{kind: "auto", path: target})
	if err != nil {
		return err
	}
	w, err := a.connect()
	if err != nil {
		return err
	}
	if !yes {
		if err := a.confirm("each issuer will see one read-only call made with the leaked key; go on?"); err != nil {
			return err
		}
	}
	unknown, live := 0, 0
	for _, c := range triage.Build(res) {
		if len(names) > 0 && !slices.Contains(names, c.ID) {
			continue
		}
		l, err := triage.Verify(ctx, w.registry, c)
		if err != nil {
			unknown++
		}
		if l.Value == string(providers.Live) {
			live++
		}
		c.Liveness = l
		if err := a.verdictLine(c); err != nil {
			return err
		}
	}
	switch {
	case live > 0:
		return exitError{code: ExitFindings}
	case unknown > 0 || !res.Coverage.Complete:
		return exitError{code: ExitIncomplete}
	}
	return nil
}

func (a *app) verdictLine(c triage.Case) error {
	v := c.Liveness.Verdict
	if a.json {
		return json.NewEncoder(a.Out).Encode(map[string]any{
			"schema": "secretguard.verdict/1", "case": c.ID, "kind": c.Kind, "mask": c.Mask, "liveness": c.Liveness.Value,
			"account": v.Identity.Account, "who": v.Identity.Who, "code": v.Code, "detail": v.Detail, "at": v.At.Format(time.RFC3339),
		})
	}
	return report.WriteVerdict(a.Out, c)
}

// confirm asks a yes-or-no question on the terminal. Without one, or with
// --no-input, the answer is no.
func (a *app) confirm(question string) error {
	if a.noInput || !a.Facts.InTTY {
		return problem{code: ExitUsage, err: errors.New("this asks first, and there is no terminal to ask on"), try: "add --yes"}
	}
	_, _ = fmt.Fprintf(a.Err, "%s [y/N] ", question)
	var answer string
	_, _ = fmt.Fscanln(a.In, &answer) // no answer is a no
	if answer != "y" && answer != "yes" {
		return usagef("not confirmed")
	}
	return nil
}
