// Package gitleaks is the only importer of gitleaks v8: its default rules, its
// configuration format and its decoders come in here and leave as our own types.
//
// The configuration is parsed here rather than by gitleaks' own loader, which
// keeps state in package variables (a second configuration in one process is
// read differently) and panics on a regular expression that does not parse.
package gitleaks

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/zricethezav/gitleaks/v8/config"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan/match"
)

// Config is a gitleaks configuration in our types.
type Config struct {
	Rules  []match.Rule
	Global []match.Allowlist
}

type document struct {
	Title       string      `toml:"title"`
	MinVersion  string      `toml:"minVersion"`
	Description string      `toml:"description"`
	Extend      extend      `toml:"extend"`
	Rules       []rule      `toml:"rules"`
	Allowlist   *allowlist  `toml:"allowlist"`
	Allowlists  []allowlist `toml:"allowlists"`

	// betterleaks'.
	Filter    string `toml:"filter"`
	Prefilter string `toml:"prefilter"`
}

type extend struct {
	UseDefault    bool     `toml:"useDefault"`
	Path          string   `toml:"path"`
	URL           string   `toml:"url"`
	DisabledRules []string `toml:"disabledRules"`
}

type rule struct {
	ID          string      `toml:"id"`
	Description string      `toml:"description"`
	Regex       string      `toml:"regex"`
	Path        string      `toml:"path"`
	SecretGroup int         `toml:"secretGroup"`
	Entropy     float64     `toml:"entropy"`
	Keywords    []string    `toml:"keywords"`
	Tags        []string    `toml:"tags"`
	SkipReport  bool        `toml:"skipReport"`
	Allowlist   *allowlist  `toml:"allowlist"`
	Allowlists  []allowlist `toml:"allowlists"`
	Required    []required  `toml:"required"`

	// Ours; gitleaks ignores what it does not know.
	Kind     string `toml:"kind"`
	Part     string `toml:"part"`
	Severity string `toml:"severity"`
	Link     string `toml:"link"`
	Context  bool   `toml:"context"`

	// betterleaks'.
	Filter   string `toml:"filter"`
	Validate string `toml:"validate"`
}

type required struct {
	ID            string `toml:"id"`
	WithinLines   *int   `toml:"withinLines"`
	WithinColumns *int   `toml:"withinColumns"`
}

type allowlist struct {
	ID          string   `toml:"id"`
	Description string   `toml:"description"`
	Condition   string   `toml:"condition"`
	Commits     []string `toml:"commits"`
	Paths       []string `toml:"paths"`
	RegexTarget string   `toml:"regexTarget"`
	Regexes     []string `toml:"regexes"`
	StopWords   []string `toml:"stopwords"`
	TargetRules []string `toml:"targetRules"`
}

// Default returns gitleaks' built-in rules.
func Default() (Config, error) { return Parse([]byte(config.DefaultConfig), "gitleaks default", nil) }

// maxExtend is how deep one configuration may extend another, as in gitleaks.
const maxExtend = 2

// Reader reads a file that a configuration extends.
type Reader func(path string) ([]byte, error)

// Parse reads a configuration. name is used in errors, and relative paths in
// [extend] start from its folder; without a reader it may not extend a file.
// Expressions are checked when they are compiled, by match.Compile.
func Parse(data []byte, name string, read Reader) (Config, error) { return parse(data, name, 0, read) }

func parse(data []byte, name string, depth int, read Reader) (Config, error) {
	var doc document
	if err := toml.Unmarshal(data, &doc); err != nil {
		var d *toml.DecodeError
		if errors.As(err, &d) {
			line, col := d.Position()
			return Config{}, fmt.Errorf("%s:%d:%d: %w", name, line, col, err)
		}
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	base, err := extended(doc.Extend, name, depth, read)
	if err != nil {
		return Config{}, err
	}
	base.Rules = slices.DeleteFunc(base.Rules, func(r match.Rule) bool { return slices.Contains(doc.Extend.DisabledRules, r.ID) })
	var refused []refusal // all of them: whoever mends the file wants to do it once
	seen := map[string]bool{}
	for _, r := range doc.Rules {
		if seen[r.ID] { // it would change the first one, and find less than its author thinks
			return base, fmt.Errorf("%s: the rule id %s is given twice; rename one of them", name, r.ID)
		}
		seen[r.ID] = true
		err := base.add(r, name)
		switch {
		case errors.Is(err, errFilter):
			refused = append(refused, refusal{r.ID, err})
		case err != nil:
			return base, err
		}
	}
	if err := explain(refused); err != nil {
		return base, err
	}
	return base, base.allow(doc, name)
}

func extended(e extend, name string, depth int, read Reader) (Config, error) {
	switch {
	case !e.UseDefault && e.Path == "" && e.URL == "":
		return Config{}, nil
	case depth >= maxExtend:
		return Config{}, fmt.Errorf("%s: [extend] goes deeper than %d files", name, maxExtend)
	case e.URL != "":
		return Config{}, fmt.Errorf("%s: [extend] url is not supported: download the file and use path", name)
	case e.UseDefault && e.Path != "":
		return Config{}, fmt.Errorf("%s: [extend] has both useDefault and path; choose one", name)
	case e.UseDefault:
		return parse([]byte(config.DefaultConfig), "gitleaks default", depth+1, read)
	}
	path := e.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(name), path)
	}
	if read == nil {
		return Config{}, fmt.Errorf("%s: [extend] path: no file can be read here", name)
	}
	data, err := read(path)
	if err != nil {
		return Config{}, fmt.Errorf("%s: [extend] path %q: %w", name, e.Path, err)
	}
	return parse(data, path, depth+1, read)
}

// add adds a rule, or changes the one of the same id that was extended: only
// what the newer one sets is replaced, and allowlists add up.
func (c *Config) add(r rule, name string) error {
	if r.ID == "" {
		return fmt.Errorf("%s: a rule has no id", name)
	}
	i := slices.IndexFunc(c.Rules, func(o match.Rule) bool { return o.ID == r.ID })
	if i < 0 {
		c.Rules = append(c.Rules, match.Rule{ID: r.ID})
		i = len(c.Rules) - 1
	}
	m := &c.Rules[i]
	set(&m.Description, r.Description)
	set(&m.Regex, r.Regex)
	set(&m.Path, r.Path)
	set(&m.SecretGroup, r.SecretGroup)
	set(&m.Entropy, r.Entropy)
	set(&m.Severity, r.Severity)
	set(&m.Link, r.Link)
	set(&m.Kind, credential.Kind(r.Kind))
	set(&m.Part, credential.Part(r.Part))
	set(&m.SkipReport, r.SkipReport)
	set(&m.Context, r.Context)
	for _, q := range r.Required {
		m.Required = append(m.Required, match.Required{Rule: q.ID, WithinLines: limit(q.WithinLines), WithinColumns: limit(q.WithinColumns)})
	}
	m.Tags = append(m.Tags, r.Tags...)
	for _, k := range r.Keywords {
		m.Keywords = append(m.Keywords, strings.ToLower(k))
	}
	if err := r.unsupported(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if r.Filter != "" {
		f, err := parseFilter(r.Filter)
		if err != nil {
			return fmt.Errorf("%s: rule %s: filter: %w", name, r.ID, err)
		}
		set(&m.Entropy, f.entropy)
		m.Allowlists = append(m.Allowlists, f.lists...)
	}
	lists := r.Allowlists
	if r.Allowlist != nil {
		lists = append(lists, *r.Allowlist)
	}
	for _, a := range lists {
		x, err := a.convert(name)
		if err != nil {
			return fmt.Errorf("rule %s: %w", r.ID, err)
		}
		m.Allowlists = append(m.Allowlists, x)
	}
	return nil
}

// limit turns an absent number into no limit.
func limit(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

func set[T comparable](into *T, v T) {
	var zero T
	if v != zero {
		*into = v
	}
}

// allow adds the allowlists that stand outside rules: for every rule, or for
// those that targetRules names.
func (c *Config) allow(doc document, name string) error {
	for what, text := range map[string]string{"filter": doc.Filter, "prefilter": doc.Prefilter} {
		if text == "" {
			continue
		}
		f, err := parseFilter(text)
		if err == nil && f.entropy > 0 {
			err = fmt.Errorf("an entropy floor for every rule is %w", errFilter)
		}
		if err != nil {
			return fmt.Errorf("%s: %s for every rule: %w", name, what, err)
		}
		c.Global = append(c.Global, f.lists...)
	}
	lists := doc.Allowlists
	if doc.Allowlist != nil {
		lists = append(lists, *doc.Allowlist)
	}
	for _, a := range lists {
		x, err := a.convert(name)
		if err != nil {
			return err
		}
		if len(a.TargetRules) == 0 {
			c.Global = append(c.Global, x)
			continue
		}
		for _, id := range a.TargetRules {
			i := slices.IndexFunc(c.Rules, func(r match.Rule) bool { return r.ID == id })
			if i < 0 {
				return fmt.Errorf("%s: an allowlist targets the rule %q, which does not exist", name, id)
			}
			c.Rules[i].Allowlists = append(c.Rules[i].Allowlists, x)
		}
	}
	return nil
}

func (a allowlist) convert(name string) (match.Allowlist, error) {
	out := match.Allowlist{Paths: a.Paths, Regexes: a.Regexes, StopWords: a.StopWords, RegexTarget: strings.ToLower(a.RegexTarget)}
	for _, c := range a.Commits {
		out.Commits = append(out.Commits, strings.ToLower(strings.TrimSpace(c)))
	}
	switch strings.ToUpper(a.Condition) {
	case "", "OR", "||":
	case "AND", "&&":
		out.All = true
	default:
		return out, fmt.Errorf("%s: allowlist condition %q: use AND or OR", name, a.Condition)
	}
	if !slices.Contains([]string{"", "secret", "match", "line"}, out.RegexTarget) {
		return out, fmt.Errorf("%s: allowlist regexTarget %q: use secret, match or line", name, a.RegexTarget)
	}
	if len(a.Commits)+len(a.Paths)+len(a.Regexes)+len(a.StopWords) == 0 {
		return out, fmt.Errorf("%s: an allowlist without commits, paths, regexes or stopwords allows nothing", name)
	}
	return out, nil
}
