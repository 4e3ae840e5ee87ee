package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
)

func (a *app) consumersCmd() *cobra.Command {
	var target string
	find := &cobra.Command{
		Use: "find CASE", Short: "Which Netlify and Render variables hold this value", Args: exactly("CASE"),
		Long: `Reads every variable it may see and compares it with the leaked value on this machine.
What could not be searched is listed and makes the exit code 3.`,
		Example: "  secretguard consumers find c-1a2b3c4d5e",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.consumersFind(cmd.Context(), target, args[0]) },
	}
	find.Flags().StringVarP(&target, "target", "t", ".", "the repository or folder that holds the leak")
	return group("consumers", "Which services hold a leaked value", find)
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
		return a.encode(struct {
			Schema     string                `json:"schema"`
			Case       string                `json:"case"`
			Placements []providers.Placement `json:"placements"`
			Gaps       []providers.Gap       `json:"gaps"`
		}{"secretguard.consumers/1", c.ID, orEmpty(c.Placements), orEmpty(c.Gaps)})
	}
	for _, p := range c.Placements {
		line := fmt.Sprintf("%-8s %-10s %s  %s", p.Provider, p.Level, p.ResourceName, p.Key)
		if p.Context != "" {
			line += "  " + p.Context
		}
		if err := a.line(string(term.Clean(fmt.Sprintf("%s  (%s)", line, p.Match)))); err != nil {
			return err
		}
	}
	for _, g := range c.Gaps {
		if err := a.line("not searched: " + string(term.Clean(g.What+": "+g.Why))); err != nil {
			return err
		}
	}
	return a.line(fmt.Sprintf("stored values that hold it: %d; not searched: %d", len(c.Placements), len(c.Gaps)))
}
