package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/scan"
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
	}, a.hookPrePushCmd(), a.hookInstallCmd())
}

func (a *app) hookPreCommit(ctx context.Context) error {
	res, err := a.scanTarget(ctx, newScanRequest("staged", "."))
	if err != nil {
		return err
	}
	return a.hookVerdict(res, report.Commit)
}

// hookVerdict says what a hook saw, and stops git when there is something.
func (a *app) hookVerdict(res scan.Result, what report.Stopped) error {
	if err := report.WriteHook(a.Err, res, what); err != nil {
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
func hookScript(name string) string {
	return strings.ReplaceAll(`#!/bin/sh
# installed by: secretguard hook install
command -v secretguard >/dev/null || {
  echo "secretguard is not in PATH, so nothing was checked: put it there, or skip the check once: git VERB --no-verify" >&2
  exit 2
}
exec secretguard hook `+name+map[string]string{"pre-push": ` "$@"`}[name]+"\n", "VERB", strings.TrimPrefix(name, "pre-"))
}

func (a *app) hookInstallCmd() *cobra.Command {
	names := []string{"pre-commit", "pre-push"}
	return &cobra.Command{
		Use: "install [pre-commit|pre-push]", Short: "Install a hook into this repository; pre-commit unless another is named", Args: atMost(1),
		Long: `Writes a hook that scans what is staged, or what a push would send. A hook that is there already
is left as it is; what to add to it is said.`,
		Example: "  secretguard hook install\n  secretguard hook install pre-push", ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "pre-commit"
			if len(args) == 1 {
				name = args[0]
			}
			if !slices.Contains(names, name) {
				return unknown("hook", name, names, "secretguard hook install --help")
			}
			return a.hookInstall(cmd.Context(), name)
		},
	}
}

func (a *app) hookInstall(ctx context.Context, name string) error {
	dir, err := source.HooksDir(ctx, ".")
	if err != nil {
		return problem{code: ExitUsage, err: err, try: "git init, or go to the repository first"}
	}
	path := filepath.Join(dir, name)
	old, err := os.ReadFile(path)
	switch {
	case err == nil && string(old) == hookScript(name):
		return a.hookInstalled(path, false)
	case err == nil:
		return problem{
			code: ExitUsage, err: fmt.Errorf("there is a %s hook already: %s", name, path),
			try: "add this line to it: " + map[string]string{
				"pre-commit": "secretguard hook pre-commit || exit", "pre-push": `secretguard hook pre-push "$@" || exit`,
			}[name] + map[bool]string{true: " (it reads stdin, as every pre-push hook does)"}[name == "pre-push"],
		}
	case !errors.Is(err, os.ErrNotExist):
		return usagef("read the hook: %w", err)
	}
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, []byte(hookScript(name)), 0o755)); err != nil {
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
