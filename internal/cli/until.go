package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/executor"
	"github.com/secretguard/secretguard/internal/rotate/runs"
)

// untilFlag is where a run is to pause.
func untilFlag(cmd *cobra.Command, until *string) {
	cmd.Flags().StringVar(until, "until", "", `pause after this step: its number in the plan, its id, or a verb such as "attest" for the last of them`)
}

// stepNamed finds the step that a person means.
func stepNamed(p rotate.Plan, word string) (string, error) {
	var ids []string
	last := ""
	for _, st := range p.Steps {
		if st.ID == word || strconv.Itoa(st.N) == word {
			return st.ID, nil
		}
		if string(st.Action) == word {
			last = st.ID
		}
		ids = append(ids, st.ID)
	}
	if last == "" {
		return "", unknown("step in plan "+p.ID+" called", word, ids, fmt.Sprintf("--until 1 to --until %d", len(p.Steps)))
	}
	return last, nil
}

// pausing lets a call of the executor pause after a step. That it paused there is
// what was asked for, and no failure.
func pausing(p rotate.Plan, word string, do func(context.Context, *executor.Executor) error) (func(context.Context, *executor.Executor) error, error) {
	if word == "" {
		return do, nil
	}
	id, err := stepNamed(p, word)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, x *executor.Executor) error {
		x.Until = id
		err := do(ctx, x)
		if errors.Is(err, rotate.ErrPaused) && ctx.Err() == nil {
			return nil // the run's own text says how to go on
		}
		return err
	}, nil
}

// planOf reads the plan of a run.
func (a *app) planOf(ctx context.Context, run string) (rotate.Plan, error) {
	w, err := a.open(ctx)
	if err != nil {
		return rotate.Plan{}, err
	}
	defer func() { _ = w.close() }() // only read
	s, err := runs.Load(ctx, w.journal, run)
	if err != nil {
		return rotate.Plan{}, usage(err)
	}
	return s.Plan(), nil
}
