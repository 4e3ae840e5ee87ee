package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/suppress"
	"github.com/secretguard/secretguard/internal/term"
)

// waiver is what a person says about what is accepted.
type waiver struct {
	out, reason, owner, until string
	byPath                    bool
}

func (w *waiver) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&w.out, "output", "o", baselineName, "the file to write; it must not exist")
	f.StringVar(&w.reason, "reason", "", "why these are accepted")
	f.StringVar(&w.owner, "owner", "", "who answers for it")
	f.StringVar(&w.until, "until", "", "the last day on which it holds, as 2026-12-31; then it is reported again")
	f.BoolVar(&w.byPath, "by-path", false, "accept each only in the file where it stands: a copy elsewhere is reported")
}

func (w *waiver) check() error {
	if w.until == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, w.until); err != nil {
		return usagef("--until %s: give a day as 2026-12-31", quote(w.until))
	}
	return nil
}

// entries are the findings as waivers.
func (w *waiver) entries(findings []scan.Finding) []suppress.Entry {
	var out []suppress.Entry
	for _, f := range findings {
		e := suppress.Entry{ID: f.ID, Rule: f.Rule, File: f.Shown(), Reason: w.reason, Owner: w.owner, Until: w.until}
		if w.byPath {
			e.Path = f.Path()
		}
		out = append(out, e)
	}
	return out
}

func (a *app) baselineCmd() *cobra.Command {
	var w waiver
	create := &cobra.Command{
		Use: "create [PATH]", Short: "Write the ids of today's findings (no secret is in the file)", Args: atMost(1),
		Long: `Scans PATH as "secretguard scan" does and writes the ids of all findings to a file. A later
scan with --baseline-path shows them as accepted and counts only new ones. An id names a secret
under a rule: it holds after a rebase, a squash, a rename and a reformatting.`,
		Example: `  secretguard baseline create --reason "rotated in March" --owner jo --until 2026-12-31
  secretguard scan --baseline-path secretguard-baseline.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.baselineCreate(cmd.Context(), pathOf(args), newScanRequest("auto", pathOf(args)), w, func(r scan.Result) []scan.Finding { return r.Active() })
		},
	}
	w.flags(create)
	return group("baseline", "Accept what is known, so that only new findings count", create, a.baselineReviewCmd(), a.baselineMigrateCmd())
}

func pathOf(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	return "."
}

func (a *app) baselineMigrateCmd() *cobra.Command {
	var w waiver
	var from, ignore string
	cmd := &cobra.Command{
		Use: "migrate [PATH]", Short: "Turn a .gitleaksignore or a gitleaks report into waivers", Args: atMost(1),
		Long: `Scans PATH and writes waivers for what the old file accepts: commit and line of the old one go
away, so the waivers survive a rebase. The old file: PATH/.gitleaksignore, another one with -i, or
gitleaks' JSON report with --from. What the old file accepts and the scan does not find needs no
waiver.`,
		Example: "  secretguard baseline migrate --reason \"accepted before 2026\"\n  secretguard baseline migrate --from gitleaks.json -o waivers.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			req := newScanRequest("auto", pathOf(args))
			req.baseline, req.gitleaksFile = from, ignore
			return a.baselineCreate(cmd.Context(), req.path, req, w, func(r scan.Result) []scan.Finding {
				return slices.DeleteFunc(slices.Clone(r.Findings), func(f scan.Finding) bool {
					return f.Suppressed == nil || f.Suppressed.By != "ignore-file" && f.Suppressed.By != "baseline"
				})
			})
		},
	}
	w.flags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "gitleaks' JSON report that was used as a baseline")
	cmd.Flags().StringVarP(&ignore, "gitleaks-ignore-path", "i", "", "a .gitleaksignore file; default: the one in PATH")
	return cmd
}

func (a *app) baselineCreate(ctx context.Context, path string, req scanRequest, w waiver, pick func(scan.Result) []scan.Finding) error {
	if err := w.check(); err != nil {
		return err
	}
	res, err := a.scanTarget(ctx, req)
	if err != nil {
		return err
	}
	findings := pick(res)
	entries := w.entries(findings)
	f, err := os.OpenFile(w.out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return problem{code: ExitUsage, err: fmt.Errorf("write the baseline: %w", err), try: "remove it, or name another file with --output"}
	}
	if err != nil {
		return usagef("write the baseline: %w", err)
	}
	if err := errors.Join(suppress.WriteBaseline(f, entries), f.Close()); err != nil {
		return usagef("write the baseline: %w", err)
	}
	if a.json {
		err = suppress.WriteBaseline(a.Out, entries)
	} else {
		err = a.line(fmt.Sprintf("%s holds the ids of %d findings; use it with: secretguard scan --baseline-path %s", term.Clean(w.out), len(findings), term.Clean(shellWord(w.out))))
	}
	if err != nil {
		return err
	}
	if !res.Coverage.Complete {
		a.talk("the scan was incomplete: the baseline may miss findings; see: secretguard scan %s", shellWord(path))
		return exitError{code: ExitIncomplete}
	}
	return nil
}
