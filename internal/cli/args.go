package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/secretguard/secretguard/internal/term"
)

// exactly asks for the named arguments, no more and no fewer.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return problem{
				code: ExitUsage, err: fmt.Errorf("%s: %s is missing", cmd.CommandPath(), names[len(args)]),
				try: cmd.CommandPath() + " --help",
			}
		}
		return atMost(len(names))(cmd, args)
	}
}

// atMost allows up to n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		try := cmd.CommandPath() + " --help"
		switch {
		case len(args) > n:
			return problem{code: ExitUsage, err: fmt.Errorf("%s: one argument too many: %s", cmd.CommandPath(), quote(args[n])), try: try}
		case slices.Contains(args, ""): // a variable of a script that was not set
			return problem{code: ExitUsage, err: fmt.Errorf("%s: an argument is empty", cmd.CommandPath()), try: try}
		}
		return nil
	}
}

// quote quotes what a person typed, shortened: the error must stay readable.
func quote(s string) string {
	const most = 80
	return strconv.Quote(string(term.Truncate(term.Clean(s), most)))
}

// unknown says that there is no such thing, and which one may have been meant.
func unknown(what, word string, known []string, try string) error {
	text := fmt.Sprintf("there is no %s %s", what, quote(word))
	if n := term.Nearest(word, known); n != "" {
		text += fmt.Sprintf("; did you mean %q?", n)
	}
	return problem{code: ExitUsage, err: errors.New(text), try: try}
}

// group returns a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: onlyCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subs...)
	return cmd
}

// onlyCommands refuses a word that is none of the command's own commands: help
// and a zero exit code would look like success to a script.
func onlyCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return unknown("command "+cmd.CommandPath(), args[0], commandNames(cmd), cmd.CommandPath()+" --help")
}

// commandNames lists the commands below cmd that help shows.
func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// flagError words what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	if rest := cmd.Flags().Args(); !cmd.HasParent() && len(rest) > 0 {
		return onlyCommands(cmd, rest) // the word before the flag is the mistake to name
	}
	try := cmd.CommandPath() + " --help"
	var absent *pflag.NotExistError
	var novalue *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &absent) && absent.GetSpecifiedShortnames() != "":
		return problem{code: ExitUsage, err: fmt.Errorf("there is no flag -%s", absent.GetSpecifiedName()), try: try}
	case errors.As(err, &absent):
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				known = append(known, "--"+f.Name)
			}
		})
		return unknown("flag", "--"+absent.GetSpecifiedName(), known, try)
	case errors.As(err, &novalue):
		return problem{code: ExitUsage, err: fmt.Errorf("the flag --%s needs a value", novalue.GetFlag().Name), try: try}
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		return problem{code: ExitUsage, err: fmt.Errorf("the flag --%s cannot be %s: it takes %s", f.Name, quote(invalid.GetValue()), takes(f)), try: try}
	}
	return problem{code: ExitUsage, err: err, try: try}
}

// takes says in words what values a flag has.
func takes(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int":
		return "a whole number"
	case "bool":
		return "true or false"
	case "duration":
		return `a duration such as "90s" or "10m"`
	}
	return "a " + f.Value.Type()
}
