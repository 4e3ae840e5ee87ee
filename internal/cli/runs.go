package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/term"
)

func (a *app) statusCmd() *cobra.Command {
	return &cobra.Command{
		Use: "status [RUN]", Short: "What happened in a run, and which command is next", Args: atMost(1),
		Long: `Shows each step of a run with its evidence, and the command that goes on. Without RUN: the
newest one that was approved.`,
		Example: `  secretguard rotate status
  secretguard rotate status r-0a1b2c3d4e --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.snapshot(cmd.Context(), args)
			if err != nil {
				return err
			}
			err = a.outcome(s)
			a.alarms(cmd.Context(), s.Plan.ID)
			return err
		},
	}
}

// snapshot reads the run that was named, or the newest; a plan that nobody
// approved only when there is nothing else.
func (a *app) snapshot(ctx context.Context, args []string) (rotate.Snapshot, error) {
	if a.noJournal() {
		return rotate.Snapshot{}, a.orDemo(noRun(errNoRuns))
	}
	w, err := a.open(ctx)
	if err != nil {
		return rotate.Snapshot{}, err
	}
	defer func() { _ = w.close() }() // only read
	run, err := newest(ctx, w, args, approved, errNoRuns)
	if errors.Is(err, errNoRuns) {
		run, err = newest(ctx, w, args, func(*machine.State) bool { return true }, errNoRuns)
	}
	if errors.Is(err, errNoRuns) {
		err = a.orDemo(err)
	}
	if err != nil {
		return rotate.Snapshot{}, err
	}
	s, err := runs.Load(ctx, w.journal, run)
	if err != nil {
		return rotate.Snapshot{}, usage(err)
	}
	snap := s.Snapshot()
	w.workedOn(&snap)
	return snap, nil
}

// workedOn tells a run that a program works on from one whose program was killed: in the
// journal both look the same.
func (w *workspace) workedOn(s *rotate.Snapshot) {
	if s.Status != rotate.RunRunning {
		return
	}
	switch taken, known := w.journal.Taken(s.Plan.Resource()); {
	case taken:
		s.Problem, s.Remedy = "a program of this machine works on it now; nothing is to be done but to look again", "secretguard rotate status "+s.Plan.ID
	case known:
		s.Problem = "NOTHING WORKS ON IT NOW: the program that did was ended, or the machine was"
	}
}

// alarms names the other runs whose leaked key still opens something: they are said
// each time that anybody asks how things stand.
func (a *app) alarms(ctx context.Context, told string) {
	if a.noJournal() {
		return
	}
	w, err := a.open(ctx)
	if err != nil {
		return // it was opened a moment ago
	}
	defer func() { _ = w.close() }() // only read
	ids, err := w.journal.Runs(ctx)
	if err != nil {
		return
	}
	for _, id := range ids {
		s, err := runs.Load(ctx, w.journal, id)
		if err != nil || id == told {
			continue
		}
		if alarm := s.Snapshot().Alarm; alarm != "" {
			a.talk("ALARM, run %s: %s", term.Clean(id), term.Clean(alarm))
		}
	}
}

func (a *app) listCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "All runs in this machine's journal", Args: atMost(0),
		Example: "  secretguard rotate list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.noJournal() {
				return nil
			}
			w, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { _ = w.close() }() // only read
			ids, err := w.journal.Runs(cmd.Context())
			if err != nil {
				return err
			}
			for _, id := range ids {
				s, err := runs.Load(cmd.Context(), w.journal, id)
				if err != nil {
					return err
				}
				if err := a.runLine(s); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (a *app) runLine(s *machine.State) error {
	p := s.Plan()
	status := string(s.Status())
	if status == "" {
		status = "planned"
	}
	if a.json {
		return a.encode(struct {
			Schema  string    `json:"schema"`
			Run     string    `json:"run"`
			Status  string    `json:"status"`
			Case    string    `json:"case"`
			Old     string    `json:"old"`
			Owner   string    `json:"owner"`
			Created time.Time `json:"created"`
		}{"secretguard.run-line/1", p.ID, status, p.Case, p.OldMask, p.Old.Owner, p.Created})
	}
	if s.Snapshot().Alarm != "" {
		status = "STILL ALIVE"
	}
	return a.line(fmt.Sprintf("%s  %-11s  %s  %s  %s", p.ID, status, p.Created.Local().Format(time.DateTime), p.OldMask, term.Clean(p.Old.Owner)))
}

// pick returns the run that was named, or the newest unfinished one.
func (a *app) pick(ctx context.Context, args []string) (string, error) {
	if a.noJournal() {
		return "", noRun(errNoUnfinished)
	}
	w, err := a.open(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = w.close() }() // only read
	return newest(ctx, w, args, begun, errNoUnfinished)
}

// approved is a run that a person wanted; begun is one that has not ended.
func approved(s *machine.State) bool { return s.Status() != "" }
func begun(s *machine.State) bool    { return approved(s) && !s.Closed() }

// Why there is no newest run.
var (
	errNoUnfinished = errors.New("there is no unfinished run")
	errNoRuns       = errors.New("there is no run")
)

// newest returns the run that was named, or the newest one that is wanted; none
// says why there is no such run.
func newest(ctx context.Context, w *workspace, args []string, want func(*machine.State) bool, none error) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	ids, err := w.journal.Runs(ctx)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		s, err := runs.Load(ctx, w.journal, id)
		if err != nil {
			return "", err
		}
		if want(s) {
			return id, nil
		}
	}
	return "", noRun(none)
}

// noRun words why there is no run, and what to run next.
func noRun(why error) error {
	p := problem{code: ExitUsage, err: fmt.Errorf("%w in this machine's journal", why), try: "secretguard rotate list"}
	if errors.Is(why, errNoRuns) { // then the list is empty too
		p.try = "secretguard plan CASE -o plan.json"
	}
	return p
}

// orDemo adds to the news that there is no run that a demo was left in the middle:
// its journal lies in a folder of its own.
func (a *app) orDemo(err error) error {
	st, _ := a.interruptedDemo()
	if st == nil {
		return err
	}
	left := problem{code: ExitUsage, err: fmt.Errorf("%w; a demo was left in the middle", err), try: "secretguard rotate resume"}
	if err := st.leave(); err != nil {
		return errors.Join(left, err)
	}
	return left
}

// noJournal reports that this machine has no journal, so that a command that only
// looks for a run need not make one: who asks leaves no trace.
func (a *app) noJournal() bool {
	dir, err := config.StateDir(a.Env)
	return err == nil && !journal.Exists(dir)
}
