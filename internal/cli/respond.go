package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/secretguard/secretguard/internal/report/document"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui"
	"github.com/secretguard/secretguard/internal/tui/plain"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// respondOptions are the flags of respond.
type respondOptions struct {
	offline  bool
	noMouse  bool
	noReveal bool
	baseline string
}

// screenFlags are the flags that demo has too.
func (o *respondOptions) screenFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.noMouse, "no-mouse", false, "leave the mouse to the terminal")
	f.BoolVar(&o.noReveal, "no-reveal", false, "never show a secret, not even when asked")
}

func (a *app) respondCmd() *cobra.Command {
	var o respondOptions
	cmd := &cobra.Command{
		Use:     "respond [REPORT|PATH]",
		Aliases: []string{"tui"},
		Short:   "The interactive responder: from the leak to the proof",
		Long: `Scans PATH (default: the repository it stands in) and opens the interactive responder on what
it found: verify, find the consumers, plan, approve by typing, rotate, prove. A saved scan
report names its target, which is scanned again: a report holds no secret to work with.

Nothing outside this machine is changed before a plan was approved by typing its phrase.
Leaving pauses a rotation at its next safe point and prints the command that goes on.

It needs a terminal of at least 60x15. --accessible, SECRETGUARD_ACCESSIBLE=1 or TERM=dumb
give plain numbered lines in place of a screen.`,
		Example: `  secretguard respond                  the repository you stand in
  secretguard respond ~/src/shop --read-only
  secretguard respond scan.json        the target of a saved report`,
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			arg := "."
			if len(args) == 1 {
				arg = args[0]
			}
			return a.respond(cmd.Context(), o, arg)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.offline, "offline", false, "ask nobody: what needs the network says so")
	f.StringVarP(&o.baseline, "baseline-path", "b", "", "accepted findings (default: "+baselineName+" beside the target's files)")
	o.screenFlags(f)
	return cmd
}

func (a *app) respond(ctx context.Context, o respondOptions, arg string) error {
	if !a.Facts.Interactive() {
		return a.noTerminal(arg)
	}
	if a.noInput {
		return usagef("respond asks before it does anything, and --no-input forbids asking")
	}
	target, reported, err := openTarget(arg)
	if err != nil {
		return err
	}
	req := newScanRequest("auto", target)
	req.baseline = o.baseline
	return a.openResponder(ctx, o, req, reported)
}

// noTerminal refuses and names the commands that do the same without one. An
// approval is typed by a person, so there is no way around it with a pipe.
func (a *app) noTerminal(arg string) error {
	which := "stdin"
	if a.Facts.InTTY {
		which = "stdout"
	}
	at := shellWord(arg)
	a.explain(fmt.Errorf("respond needs a terminal, and %s is not one", which))
	_, _ = fmt.Fprintln(a.Err, "the same steps without a terminal:")
	for _, line := range []string{
		"secretguard scan " + at + " --json",
		"secretguard verify --target " + at + " --yes",
		"secretguard plan CASE --target " + at + " -o plan.json",
		"secretguard rotate plan.json --approve DIGEST",
		"secretguard rotate resume | rollback | status   [RUN]",
	} {
		_, _ = fmt.Fprintln(a.Err, "  "+string(term.Clean(line)))
	}
	return exitError{code: ExitUsage}
}

// openTarget tells a path from a saved report. For a report it returns the target
// that it names and the ids of its findings.
func openTarget(arg string) (target string, reported []string, err error) {
	info, err := os.Stat(arg)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil, problem{code: ExitUsage, err: fmt.Errorf("there is no file or folder %s", quote(arg)), try: "check the path"}
	}
	if err != nil {
		return "", nil, problem{code: ExitUsage, err: fmt.Errorf("look at %s: %w", arg, err), try: "check the path"}
	}
	if info.IsDir() {
		return arg, nil, nil
	}
	b, err := os.ReadFile(arg)
	if err != nil {
		return "", nil, usagef("read the report: %w", err)
	}
	var doc struct {
		Schema   string `json:"schema"`
		Target   struct{ Kind, Path string }
		Findings []struct {
			ID string `json:"id"`
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil || doc.Schema != document.ScanSchema {
		return "", nil, problem{
			code: ExitUsage, err: fmt.Errorf("%s is neither a folder nor a report with the schema %q", arg, document.ScanSchema),
			try: "secretguard scan PATH --report-path report.json",
		}
	}
	target = doc.Target.Path
	if _, err := os.Stat(target); err != nil || doc.Target.Kind == "stdin" {
		return "", nil, problem{
			code: ExitUsage, err: fmt.Errorf("the report's target %q is not here; a report holds no secret, so the target must be scanned again", target),
			try: "secretguard respond PATH-OF-THE-TARGET",
		}
	}
	reported = []string{}
	for _, f := range doc.Findings {
		reported = append(reported, f.ID)
	}
	return target, reported, nil
}

// unfinished is the end of a session that leaves runs behind.
type unfinished struct{ runs []screen.Run }

// Error is one line for each run.
func (u unfinished) Error() string {
	lines := make([]string, len(u.runs))
	for i, r := range u.runs {
		lines[i] = fmt.Sprintf("run %s over %s of %s is %s", r.Plan.ID, r.Plan.OldMask, r.Plan.Old.Owner, standing(r.Status))
	}
	return strings.Join(lines, "\n")
}

// openResponder opens the responder on a target and, when it was left, brings
// what runs to a safe point.
func (a *app) openResponder(ctx context.Context, o respondOptions, req scanRequest, reported []string) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // every record was flushed when it was written
	e := newEngine(a, w, req)
	e.offline, e.reported = o.offline, reported
	for _, p := range w.problems {
		e.notices = append(e.notices, p.Provider+" is not set up: "+p.Missing)
	}
	if a.damaged != nil { // the warning on the normal screen is gone by now
		e.notices = append(e.notices, fmt.Sprintf("%v: it can be read, nothing will be changed", a.damaged))
	}
	err = a.show(ctx, e, o)
	if e.running() {
		a.talk("finishing the step in flight, then pausing; ctrl+c twice cancels the request")
	}
	open, closed := e.stop(context.WithoutCancel(ctx))
	for _, r := range closed {
		a.talk("%s", closing(r))
	}
	a.remind(context.WithoutCancel(ctx), e, open)
	switch {
	case len(open) > 0:
		left := problem{code: ExitNeedsPerson, err: unfinished{open}, try: "secretguard rotate resume " + open[0].Plan.ID}
		return errors.Join(left, err)
	case err != nil:
		return err
	case e.failed() != nil: // a session that saw nothing does not end well
		return e.failed()
	case ctx.Err() != nil:
		return exitError{code: ExitInterrupted}
	}
	return nil
}

// remind names the runs that an earlier session left unfinished: who only looked
// at them is told how to go on as well.
func (a *app) remind(ctx context.Context, e *engine, told []screen.Run) {
	runs, err := e.Unfinished(ctx)
	if err != nil {
		return // the screen has said it
	}
	for _, r := range runs {
		if slices.ContainsFunc(told, func(t screen.Run) bool { return t.Plan.ID == r.Plan.ID }) {
			continue
		}
		a.talk("%s; go on with: secretguard rotate resume %s", term.Clean(unfinished{[]screen.Run{r}}.Error()), term.Clean(r.Plan.ID))
	}
}

// closing is one line about a run that ended, for the normal screen: the picture
// of it is gone.
func closing(r screen.Run) string {
	p := r.Proof
	switch {
	case r.Status == rotate.RunContained:
		return fmt.Sprintf("run %s: %s is disabled, and nothing replaces it yet", r.Plan.ID, r.Plan.OldMask)
	case r.Status == rotate.RunAbandoned:
		return fmt.Sprintf("run %s was given up; what is left: secretguard rotate status %s", r.Plan.ID, r.Plan.ID)
	case r.Status != rotate.RunDone || p == nil:
		return fmt.Sprintf("run %s was rolled back: the leaked key %s works again", r.Plan.ID, r.Plan.OldMask)
	}
	return fmt.Sprintf("run %s: %s is deleted and proven dead (refused %d times over %s); new key %s",
		r.Plan.ID, r.Plan.OldMask, p.Refusals, p.Window.Round(100*time.Millisecond), r.NewMask)
}

func standing(s rotate.RunStatus) string {
	if s == rotate.RunHeld {
		return "held and needs a decision"
	}
	return "paused at a safe point"
}

// show runs the screen, or the plain lines, until the person leaves.
func (a *app) show(ctx context.Context, e *engine, o respondOptions) error {
	facts := screen.Facts{ReadOnly: a.readOnly, Offline: o.offline, Editor: editorOf(a.Env) != "", Actor: actor()}
	if o.noReveal {
		facts.NoReveal = "--no-reveal is set"
	}
	if a.accessible || a.Facts.Accessible {
		s := plain.Streams{In: a.In, Out: a.Out, Now: a.Now, Width: a.Facts.Width}
		if f, ok := a.In.(*os.File); ok && a.Facts.InTTY {
			s.Echo = func(on bool) error { return setEcho(f, on) }
		}
		return plain.Run(ctx, e, facts, s)
	}
	a.onScreen.Store(true)
	defer a.onScreen.Store(false)
	return tui.Run(ctx, e, tui.Config{
		Facts: facts, NoColor: a.color == "never" || a.color != "always" && a.Facts.NoColor,
		ASCII: a.ascii || !a.Facts.UTF8, NoMouse: o.noMouse, Now: a.Now,
	}, tui.Terminal{In: a.In, Out: a.Out})
}
