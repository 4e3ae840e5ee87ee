// Package cli is the command tree and the only place where everything is wired.
// [Main] runs one command and returns the exit code.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/term"
)

// Streams is everything a command may touch of the outside world: tests replace
// all of it.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
	Env func(string) string
	// Facts are what is known about the terminal.
	Facts term.Facts
	// Now is the clock.
	Now func() time.Time
}

// System returns the process's own streams. From then on a reader that goes away
// is an error of a write, which Main deals with, and no longer kills the process.
func System() Streams {
	signal.Ignore(syscall.SIGPIPE)
	return Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Env: os.Getenv,
		Facts: term.Detect(os.Stdin, os.Stdout, os.Stderr, os.Getenv), Now: time.Now,
	}
}

// version is set by the release build; else the module's build information tells.
var version = ""

// Version returns the program's version.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// Main runs the command line and returns the exit code. It never exits itself.
func Main(args []string, s Streams) int {
	if !s.Facts.OutTTY {
		s.Out = pipe{s.Out}
	}
	if !s.Facts.ErrTTY {
		s.Err = pipe{s.Err}
	}
	a := &app{Streams: s, failpoint: failpoint(s.Env)}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	ctx, stop := a.signals(context.Background())
	defer stop()
	err := root.ExecuteContext(ctx)
	var code exitError
	switch {
	case err == nil && a.mistyped != nil:
		err = a.mistyped
	case err == nil && a.damaged != nil:
		return ExitIncomplete // it was read, and not all of it may be true
	case err == nil:
		return ExitOK
	case errors.As(err, &code) && code.err == nil:
		return code.code
	}
	a.explain(err)
	return exitCode(err)
}

// app holds the streams and the global flags of one invocation.
type app struct {
	Streams

	verbose      bool
	quiet        bool
	json         bool
	color        string
	noInput      bool
	readOnly     bool
	allowPrivate bool
	configPath   string
	accessible   bool
	ascii        bool

	verdicts  *probe.Cache        // what issuers said about leaked keys; nil for no memory
	inLab     bool                // the environment is a lab's
	outer     func(string) string // the environment outside of the lab; nil without one
	abort     chan struct{}       // closed by the second Ctrl-C
	onScreen  atomic.Bool         // a full-screen program has the terminal
	rulesFrom string              // the file that a scan's rules came from
	damaged   error               // what is wrong with the journal that was read
	mistyped  error               // help was asked for about a command that is not there
	// failpoint is nil in every build but the crash tests' own.
	failpoint func(point string) error
}

// at is a boundary where the crash tests may kill the process.
func (a *app) at(point string) {
	if a.failpoint != nil {
		_ = a.failpoint(point) // a kill does not return
	}
}

// Groups of commands in the help.
const (
	groupFind   = "find"
	groupRotate = "rotate"
	groupTry    = "try"
	groupSetUp  = "setup"
)

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "secretguard",
		Short: "End a leaked-key incident: find it, replace it everywhere, prove the old one dead",
		Long: `SecretGuard finds leaked keys in files and in every object of a git history, issues new
ones, pushes them to the services that use them, redeploys, attests that each works,
revokes the old key and proves it dead.`,
		Example: `  secretguard demo             the whole story on a built-in lab, no account needed
  secretguard scan git .       every object of this repository's history
  secretguard plan CASE        how one leaked key would be replaced; changes nothing`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       Version(),
		Args:          onlyCommands,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			switch a.color {
			case "auto", "always", "never":
				return nil
			}
			return usagef("--color is auto, always or never, not %s", quote(a.color))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f := root.PersistentFlags()
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say more on stderr")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "say nothing but results and errors")
	f.BoolVar(&a.json, "json", false, "results as JSON on stdout (docs/json.md)")
	f.StringVar(&a.color, "color", "auto", "colour: auto, always, never")
	f.BoolVar(&a.noInput, "no-input", false, "never ask; fail instead")
	f.BoolVar(&a.readOnly, "read-only", false, "refuse everything that changes anything outside this machine")
	f.BoolVar(&a.allowPrivate, "allow-private", false, "allow provider addresses that are loopback or private")
	f.StringVarP(&a.configPath, "config", "c", "", "rules and settings (.secretguard.toml or .gitleaks.toml)")
	f.BoolVar(&a.accessible, "accessible", false, "plain lines instead of a full screen")
	f.BoolVar(&a.ascii, "ascii", false, "plain ASCII borders")
	root.AddGroup(&cobra.Group{ID: groupFind, Title: "Find:"}, &cobra.Group{ID: groupRotate, Title: "Replace and prove:"},
		&cobra.Group{ID: groupTry, Title: "Try it:"}, &cobra.Group{ID: groupSetUp, Title: "Set up:"})
	add := func(id string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = id
		}
		root.AddCommand(cmds...)
	}
	add(groupFind, a.scanCmd(), a.verifyCmd(), a.consumersCmd(), a.doctorCmd(), a.baselineCmd())
	add(groupRotate, a.respondCmd(), a.containCmd(), a.planCmd(), a.rotateCmd(), a.reportCmd())
	add(groupTry, a.demoCmd(), a.labCmd())
	add(groupSetUp, a.rulesCmd(), a.providersCmd(), a.configCmd(), a.hookCmd(), a.versionCmd())
	root.AddCommand(a.scanAliases()...)
	root.SetCompletionCommandGroupID(groupSetUp)
	help := helpCmd()
	help.GroupID = groupSetUp
	root.SetHelpCommand(help)
	root.SetFlagErrorFunc(flagError)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetUsageTemplate(root.UsageTemplate() + exitHelp)
	show := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if a.mistyped = wrongWord(cmd); a.mistyped == nil {
			show(cmd, args)
		}
	})
	return root
}

// wrongWord is what is wrong with "secretguard NOSUCH --help": for cobra that is a
// call for the help of the command above it, and success.
func wrongWord(cmd *cobra.Command) error {
	if rest := cmd.Flags().Args(); cmd.HasAvailableSubCommands() && cmd.Args != nil && len(rest) > 0 {
		return cmd.Args(cmd, rest)
	}
	return nil
}

// helpCmd replaces cobra's, which takes a word that it does not know for success.
func helpCmd() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help about a command", Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || about == cmd.Root() && len(args) > 0 {
				return onlyCommands(cmd.Root(), args)
			}
			if about.HasAvailableSubCommands() {
				if err := onlyCommands(about, rest); err != nil {
					return err
				}
			}
			about.InitDefaultHelpFlag()
			about.InitDefaultVersionFlag()
			return about.Help()
		},
	}
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: atMost(0),
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.encode(struct {
					Schema  string `json:"schema"`
					Version string `json:"version"`
				}{"secretguard.version/1", Version()})
			}
			return a.line(Version())
		},
	}
}

// encode writes one JSON document on one line to stdout.
func (a *app) encode(doc any) error { return json.NewEncoder(a.Out).Encode(doc) }
