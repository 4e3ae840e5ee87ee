// Package match finds secrets in bytes: one pass of a filter over the raw bytes
// says where a rule can match at all, and only there, on a few hundred bytes, its
// regular expression runs. The semantics are those of gitleaks v8.
//
// Start with [Compile]; a [Finder] looks at texts, from one goroutine. For git,
// [Finder.FindDelta] looks only at what is new against a text seen before.
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
	"unicode/utf8"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan/match/allow"
	"github.com/secretguard/secretguard/internal/scan/match/filter"
	"github.com/secretguard/secretguard/internal/scan/match/plan"
)

// Rule is one rule as data.
type Rule struct {
	ID          string
	Description string
	Regex       string // RE2; empty for a rule about the path alone
	Path        string // RE2 over the path; empty for any
	SecretGroup int
	Entropy     float64
	Keywords    []string // lower case; empty means that every text is a candidate
	Allowlists  []Allowlist
	Tags        []string
	// Required are rules that must match nearby too, or this one does not count.
	Required []Required
	// SkipReport marks a rule that only serves as a Required of others.
	SkipReport bool

	// Ours. Kind is empty for a rule that only names a family of text.
	Kind     credential.Kind
	Part     credential.Part
	Severity string
	Link     string
	// Context marks a rule whose matches are no secrets: they tell what a key near
	// them opens.
	Context bool
	// Own marks a rule of our packs: it wins over gitleaks' rule for the same secret.
	Own bool
}

// Required names a rule that must match within so many lines and columns; a
// negative number is no limit.
type Required struct {
	Rule                       string
	WithinLines, WithinColumns int
}

// Allowlist says what a rule, or every rule, does not report.
type Allowlist = allow.List

// compiled is a rule with its expressions, compiled when first needed: a hook
// over ten lines must not pay for two hundred expressions.
type compiled struct {
	Rule

	plan     plan.Plan // anchors are set by Compile, the suffix by init
	anchored bool
	runs     plan.Runs // of a rule without an anchor
	inRuns   bool
	required []int32 // rules of Required
	// ungated are keywords of a rule without an anchor that the filter cannot find.
	ungated []string

	once   sync.Once
	re     *regexp.Regexp
	path   *regexp.Regexp
	allow  allow.Lists
	suffix *syntax.Regexp
}

func (c *compiled) init() {
	c.once.Do(func() {
		if c.Regex != "" {
			c.re = regexp.MustCompile(c.Regex) // Compile has parsed every expression before
			if p, err := syntax.Parse(c.Regex, syntax.Perl); err == nil {
				full, _ := plan.NewAnalyser().Analyse(p)
				c.suffix = full.Suffix
			}
		}
		if c.Path != "" {
			c.path = regexp.MustCompile(c.Path)
		}
		c.allow = allow.Compile(c.Allowlists)
	})
}

// Set is a compiled set of rules. It never changes and may be used from many
// goroutines.
type Set struct {
	rules    []*compiled
	filter   *filter.Filter
	whole    []int32 // rules without an anchor: they run over whole texts
	gates    []gate  // their keywords
	pathOnly []int32
	// names finds what paths alone are reported for; anyName means that it cannot.
	names   *filter.Filter
	anyName bool
	hash    string
	depth   int
	// around is how much of the text on both sides goes along when a line is
	// decoded: an expression may look at it.
	around int

	commits map[string]bool // named by any allowlist

	globalOnce sync.Once
	globalList []Allowlist
	globalAll  allow.Lists
}

// gate is a keyword of a rule without an anchor.
type gate struct{ rule int32 }

// DecodeDepth is how many times decoded text is decoded again: gitleaks' default.
const DecodeDepth = 5

// Compile checks every expression and builds the filter. An expression that does
// not parse is an error that names the rule; nothing panics later.
func Compile(rules []Rule, global []Allowlist) (*Set, error) {
	s := &Set{globalList: global, depth: DecodeDepth, around: 256, commits: map[string]bool{}}
	an := plan.NewAnalyser()
	index := map[string]int32{}
	for i, r := range rules {
		if _, ok := index[r.ID]; ok {
			return nil, fmt.Errorf("rule %s is defined twice", r.ID)
		}
		index[r.ID] = int32(i)
		c, err := compile(an, r)
		if err != nil {
			return nil, err
		}
		s.rules = append(s.rules, c)
	}
	for _, a := range global {
		if err := allow.Check(a); err != nil {
			return nil, fmt.Errorf("global allowlist: %w", err)
		}
	}
	s.named(global)
	for _, r := range rules {
		s.named(r.Allowlists)
	}
	if err := s.require(index); err != nil {
		return nil, err
	}
	s.buildFilter(an)
	b, err := json.Marshal([]any{rules, global, s.depth})
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
			s.commits[strings.ToLower(c)] = true
		}
	}
}

// NamesCommit reports whether some allowlist names the commit: only then does a
// commit change what At returns.
func (s *Set) NamesCommit(commit string) bool { return s.commits[strings.ToLower(commit)] }

func compile(an *plan.Analyser, r Rule) (*compiled, error) {
	c := &compiled{Rule: r}
	if r.Regex == "" && r.Path == "" {
		return nil, fmt.Errorf("rule %s has neither a regex nor a path", r.ID)
	}
	if r.SecretGroup < 0 {
		return nil, fmt.Errorf("rule %s: secretGroup %d is negative", r.ID, r.SecretGroup)
	}
	if r.Path != "" {
		if _, err := syntax.Parse(r.Path, syntax.Perl); err != nil {
			return nil, fmt.Errorf("rule %s: path: %w", r.ID, err)
		}
	}
	if r.Regex != "" {
		re, err := syntax.Parse(r.Regex, syntax.Perl)
		if err != nil {
			return nil, fmt.Errorf("rule %s: regex: %w", r.ID, err)
		}
		if r.SecretGroup > re.MaxCap() {
			return nil, fmt.Errorf("rule %s: secretGroup %d, the regex has %d groups", r.ID, r.SecretGroup, re.MaxCap())
		}
		if c.plan, c.anchored = an.Analyse(re); !c.anchored {
			c.runs, c.inRuns = plan.RunsOf(re)
		}
	}
	for _, a := range r.Allowlists {
		if err := allow.Check(a); err != nil {
			return nil, fmt.Errorf("rule %s: allowlist: %w", r.ID, err)
		}
	}
	return c, nil
}

func (s *Set) require(index map[string]int32) error {
	for _, c := range s.rules {
		for _, q := range c.Required {
			k, ok := index[q.Rule]
			if !ok {
				return fmt.Errorf("rule %s requires the rule %q, which does not exist", c.ID, q.Rule)
			}
			c.required = append(c.required, k)
		}
	}
	return nil
}

// buildFilter collects the anchors of all rules. A keyword of a rule without an
// anchor becomes an anchor of a gate; its number is behind those of the rules.
func (s *Set) buildFilter(an *plan.Analyser) {
	var anchors []plan.Anchor
	var owners []int32
	for i, c := range s.rules {
		switch {
		case c.Regex == "":
			s.pathOnly = append(s.pathOnly, int32(i))
		case c.anchored:
			s.around = max(s.around, c.plan.Back+plan.MaxAnchor)
			for _, a := range c.plan.Anchors {
				anchors, owners = append(anchors, a), append(owners, int32(i))
			}
		default:
			s.whole = append(s.whole, int32(i))
			for _, k := range c.Keywords {
				if a := an.Keyword(k); a != nil {
					anchors, owners = append(anchors, a), append(owners, int32(len(s.rules)+len(s.gates)))
					s.gates = append(s.gates, gate{int32(i)})
				} else {
					c.ungated = append(c.ungated, k)
				}
			}
		}
	}
	s.filter = filter.New(an, anchors, owners)
	s.buildNames(an)
}

// buildNames collects the anchors of the rules about paths. One with a slash in
// it does not stand in a name.
func (s *Set) buildNames(an *plan.Analyser) {
	an.Anywhere = true
	var anchors []plan.Anchor
	for _, i := range s.pathOnly {
		re, err := syntax.Parse(s.rules[i].Path, syntax.Perl)
		p, ok := plan.Plan{}, false
		if err == nil {
			p, ok = an.Analyse(re)
		}
		for _, a := range p.Anchors {
			for _, c := range a {
				ok = ok && !c.Has('/')
			}
		}
		s.anyName = s.anyName || !ok
		anchors = append(anchors, p.Anchors...)
	}
	if !s.anyName && len(anchors) > 0 {
		s.names = filter.New(an, anchors, make([]int32, len(anchors)))
	}
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

func (s *Set) global() allow.Lists {
	s.globalOnce.Do(func() { s.globalAll = allow.Compile(s.globalList) })
	return s.globalAll
}

// hasKeyword reports whether one of the keywords, which are lower case, occurs in
// the text in any case; without keywords every text does.
func hasKeyword(list []string, text string) bool {
	if len(list) == 0 {
		return true
	}
	if !isASCII(text) { // other alphabets have cases too, and K may be the sign for kelvin
		text = strings.ToLower(text)
	}
	return slices.ContainsFunc(list, func(k string) bool { return containsFold(text, k) })
}

// containsFold reports whether word, which is lower case, occurs in text with
// ASCII letters folded.
func containsFold(text, word string) bool {
	if word == "" {
		return true
	}
	if !isASCII(word) {
		return strings.Contains(strings.ToLower(text), word)
	}
	first := string([]byte{word[0], strings.ToUpper(word[:1])[0]})
	for {
		i := strings.IndexAny(text, first)
		if i < 0 || len(text)-i < len(word) {
			return false
		}
		if strings.EqualFold(text[i:i+len(word)], word) {
			return true
		}
		text = text[i+1:]
	}
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
