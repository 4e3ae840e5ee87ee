package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
)

func (a *app) demoCmd() *cobra.Command {
	var headless, everything bool
	var o respondOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole story on a built-in lab: leak, scan, plan, rotate, revoke, proof",
		Long: `Starts provider twins on loopback, makes a leaky git repository in a temporary folder, and
opens the responder on it. With --headless, --json, or without a terminal, it scans, runs to
the end by itself and prints each step and the proof. Needs no account and no network, and
leaves nothing behind.

With --all, the repository holds a key of every issuer. Each leak is ended as far as its issuer
has calls; where one has none, a script does on its page in the lab what a person would, and
types the new key at the hidden prompt of "rotate supply". A table says how each ended. It takes
half a minute.

When it is left or killed in the middle, another "secretguard demo" on a terminal, or
"secretguard rotate resume", continues the run: the lab lives in a process of its own, which
ends by itself ten minutes later and takes the folder with it.`,
		Example: `  secretguard demo
  secretguard demo --headless --json
  secretguard demo --all`,
		Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if everything {
				return a.demo(cmd.Context(), a.demoAll, "--all")
			}
			if headless || a.json || a.noInput || !a.Facts.Interactive() {
				return a.demo(cmd.Context(), a.demoHeadless)
			}
			return a.demoScreen(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&headless, "headless", false, "run to the end by itself; always so without a terminal")
	cmd.Flags().BoolVar(&everything, "all", false, "leak a key of every issuer and end each leak; a script answers where a person is needed")
	o.screenFlags(cmd.Flags())
	return cmd
}

// demo plays a story on a stage, whose lab gets further flags.
func (a *app) demo(ctx context.Context, story func(context.Context, *stage) error, lab ...string) error {
	began := a.Now()
	st, err := a.setUp(ctx, lab...)
	if err != nil {
		return err
	}
	a.at("demo: lab ready")
	a.enter(st)
	err = story(ctx, st)
	if err != nil && ctx.Err() != nil && len(st.info.Families) == 0 { // nobody wants to go on with two dozen runs
		return a.demoInterrupted(context.WithoutCancel(ctx), st, err)
	}
	if err := errors.Join(err, st.tearDown(ctx)); err != nil {
		return err
	}
	a.say("\nDone in %s; the lab, the repository and the state are removed. Next, your own: secretguard scan git .", a.Now().Sub(began).Round(100*time.Millisecond))
	return nil
}

// demoInterrupted keeps the stage for a run that has begun; without one there is
// nothing to come back to.
func (a *app) demoInterrupted(ctx context.Context, st *stage, why error) error {
	if _, none := a.pick(ctx, nil); none == nil {
		a.talk("the demo's run can be continued for ten minutes: secretguard rotate resume")
		return errors.Join(why, st.leave())
	}
	if err := st.tearDown(ctx); err != nil {
		return errors.Join(why, err)
	}
	return exitError{code: ExitInterrupted, err: errors.New("interrupted; no rotation is under way, and what the demo made is removed")}
}

// demoScreen opens the responder on the stage. A demo that was left in the middle
// is entered again, so that its run can go on.
func (a *app) demoScreen(ctx context.Context, o respondOptions) error {
	st, err := a.ownStage(ctx)
	if err != nil {
		return err
	}
	awake, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		keepAwake(awake, st.info.LabURL)
	}()
	err = a.openResponder(ctx, o, newScanRequest("git", st.Repo), nil)
	stop()
	<-ended
	if _, none := a.pick(context.WithoutCancel(ctx), nil); none == nil { // also one that was only looked at
		a.talk("the demo's lab waits for ten minutes; go on there with: secretguard demo")
		return errors.Join(err, st.leave())
	}
	return errors.Join(err, st.tearDown(ctx))
}

// ownStage enters a stage that nobody else is on: one that was left in the middle
// and whose lab is still there, else a new one.
func (a *app) ownStage(ctx context.Context) (*stage, error) {
	for {
		st, _ := a.interruptedDemo()
		if st == nil {
			break
		}
		err := st.await(ctx, labFound)
		switch {
		case ctx.Err() != nil:
			return nil, errors.Join(ctx.Err(), st.leave())
		case err == nil && st.alive(ctx):
			a.enter(st)
			return st, nil
		}
		if err := st.remove(); err != nil { // without its lab it leads nowhere
			return nil, err
		}
	}
	st, err := a.setUp(ctx)
	if err != nil {
		return nil, err
	}
	a.at("demo: lab ready")
	a.enter(st)
	return st, nil
}

// keepAwake looks at the lab now and then, so that a person may think for longer
// than it waits for a request.
func keepAwake(ctx context.Context, lab string) {
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			_ = labCall(ctx, http.MethodGet, lab+"/_lab/state") // a lab that is gone is seen by the next request that matters
		}
	}
}

// resumeDemo continues a demo that was killed, checks its end from outside and
// takes its stage down. A demo that was killed before its rotation was approved
// is only taken down: it changed nothing.
func (a *app) resumeDemo(ctx context.Context, st *stage, args []string) error {
	err := st.await(ctx, labFound)
	a.enter(st)
	if err != nil || !st.alive(ctx) {
		if s, err := a.snapshot(ctx, args); err == nil && s.Proof != nil { // it was killed while it took its stage down
			return errors.Join(a.outcome(s), a.removed(st.remove()))
		}
		return errors.Join(demoGone("its lab is not running"), st.remove())
	}
	w, err := a.open(ctx)
	if err != nil {
		return errors.Join(err, st.leave())
	}
	run, err := newest(ctx, w, args, begun, errNoUnfinished)
	if errors.Is(err, errNoUnfinished) {
		run, err = newest(ctx, w, args, approved, errNoRuns)
	}
	if closing := w.close(); err != nil || closing != nil {
		return errors.Join(demoGone("it was killed before its rotation was approved, nothing was changed"), closing, st.tearDown(ctx))
	}
	switch err := a.continueRun(ctx, run, ""); {
	case errors.Is(err, rotate.ErrRolledBack):
		return errors.Join(err, a.closeStage(ctx, st))
	case err != nil:
		return errors.Join(err, st.leave())
	}
	if len(st.info.Families) > 0 { // of the big demo: its story is another one
		return a.closeStage(ctx, st)
	}
	return errors.Join(a.checkResumed(ctx, st, run), a.closeStage(ctx, st))
}

// removed says that nothing is left of a continued demo, unless that failed.
func (a *app) removed(err error) error {
	if err == nil {
		a.say("\nWhat the demo made is removed. Next, your own: secretguard scan git .")
	}
	return err
}

// closeStage takes the stage down unless a person left more than one run on it.
func (a *app) closeStage(ctx context.Context, st *stage) error {
	if run, err := a.pick(ctx, nil); err == nil {
		a.talk("the demo has another unfinished run; next: secretguard rotate resume %s", term.Clean(run))
		return st.leave()
	}
	return a.removed(st.tearDown(ctx))
}

// demoGone says that a killed demo cannot be continued.
func demoGone(why string) error {
	return problem{
		code: ExitUsage, err: fmt.Errorf("a killed demo cannot be continued: %s; what it left is removed", why),
		try: "secretguard demo",
	}
}
