package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/rotate/executor"
)

func (a *app) abandonCmd() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "abandon RUN --reason TEXT", Short: "Give a run up as it stands, with a list of what is left", Args: exactly("RUN"),
		Long: `Closes a run that can neither go on nor go back. Nothing is changed at any service: the list
of what is left - which keys work, which value stands where - goes into the journal and the
report, with your name and the reason. The sealed values of the run are destroyed.`,
		Example: `  secretguard rotate abandon r-0a1b2c3d4e --reason "the account was closed"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.requireWrite("rotate abandon"); err != nil {
				return err
			}
			run := args[0]
			return a.execute(cmd.Context(), run, func(ctx context.Context, x *executor.Executor) error { return x.Abandon(ctx, run, reason) })
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the journal and the report")
	return cmd
}
