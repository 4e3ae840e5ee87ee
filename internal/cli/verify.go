package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/triage"
)

// findCase scans the target and returns the case that the name means.
func (a *app) findCase(ctx context.Context, target, name string) (triage.Case, error) {
	res, err := a.scanTarget(ctx, newScanRequest("auto", target))
	if err != nil {
		return triage.Case{}, err
	}
	if !res.Coverage.Complete {
		a.talk("warning: the scan of %s is incomplete; see: secretguard scan %s", shellWord(target), shellWord(target))
	}
	return pickCase(triage.Build(res), name, target)
}

// pickCase returns the one case that the name means: its id or a unique start of
// it, or the mask that reports show, whole or with an ellipsis ("AKIA…QRTU").
func pickCase(cases []triage.Case, name, target string) (triage.Case, error) {
	var hits []triage.Case
	var ids []string
	for _, c := range cases {
		ids = append(ids, c.ID)
		if c.ID == name {
			return c, nil
		}
		if strings.HasPrefix(c.ID, name) && len(name) > 4 || fitsMask(c.Mask, name) {
			hits = append(hits, c)
		}
	}
	try := "secretguard scan " + shellWord(target) + " (lists the cases)"
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return triage.Case{}, unknown(fmt.Sprintf("case among the %d found in %s:", len(cases), target), name, ids, try)
	}
	return triage.Case{}, problem{code: ExitUsage, err: fmt.Errorf("%q fits %d cases; give the whole id", name, len(hits)), try: try}
}

// fitsMask reports whether name is the mask, or its two ends around an ellipsis.
func fitsMask(mask, name string) bool {
	if name == mask {
		return true
	}
	head, tail, cut := strings.Cut(name, "…")
	if !cut {
		head, tail, cut = strings.Cut(name, "...")
	}
	return cut && len(tail) >= 4 && strings.HasPrefix(mask, head) && strings.HasSuffix(mask, tail)
}

func (a *app) verifyCmd() *cobra.Command {
	var target string
	var yes bool
	cmd := &cobra.Command{
		Use:   "verify [CASE…]",
		Short: "Ask the issuers which of the leaked keys still work",
		Long: `Makes one read-only call for each credential, with the leaked credential itself: the issuer
sees it. Asks before the first call unless --yes is given. Exit code 1: one of them is live;
3: none is known to be, but not all could be asked.`,
		Example: `  secretguard verify --yes
  secretguard verify c-1a2b3c4d5e --target ~/src/shop --json`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.verify(cmd.Context(), target, args, yes) },
	}
	cmd.Flags().StringVarP(&target, "target", "t", ".", "the repository or folder that holds the leak")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask before calling the issuers")
	return cmd
}

func (a *app) verify(ctx context.Context, target string, names []string, yes bool) error {
	res, err := a.scanTarget(ctx, newScanRequest("auto", target))
	if err != nil {
		return err
	}
	cases := triage.Build(res)
	if len(names) > 0 {
		all := cases
		cases = nil
		for _, n := range names {
			c, err := pickCase(all, n, target)
			if err != nil {
				return err
			}
			cases = append(cases, c)
		}
	}
	if len(cases) == 0 {
		a.talk("no credential to ask about: %s", report.Summary(res))
	}
	w, err := a.connect()
	if err != nil {
		return err
	}
	if len(cases) > 0 && !yes {
		if err := a.confirm("each issuer will see one read-only call made with the leaked key; go on?"); err != nil {
			return err
		}
	}
	live, unknown, err := a.ask(ctx, w, cases)
	switch {
	case err != nil:
		return err
	case live > 0:
		return exitError{code: ExitFindings}
	case unknown > 0 || !res.Coverage.Complete:
		return exitError{code: ExitIncomplete}
	}
	return nil
}

// ask verifies and reports one case after the other.
func (a *app) ask(ctx context.Context, w *workspace, cases []triage.Case) (live, unknown int, err error) {
	for _, c := range cases {
		l, err := triage.Verify(ctx, w.registry, c)
		if ctx.Err() != nil {
			return live, unknown, exitError{code: ExitInterrupted, err: errors.New("interrupted: not every issuer was asked")}
		}
		switch {
		case err != nil || l.Value == string(providers.Unknown):
			unknown++ // the reason is in the verdict's line
		case l.Value == string(providers.Live):
			live++
		}
		c.Liveness = l
		if err := a.verdictLine(c); err != nil {
			return live, unknown, err
		}
	}
	return live, unknown, nil
}

// verdictDoc is a verdict in JSON (docs/json.md).
type verdictDoc struct {
	Schema   string `json:"schema"`
	Case     string `json:"case"`
	Kind     string `json:"kind"`
	Mask     string `json:"mask"`
	Liveness string `json:"liveness"`
	Account  string `json:"account"`
	Who      string `json:"who"`
	Code     string `json:"code"`
	Detail   string `json:"detail"`
	At       string `json:"at"`
}

func (a *app) verdictLine(c triage.Case) error {
	if !a.json {
		return report.WriteVerdict(a.Out, c)
	}
	v := c.Liveness.Verdict
	d := verdictDoc{
		Schema: "secretguard.verdict/1", Case: c.ID, Kind: string(c.Kind), Mask: c.Mask, Liveness: c.Liveness.Value,
		Account: v.Identity.Account, Who: v.Identity.Who, Code: v.Code, Detail: v.Detail,
	}
	if !v.At.IsZero() {
		d.At = v.At.UTC().Format(time.RFC3339)
	}
	return a.encode(d)
}

// confirm asks a yes-or-no question on the terminal. Without one, or with
// --no-input, the answer is no.
func (a *app) confirm(question string) error {
	if a.noInput || !a.Facts.InTTY {
		return problem{code: ExitUsage, err: errors.New("this asks first, and there is no terminal to ask on"), try: "add --yes"}
	}
	_, _ = fmt.Fprintf(a.Err, "%s [y/N] ", question) // if it cannot be shown, no answer is a no
	var answer string
	_, _ = fmt.Fscanln(a.In, &answer) // no answer is a no
	if answer != "y" && answer != "yes" {
		return usagef("not confirmed: nothing was asked")
	}
	return nil
}
