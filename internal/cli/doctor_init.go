package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/doctor/propose"
	"github.com/secretguard/secretguard/internal/term"
)

func (a *app) doctorInitCmd() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "init [DIR]", Short: "Draft a declaration from what a repository holds", Args: atMost(1),
		Long: `Reads render.yaml, netlify.toml, .env.example and the like, and code that reads the environment
(JavaScript, TypeScript, Python, Go), and drafts [[consumer]] tables: names only, no values, and
nothing of the repository is run. It is a draft: what a name stands for, only you know.`,
		Example: `  secretguard doctor init
  secretguard doctor init ~/src/shop -o my.secretguard.toml`,
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return a.doctorInit(dir, out)
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write it to this new file; its name must end in secretguard.toml")
	return cmd
}

func (a *app) doctorInit(dir, out string) error {
	if out != "" && !strings.HasSuffix(filepath.Base(out), "secretguard.toml") {
		return problem{code: ExitUsage, err: fmt.Errorf("%s would not be read as a configuration of ours", quote(out)), try: "secretguard doctor init -o my.secretguard.toml"}
	}
	root, err := os.OpenRoot(dir) // so that no link leads out of it
	if err != nil {
		return problem{code: ExitUsage, err: fmt.Errorf("%s cannot be read as a folder", quote(dir)), try: "secretguard doctor init DIR"}
	}
	defer func() { _ = root.Close() }() // only read
	d, err := propose.From(root.FS())
	if err != nil {
		return problem{code: ExitIncomplete, err: fmt.Errorf("%s cannot be read", quote(dir)), try: "run as a user who may read it"}
	}
	for _, what := range d.Unread {
		a.talk("not read: %s", term.Clean(what))
	}
	if len(d.Consumers) == 0 {
		return problem{code: ExitUsage, err: errors.New("nothing there reads the environment or names a service"), try: "write [[consumer]] tables by hand: docs/consumers.md"}
	}
	for _, name := range d.Sources {
		a.talk("from %s", term.Clean(name))
	}
	if err := a.draft(out, d.TOML()); err != nil {
		return err
	}
	if len(d.Unread) > 0 {
		return exitError{code: ExitIncomplete}
	}
	return nil
}

// draft writes to a new file, or to stdout.
func (a *app) draft(out, text string) error {
	if out == "" {
		return a.line(strings.TrimRight(text, "\n"))
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return problem{code: ExitUsage, err: fmt.Errorf("%s is there already and is left as it is", quote(out)), try: "secretguard doctor init (prints the draft)"}
	}
	if err == nil {
		_, err = f.WriteString(text)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return usagef("write %s: %w", quote(out), err)
	}
	a.talk("read it, correct it, then: secretguard doctor -c %s", shellWord(out))
	return nil
}
