package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/scan/source"
	"github.com/secretguard/secretguard/internal/term"
)

func (a *app) hookCmd() *cobra.Command {
	return group("hook", "Run as a git hook, or install one", &cobra.Command{
		Use: "pre-commit", Short: "Scan what is staged; under ten lines of output", Args: cobra.ArbitraryArgs,
		Long: `Scans the content of the index, not the working files. Names that a framework passes are
ignored: the index says what is staged.`,
		Example: "  secretguard hook pre-commit",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.hookPreCommit(cmd.Context()) },
	}, a.hookInstallCmd())
}

func (a *app) hookPreCommit(ctx context.Context) error {
	res, err := a.scanTarget(ctx, newScanRequest("staged", "."))
	if err != nil {
		return err
	}
	if err := report.WriteHook(a.Err, res); err != nil {
		return err
	}
	switch {
	case len(res.Active()) > 0:
		return exitError{code: ExitFindings}
	case !res.Coverage.Complete:
		return exitError{code: ExitIncomplete}
	}
	return nil
}

// hookScript is what "hook install" writes. It fails when the program is gone:
// a check that silently does not run is worse than none.
const hookScript = `#!/bin/sh
# installed by: secretguard hook install
command -v secretguard >/dev/null || {
  echo "secretguard is not in PATH, so nothing was checked: put it there, or skip the check once: git commit --no-verify" >&2
  exit 2
}
exec secretguard hook pre-commit
`

func (a *app) hookInstallCmd() *cobra.Command {
	return &cobra.Command{
		Use: "install", Short: "Install the pre-commit hook into this repository", Args: atMost(0),
		Long: `Writes a pre-commit hook that scans what is staged. A hook that is there already is left as
it is; what to add to it is said.`,
		Example: "  secretguard hook install",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.hookInstall(cmd.Context()) },
	}
}

func (a *app) hookInstall(ctx context.Context) error {
	dir, err := source.HooksDir(ctx, ".")
	if err != nil {
		return problem{code: ExitUsage, err: err, try: "git init, or go to the repository first"}
	}
	path := filepath.Join(dir, "pre-commit")
	old, err := os.ReadFile(path)
	switch {
	case err == nil && string(old) == hookScript:
		return a.hookInstalled(path, false)
	case err == nil:
		return problem{
			code: ExitUsage, err: fmt.Errorf("there is a pre-commit hook already: %s", path),
			try: "add this line to it: secretguard hook pre-commit || exit",
		}
	case !errors.Is(err, os.ErrNotExist):
		return usagef("read the hook: %w", err)
	}
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, []byte(hookScript), 0o755)); err != nil {
		return usagef("install the hook: %w", err)
	}
	return a.hookInstalled(path, true)
}

func (a *app) hookInstalled(path string, now bool) error {
	if a.json {
		return a.encode(struct {
			Schema    string `json:"schema"`
			Path      string `json:"path"`
			Installed bool   `json:"installed"`
		}{"secretguard.hook/1", path, now})
	}
	word := "already installed: "
	if now {
		word = "installed: "
	}
	return a.line(word + string(term.Clean(path)))
}
