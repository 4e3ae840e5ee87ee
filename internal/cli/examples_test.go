package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// Every command line that the documentation or a help text shows is one that the
// program takes: the command is there, the flags are, the arguments fit.
func TestShownCommandLinesParse(t *testing.T) {
	t.Parallel()
	shown, mentioned := map[string][]string{}, map[string][]string{}
	inline := regexp.MustCompile("`(secretguard [^`]+)`")
	err := fs.WalkDir(os.DirFS("../.."), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), ".") && name != ".":
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(name, ".md"):
			return nil
		}
		b, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		inBlock := false
		for line := range strings.SplitSeq(string(b), "\n") {
			switch {
			case strings.HasPrefix(strings.TrimSpace(line), "```"):
				inBlock = !inBlock
			case inBlock:
				shown[name] = append(shown[name], line)
			default:
				for _, m := range inline.FindAllStringSubmatch(line, -1) {
					mentioned[name] = append(mentioned[name], m[1])
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	everyCommand(newRoot(), func(c *cobra.Command) {
		shown["help of "+c.CommandPath()] = strings.Split(c.Example, "\n")
	})
	n := 0
	check := func(list map[string][]string, whole bool) {
		for where, lines := range list {
			for _, line := range lines {
				words := commandLine(line)
				if words == nil {
					continue
				}
				n++
				if err := accepts(words, whole); err != nil {
					t.Errorf("%s shows %q: %v", where, line, err)
				}
			}
		}
	}
	check(shown, true)
	check(mentioned, false)
	if n < 45 {
		t.Errorf("only %d command lines were found", n)
	}
}

// Help shows how a command is called, for every command that does something.
func TestEveryCommandShowsAnExample(t *testing.T) {
	t.Parallel()
	everyCommand(newRoot(), func(c *cobra.Command) {
		if c.Hidden || c.HasSubCommands() || c.Name() == "help" || c.Name() == "version" {
			return
		}
		if c.Example == "" {
			t.Errorf("%s shows no example", c.CommandPath())
		}
	})
}

func newRoot() *cobra.Command {
	a := &app{Streams: Streams{Env: func(string) string { return "" }}}
	return a.root()
}

func everyCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		everyCommand(sub, visit)
	}
}

// accepts reports what the program would say of a call, without running it. One
// that is only mentioned in a sentence may leave its arguments out.
func accepts(words []string, whole bool) error {
	cmd, rest, err := newRoot().Find(words)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	args := cmd.Flags().Args()
	if !whole && len(args) == 0 {
		return nil
	}
	return cmd.ValidateArgs(args)
}

// commandLine returns the words after "secretguard" of a line as a shell would
// read it: without prompt, variables in front, comment, pipe and redirection.
func commandLine(line string) []string {
	line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
	if i := strings.Index(line, "| secretguard "); i >= 0 {
		line = line[i+2:]
	}
	words := shellWords(line)
	for len(words) > 0 && strings.Contains(words[0], "=") {
		words = words[1:]
	}
	if len(words) == 0 || words[0] != "secretguard" && words[0] != "bin/secretguard" {
		return nil
	}
	out := []string{}
	for _, w := range words[1:] {
		if w == "|" || w == ">" || w == "#" || strings.HasPrefix(w, "#") || w == "&&" || w == "&" {
			break
		}
		out = append(out, w)
	}
	return out
}

// shellWords splits a line at spaces outside quotes; three spaces begin a remark,
// as help texts write them.
func shellWords(line string) []string {
	if i := strings.Index(strings.TrimSpace(line), "   "); i >= 0 {
		line = strings.TrimSpace(line)[:i]
	}
	var words []string
	var word strings.Builder
	quote, quoted := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, quoted = r, true
		case r == ' ':
			if quoted || word.Len() > 0 {
				words = append(words, word.String())
			}
			word.Reset()
			quoted = false
		default:
			word.WriteRune(r)
		}
	}
	if quoted || word.Len() > 0 {
		words = append(words, word.String())
	}
	return words
}

// The checker itself must see what is wrong.
func TestShownCommandLinesAreRead(t *testing.T) {
	t.Parallel()
	for line, ok := range map[string]bool{
		"$ secretguard scan git . --json > out.json":                        true,
		"  git diff | secretguard scan stdin":                               true,
		"SECRETGUARD_LAB=lab.json secretguard verify --yes   # asks":        true,
		`secretguard rotate waive r-1 disable --reason "it takes them all"`: true,
		"secretguard scna":                  false,
		"secretguard rules lst":             false,
		"secretguard scan --jsno":           false,
		"secretguard plan":                  false,
		"secretguard rotate resume a b":     false,
		"secretguard rotate waive r-1 step": true,
	} {
		words := commandLine(line)
		if words == nil {
			t.Errorf("%q was not read as a command line", line)
			continue
		}
		if err := accepts(words, true); (err == nil) != ok {
			t.Errorf("%q: %v", line, err)
		}
	}
	if w := commandLine("make demo"); w != nil {
		t.Errorf("another program's line was read: %q", w)
	}
}

// Help is made in one place: no command repeats the exit codes, every command
// has a summary, and those with subcommands have nothing of their own to run.
func TestHelpOfEveryCommand(t *testing.T) {
	t.Parallel()
	everyCommand(newRoot(), func(c *cobra.Command) {
		if strings.Contains(c.Long, "Exit codes") {
			t.Errorf("%s: the exit codes come from the template", c.CommandPath())
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || len(c.Short) > 90 {
			t.Errorf("%s: summary %q", c.CommandPath(), c.Short)
		}
		var out, errs strings.Builder
		words := append(strings.Fields(c.CommandPath())[1:], "--help")
		code := Main(words, Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Env: func(string) string { return "" }, Now: time.Now})
		if code != ExitOK || !strings.Contains(out.String(), "Exit codes:") || errs.Len() > 0 {
			t.Errorf("%v: exit code %d, %q on stderr", words, code, errs.String())
		}
		if c.Runnable() && c.Args == nil && c.Name() != "verify" {
			t.Errorf("%s: nobody checks its arguments", c.CommandPath())
		}
	})
}

// However much a person or a script hands in, the error stays one that can be read.
func TestHugeArguments(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 1<<20)
	for _, words := range [][]string{
		{huge},
		{"rules", huge},
		{"rules", "show", huge},
		{"providers", "show", huge},
		{"scan", huge, huge},
		{"scan", "--" + huge},
		{"scan", "--max-target-megabytes", huge},
		{"version", huge},
		{"--color", huge},
		{"help", huge},
		{"scan", "dir", huge},
	} {
		var out, errs strings.Builder
		code := Main(words, Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Env: func(string) string { return "" }, Now: time.Now})
		if code != ExitUsage && code != ExitIncomplete || out.Len() > 0 || errs.Len() > 1200 || errs.Len() == 0 {
			t.Errorf("%.40q…: exit code %d, %d bytes on stdout, %d on stderr: %.300s", words, code, out.Len(), errs.Len(), errs.String())
		}
	}
}
