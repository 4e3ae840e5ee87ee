package cli

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/term"
)

// targetConfig loads the configuration that holds for a target: the user's, and
// what the target may say for itself.
func (a *app) targetConfig(target string) (config.Config, error) {
	cfg, err := config.Load(config.Options{Target: target, Explicit: a.configPath, Env: a.Env, Providers: all.EndpointNames()})
	switch {
	case errors.Is(err, config.ErrTarget): // not the configuration is wrong: nothing of the target can be seen
		return cfg, problem{code: ExitIncomplete, err: err, try: "run as a user who may read it"}
	case err != nil:
		return cfg, a.badConfig(err, target)
	}
	if a.verbose {
		for _, f := range cfg.Files {
			a.talk("config: %s (%s)", term.Clean(f.Path), f.Trust)
		}
	}
	return cfg, nil
}

// badConfig adds how to see whether a mistake in the configuration is mended.
func (a *app) badConfig(err error, target string) error {
	check := "secretguard config validate"
	if a.configPath != "" {
		check += " -c " + shellWord(a.configPath)
	}
	if target != "." {
		check += " " + shellWord(target)
	}
	return problem{code: ExitUsage, err: err, try: "correct it, then: " + check}
}

func (a *app) configCmd() *cobra.Command {
	target := func(args []string) string {
		if len(args) == 1 {
			return args[0]
		}
		return "."
	}
	return group("config", "Show and check the configuration", &cobra.Command{
		Use: "validate [TARGET]", Short: "Check the configuration that holds for a target", Args: atMost(1),
		Example: `  secretguard config validate
  secretguard config validate ~/src/shop --config mine.toml`,
		RunE: func(_ *cobra.Command, args []string) error { return a.configValidate(target(args)) },
	}, &cobra.Command{
		Use: "show [TARGET]", Short: "Where settings come from, and what holds for a target", Args: atMost(1),
		Long: `Names the files that are read for a target, whose words they are, and what they set. A file in
the scanned repository may bring rules and lower limits; endpoints come from the user only.`,
		Example: "  secretguard config show ~/src/shop",
		RunE:    func(_ *cobra.Command, args []string) error { return a.configShow(target(args)) },
	})
}

// configDoc is the configuration in JSON (docs/json.md).
type configDoc struct {
	Schema             string       `json:"schema"`
	Files              []configFile `json:"files"`
	UserFile           string       `json:"user_file"`
	StateFolder        string       `json:"state_folder"`
	JournalIdentity    string       `json:"journal_identity"`
	Rules              string       `json:"rules"`
	MaxTargetMegabytes int          `json:"max_target_megabytes"`
	Endpoints          []endpoint   `json:"endpoints"`
	Consumers          []consumer   `json:"consumers"`
}

// consumer is one that the configuration declares.
type consumer struct {
	Name  string `json:"name"`
	Where string `json:"where"`
}

type configFile struct {
	Path  string `json:"path"`
	Trust string `json:"trust"`
}

type endpoint struct {
	Provider string `json:"provider"`
	BaseURL  string `json:"base_url"`
	Private  bool   `json:"allow_private"`
}

func (a *app) configDoc(target string) (configDoc, error) {
	cfg, err := a.targetConfig(target)
	if err != nil {
		return configDoc{}, err
	}
	if _, err := loadRules(cfg); err != nil {
		return configDoc{}, a.badConfig(err, target)
	}
	d := configDoc{
		Schema: "secretguard.config/1", Files: []configFile{}, UserFile: config.UserFile(a.Env), Rules: "built in", JournalIdentity: cmp.Or(cfg.Journal.Identity, string(journal.InFile)),
		MaxTargetMegabytes: cfg.Scan.MaxTargetMegabytes, Endpoints: []endpoint{}, Consumers: []consumer{},
	}
	if dir, err := config.StateDir(a.Env); err == nil { // none is fine until something is rotated
		d.StateFolder = dir
	}
	if cfg.Rules != nil {
		d.Rules = cfg.Rules.Path
	}
	for _, f := range cfg.Files {
		d.Files = append(d.Files, configFile{f.Path, f.Trust.String()})
	}
	for _, c := range cfg.Consumers {
		d.Consumers = append(d.Consumers, consumer{c.Name, c.Where})
	}
	for _, name := range all.EndpointNames() {
		if p := cfg.Provider(name); p.BaseURL != "" || p.AllowPrivate {
			d.Endpoints = append(d.Endpoints, endpoint{name, p.BaseURL, p.AllowPrivate})
		}
	}
	return d, nil
}

func (a *app) configValidate(target string) error {
	d, err := a.configDoc(target)
	if err != nil {
		return err
	}
	if a.json {
		return a.encode(d)
	}
	for _, f := range d.Files {
		if err := a.line(fmt.Sprintf("ok  %s (%s)", term.Clean(f.Path), f.Trust)); err != nil {
			return err
		}
	}
	return a.line(fmt.Sprintf("%d configuration files, no mistakes", len(d.Files)))
}

func (a *app) configShow(target string) error {
	d, err := a.configDoc(target)
	if err != nil {
		return err
	}
	if a.json {
		return a.encode(d)
	}
	rows := []string{"rules         " + d.Rules, "your own file " + orNone(d.UserFile), "state folder  " + orNone(d.StateFolder), "identity      " + d.JournalIdentity + " (of a new journal)"}
	if d.MaxTargetMegabytes > 0 {
		rows = append(rows, fmt.Sprintf("largest file  %d MB", d.MaxTargetMegabytes))
	}
	for _, f := range d.Files {
		rows = append(rows, fmt.Sprintf("read          %s (%s)", f.Path, f.Trust))
	}
	for _, e := range d.Endpoints {
		row := fmt.Sprintf("endpoint      %s: %s", e.Provider, orNone(e.BaseURL))
		if e.Private {
			row += " (private addresses allowed)"
		}
		rows = append(rows, row)
	}
	for _, c := range d.Consumers {
		rows = append(rows, fmt.Sprintf("consumer      %s (%s)", c.Name, c.Where))
	}
	for _, r := range rows {
		if err := a.line(string(term.Clean(r))); err != nil {
			return err
		}
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
