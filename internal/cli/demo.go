package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/rotate"
)

func (a *app) demoCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole story on a built-in lab: leak, scan, plan, rotate, revoke, proof",
		Long: `Starts provider twins on loopback, makes a leaky git repository in a temporary folder, scans
it, runs to the end by itself and prints each step and the proof. Needs no account and no
network, and leaves nothing behind.

When it is killed, "secretguard rotate resume" continues the run: the lab lives in a process
of its own, which ends by itself ten minutes later and takes the folder with it.`,
		Example: `  secretguard demo
  secretguard demo --headless --json`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.demo(cmd.Context())
		},
	}
	cmd.Flags().Bool("headless", true, "run to the end without a terminal")
	return cmd
}

func (a *app) demo(ctx context.Context) error {
	began := a.Now()
	st, err := a.setUp(ctx)
	if err != nil {
		return err
	}
	a.at("demo: lab ready")
	a.enter(st)
	err = a.demoHeadless(ctx, st)
	if err != nil && ctx.Err() != nil {
		a.talk("the demo's run can be continued for ten minutes: secretguard rotate resume")
		return errors.Join(err, st.leave())
	}
	if err := errors.Join(err, st.tearDown(ctx)); err != nil {
		return err
	}
	a.say("\nDone in %s; the lab, the repository and the state are removed. Next, your own: secretguard scan git .", a.Now().Sub(began).Round(100*time.Millisecond))
	return nil
}

// resumeDemo continues a demo that was killed, checks its end from outside and
// takes its stage down. A demo that was killed before its rotation was approved
// is only taken down: it changed nothing.
func (a *app) resumeDemo(ctx context.Context, st *stage, args []string) error {
	err := st.await(ctx, labFound)
	a.enter(st)
	if err != nil || !st.alive(ctx) {
		if s, err := a.snapshot(ctx, args); err == nil && s.Proof != nil { // it was killed while it took its stage down
			return errors.Join(a.outcome(s), st.remove())
		}
		return errors.Join(demoGone("its lab is not running"), st.remove())
	}
	w, err := a.open(ctx)
	if err != nil {
		return errors.Join(err, st.leave())
	}
	run, err := newest(ctx, w, args, approved, errNoRuns)
	if closing := w.close(); err != nil || closing != nil {
		return errors.Join(demoGone("it was killed before its rotation was approved, nothing was changed"), closing, st.tearDown(ctx))
	}
	switch err := a.continueRun(ctx, run); {
	case errors.Is(err, rotate.ErrRolledBack):
		return errors.Join(err, st.tearDown(ctx))
	case err != nil:
		return errors.Join(err, st.leave())
	}
	return errors.Join(a.checkResumed(ctx, st, run), st.tearDown(ctx))
}

// demoGone says that a killed demo cannot be continued.
func demoGone(why string) error {
	return problem{
		code: ExitUsage, err: fmt.Errorf("a killed demo cannot be continued: %s; what it left is removed", why),
		try: "secretguard demo",
	}
}
