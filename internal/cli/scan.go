package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/report/export"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/ignore"
	"github.com/secretguard/secretguard/internal/scan/source"
	"github.com/secretguard/secretguard/internal/scan/whole"
	"github.com/secretguard/secretguard/internal/term"
)

// scanRequest says what to scan and how to report it.
type scanRequest struct {
	kind         string // git, dir, stdin, staged; auto: everywhere in a repository, else a folder
	path         string
	staged       bool
	showSecrets  bool
	ignoreAllow  bool
	baseline     string
	gitleaksFile string
	reportPath   string
	reportFormat string
	maxMegabytes int
	archiveDepth int
	ignored      bool
	ignoredSaid  bool // by a flag: the default differs
	selection    source.Selection
	noCache      bool
	// tell, when set, is told how far the scan is, in place of a line on stderr.
	tell func(scan.Progress)
}

// newScanRequest asks for a scan as the flags' defaults have it.
func newScanRequest(kind, path string) scanRequest {
	return scanRequest{kind: kind, path: path, archiveDepth: archive.DefaultDepth, ignored: true}
}

func (a *app) scanCmd() *cobra.Command {
	var req scanRequest
	cmd := &cobra.Command{
		Use:   "scan [git|dir|stdin] [PATH]",
		Short: "Find secrets in a whole history, in files, in the index or on stdin",
		Long: `Finds secrets with gitleaks' rules and our own. Without a kind, in a git repository: everywhere
in it, which is every object of its history, what is staged, the files of all its working
trees, its submodules, large files (LFS), and git's own settings, hooks and logs. Anywhere
else: the folder. What could not be read is counted, named and makes the exit code 3: a scan
that saw only a part is never "clean".`,
		Example: `  secretguard scan                       everywhere in this repository
  secretguard scan git .                 every commit, branch, tag and stash, and unreachable objects
  secretguard scan dir ./config --json   files, as one JSON document
  secretguard scan --staged              what the next commit would hold
  git diff | secretguard scan stdin
  secretguard scan git --range origin/main..HEAD   what a branch would bring`,
		Args: atMost(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := req.arguments(args); err != nil {
				return err
			}
			req.ignoredSaid = cmd.Flags().Changed("ignored")
			return a.scan(cmd.Context(), req)
		},
	}
	req.flags(cmd)
	return cmd
}

// flags adds the flags of a scan.
func (r *scanRequest) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&r.staged, "staged", false, "scan what is staged for the next commit")
	f.BoolVar(&r.showSecrets, "show-secrets", false, "show the secrets in the clear")
	f.BoolVar(&r.ignoreAllow, "ignore-gitleaks-allow", false, "do not honour inline allow comments")
	f.StringVarP(&r.baseline, "baseline-path", "b", "", "findings to accept (secretguard baseline create)")
	f.StringVarP(&r.gitleaksFile, "gitleaks-ignore-path", "i", "", "a .gitleaksignore file; default: the one in the target")
	f.StringVarP(&r.reportPath, "report-path", "r", "", "also write the report to this file (mode 0600)")
	f.StringVarP(&r.reportFormat, "report-format", "f", "", "format of that file, or of stdout when none is named: "+strings.Join(export.Names(), ", "))
	f.BoolVar(&r.noCache, "no-cache", false, "look at every object again, and remember nothing")
	f.StringVar(&r.selection.Since, "since", "", "only what commits since this date brought (any date that git reads)")
	f.StringVar(&r.selection.Range, "range", "", "only what the commits of A..B brought")
	f.StringArrayVar(&r.selection.Branches, "branch", nil, "only what the commits of this branch or tag brought; may be given more than once")
	f.StringVar(&r.selection.LogOpts, "log-opts", "", "only what the commits brought that git log would list with these options")
	f.IntVar(&r.maxMegabytes, "max-target-megabytes", 0, "skip larger files and archive entries (counted); 0: the default")
	f.IntVar(&r.archiveDepth, "max-archive-depth", archive.DefaultDepth, "how many archives inside each other are opened; 0: none (counted)")
	f.BoolVar(&r.ignored, "ignored", true, "scan files that git ignores; with \"scan\" alone, which looks everywhere in a repository, they are left out (counted) unless this is given")
}

// scanAliases are the names that users of gitleaks and trufflehog have in their
// fingers. They are not in the help; those that gitleaks itself deprecated, or
// that say less than ours, name the command to use from now on.
func (a *app) scanAliases() []*cobra.Command {
	var out []*cobra.Command
	for _, alias := range []struct{ name, kind, instead string }{
		{"git", "git", ""},
		{"dir", "dir", ""},
		{"stdin", "stdin", ""},
		{"filesystem", "dir", "scan dir"},
		{"detect", "git", "scan git"},
		{"protect", "staged", "scan --staged"},
	} {
		var req scanRequest
		var source string
		var noGit bool
		cmd := &cobra.Command{
			Use: alias.name + " [PATH]", Short: "The same as: secretguard scan", Hidden: true, Args: atMost(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				if alias.instead != "" {
					a.talk("warning: %q is an old name; use: secretguard %s", alias.name, alias.instead)
				}
				req.kind, req.path = alias.kind, "."
				if noGit {
					req.kind = "dir"
				}
				if len(args) == 1 {
					source = args[0]
				}
				if source != "" {
					req.path = source
				}
				return a.scan(cmd.Context(), req)
			},
		}
		req.flags(cmd)
		if alias.name == "detect" || alias.name == "protect" {
			cmd.Flags().StringVarP(&source, "source", "s", "", "the repository or folder")
		}
		if alias.name == "detect" {
			cmd.Flags().BoolVar(&noGit, "no-git", false, "scan files, no history")
		}
		out = append(out, cmd)
	}
	return out
}

// arguments reads "[KIND] [PATH]".
func (r *scanRequest) arguments(args []string) error {
	if r.archiveDepth < 0 {
		return usagef("--max-archive-depth %d: give a number from 0 on", r.archiveDepth)
	}
	r.kind, r.path = "auto", "."
	if len(args) > 0 {
		switch args[0] {
		case "git", "dir", "stdin":
			r.kind, args = args[0], args[1:]
		case "filesystem":
			r.kind, args = "dir", args[1:]
		}
	}
	kinds := []string{"git", "dir", "stdin"}
	if len(args) > 1 {
		return unknown("kind of target", args[0], kinds, "secretguard scan --help")
	}
	if len(args) == 1 {
		r.path = args[0]
		if _, err := os.Lstat(r.path); r.kind == "auto" && errors.Is(err, os.ErrNotExist) && term.Nearest(r.path, kinds) != "" {
			return unknown("file or folder", r.path, kinds, "secretguard scan --help")
		}
	}
	if r.kind == "stdin" && len(args) == 1 {
		return usagef("scan stdin takes no path, but there is %q", r.path)
	}
	if r.staged {
		if r.kind == "dir" || r.kind == "stdin" {
			return usagef("--staged scans a git index, not %s", r.kind)
		}
		r.kind = "staged"
	}
	if r.selection.Any() {
		if r.kind != "git" && r.kind != "auto" {
			return usagef("--since, --range, --branch and --log-opts select commits, and %s has none", r.kind)
		}
		r.kind = "git"
	}
	return nil
}

// colour reports whether results may be coloured.
func (a *app) colour() bool {
	return a.color == "always" || a.color == "auto" && a.Facts.OutTTY && !a.Facts.NoColor
}

func (a *app) scan(ctx context.Context, req scanRequest) error {
	if req.showSecrets && a.Env("CI") != "" && req.reportPath == "" {
		return usagef("--show-secrets in CI would print keys into a log that others read; name a file with --report-path")
	}
	if req.reportPath == "-" { // gitleaks' name of stdout
		req.reportPath, req.reportFormat = "", cmp.Or(req.reportFormat, "json")
	}
	if f := req.reportFormat; f != "" && !export.Known(f) {
		return unknown("format", f, export.Names(), "secretguard report --help")
	}
	if a.json && req.reportFormat != "" && req.reportPath == "" {
		return usagef("--json and --report-format both say how stdout is written: give one of them, or a file with --report-path")
	}
	if err := mayWrite(req.reportPath); err != nil {
		return usagef("write the report: %w", err) // said now, not after a long scan
	}
	res, err := a.scanTarget(ctx, req)
	if errors.Is(err, context.Canceled) {
		err = exitError{code: ExitInterrupted, err: errors.New("interrupted: the findings so far are shown, the scan is incomplete")}
	}
	// A scan that broke off still shows what it saw; the error decides the exit code.
	if err == nil || !res.Started.IsZero() {
		if werr := a.writeScan(res, req); werr != nil {
			return werr
		}
	}
	switch {
	case err != nil:
		return err
	case len(res.Active()) > 0:
		return exitError{code: ExitFindings}
	case !res.Coverage.Complete:
		return exitError{code: ExitIncomplete}
	}
	return nil
}

func (a *app) writeScan(res scan.Result, req scanRequest) error {
	opts := report.ScanOptions{ShowSecrets: req.showSecrets, Version: Version(), Color: a.colour(), RulesFrom: a.rulesFrom}
	unsaved := saveReport(req.reportPath, cmp.Or(req.reportFormat, "json"), report.Document(res, opts))
	if a.Env("CI") != "" {
		opts.ShowSecrets = false // the file may hold them, the log may not
	}
	write := report.WriteScanText
	if a.json {
		write = report.WriteScanJSON
	}
	formatted := req.reportFormat != "" && req.reportPath == ""
	if formatted {
		write = func(w io.Writer, r scan.Result, o report.ScanOptions) error {
			return export.Write(w, req.reportFormat, report.Document(r, o))
		}
	}
	// What was found is shown also when the file could not be written.
	if err := errors.Join(write(a.Out, res, opts), unsaved); err != nil || a.json || formatted {
		return err
	}
	if len(res.Active()) > 0 && (req.kind == "git" || req.kind == "dir" || req.kind == "auto") {
		target := targetFlag(req.path)
		verify, plan := "secretguard verify"+target, "secretguard plan CASE"+target
		a.talk("next: %-*s   asks each issuer whether its key still works", len(plan), verify)
		a.talk("      %s   shows how one of them would be replaced; changes nothing", plan)
	}
	return nil
}

// targetFlag is the flag that names a target to another command, with the space
// before it; empty for the current folder.
func targetFlag(path string) string {
	if path == "." {
		return ""
	}
	return " -t " + shellWord(path)
}

// shellWord quotes a path for a command that a person pastes.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// scanTarget loads the rules and scans. A cancelled scan returns what was found
// so far together with the context's error.
func (a *app) scanTarget(ctx context.Context, req scanRequest) (scan.Result, error) {
	cfg, err := a.targetConfig(req.path)
	if err != nil {
		return scan.Result{}, err
	}
	set, err := loadRules(cfg)
	if err != nil {
		return scan.Result{}, a.badConfig(err, req.path)
	}
	a.noteRules(cfg)
	if req.maxMegabytes == 0 {
		req.maxMegabytes = cfg.Scan.MaxTargetMegabytes
	}
	src, err := a.openSource(ctx, req)
	if err != nil {
		return scan.Result{}, explainSource(err, req)
	}
	accepted, err := a.accepted(req)
	if err != nil {
		return scan.Result{}, err
	}
	tell, done := req.tell, func() {}
	if tell == nil {
		tell, done = a.progress()
	}
	opts := scan.Options{IgnoreAllow: req.ignoreAllow, Accepted: accepted, Progress: tell}
	if !req.noCache {
		opts.CacheDir, opts.Version = config.CacheDir(a.Env), program()
	}
	res, err := scan.New(set, opts).Scan(ctx, src)
	done()
	if errors.Is(err, scan.ErrNothingScanned) {
		return res, problem{code: ExitIncomplete, err: err, try: nothingRead(res, req)}
	}
	return res, explainSource(err, req)
}

// program names this very program: what it remembers of a scan is of no use to
// another one, which may find other things.
func program() string {
	name := Version()
	if self, err := os.Executable(); err == nil {
		if info, err := os.Stat(self); err == nil {
			name += fmt.Sprintf(" %d %d", info.Size(), info.ModTime().UnixNano())
		}
	}
	return name
}

// noteRules says whose rules are used when they are not ours or the user's: an
// allowlist of the scanned repository can hide anything in it.
func (a *app) noteRules(cfg config.Config) {
	if cfg.Rules == nil {
		return
	}
	a.rulesFrom = cfg.Rules.Path
	if cfg.Rules.Trust == config.FromTarget {
		a.talk("note: the scanned repository brings its own rules and allowlists (%s); --config FILE uses yours instead", term.Clean(cfg.Rules.Path))
	}
}

func (a *app) openSource(ctx context.Context, req scanRequest) (source.Source, error) {
	limit := int64(req.maxMegabytes) << 20
	opts := source.Options{MaxBytes: limit, ArchiveDepth: req.archiveDepth, SkipIgnored: !req.ignored, UserIgnores: ignore.UserFile(a.Env, os.ReadFile)}
	switch req.kind {
	case "stdin":
		return source.Stdin(a.In, opts), nil
	case "dir":
		return source.Dir(req.path, opts)
	case "staged":
		return source.Staged(req.path, a.gitEnv(req.path), opts)
	case "git":
		return openHistory(ctx, req, opts)
	}
	if info, err := os.Stat(req.path); err == nil && !info.IsDir() {
		return source.Dir(req.path, opts)
	}
	inside := opts
	inside.SkipIgnored = !req.ignoredSaid || !req.ignored
	all, err := whole.Open(ctx, req.path, inside)
	switch {
	case errors.Is(err, source.ErrNotRepository):
		return source.Dir(req.path, opts)
	case err != nil:
		return nil, err
	}
	return all, nil
}

func openHistory(ctx context.Context, req scanRequest, opts source.Options) (source.Source, error) {
	repo, err := source.Git(ctx, req.path, opts)
	if err == nil && req.selection.Any() {
		err = repo.Select(ctx, req.selection)
	}
	if err != nil {
		return nil, err
	}
	return repo, nil
}

// gitEnv is what git tells a hook that scans the repository it runs in.
func (a *app) gitEnv(path string) source.GitEnv {
	if path != "." {
		return source.GitEnv{}
	}
	return source.GitEnv{Dir: a.Env("GIT_DIR"), IndexFile: a.Env("GIT_INDEX_FILE")}
}
