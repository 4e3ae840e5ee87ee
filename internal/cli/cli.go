// Package cli is the command tree and the only place where everything is wired.
// [Main] runs one command and returns the exit code.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

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

// System returns the process's own streams.
func System() Streams {
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
	a := &app{Streams: s}
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

	inLab    bool          // the environment is a lab's
	abort    chan struct{} // closed by the second Ctrl-C
	onScreen atomic.Bool   // a full-screen program has the terminal
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "secretguard",
		Short: "End a leaked-key incident: find it, replace it everywhere, prove the old one dead",
		Long: `SecretGuard finds leaked keys in files and in every object of a git history, issues new
ones, pushes them to the services that use them, redeploys, attests that each works,
revokes the old key and proves it dead.` + exitHelp,
		Example: `  secretguard demo                    the whole story on a built-in lab, no account needed
  secretguard scan git .              every object of this repository's history
  secretguard respond                 the interactive responder`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
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
	root.AddCommand(a.scanCmd(), a.verifyCmd(), a.respondCmd(), a.planCmd(), a.rotateCmd(), a.consumersCmd(),
		a.reportCmd(), a.rulesCmd(), a.providersCmd(), a.baselineCmd(), a.configCmd(), a.hookCmd(), a.demoCmd(), a.labCmd(), a.versionCmd())
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage(err) })
	return root
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.line(Version()) },
	}
}
