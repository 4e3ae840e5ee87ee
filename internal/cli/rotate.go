package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/executor"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/term"
)

func (a *app) rotateCmd() *cobra.Command {
	var approve, who, until, despite string
	cmd := &cobra.Command{
		Use:   "rotate PLAN --approve DIGEST",
		Short: "Carry an approved plan out, from a script",
		Long: `Carries out a plan made by "secretguard plan" on this machine. The approval names the
plan's digest; a plan is valid for 15 minutes. Each effect is written to the journal before
and after, so a run that was killed continues with "rotate resume". With --until it pauses
after a step, as for a look before the old key is disabled.`,
		Example: `  secretguard plan c-1a2b3c -o plan.json
  secretguard rotate plan.json --approve 7f3a-9c21
  secretguard rotate plan.json --approve 7f3a-9c21 --until attest
  secretguard rotate resume r-0a1b2c3d4e`,
		Args: exactly("PLAN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.requireWrite("rotate"); err != nil {
				return err
			}
			plan, err := readPlan(args[0])
			if errors.Is(err, os.ErrNotExist) && term.Nearest(args[0], commandNames(cmd)) != "" {
				return onlyCommands(cmd, args)
			}
			if err != nil {
				return err
			}
			if approve == "" {
				return problem{
					code: ExitUsage, err: errors.New("a plan is carried out only with an approval"),
					try: fmt.Sprintf("secretguard rotate %s --approve %s", args[0], plan.ShortDigest()),
				}
			}
			do, err := pausing(plan, until, func(ctx context.Context, x *executor.Executor) error {
				return x.Start(ctx, plan, rotate.Approval{Digest: approve, Who: cmp.Or(who, actor()), At: a.Now().UTC(), Despite: despite})
			})
			if err != nil {
				return err
			}
			return a.execute(cmd.Context(), plan.ID, do)
		},
	}
	cmd.Flags().StringVar(&who, "approver", "", "your name, where a plan needs several people on one machine; default: the user's")
	cmd.Flags().StringVar(&approve, "approve", "", "the digest of the plan that you approve")
	untilFlag(cmd, &until)
	cmd.Flags().StringVar(&despite, "despite-missing-rights", "", "why it is tried although the plan names rights that are missing")
	cmd.AddCommand(a.resumeCmd(), a.supplyCmd(), a.rollbackCmd(), a.abandonCmd(), a.waiveCmd(), a.statusCmd(), a.listCmd(), a.orphansCmd(), a.journalCmd())
	return cmd
}

// maxPlan is the largest plan document that is read, in bytes.
const maxPlan = 16 << 20

func readPlan(path string) (rotate.Plan, error) {
	var p rotate.Plan
	f, err := os.Open(path)
	if err != nil {
		return p, problem{code: ExitUsage, err: fmt.Errorf("read the plan: %w", err), try: "secretguard plan CASE -o plan.json"}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPlan+1))
	if err != nil {
		return p, usagef("read the plan: %w", err)
	}
	if len(b) > maxPlan {
		return p, usagef("%s is not a plan: it is larger than %d MB", path, maxPlan>>20)
	}
	var head struct{ Schema string }
	if err := json.Unmarshal(b, &head); err != nil {
		return p, problem{code: ExitUsage, err: fmt.Errorf("%s is not a plan: %w", path, err), try: "secretguard plan CASE -o plan.json"}
	}
	if head.Schema != rotate.PlanSchema {
		return p, problem{
			code: ExitUsage, err: fmt.Errorf("%s is not a plan that this version can read: its schema is %q, not %q", path, head.Schema, rotate.PlanSchema),
			try: "secretguard plan CASE -o plan.json",
		}
	}
	// Strictly: what is in the file is what is approved, and nothing else.
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return p, problem{code: ExitUsage, err: fmt.Errorf("%s is not as it was made: %w", path, err), try: "secretguard plan CASE -o plan.json"}
	}
	return p, nil
}

// execute runs one call of the executor and reports its events and its end.
func (a *app) execute(ctx context.Context, run string, do func(context.Context, *executor.Executor) error) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // every record was flushed when it was written
	w.sweep(ctx)
	happened := false
	tell, done := a.events()
	defer done()
	err = do(ctx, w.executor(func(e rotate.Event) { happened = true; tell(e) }))
	done()
	if err != nil && !happened {
		return err // the run stands as it stood
	}
	if s, loadErr := runs.Load(context.WithoutCancel(ctx), w.journal, run); loadErr == nil && s.Status() != "" {
		if out := a.outcome(s.Snapshot()); out != nil {
			return errors.Join(err, out)
		}
	}
	return err
}

// events returns a listener that prints one line for each event: JSON with
// --json, else a line for people, who see progress within a step now and then;
// and a function that ends it, which may be called twice.
func (a *app) events() (tell func(rotate.Event), done func()) {
	switch {
	case a.json:
		return func(e rotate.Event) { _ = a.encode(e) }, func() {} // a reader that went away must not stop a rotation
	case a.quiet:
		return func(rotate.Event) {}, func() {}
	}
	t := &talker{out: a.Err}
	return t.hear, t.stop
}

func (a *app) outcome(s rotate.Snapshot) error {
	if a.json {
		return report.WriteRunJSON(a.Out, s)
	}
	return report.WriteRun(a.Out, s)
}

func (a *app) resumeCmd() *cobra.Command {
	var until string
	cmd := &cobra.Command{
		Use: "resume [RUN]", Short: "Continue a run that was killed, paused or held", Args: atMost(1),
		Long: `Continues a run from what the journal says. A request whose answer was lost is looked up
at the provider first, never blindly repeated. Without RUN: the newest unfinished one.`,
		Example: `  secretguard rotate resume
  secretguard rotate resume r-0a1b2c3d4e`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.requireWrite("rotate resume"); err != nil {
				return err
			}
			return a.resume(cmd.Context(), args, until)
		},
	}
	untilFlag(cmd, &until)
	return cmd
}

// resume continues a run. When this machine's journal has none to continue, a
// demo that was killed may have left one.
func (a *app) resume(ctx context.Context, args []string, until string) error {
	run, err := a.pick(ctx, args)
	if err == nil && a.knows(ctx, run) {
		return a.continueRun(ctx, run, until)
	}
	st, busy := a.interruptedDemo()
	switch {
	case st != nil && until != "":
		return errors.Join(usagef("a demo goes on to its end: leave --until out"), st.leave())
	case st != nil:
		return a.resumeDemo(ctx, st, args)
	case busy && len(args) == 0:
		return problem{code: ExitNeedsPerson, err: errors.New("a demo is running; it needs no resume"), try: "wait for its end"}
	case err != nil:
		return err
	}
	return a.continueRun(ctx, run, "") // says that there is no such run
}

func (a *app) continueRun(ctx context.Context, run, until string) error {
	do := func(ctx context.Context, x *executor.Executor) error { return x.Resume(ctx, run) }
	if until != "" {
		p, err := a.planOf(ctx, run)
		if err == nil {
			do, err = pausing(p, until, do)
		}
		if err != nil {
			return err
		}
	}
	return a.execute(ctx, run, do)
}

// knows reports whether the journal has the run.
func (a *app) knows(ctx context.Context, run string) bool {
	w, err := a.open(ctx)
	if err != nil {
		return false
	}
	defer func() { _ = w.close() }() // only read
	_, err = runs.Load(ctx, w.journal, run)
	return err == nil
}

func (a *app) rollbackCmd() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "rollback [RUN]", Short: "Undo a run: old values back, new key deleted last", Args: atMost(1),
		Long: `Undoes the steps that are done, in reverse, while the old key still works: its values are
stored again and deployed, the new key is deleted last. The old key is leaked all the same.
Without RUN: the newest unfinished one.`,
		Example: `  secretguard rotate rollback r-0a1b2c3d4e --reason "the shop is down"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.requireWrite("rotate rollback"); err != nil {
				return err
			}
			run, err := a.pick(cmd.Context(), args)
			if err != nil {
				return err
			}
			return a.execute(cmd.Context(), run, func(ctx context.Context, x *executor.Executor) error { return x.Rollback(ctx, run, reason) })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the journal")
	return cmd
}

func (a *app) waiveCmd() *cobra.Command {
	var level int
	var reason string
	var hostile bool
	cmd := &cobra.Command{
		Use: "waive RUN STEP --reason TEXT", Short: "Accept less of one held step", Args: exactly("RUN", "STEP"),
		Long: `Accepts, with a reason that goes into the journal and the report: for an attest step, a lower
level for that consumer; for the quiet step, that whoever still uses the old key fails without
it, or with --hostile, that this traffic is the thief's; for the disable step, that the disabled
key is not refused yet; for the search step, what still holds the dead key. Then continue with "rotate resume". What a held run waits for, "rotate
status" says.`,
		Example: `  secretguard rotate waive r-0a1b2c3d4e attest:render/srv-1 --level 1 --reason "it has no health URL"
  secretguard rotate waive r-0a1b2c3d4e quiet --hostile --reason "calls from an address that is not ours"
  secretguard rotate waive r-0a1b2c3d4e disable --reason "the emulator takes inactive keys"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if level < 0 || level > int(rotate.L4) {
				return usagef("a level is 0 to 4, not %d", level)
			}
			if hostile && args[1] != string(rotate.ActQuiet) {
				return usagef("--hostile is about the traffic on the old key: secretguard rotate waive %s quiet --hostile --reason TEXT", args[0])
			}
			return a.waive(cmd.Context(), args[0], func(ctx context.Context, x *executor.Executor) error {
				if hostile {
					return x.CallHostile(ctx, args[0], reason)
				}
				return x.Waive(ctx, args[0], args[1], rotate.Level(level), reason)
			})
		},
	}
	cmd.Flags().BoolVar(&hostile, "hostile", false, "the traffic on the old key is the thief's: do not wait for its end")
	cmd.Flags().IntVar(&level, "level", 1, "the level that is accepted of an attest step: 0 to 4")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the journal")
	return cmd
}

func (a *app) waive(ctx context.Context, run string, accept func(context.Context, *executor.Executor) error) error {
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }() // the record was flushed
	if err := accept(ctx, w.executor(nil)); err != nil {
		return err
	}
	if a.json {
		s, err := runs.Load(ctx, w.journal, run)
		if err != nil {
			return err
		}
		return report.WriteRunJSON(a.Out, s.Snapshot())
	}
	return a.line("accepted; continue with: secretguard rotate resume " + string(term.Clean(run)))
}
