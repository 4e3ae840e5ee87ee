package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/executor"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/term"
)

func (a *app) statusCmd() *cobra.Command {
	return &cobra.Command{
		Use: "status [RUN]", Short: "What happened in a run, and which command is next", Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.snapshot(cmd.Context(), args)
			if err != nil {
				return err
			}
			return a.outcome(s)
		},
	}
}

// snapshot reads the run that was named, or the newest; a plan that nobody
// approved only when there is nothing else.
func (a *app) snapshot(ctx context.Context, args []string) (rotate.Snapshot, error) {
	w, err := a.open(ctx)
	if err != nil {
		return rotate.Snapshot{}, err
	}
	defer func() { _ = w.close() }() // only read
	run, err := newest(ctx, w, args, approved, errNoRuns)
	if errors.Is(err, errNoRuns) {
		run, err = newest(ctx, w, args, func(*machine.State) bool { return true }, errNoRuns)
	}
	if err != nil {
		return rotate.Snapshot{}, err
	}
	s, err := executor.Load(ctx, w.journal, run)
	if err != nil {
		return rotate.Snapshot{}, usage(err)
	}
	return s.Snapshot(), nil
}

func (a *app) listCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "All runs in this machine's journal", Args: atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { _ = w.close() }() // only read
			runs, err := w.journal.Runs(cmd.Context())
			if err != nil {
				return err
			}
			for _, id := range runs {
				s, err := executor.Load(cmd.Context(), w.journal, id)
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
	return a.line(fmt.Sprintf("%s  %-11s  %s  %s  %s", p.ID, status, p.Created.Local().Format(time.DateTime), p.OldMask, term.Clean(p.Old.Owner)))
}

// pick returns the run that was named, or the newest unfinished one.
func (a *app) pick(ctx context.Context, args []string) (string, error) {
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
	runs, err := w.journal.Runs(ctx)
	if err != nil {
		return "", err
	}
	for _, id := range runs {
		s, err := executor.Load(ctx, w.journal, id)
		if err != nil {
			return "", err
		}
		if want(s) {
			return id, nil
		}
	}
	return "", problem{code: ExitUsage, err: fmt.Errorf("%w in this machine's journal", none), try: "secretguard rotate list"}
}
