package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/suppress"
	"github.com/secretguard/secretguard/internal/term"
)

// soon is how long before its end a waiver is called to mind.
const soon = 14 * 24 * time.Hour

func (a *app) baselineReviewCmd() *cobra.Command {
	var target string
	cmd := &cobra.Command{
		Use: "review [FILE]", Short: "Which waivers hold, have ended, or are about nothing any more", Args: atMost(1),
		Long: `Scans the target and holds the waivers of FILE (default: secretguard-baseline.json) against what
is found. Exit code 1 when one has ended, is about nothing that is found, or has no reason.`,
		Example: "  secretguard baseline review\n  secretguard baseline review waivers.json --target ~/src/shop --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			file := baselineName
			if len(args) == 1 {
				file = args[0]
			}
			return a.baselineReview(cmd.Context(), file, target)
		},
	}
	cmd.Flags().StringVarP(&target, "target", "t", ".", "the repository or folder that the waivers are about")
	return cmd
}

// waiverDoc is a waiver with what became of it, in JSON (docs/json.md).
type waiverDoc struct {
	Schema string `json:"schema"`
	ID     string `json:"id"`
	Rule   string `json:"rule"`
	File   string `json:"file"`
	Path   string `json:"path"`
	Reason string `json:"reason"`
	Owner  string `json:"owner"`
	Until  string `json:"until"`
	State  string `json:"state"`
	Found  int    `json:"found"`
}

func (a *app) baselineReview(ctx context.Context, file, target string) error {
	b, err := a.readBaseline(file)
	if err != nil {
		return err
	}
	res, err := a.scanTarget(ctx, newScanRequest("auto", target))
	if err != nil {
		return err
	}
	found := foundOf(b, res.Findings)
	wrong, old := 0, 0
	for _, e := range b.Entries {
		if e.Old() {
			old++
		}
		d := waiverDoc{
			Schema: "secretguard.waiver/1", ID: e.ID, Rule: e.Rule, File: e.File, Path: e.Path, Reason: e.Reason, Owner: e.Owner, Until: e.Until,
			Found: found[e.ID], State: waiverState(e, found[e.ID], a.Now()),
		}
		if !slices.Contains([]string{"holds", "ends soon"}, d.State) {
			wrong++
		}
		if err := a.waiverLine(d); err != nil {
			return err
		}
	}
	a.talk("%d waivers, %d to look at", len(b.Entries), wrong)
	if old > 0 {
		a.talk("%d have hashes of the older form, which are easier to guess; new ones: secretguard baseline migrate --from %s -o NEW%s", old, shellWord(file), pathAfter(target))
	}
	switch {
	case wrong > 0:
		return exitError{code: ExitFindings}
	case !res.Coverage.Complete:
		return exitError{code: ExitIncomplete}
	}
	return nil
}

// foundOf counts the places of what each id names.
func foundOf(b *suppress.Baseline, findings []scan.Finding) map[string]int {
	list := &suppress.List{}
	list.Add(b)
	var about []suppress.Subject
	for _, f := range findings {
		about = append(about, f.Subject())
	}
	list.Weigh(about)
	found := map[string]int{}
	for _, s := range about {
		seen := map[string]bool{}
		for _, e := range list.Entries(s) { // one id may stand there once for each path
			if !seen[e.ID] {
				found[e.ID]++
			}
			seen[e.ID] = true
		}
	}
	return found
}

// pathAfter is a path as the last word of a command; empty for the current folder.
func pathAfter(path string) string {
	if path == "." {
		return ""
	}
	return " " + shellWord(path)
}

func waiverState(e suppress.Entry, found int, now time.Time) string {
	switch {
	case e.Ended(now):
		return "ended"
	case found == 0:
		return "unused"
	case e.Reason == "":
		return "no reason"
	case e.Ended(now.Add(soon)):
		return "ends soon"
	}
	return "holds"
}

func (a *app) waiverLine(d waiverDoc) error {
	if a.json {
		return a.encode(d)
	}
	until := d.Until
	if until == "" {
		until = "no end"
	}
	return a.line(fmt.Sprintf("%-10s %-26s %-28s %-12s found %d times  %s", d.State, term.Clean(d.ID), term.Clean(d.Rule), term.Clean(until), d.Found,
		term.Clean(d.Owner+" "+d.Reason)))
}
