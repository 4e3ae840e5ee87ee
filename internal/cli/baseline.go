package cli

import (
	"cmp"
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
	byPath, keyed             bool
}

func (w *waiver) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&w.out, "output", "o", baselineName, "the file to write; it must not exist")
	f.StringVar(&w.reason, "reason", "", "why these are accepted")
	f.StringVar(&w.owner, "owner", "", "who answers for it")
	f.StringVar(&w.until, "until", "", "the last day on which it holds, as 2026-12-31; then it is reported again")
	f.BoolVar(&w.byPath, "by-path", false, "accept each only in the file where it stands: a copy elsewhere is reported")
	f.BoolVar(&w.keyed, "keyed", false, "make the hashes with a team's key, without which nobody can guess at them: "+baselineKeyEnv+", or a new one")
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

// waivers are the findings as waivers.
func (w *waiver) waivers(findings []scan.Finding) []suppress.Waiver {
	var out []suppress.Waiver
	for _, f := range findings {
		e := suppress.Entry{Rule: f.Rule, File: f.Shown(), Reason: w.reason, Owner: w.owner, Until: w.until}
		if w.byPath {
			e.Path = f.Shown()
		}
		out = append(out, suppress.Waiver{Entry: e, Secret: f.Subject().Secret})
	}
	return out
}

func (a *app) baselineCmd() *cobra.Command {
	var w waiver
	create := &cobra.Command{
		Use: "create [PATH]", Short: "Write the ids of today's findings (no secret is in the file)", Args: atMost(1),
		Long: `Scans PATH as "secretguard scan" does and writes the ids of all findings to a file. A later
scan with --baseline-path shows them as accepted and counts only new ones. An id names a secret
under a rule: it holds after a rebase, a squash, a rename and a reformatting.

The file is made to be committed. Guessing passwords against it is slow, not impossible; with
--keyed it takes the team's key, which everybody who scans with the file needs in the environment.`,
		Example: `  secretguard baseline create --reason "rotated in March" --owner jo --until 2026-12-31
  secretguard baseline create --keyed --by-path
  secretguard scan --baseline-path secretguard-baseline.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.baselineCreate(cmd.Context(), newScanRequest("auto", pathOf(args)), w, func(r scan.Result) []suppress.Waiver { return w.waivers(r.Active()) })
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
		Use: "migrate [PATH]", Short: "Turn an older baseline, a .gitleaksignore or a gitleaks report into waivers", Args: atMost(1),
		Long: `Scans PATH and writes waivers for what the old file accepts: commit and line of the old one go
away, so the waivers survive a rebase. The old file: PATH/.gitleaksignore, another one with -i, or
with --from gitleaks' JSON report or a baseline of ours, whose reasons, owners, days and paths are
kept (--keyed or not makes it a file with the team's key, or without). What the old file accepts
and the scan does not find needs no waiver.`,
		Example: "  secretguard baseline migrate --reason \"accepted before 2026\"\n  secretguard baseline migrate --from gitleaks.json -o waivers.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			req := newScanRequest("auto", pathOf(args))
			req.baseline, req.gitleaksFile = from, ignore
			old := &suppress.List{}
			if from != "" {
				var err error
				if old, err = a.accepted(scanRequest{baseline: from, path: req.path}); err != nil {
					return err
				}
			}
			return a.baselineCreate(cmd.Context(), req, w, func(r scan.Result) []suppress.Waiver { return w.migrated(r.Findings, old) })
		},
	}
	w.flags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "an older baseline, or gitleaks' JSON report that was used as one")
	cmd.Flags().StringVarP(&ignore, "gitleaks-ignore-path", "i", "", "a .gitleaksignore file; default: the one in PATH")
	return cmd
}

// migrated are waivers for what an old file accepts. What an entry of ours says stands,
// unless a flag says otherwise; one that has ended stays one that has ended.
func (w *waiver) migrated(findings []scan.Finding, old *suppress.List) []suppress.Waiver {
	var out []suppress.Waiver
	for _, f := range findings {
		entries := old.Entries(f.Subject())
		for i, made := range w.waivers(slices.Repeat([]scan.Finding{f}, len(entries))) {
			e := entries[i]
			made.Reason, made.Owner, made.Until = cmp.Or(w.reason, e.Reason), cmp.Or(w.owner, e.Owner), cmp.Or(w.until, e.Until)
			made.Path = cmp.Or(made.Path, e.Path)
			out = append(out, made)
		}
		if len(entries) == 0 && f.Suppressed != nil && (f.Suppressed.By == "ignore-file" || f.Suppressed.By == "baseline") {
			out = append(out, w.waivers([]scan.Finding{f})...)
		}
	}
	return out
}

func (a *app) baselineCreate(ctx context.Context, req scanRequest, w waiver, pick func(scan.Result) []suppress.Waiver) error {
	if err := w.check(); err != nil {
		return err
	}
	if _, err := os.Lstat(w.out); err == nil { // said now, not after a long scan
		return problem{code: ExitUsage, err: fmt.Errorf("write the baseline: %s exists", quote(w.out)), try: "remove it, or name another file with --output"}
	}
	team, err := a.teamKey(w.keyed)
	if err != nil {
		return err
	}
	res, err := a.scanTarget(ctx, req)
	if err != nil {
		return err
	}
	b, err := suppress.NewBaseline(team)
	if err != nil {
		return err
	}
	b.Waive(pick(res))
	f, err := os.OpenFile(w.out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return usagef("write the baseline: %w", err)
	}
	if err := errors.Join(b.Write(f), f.Close()); err != nil {
		return usagef("write the baseline: %w", err)
	}
	if a.json {
		err = b.Write(a.Out)
	} else {
		err = a.line(fmt.Sprintf("%s holds the ids of %d secrets; use it with: secretguard scan --baseline-path %s", term.Clean(w.out), len(b.Entries), term.Clean(shellWord(w.out))))
	}
	if err != nil {
		return err
	}
	if !res.Coverage.Complete {
		a.talk("the scan was incomplete: the baseline may miss findings; see: secretguard scan %s", shellWord(req.path))
		return exitError{code: ExitIncomplete}
	}
	return nil
}
