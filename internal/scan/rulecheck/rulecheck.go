// Package rulecheck judges rules by what stands beside them in their file: templates
// of texts that a rule must find and of near misses that it must not, and how many
// real keys it may lose.
//
// Start with [Read], then [Run] and [Lint].
package rulecheck

import (
	"fmt"
	"slices"

	"github.com/pelletier/go-toml/v2"

	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/sample"
	"github.com/secretguard/secretguard/rules"
)

// Sheet is what a file says about one rule besides the rule itself.
type Sheet struct {
	Rule     string   `toml:"id"`
	Examples []string `toml:"examples"` // templates of package sample
	Misses   []string `toml:"misses"`
	// Loss is the share of real keys, from 0 to 1, that the rule may fail to report
	// because of its entropy floor and its allowlists; nil when none is stated.
	Loss *float64 `toml:"loss"`
}

// Read returns the sheets of a rule file, in its order. name is used in errors.
func Read(data []byte, name string) ([]Sheet, error) {
	var doc struct {
		Rules []Sheet `toml:"rules"`
	}
	if err := toml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return doc.Rules, nil
}

// Builtin returns the sheets of our own packs.
func Builtin() ([]Sheet, error) {
	var all []Sheet
	for _, p := range rules.Packs() {
		list, err := Read(p.Data, "rules/"+p.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// Result is what became of one rule. It holds no text that was made.
type Result struct {
	Rule     string
	Examples int // texts that were looked at, all of them made up
	Misses   int
	Faults   []string
	// Loss is the measured share of examples that the rule did not report.
	Loss float64
}

// Run makes so many texts of each template and holds the rules against them. The
// same rules give the same texts in every run.
func Run(set *match.Set, sheets []Sheet, rounds int) []Result {
	finder := set.Finder()
	out := make([]Result, 0, len(sheets))
	for _, s := range sheets {
		r := Result{Rule: s.Rule}
		lost := 0
		for i, text := range s.Examples {
			n, wrong := each(finder, set, s.Rule, text, i, rounds, true, &r)
			r.Examples += n
			lost += wrong
		}
		if r.Examples > 0 {
			r.Loss = float64(lost) / float64(r.Examples)
		}
		for i, text := range s.Misses {
			n, _ := each(finder, set, s.Rule, text, i, rounds, false, &r)
			r.Misses += n
		}
		out = append(out, r)
	}
	return out
}

// each makes the texts of a template; it returns how many there were and on how
// many the rule was wrong. One fault is written down for each template.
func each(f *match.Finder, set *match.Set, rule, template string, i, times int, want bool, r *Result) (n, wrong int) {
	word := map[bool]string{true: "example", false: "near miss"}[want]
	t, err := sample.Parse(template)
	if err != nil {
		r.Faults = append(r.Faults, fmt.Sprintf("%s %d: %v", word, i+1, err))
		return 0, 0
	}
	if !t.Random() {
		times = 1
	}
	source := sample.Source(rule + " " + template)
	for range times {
		n++
		if reports(f, set, rule, t.Make(source)) != want {
			wrong++
		}
	}
	switch {
	case want && wrong > n/10: // a few may be lost to the entropy floor: see Lint
		r.Faults = append(r.Faults, fmt.Sprintf("example %d is not found (%d of %d): %s", i+1, wrong, n, template))
	case !want && wrong > 0:
		r.Faults = append(r.Faults, fmt.Sprintf("near miss %d is reported (%d of %d): %s", i+1, wrong, n, template))
	}
	return n, wrong
}

// path is where the texts stand, as far as a rule can see.
const path = "config/app.txt"

func reports(f *match.Finder, set *match.Set, rule, text string) bool {
	b := []byte(text)
	return slices.ContainsFunc(set.At(f.Settle(b, f.Find(b)), path, ""), func(m match.Match) bool { return m.Rule.ID == rule })
}
