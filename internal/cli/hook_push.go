package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/scan/source"
	"github.com/secretguard/secretguard/internal/term"
)

func (a *app) hookPrePushCmd() *cobra.Command {
	return &cobra.Command{
		Use: "pre-push [REMOTE [URL]]", Short: "Scan the commits that a push would send; under ten lines of output", Args: cobra.ArbitraryArgs,
		Long: `Scans what the commits bring that a push would send and that the remote does not have, as far as
this repository knows. git says on stdin what is pushed; the pre-commit framework says it in the
environment. By hand, on a terminal, it is what HEAD has and no remote has.`,
		Example: "  secretguard hook pre-push origin",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.hookPrePush(cmd.Context(), args) },
	}
}

func (a *app) hookPrePush(ctx context.Context, args []string) error {
	sel, err := a.pushed(args)
	if err != nil || len(sel.Branches) == 0 { // nothing but deletions
		return err
	}
	req := newScanRequest("git", ".")
	req.selection = sel
	res, err := a.scanTarget(ctx, req)
	if err != nil {
		return err
	}
	return a.hookVerdict(res, report.Push)
}

// pushed returns which commits a push would send.
func (a *app) pushed(args []string) (source.Selection, error) {
	remote := ""
	if len(args) > 0 {
		remote = args[0]
	}
	if to := a.Env("PRE_COMMIT_TO_REF"); to != "" || a.Env("PRE_COMMIT_LOCAL_BRANCH") != "" { // https://pre-commit.com/#pre-push
		sel := source.Selection{Branches: []string{to}, Remote: trackedRemote(a.Env("PRE_COMMIT_REMOTE_NAME"))}
		if to == "" { // of a push that sends a root commit it names the branch only
			sel.Branches[0] = a.Env("PRE_COMMIT_LOCAL_BRANCH")
		}
		if from := a.Env("PRE_COMMIT_FROM_REF"); from != "" {
			sel.Without = []string{from}
		}
		return sel, nil
	}
	if a.Facts.InTTY {
		sel := source.Selection{Branches: []string{"HEAD"}, Remote: "*"}
		if remote != "" {
			sel.Remote = trackedRemote(remote)
		}
		return sel, nil
	}
	sel, err := readPush(a.In)
	sel.Remote = trackedRemote(remote)
	return sel, err
}

// trackedRemote returns the remote whose branches are known; git gives a URL as the
// name of one that has none.
func trackedRemote(name string) string {
	if strings.ContainsAny(name, ":*?[\\ ") || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "/") || strings.HasPrefix(name, ".") {
		return ""
	}
	return name
}

// readPush reads what git tells a pre-push hook: lines of
// "<local ref> <local object> <remote ref> <remote object>", with zeros for an
// object that is not there (githooks(5)).
func readPush(r io.Reader) (source.Selection, error) {
	var sel source.Selection
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) == 0 {
			continue
		}
		if len(f) != 4 || !isObject(f[1]) || !isObject(f[3]) {
			return sel, problem{
				code: ExitUsage, err: fmt.Errorf("this is not what git says to a pre-push hook: %q", term.Clean(lines.Text())),
				try: "let git run it: secretguard hook install pre-push",
			}
		}
		if gone := strings.Trim(f[1], "0") == ""; !gone {
			sel.Branches = append(sel.Branches, f[1])
		}
		if strings.Trim(f[3], "0") != "" {
			sel.Without = append(sel.Without, f[3])
		}
	}
	if err := lines.Err(); err != nil {
		return sel, usagef("read what is pushed: %w", err)
	}
	return sel, nil
}

func isObject(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}
