package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/suppress"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
)

func (a *app) consumersCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "consumers", Short: "Which services hold a leaked value",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var target string
	find := &cobra.Command{
		Use: "find CASE", Short: "Which Netlify and Render variables hold this value", Args: cobra.ExactArgs(1),
		Long: `Reads every variable it may see and compares it with the leaked value on this machine.
What could not be searched is listed and makes the exit code 3.` + exitHelp,
		RunE: func(cmd *cobra.Command, args []string) error { return a.consumersFind(cmd.Context(), target, args[0]) },
	}
	find.Flags().StringVarP(&target, "target", "t", ".", "the repository or folder that holds the leak")
	cmd.AddCommand(find)
	return cmd
}

func (a *app) consumersFind(ctx context.Context, target, name string) error {
	c, err := a.findCase(ctx, target, name)
	if err != nil {
		return err
	}
	w, err := a.connect()
	if err != nil {
		return err
	}
	c, err = triage.Locate(httpx.ReadOnly(ctx), w.registry, c)
	if err != nil && len(c.Gaps) == 0 {
		return err
	}
	c.Gaps = append(c.Gaps, w.unsearched()...)
	if err := a.writeConsumers(c); err != nil {
		return err
	}
	if len(c.Gaps) > 0 {
		return exitError{code: ExitIncomplete}
	}
	return nil
}

func (a *app) writeConsumers(c triage.Case) error {
	if a.json {
		return json.NewEncoder(a.Out).Encode(struct {
			Schema     string                `json:"schema"`
			Case       string                `json:"case"`
			Placements []providers.Placement `json:"placements"`
			Gaps       []providers.Gap       `json:"gaps"`
		}{"secretguard.consumers/1", c.ID, c.Placements, c.Gaps})
	}
	for _, p := range c.Placements {
		line := fmt.Sprintf("%-8s %-10s %s  %s  %s  (%s)", p.Provider, p.Level, p.ResourceName, p.Key, p.Context, p.Match)
		if err := a.line(string(term.Clean(line))); err != nil {
			return err
		}
	}
	for _, g := range c.Gaps {
		if err := a.line("not searched: " + string(term.Clean(g.What+": "+g.Why))); err != nil {
			return err
		}
	}
	return a.line(fmt.Sprintf("%d places hold it, %d could not be searched", len(c.Placements), len(c.Gaps)))
}

func (a *app) baselineCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "baseline", Short: "Accept what is known, so that only new findings count",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var out, reason string
	create := &cobra.Command{
		Use: "create [PATH]", Short: "Write the ids of today's findings (no secret is in the file)", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := scanRequest{kind: "auto", path: "."}
			if len(args) == 1 {
				req.path = args[0]
			}
			res, err := a.scanTarget(cmd.Context(), req)
			if err != nil {
				return err
			}
			f, err := os.OpenFile(out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return usagef("write the baseline: %w", err)
			}
			if err := errors.Join(suppress.WriteBaseline(f, accepted(res.Active(), reason)), f.Close()); err != nil {
				return fmt.Errorf("write the baseline: %w", err)
			}
			return a.line(fmt.Sprintf("%d findings are in %s; use it with: secretguard scan --baseline-path %s", len(res.Active()), out, out))
		},
	}
	create.Flags().StringVarP(&out, "output", "o", "secretguard-baseline.json", "the file to write; it must not exist")
	create.Flags().StringVar(&reason, "reason", "", "why these are accepted")
	cmd.AddCommand(create)
	return cmd
}

func accepted(findings []scan.Finding, reason string) []suppress.Entry {
	var out []suppress.Entry
	for _, f := range findings {
		out = append(out, suppress.Entry{ID: f.ID, Rule: f.Rule, File: f.File, Reason: reason})
	}
	return out
}

func (a *app) reportCmd() *cobra.Command {
	return &cobra.Command{
		Use: "report RUN", Short: "The incident report of a run, as Markdown", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { _ = w.close() }() // only read
			s, err := rotate.Load(cmd.Context(), w.journal, args[0])
			if err != nil {
				return usage(err)
			}
			return report.WriteIncident(a.Out, s.Snapshot())
		},
	}
}
