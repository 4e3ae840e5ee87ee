package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/executor"
)

// containOptions are the flags of contain.
type containOptions struct {
	target, typed, reason string
}

func (a *app) containCmd() *cobra.Command {
	var o containOptions
	cmd := &cobra.Command{
		Use:   `contain CASE --type PHRASE --reason TEXT`,
		Short: "Disable a leaked key now, and nothing else: an outage, on purpose",
		Long: `For a key that is being abused: disables it at its issuer and waits until it is refused,
within seconds. Nothing replaces it: whoever uses it is down until a rotation is planned and
done. It can be undone with "rotate rollback", as long as the key is not deleted.

The phrase is "contain" and the key's owner; without it, what would happen is shown.`,
		Example: `  secretguard contain c-1a2b3c4d5e --type "contain deploy-bot" --reason "it is used from abroad"`,
		Args:    exactly("CASE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.requireWrite("contain"); err != nil {
				return err
			}
			return a.contain(cmd.Context(), args[0], o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.target, "target", "t", ".", "the repository or folder that holds the leak")
	f.StringVar(&o.typed, "type", "", "the phrase of the plan, typed by a person")
	f.StringVar(&o.reason, "reason", "", "why, for the journal and the report")
	return cmd
}

func (a *app) contain(ctx context.Context, name string, o containOptions) error {
	c, err := a.findCase(ctx, o.target, name)
	if err != nil {
		return err
	}
	w, err := a.open(ctx)
	if err != nil {
		return err
	}
	p, err := w.makePlan(ctx, c, rotate.ContainOnly, rotate.L0)
	if err := errors.Join(err, w.close()); err != nil {
		return err
	}
	if o.typed != p.Phrase || o.reason == "" {
		return problem{
			code: ExitUsage,
			err:  fmt.Errorf("this disables %s of %s at once, and whoever uses it is down; it needs the typed phrase and a reason", p.OldMask, p.Old.Owner),
			try:  fmt.Sprintf("secretguard contain %s%s --type %s --reason TEXT", shellWord(name), targetFlag(o.target), shellWord(p.Phrase)),
		}
	}
	return a.execute(ctx, p.ID, func(ctx context.Context, x *executor.Executor) error {
		return x.Start(ctx, p, rotate.Approval{Digest: p.Digest, Typed: o.typed, Who: actor(), At: a.Now().UTC(), Reason: o.reason})
	})
}
