package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/triage"
)

// planOptions are the flags of plan.
type planOptions struct {
	target   string
	out      string
	contain  bool
	minLevel int
	people   int
	onto     string
	byName   bool
}

func (a *app) planCmd() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan CASE [-o plan.json]",
		Short: "Plan the rotation of one leaked key (reads only)",
		Long: `Scans the target, takes the case, asks the issuer about the key, finds the consumers that
hold it, and writes the steps with their undo and risk. Nothing is changed anywhere. The
leaked value is sealed into this machine's journal, so that the plan file holds no secret.`,
		Example: `  secretguard plan c-1a2b3c4d5e -o plan.json
  secretguard plan AKIA…QRTU --target ~/src/shop --contain`,
		Args: exactly("CASE"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.plan(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.target, "target", "t", ".", "the repository or folder that holds the leak")
	f.StringVarP(&o.out, "output", "o", "", "write the plan to this file (mode 0600)")
	f.BoolVar(&o.contain, "contain", false, "disable the old key before anything else: an outage, on purpose")
	f.IntVar(&o.minLevel, "min-level", int(rotate.L3), "attestation level to aim at: 0 to 4")
	f.StringVar(&o.onto, "onto", "", "another leaked key's case, of the same owner: it takes this one's place until it is replaced itself, where there is no room for a new key")
	f.BoolVar(&o.byName, "by-name", false, "also change values that cannot be read back (GitHub Actions, secret or sealed variables), for their names alone")
	f.IntVar(&o.people, "approvals", 1, "how many different people must approve the plan")
	return cmd
}

func (a *app) plan(ctx context.Context, name string, o planOptions) error {
	if o.minLevel < 0 || o.minLevel > int(rotate.L4) {
		return usagef("a level is 0 to 4, not %d", o.minLevel)
	}
	if o.people < 1 || o.people > 9 {
		return usagef("a plan is approved by 1 to 9 people, not %d", o.people)
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
	w.sweep(ctx)
	if o.onto != "" {
		if w.onto, err = a.findCase(ctx, o.target, o.onto); err != nil {
			return err
		}
	}
	strategy := rotate.KeepRunning
	if o.contain {
		strategy = rotate.ContainFirst
	}
	w.byName = o.byName
	if w.people = o.people; o.people == 1 {
		w.people = 0 // as ever
	}
	w.source = sourceOf(o.target)
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
		return a.encode(p)
	}
	if err := report.WritePlan(a.Out, p); err != nil {
		return err
	}
	if o.out == "" {
		a.talk("to carry it out, write it to a file: secretguard plan %s%s -o plan.json", shellWord(name), targetFlag(o.target))
	} else {
		a.talk("approve and run: secretguard rotate %s --approve %s", shellWord(o.out), p.ShortDigest())
	}
	return nil
}

// makePlan looks for the consumers, plans, and saves the plan.
func (w *workspace) makePlan(ctx context.Context, c triage.Case, strategy rotate.Strategy, level rotate.Level) (rotate.Plan, error) {
	if c.Canary() { // a rotation would use it, to see that it works and that it is dead
		return rotate.Plan{}, problem{
			code: ExitUsage, err: fmt.Errorf("%s is a canary: it opens nothing, and using it raises an alarm", c.ID),
			try: `secretguard baseline create --reason "a canary of ours"`,
		}
	}
	if run, err := runs.Unfinished(ctx, w.journal, c.Credential); err != nil || run != "" {
		if err != nil {
			return rotate.Plan{}, err
		}
		return rotate.Plan{}, problem{
			code: ExitNeedsPerson, err: fmt.Errorf("%w: run %s", rotate.ErrBusy, run), try: "secretguard rotate resume " + run + " (or rollback)",
		}
	}
	reader := w.planner()
	located, err := triage.Case{}, error(nil)
	if strategy != rotate.ContainOnly { // there is no time to look for who uses it
		watched, done := w.app.watching(reader.Guard(ctx))
		located, err = triage.Locate(watched, w.registry, c)
		done()
	}
	if err != nil && !errors.Is(err, providers.ErrAuth) && !errors.Is(err, providers.ErrForbidden) && len(located.Gaps) == 0 {
		return rotate.Plan{}, err
	}
	// A sink that could not be searched is a gap: it is named in the plan's risks.
	located.Gaps = append(located.Gaps, w.unsearched()...)
	if strategy == rotate.ContainOnly {
		located.Gaps = nil
	}
	if located.Placements, err = w.recall(ctx, located); err != nil {
		return rotate.Plan{}, err
	}
	p, err := reader.Plan(ctx, planner.Request{
		Case: c.ID, Credential: c.Credential, Source: w.source, Strategy: strategy, MinLevel: level, Policy: w.policy, Approvals: w.people,
		Onto: w.onto.Credential, OntoCase: w.onto.ID, ByName: w.byName, Checks: w.checks, Declared: w.declared, Probed: w.probed.of(c.ID),
		Located: providers.Located{Placements: located.Placements, Gaps: located.Gaps},
	})
	if err != nil {
		if errors.Is(err, rotate.ErrNoIssuer) {
			return p, w.noIssuer(err, c.Kind)
		}
		return p, err
	}
	return p, runs.Save(ctx, w.journal, p, c.Credential, w.onto.Credential, actor())
}

// noIssuer says which provider is to be set up for a kind of key, or that this
// version has none.
func (w *workspace) noIssuer(err error, kind credential.Kind) error {
	for _, d := range all.Descriptors() {
		if !slices.Contains(d.Kinds, kind) {
			continue
		}
		for _, p := range w.problems {
			if p.Provider == d.Name {
				return problem{code: ExitUsage, err: fmt.Errorf("%w; %s does, and is not set up: %s", err, d.Name, p.Missing), try: "secretguard providers show " + d.Name}
			}
		}
	}
	return problem{
		code: ExitUsage, err: fmt.Errorf("%w; no provider of this version can replace a %s", err, triage.Title(kind)),
		try: "replace it by hand at its issuer; secretguard providers list shows what can be done",
	}
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
