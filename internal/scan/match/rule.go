// Package match finds secrets in bytes: one pass of a literal prefilter over the
// raw bytes says which rules can match at all, and only their regular
// expressions run. The semantics are those of gitleaks v8.
package match

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"github.com/secretguard/secretguard/internal/credential"
)

// Rule is one rule as data.
type Rule struct {
	ID          string
	Description string
	Regex       string // RE2; empty for a rule about the path alone
	Path        string // RE2 over the path; empty for any
	SecretGroup int
	Entropy     float64
	Keywords    []string // lower case; empty means that every fragment is a candidate
	Allowlists  []Allowlist
	Tags        []string

	// Ours. Kind is empty for a rule that only names a family of text.
	Kind     credential.Kind
	Part     credential.Part
	Severity string
	Link     string
	// Own marks a rule of our packs: it wins over gitleaks' rule for the same secret.
	Own bool
}

// Allowlist says what a rule, or every rule, does not report.
type Allowlist struct {
	All         bool // every given condition must hold; else one is enough
	Commits     []string
	Paths       []string // RE2
	Regexes     []string // RE2
	RegexTarget string   // "secret" (default), "match", "line"
	StopWords   []string
}

// compiled is a rule with its expressions, compiled when first needed: a hook
// over ten lines must not pay for two hundred expressions.
type compiled struct {
	Rule

	once  sync.Once
	re    *regexp.Regexp
	path  *regexp.Regexp
	allow []allow
}

type allow struct {
	Allowlist

	paths, regexes []*regexp.Regexp
}

func (c *compiled) init() {
	c.once.Do(func() {
		if c.Regex != "" {
			c.re = regexp.MustCompile(c.Regex) // Compile has parsed every expression before
		}
		if c.Path != "" {
			c.path = regexp.MustCompile(c.Path)
		}
		c.allow = compileAllow(c.Allowlists)
	})
}

func compileAllow(list []Allowlist) []allow {
	out := make([]allow, 0, len(list))
	for _, a := range list {
		x := allow{Allowlist: a}
		for _, p := range a.Paths {
			x.paths = append(x.paths, regexp.MustCompile(p))
		}
		for _, p := range a.Regexes {
			x.regexes = append(x.regexes, regexp.MustCompile(p))
		}
		out = append(out, x)
	}
	return out
}

// Decoder finds encoded text (base64, hex, percent, unicode escapes) and returns
// it decoded, with where it came from. Decode may be called from many goroutines.
type Decoder interface {
	Decode(data string) []Decoded
}

// Decoded is one pass of decoding over a whole text.
type Decoded struct {
	Text string
	// Origin maps a range of Text to the range of the original text that it came
	// from, and tells whether the range holds any decoded text.
	Origin func(start, end int) (s, e int, decoded bool)
	Tags   func(start, end int) []string
}

// Set is a compiled set of rules. It never changes and may be used from many
// goroutines.
type Set struct {
	rules   []*compiled
	global  []allow
	filter  *prefilter
	always  []int // rules without keywords
	hash    string
	decoder Decoder
	onceAll sync.Once
	allow   []Allowlist
	commits map[string]bool // named by any allowlist
}

// Compile checks every expression and builds the prefilter. An expression that
// does not parse is an error that names the rule; nothing panics later.
func Compile(rules []Rule, global []Allowlist, d Decoder) (*Set, error) {
	s := &Set{decoder: d, allow: global, commits: map[string]bool{}}
	seen := map[string]bool{}
	for _, r := range rules {
		if seen[r.ID] {
			return nil, fmt.Errorf("rule %s is defined twice", r.ID)
		}
		seen[r.ID] = true
		if err := check(r); err != nil {
			return nil, err
		}
		s.rules = append(s.rules, &compiled{Rule: r})
	}
	for _, a := range global {
		if err := checkAllow(a); err != nil {
			return nil, fmt.Errorf("global allowlist: %w", err)
		}
	}
	s.named(global)
	for _, r := range rules {
		s.named(r.Allowlists)
	}
	words := map[string][]int{}
	for i, r := range s.rules {
		for _, k := range r.Keywords {
			words[strings.ToLower(k)] = append(words[strings.ToLower(k)], i)
		}
		if len(r.Keywords) == 0 {
			s.always = append(s.always, i)
		}
	}
	s.filter = newPrefilter(words)
	b, err := json.Marshal([]any{rules, global})
	if err != nil {
		return nil, fmt.Errorf("hash the rules: %w", err)
	}
	sum := sha256.Sum256(b)
	s.hash = "sha256:" + hex.EncodeToString(sum[:])
	return s, nil
}

func (s *Set) named(list []Allowlist) {
	for _, a := range list {
		for _, c := range a.Commits {
			s.commits[c] = true
		}
	}
}

// NamesCommit reports whether some allowlist names the commit: only then does a
// fragment's commit change what Scan returns.
func (s *Set) NamesCommit(commit string) bool { return s.commits[strings.ToLower(commit)] }

func check(r Rule) error {
	for what, expr := range map[string]string{"regex": r.Regex, "path": r.Path} {
		if _, err := regexp.Compile(expr); err != nil {
			return fmt.Errorf("rule %s: %s: %w", r.ID, what, err)
		}
	}
	if r.Regex == "" && r.Path == "" {
		return fmt.Errorf("rule %s has neither a regex nor a path", r.ID)
	}
	if r.SecretGroup < 0 {
		return fmt.Errorf("rule %s: secretGroup %d is negative", r.ID, r.SecretGroup)
	}
	if r.Regex != "" {
		if p, err := syntax.Parse(r.Regex, syntax.Perl); err == nil && r.SecretGroup > p.MaxCap() {
			return fmt.Errorf("rule %s: secretGroup %d, the regex has %d groups", r.ID, r.SecretGroup, p.MaxCap())
		}
	}
	for _, a := range r.Allowlists {
		if err := checkAllow(a); err != nil {
			return fmt.Errorf("rule %s: allowlist: %w", r.ID, err)
		}
	}
	return nil
}

func checkAllow(a Allowlist) error {
	for _, expr := range slices.Concat(a.Paths, a.Regexes) {
		if _, err := regexp.Compile(expr); err != nil {
			return err
		}
	}
	return nil
}

// Hash identifies the rules, so that a cache knows when they changed.
func (s *Set) Hash() string { return s.hash }

// Rules returns the rules as data, in their order.
func (s *Set) Rules() []Rule {
	out := make([]Rule, len(s.rules))
	for i, r := range s.rules {
		out[i] = r.Rule
	}
	return out
}
