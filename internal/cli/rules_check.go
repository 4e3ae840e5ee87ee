package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/rulecheck"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/term"
)

func (a *app) rulesTestCmd() *cobra.Command {
	var rounds int
	cmd := &cobra.Command{
		Use: "test [FILE]", Short: "Hold rules against their examples and near misses", Args: atMost(1),
		Long: `Makes texts of the templates that stand beside each rule (examples, misses) and looks whether
the rule finds them. Without FILE: our own rules. Exit code 1 when a rule is wrong.`,
		Example: "  secretguard rules test\n  secretguard rules test acme.toml",
		RunE: func(_ *cobra.Command, args []string) error {
			if rounds < 1 {
				return usagef("--rounds %d: give a number from 1 on", rounds)
			}
			return a.checkRules(args, func(set *match.Set, sheets []rulecheck.Sheet) []rulecheck.Result {
				return rulecheck.Run(set, sheets, rounds)
			})
		},
	}
	cmd.Flags().IntVar(&rounds, "rounds", 20, "how many texts are made of each template")
	return cmd
}

func (a *app) rulesLintCmd() *cobra.Command {
	var keys int
	cmd := &cobra.Command{
		Use: "lint [FILE]", Short: "Judge the form of rules, and how many real keys they lose", Args: atMost(1),
		Long: `Fails a rule without keywords, link, group, three examples or five near misses, and one whose
entropy floor loses more than 0.1 % of real keys, or more than it states. Without FILE: our own
rules. Exit code 1 when a rule is wrong.`,
		Example: "  secretguard rules lint acme.toml",
		RunE: func(_ *cobra.Command, args []string) error {
			if keys < 1 {
				return usagef("--keys %d: give a number from 1 on", keys)
			}
			return a.checkRules(args, func(set *match.Set, sheets []rulecheck.Sheet) []rulecheck.Result {
				return rulecheck.Lint(set, sheets, keys)
			})
		},
	}
	cmd.Flags().IntVar(&keys, "keys", 20_000, "how many keys are made to measure what an entropy floor loses")
	return cmd
}

// ruleCheckDoc is what became of one rule in JSON (docs/json.md).
type ruleCheckDoc struct {
	Schema   string   `json:"schema"`
	Rule     string   `json:"rule"`
	OK       bool     `json:"ok"`
	Examples int      `json:"examples"`
	Misses   int      `json:"misses"`
	Loss     float64  `json:"loss"`
	Faults   []string `json:"faults"`
}

func (a *app) checkRules(args []string, check func(*match.Set, []rulecheck.Sheet) []rulecheck.Result) error {
	set, sheets, err := readSheets(args)
	if err != nil {
		return usage(err)
	}
	wrong := 0
	for _, r := range check(set, sheets) {
		if len(r.Faults) > 0 {
			wrong++
		}
		if err := a.ruleCheck(r); err != nil {
			return err
		}
	}
	a.talk("%d rules, %d wrong", len(sheets), wrong)
	if wrong > 0 {
		return exitError{code: ExitFindings}
	}
	return nil
}

// readSheets loads our own rules, or a file's on top of them.
func readSheets(args []string) (*match.Set, []rulecheck.Sheet, error) {
	if len(args) == 0 {
		sheets, err := rulecheck.Builtin()
		if err != nil {
			return nil, nil, err
		}
		set, err := ruleset.Load(nil, "", nil)
		return set, sheets, err
	}
	data, err := os.ReadFile(args[0])
	if err != nil {
		return nil, nil, fmt.Errorf("read the rules: %w", err)
	}
	sheets, err := rulecheck.Read(data, args[0])
	if err != nil {
		return nil, nil, err
	}
	if len(sheets) == 0 {
		return nil, nil, fmt.Errorf("%s holds no rules", args[0])
	}
	set, err := ruleset.Load(data, args[0], os.ReadFile)
	return set, sheets, err
}

func (a *app) ruleCheck(r rulecheck.Result) error {
	if a.json {
		return a.encode(ruleCheckDoc{
			Schema: "secretguard.rule-check/1", Rule: r.Rule, OK: len(r.Faults) == 0,
			Examples: r.Examples, Misses: r.Misses, Loss: r.Loss, Faults: orEmpty(r.Faults),
		})
	}
	state := "ok"
	if len(r.Faults) > 0 {
		state = "WRONG"
	}
	line := fmt.Sprintf("%-5s %-30s", state, term.Clean(r.Rule))
	if r.Examples > 0 {
		line += fmt.Sprintf(" %6d examples, %5d near misses, not found %.4f %%", r.Examples, r.Misses, 100*r.Loss)
	}
	if err := a.line(line); err != nil {
		return err
	}
	for _, f := range r.Faults {
		if err := a.line("      " + string(term.Clean(f))); err != nil {
			return err
		}
	}
	return nil
}
