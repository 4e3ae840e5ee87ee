package cli

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/term"
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

// verifyRequest says what to ask about.
type verifyRequest struct {
	target   string
	targeted bool     // the target was named
	names    []string // of cases, behind a saved report or "-" for what stands on stdin
	yes      bool
	noCache  bool
}

func (a *app) verifyCmd() *cobra.Command {
	var req verifyRequest
	cmd := &cobra.Command{
		Use:   "verify [REPORT|-] [CASE…]",
		Short: "Ask the issuers which of the leaked keys still work",
		Long: `Makes one read-only call for each credential, with the leaked credential itself: the issuer
sees it. Asks before the first call to each issuer unless --yes is given. A verdict needs the
issuer's own documented answer: anything else, such as a firewall's page, is unknown. Verdicts
are remembered for a while under keyed hashes.

With a REPORT that "scan --json" wrote, it asks about what that report found. The values come
from the report when it was written with --show-secrets, and are read again from its target
otherwise: a report holds only masks. With "-" it asks about the keys on stdin, or about a
report there.

Exit code 1: one of them is live; 3: none is known to be, but not all could be asked.`,
		Example: `  secretguard verify --yes
  secretguard verify c-1a2b3c4d5e --target ~/src/shop --json
  secretguard verify scan.json
  pbpaste | secretguard verify - --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			req.names, req.targeted = args, cmd.Flags().Changed("target")
			return a.verify(cmd.Context(), req)
		},
	}
	cmd.Flags().StringVarP(&req.target, "target", "t", ".", "the repository or folder that holds the leak; for a report: where its target is now")
	cmd.Flags().BoolVarP(&req.yes, "yes", "y", false, "do not ask before calling the issuers")
	cmd.Flags().BoolVar(&req.noCache, "no-cache", false, "ask again, and remember nothing")
	return cmd
}

func (a *app) verify(ctx context.Context, req verifyRequest) error {
	res, cases, err := a.verifyCases(ctx, req)
	if err != nil {
		return err
	}
	if len(cases) == 0 {
		a.talk("no credential to ask about: %s", report.Summary(res))
	}
	if dir := config.CacheDir(a.Env); dir != "" && !req.noCache {
		if a.verdicts, err = probe.OpenCache(dir); err != nil {
			a.talk("note: verdicts are not remembered: %s", term.Clean(err.Error()))
		}
	}
	w, err := a.connect()
	if err != nil {
		return err
	}
	var refused map[string]bool
	if !req.yes {
		if refused, err = a.agree(w, cases); err != nil {
			return err
		}
	}
	live, unknown, err := a.ask(ctx, w, cases, refused)
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

// verifyCases scans, or reads a report, and picks the cases that were named.
func (a *app) verifyCases(ctx context.Context, req verifyRequest) (scan.Result, []triage.Case, error) {
	res, names, err := a.verifyFindings(ctx, req)
	if err != nil {
		return res, nil, err
	}
	all := triage.Build(res)
	if len(names) == 0 {
		return res, all, nil
	}
	var cases []triage.Case
	for _, n := range names {
		c, err := pickCase(all, n, req.target)
		if err != nil {
			return res, nil, err
		}
		cases = append(cases, c)
	}
	return res, cases, nil
}

// verifyFindings returns what to ask about, and which of its cases were named.
func (a *app) verifyFindings(ctx context.Context, req verifyRequest) (scan.Result, []string, error) {
	if len(req.names) == 0 {
		res, err := a.scanTarget(ctx, newScanRequest("auto", req.target))
		return res, nil, err
	}
	first, others := req.names[0], req.names[1:]
	isReport, err := isReport(first)
	if err != nil {
		return scan.Result{}, nil, err
	}
	if first == "-" {
		in := bufio.NewReaderSize(a.In, peeked)
		start, _ := in.Peek(peeked) // a short stream is shorter
		a.In, isReport = in, looksLikeReport(start)
	}
	switch {
	case isReport:
		res, err := a.reported(ctx, first, req)
		return res, others, err
	case first == "-":
		res, err := a.scanTarget(ctx, newScanRequest("stdin", req.target))
		return res, others, err
	}
	res, err := a.scanTarget(ctx, newScanRequest("auto", req.target))
	return res, req.names, err
}
