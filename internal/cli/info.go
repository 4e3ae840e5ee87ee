package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/term"
)

// targetConfig loads the configuration that holds for a target: the user's, and
// what the target may say for itself.
func (a *app) targetConfig(target string) (config.Config, error) {
	cfg, err := config.Load(config.Options{Target: target, Explicit: a.configPath, Env: a.Env, Providers: all.Names()})
	if err != nil {
		return cfg, usage(err)
	}
	if a.verbose {
		for _, f := range cfg.Files {
			a.talk("config: %s (%s)", term.Clean(f.Path), f.Trust)
		}
	}
	return cfg, nil
}

// loadRules compiles the rules that a configuration asks for.
func loadRules(cfg config.Config) (*match.Set, error) {
	if cfg.Rules == nil {
		return ruleset.Load(nil, "", nil)
	}
	return ruleset.Load(cfg.Rules.Data, cfg.Rules.Path, cfg.Rules.Read)
}

func (a *app) rulesCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rules", Short: "The rules that a scan uses",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "One line for each rule", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := a.targetConfig(".")
			if err != nil {
				return err
			}
			set, err := loadRules(cfg)
			if err != nil {
				return usage(err)
			}
			for _, r := range set.Rules() {
				if err := a.line(fmt.Sprintf("%-40s %-26s %s", r.ID, r.Kind, term.Clean(r.Description))); err != nil {
					return err
				}
			}
			a.talk("%d rules, %s", len(set.Rules()), set.Hash())
			return nil
		},
	})
	return cmd
}

func (a *app) providersCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "providers", Short: "What each provider can do, needs and cannot do",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "One line for each provider", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			w, err := a.connect()
			if err != nil {
				return err
			}
			for _, d := range all.Descriptors() {
				state := "configured"
				if _, ok := w.registry.Get(d.Name); !ok {
					state = "not configured"
				}
				roles := make([]string, len(d.Roles))
				for i, r := range d.Roles {
					roles[i] = string(r)
				}
				if err := a.line(fmt.Sprintf("%-10s %-12s %-15s %s", d.Name, strings.Join(roles, "+"), state, d.Title)); err != nil {
					return err
				}
			}
			return nil
		},
	}, &cobra.Command{
		Use: "show NAME", Short: "Settings, rights, limits and links of one provider", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			list := all.Descriptors()
			i := slices.IndexFunc(list, func(d providers.Descriptor) bool { return d.Name == args[0] })
			if i < 0 {
				return problem{code: ExitUsage, err: fmt.Errorf("no provider %q", args[0]), try: "secretguard providers list"}
			}
			if a.json {
				return json.NewEncoder(a.Out).Encode(list[i])
			}
			return a.showProvider(list[i])
		},
	})
	return cmd
}

func (a *app) showProvider(d providers.Descriptor) error {
	var b strings.Builder
	section := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, l := range lines {
			fmt.Fprintf(&b, "  %s\n", l)
		}
	}
	fmt.Fprintf(&b, "%s (%s)\n", d.Title, d.Name)
	var settings []string
	for _, s := range d.Settings {
		need := "optional"
		if s.Required {
			need = "required"
		}
		line := fmt.Sprintf("%-24s %s; %s", s.Env, need, s.Help)
		if s.Secret {
			line += fmt.Sprintf(" (or the path of a file in %s_FILE)", s.Env)
		}
		settings = append(settings, line)
	}
	section("Settings", settings)
	section("Least rights", d.Permissions)
	section("Limits", d.Limits)
	section("Links", d.Links)
	return a.line(strings.TrimRight(b.String(), "\n"))
}

func (a *app) configCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "config", Short: "Show and check the configuration",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use: "validate [TARGET]", Short: "Check the configuration that holds for a target", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			target := "."
			if len(args) == 1 {
				target = args[0]
			}
			cfg, err := a.targetConfig(target)
			if err != nil {
				return err
			}
			if _, err := loadRules(cfg); err != nil {
				return usage(err)
			}
			for _, f := range cfg.Files {
				if err := a.line(fmt.Sprintf("ok  %s (%s)", term.Clean(f.Path), f.Trust)); err != nil {
					return err
				}
			}
			return a.line(fmt.Sprintf("%d configuration files, no mistakes", len(cfg.Files)))
		},
	})
	return cmd
}
