package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/providers"
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
	target  string
	names   []string // of cases; "-" for what stands on stdin
	yes     bool
	noCache bool
}

func (a *app) verifyCmd() *cobra.Command {
	var req verifyRequest
	cmd := &cobra.Command{
		Use:   "verify [CASE…|-]",
		Short: "Ask the issuers which of the leaked keys still work",
		Long: `Makes one read-only call for each credential, with the leaked credential itself: the issuer
sees it. Asks before the first call to each issuer unless --yes is given. With "-" it asks about
the keys on stdin. A verdict needs the issuer's own documented answer: anything else, such as a
firewall's page, is unknown. Verdicts are remembered for a while under keyed hashes. Exit code 1:
one of them is live; 3: none is known to be, but not all could be asked.`,
		Example: `  secretguard verify --yes
  secretguard verify c-1a2b3c4d5e --target ~/src/shop --json
  pbpaste | secretguard verify - --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			req.names = args
			return a.verify(cmd.Context(), req)
		},
	}
	cmd.Flags().StringVarP(&req.target, "target", "t", ".", "the repository or folder that holds the leak")
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

// verifyCases scans and picks the cases that were named.
func (a *app) verifyCases(ctx context.Context, req verifyRequest) (scan.Result, []triage.Case, error) {
	kind := "auto"
	if len(req.names) == 1 && req.names[0] == "-" {
		kind, req.names = "stdin", nil
	}
	res, err := a.scanTarget(ctx, newScanRequest(kind, req.target))
	if err != nil {
		return res, nil, err
	}
	all := triage.Build(res)
	if len(req.names) == 0 {
		return res, all, nil
	}
	var cases []triage.Case
	for _, n := range req.names {
		c, err := pickCase(all, n, req.target)
		if err != nil {
			return res, nil, err
		}
		cases = append(cases, c)
	}
	return res, cases, nil
}

// agree asks, issuer by issuer, before the first call to it. It returns the issuers
// that may not be asked; when there is none left, that is an error.
func (a *app) agree(w *workspace, cases []triage.Case) (map[string]bool, error) {
	type issuer struct {
		who, call string
		keys      int
	}
	var issuers []issuer
	for _, c := range cases {
		_, who, call, ok := w.registry.VerifierOf(c.Credential)
		if !ok || c.Canary() { // nobody will be asked
			continue
		}
		i := slices.IndexFunc(issuers, func(x issuer) bool { return x.who == who && x.call == call })
		if i < 0 {
			issuers, i = append(issuers, issuer{who: who, call: call}), len(issuers)
		}
		issuers[i].keys++
	}
	refused := map[string]bool{}
	agreed := 0
	var last error
	for _, x := range issuers {
		keys := "the leaked key"
		if x.keys > 1 {
			keys = fmt.Sprintf("each of %d leaked keys", x.keys)
		}
		question := fmt.Sprintf("%s will see a read-only call (%s) made with %s; go on?", x.who, x.call, keys)
		if last = a.confirm(question); last != nil {
			refused[x.who+x.call] = true
			if a.noInput || !a.Facts.InTTY {
				return nil, last
			}
			continue
		}
		agreed++
	}
	if agreed == 0 && last != nil {
		return nil, last
	}
	return refused, nil
}

// ask verifies and reports one case after the other.
func (a *app) ask(ctx context.Context, w *workspace, cases []triage.Case, refused map[string]bool) (live, unknown int, err error) {
	for _, c := range cases {
		var l triage.Liveness
		var err error
		if _, who, call, ok := w.registry.VerifierOf(c.Credential); ok && refused[who+call] {
			l = triage.Liveness{Value: string(providers.Unknown), Verdict: providers.Verdict{Liveness: providers.Unknown, Detail: "not asked"}}
		} else {
			l, err = triage.Verify(ctx, w.registry, c)
		}
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
	Schema   string   `json:"schema"`
	Case     string   `json:"case"`
	Kind     string   `json:"kind"`
	Mask     string   `json:"mask"`
	Liveness string   `json:"liveness"`
	Account  string   `json:"account"`
	Who      string   `json:"who"`
	Project  string   `json:"project"`
	Scopes   []string `json:"scopes"`
	Grade    string   `json:"grade"`
	Code     string   `json:"code"`
	Detail   string   `json:"detail"`
	At       string   `json:"at"`
}

func (a *app) verdictLine(c triage.Case) error {
	if !a.json {
		return report.WriteVerdict(a.Out, c)
	}
	v := c.Liveness.Verdict
	d := verdictDoc{
		Schema: "secretguard.verdict/1", Case: c.ID, Kind: string(c.Kind), Mask: c.Mask, Liveness: c.Liveness.Value,
		Account: v.Identity.Account, Who: v.Identity.Who, Project: v.Identity.Project, Scopes: strings.FieldsFunc(v.Identity.Scopes, func(r rune) bool { return r == ',' }), Grade: string(v.Grade), Code: v.Code, Detail: v.Detail,
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
