package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/term"
)

// loadRules compiles the rules that a configuration asks for.
func loadRules(cfg config.Config) (*match.Set, error) {
	if cfg.Rules == nil {
		return ruleset.Load(nil, "", nil)
	}
	return ruleset.Load(cfg.Rules.Data, cfg.Rules.Path, cfg.Rules.Read)
}

// rulesHere loads the rules that a scan of the current folder would use.
func (a *app) rulesHere() (*match.Set, error) {
	cfg, err := a.targetConfig(".")
	if err != nil {
		return nil, err
	}
	set, err := loadRules(cfg)
	if err != nil {
		return nil, a.badConfig(err, ".")
	}
	return set, nil
}

func (a *app) rulesCmd() *cobra.Command {
	return group("rules", "The rules that a scan uses", &cobra.Command{
		Use: "list", Short: "One line for each rule", Args: atMost(0),
		Long: `Lists the rules that a scan of the current folder would use: our own, gitleaks' defaults, or
those of a configuration.`,
		Example: `  secretguard rules list
  secretguard rules list --config .gitleaks.toml --json`,
		RunE: func(*cobra.Command, []string) error { return a.rulesList() },
	}, &cobra.Command{
		Use: "show RULE", Short: "Everything about one rule", Args: exactly("RULE"),
		Example: "  secretguard rules show stripe-secret-key",
		RunE:    func(_ *cobra.Command, args []string) error { return a.rulesShow(args[0]) },
	}, a.rulesTestCmd(), a.rulesLintCmd())
}

// ruleDoc is a rule in JSON (docs/json.md).
type ruleDoc struct {
	Schema      string   `json:"schema"`
	ID          string   `json:"id"`
	Description string   `json:"description"`
	Kind        string   `json:"kind"`
	Part        string   `json:"part"`
	Severity    string   `json:"severity"`
	Own         bool     `json:"own"`
	Regex       string   `json:"regex"`
	Path        string   `json:"path"`
	Keywords    []string `json:"keywords"`
	Entropy     float64  `json:"entropy"`
	Tags        []string `json:"tags"`
	Link        string   `json:"link"`
	Verified    []string `json:"verified"`
}

func newRuleDoc(r match.Rule) ruleDoc {
	return ruleDoc{
		Schema: "secretguard.rule/1", ID: r.ID, Description: r.Description, Kind: string(r.Kind), Part: string(r.Part), Severity: r.Severity,
		Own: r.Own, Regex: r.Regex, Path: r.Path, Keywords: orEmpty(r.Keywords), Entropy: r.Entropy, Tags: orEmpty(r.Tags), Link: r.Link,
		Verified: orEmpty(verified(r.Kind)),
	}
}

func (a *app) rulesList() error {
	set, err := a.rulesHere()
	if err != nil {
		return err
	}
	for _, r := range set.Rules() {
		if a.json {
			err = a.encode(newRuleDoc(r))
		} else {
			err = a.line(fmt.Sprintf("%-40s %-26s %s", r.ID, r.Kind, term.Clean(r.Description)))
		}
		if err != nil {
			return err
		}
	}
	a.talk("%d rules, %s", len(set.Rules()), set.Hash())
	return nil
}

func (a *app) rulesShow(id string) error {
	set, err := a.rulesHere()
	if err != nil {
		return err
	}
	var ids []string
	for _, r := range set.Rules() {
		if r.ID != id {
			ids = append(ids, r.ID)
			continue
		}
		if a.json {
			return a.encode(newRuleDoc(r))
		}
		return a.line(describeRule(r))
	}
	return unknown("rule", id, ids, "secretguard rules list")
}

// verified says how keys of a kind are asked about, or why they are not.
func verified(k credential.Kind) []string {
	var out []string
	for _, d := range all.Descriptors() {
		if slices.Contains(d.Kinds, k) && d.VerifyCall != "" {
			out = append(out, d.Title+", "+d.VerifyCall)
		}
	}
	for _, w := range probe.Ways() {
		if w.Kind != k {
			continue
		}
		line := w.Who + ", " + w.Call
		if w.Why != "" {
			line = "not asked: " + w.Why
		}
		if w.What != "" {
			line = w.What + ": " + line
		}
		out = append(out, line)
	}
	return out
}

func describeRule(r match.Rule) string {
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-12s %s\n", name, term.Clean(value))
		}
	}
	row("rule", r.ID)
	row("finds", r.Description)
	from := "gitleaks' default rules, or a configuration"
	if r.Own {
		from = "our own rules (rules/)"
	}
	row("from", from)
	row("kind", string(r.Kind))
	row("part", string(r.Part))
	row("severity", r.Severity)
	row("keywords", strings.Join(r.Keywords, ", "))
	if r.Entropy > 0 {
		row("entropy", fmt.Sprintf("at least %g bits a character", r.Entropy))
	}
	row("regex", r.Regex)
	row("path", r.Path)
	row("tags", strings.Join(r.Tags, ", "))
	row("link", r.Link)
	for _, w := range verified(r.Kind) {
		row("verified", w)
	}
	return strings.TrimRight(b.String(), "\n")
}
