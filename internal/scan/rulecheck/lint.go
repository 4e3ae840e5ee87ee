package rulecheck

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/sample"
)

// What a rule must have, and MaxLoss, the largest share of real keys that it may
// lose: one of a thousand.
const (
	MinExamples = 3
	MinMisses   = 5
	MaxLoss     = 0.001
)

var (
	ruleID     = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)+$`)
	severities = []string{"critical", "high", "medium", "low", "info"}
)

// Lint says what is wrong with the rules that have sheets, beyond what does not
// compile. It makes so many keys of each rule with an entropy floor, or with a
// stated loss, and counts those that the rule does not report.
func Lint(set *match.Set, sheets []Sheet, keys int) []Result {
	known := map[string]match.Rule{}
	for _, r := range set.Rules() {
		known[r.ID] = r
	}
	out := make([]Result, 0, len(sheets))
	for _, s := range sheets {
		r := Result{Rule: s.Rule}
		rule, ok := known[s.Rule]
		if !ok {
			r.Faults = append(r.Faults, "the rule is not in use")
			out = append(out, r)
			continue
		}
		r.Faults = form(rule, s)
		if rule.Entropy > 0 || s.Loss != nil {
			alone, err := match.Compile([]match.Rule{rule}, nil) // of all rules at once, most time would go to the others
			if err != nil {
				r.Faults = append(r.Faults, err.Error())
			} else {
				r.Loss, r.Examples = loss(alone, s, keys)
				r.Faults = append(r.Faults, lossFaults(rule, s, r.Loss)...)
			}
		}
		out = append(out, r)
	}
	return out
}

// form judges what can be seen without running the rule.
func form(rule match.Rule, s Sheet) []string {
	var faults []string
	fault := func(wrong bool, text string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Sprintf(text, args...))
		}
	}
	fault(!ruleID.MatchString(rule.ID), "the id is not of the form vendor-thing")
	fault(rule.Description == "", "no description")
	fault(rule.Regex != "" && len(rule.Keywords) == 0, "no keywords: the rule would run over every text")
	fault(!strings.HasPrefix(rule.Link, "https://"), "no link to the vendor's description of the form")
	fault(rule.Severity != "" && !slices.Contains(severities, rule.Severity), "severity %q: use %s", rule.Severity, strings.Join(severities, ", "))
	fault(len(s.Examples) < MinExamples, "%d examples, at least %d are needed", len(s.Examples), MinExamples)
	fault(len(s.Misses) < MinMisses, "%d near misses, at least %d are needed", len(s.Misses), MinMisses)
	if re, err := syntax.Parse(rule.Regex, syntax.Perl); err == nil && rule.Regex != "" {
		fault(re.MaxCap() == 0 && rule.SecretGroup == 0, "the regex has no group: what stands around the secret would be a part of it")
	}
	return faults
}

func lossFaults(rule match.Rule, s Sheet, measured float64) []string {
	switch {
	case s.Loss == nil:
		return []string{fmt.Sprintf("entropy floor %g without a stated loss; measured: %.4f %%", rule.Entropy, 100*measured)}
	case measured > MaxLoss:
		return []string{fmt.Sprintf("loses %.3f %% of real keys, at most %.1f %% is allowed: lower the entropy floor", 100*measured, 100*MaxLoss)}
	case measured > *s.Loss:
		return []string{fmt.Sprintf("loses %.4f %% of real keys and states %.4f %%", 100*measured, 100**s.Loss)}
	}
	return nil
}

// loss makes keys of the examples in turn and returns the share that is not found.
func loss(set *match.Set, s Sheet, keys int) (share float64, made int) {
	var forms []sample.Template
	for _, text := range s.Examples {
		if t, err := sample.Parse(text); err == nil && t.Random() { // Run tells of the error
			forms = append(forms, t)
		}
	}
	if len(forms) == 0 {
		return 1, 0
	}
	f, source, lost := set.Finder(), sample.Source("loss of "+s.Rule), 0
	for i := range keys {
		if !reports(f, set, s.Rule, forms[i%len(forms)].Make(source)) {
			lost++
		}
	}
	return float64(lost) / float64(keys), keys
}
