package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/rotate/orphans"
	"github.com/secretguard/secretguard/internal/term"
)

func (a *app) orphansCmd() *cobra.Command {
	var id, reason string
	var unused bool
	cmd := &cobra.Command{
		Use: "orphans", Short: "Keys that past runs left behind at their issuers", Args: atMost(0),
		Long: `Asks the issuers which keys are still there that a run of this machine made, or may have made
when an answer was lost, and that no run needs. Only a key that is listed can be deleted, and
only when you name it; one that is in use and not surely ours is left alone. One that its run
had stored may be what consumers run with: look first (secretguard consumers find -), then say
--unused.`,
		Example: `  secretguard rotate orphans
  secretguard rotate orphans --delete AKIAEXAMPLE --reason "left by r-0a1b2c3d4e"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { _ = w.close() }() // every record was flushed
			if id == "" {
				return a.listOrphans(cmd.Context(), w)
			}
			if err := a.requireWrite("rotate orphans --delete"); err != nil {
				return err
			}
			if reason == "" {
				return usagef("deleting a key needs a reason: add --reason")
			}
			err = orphans.DeleteLeftover(cmd.Context(), w.journal, w.registry, id, unused, actor(), reason)
			switch {
			case errors.Is(err, orphans.ErrNotLeft):
				return problem{code: ExitUsage, err: err, try: "secretguard rotate orphans"}
			case errors.Is(err, orphans.ErrStored):
				return problem{code: ExitNeedsPerson, err: err, try: "secretguard plan CASE (gives them another key), or the same command with --unused when nobody has it any more"}
			case err != nil:
				return err
			}
			return a.line("deleted " + string(term.Clean(id)))
		},
	}
	cmd.Flags().StringVar(&id, "delete", "", "delete this key, if it is listed")
	cmd.Flags().BoolVar(&unused, "unused", false, "delete it although a run stored it: nobody runs with it")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the journal")
	return cmd
}

// orphan is a line of rotate orphans --json.
type orphan struct {
	Schema  string    `json:"schema"`
	Run     string    `json:"run"`
	Key     string    `json:"key"`
	Owner   string    `json:"owner"`
	Active  bool      `json:"active"`
	Created time.Time `json:"created"`
	Ours    bool      `json:"ours"`
	Why     string    `json:"why"`
	Stored  []string  `json:"stored"`
}

func (a *app) listOrphans(ctx context.Context, w *workspace) error {
	left, unasked := orphans.Leftovers(httpx.ReadOnly(ctx), w.journal, w.registry)
	for _, l := range left {
		o := orphan{"secretguard.orphan/1", l.Run, l.Key.Ref.ID, l.Key.Ref.Owner, l.Key.Active, l.Key.Created, l.Ours, l.Why, orEmpty(l.Stored)}
		var err error
		if a.json {
			err = a.encode(o)
		} else {
			if len(o.Stored) > 0 {
				o.Why += fmt.Sprintf("; it was stored, and consumers may run with it: %s", strings.Join(o.Stored, "; "))
			}
			err = a.line(fmt.Sprintf("%s  %s of %s  made %s  %s", o.Run, term.Clean(o.Key), term.Clean(o.Owner), o.Created.Local().Format(time.DateTime), term.Clean(o.Why)))
		}
		if err != nil {
			return err
		}
	}
	if unasked != nil {
		return problem{code: ExitIncomplete, err: unasked, try: "secretguard providers list"}
	}
	if len(left) == 0 && !a.json {
		a.talk("no key was left behind")
	}
	return nil
}
