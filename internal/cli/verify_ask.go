package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/triage"
)

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

// atOnce is how many keys are asked about at the same time; each service has a
// narrower bound of its own.
const atOnce = 8

// ask verifies several cases at a time and reports them in their order.
func (a *app) ask(ctx context.Context, w *workspace, cases []triage.Case, refused map[string]bool) (live, unknown int, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	answers := make([]chan triage.Liveness, len(cases))
	for i := range answers {
		answers[i] = make(chan triage.Liveness, 1)
	}
	var asking errgroup.Group
	asking.SetLimit(atOnce)
	started := make(chan struct{})
	go func() { // Go waits for a free place
		defer close(started)
		for i, c := range cases {
			asking.Go(func() error {
				answers[i] <- verdictOf(ctx, w, c, refused)
				return nil
			})
		}
	}()
	defer func() {
		stop()
		<-started
		_ = asking.Wait() // none of them fails
	}()
	for i, c := range cases {
		c.Liveness = <-answers[i]
		if ctx.Err() != nil {
			return live, unknown, exitError{code: ExitInterrupted, err: errors.New("interrupted: not every issuer was asked")}
		}
		switch providers.Liveness(c.Liveness.Value) {
		case providers.Live:
			live++
		case providers.Dead:
		case providers.Unknown:
			unknown++ // the reason is in the verdict's line
		}
		if err := a.verdictLine(c); err != nil {
			return live, unknown, err
		}
	}
	return live, unknown, nil
}

// verdictOf asks about one case, unless it was said not to.
func verdictOf(ctx context.Context, w *workspace, c triage.Case, refused map[string]bool) triage.Liveness {
	if _, who, call, ok := w.registry.VerifierOf(c.Credential); ok && refused[who+call] {
		return triage.Liveness{Value: string(providers.Unknown), Verdict: providers.Verdict{Liveness: providers.Unknown, Detail: "not asked"}}
	}
	l, err := triage.Verify(ctx, w.registry, c)
	if err != nil {
		l.Value = string(providers.Unknown) // whatever else was said; the reason is in its detail
	}
	return l
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
