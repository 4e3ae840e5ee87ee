// Package allow knows what rules do not report: for the secret, its match or its line,
// and for the path or the commit where it stands. The semantics are those of gitleaks v8.
//
// Start with [Check] and [Compile].
package allow

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// List says what a rule, or every rule, does not report.
type List struct {
	All         bool // every given condition must hold; else one is enough
	Commits     []string
	Paths       []string // RE2
	Regexes     []string // RE2
	RegexTarget string   // "secret" (default), "match", "line"
	StopWords   []string
}

// list is a List with its expressions.
type list struct {
	List

	paths, regexes func() *regexp.Regexp // each made when it is first needed; nil for none
	stop           func() *words
}

// Lists are what is asked of: one that allows is enough. They never change and may be
// used from many goroutines.
type Lists []list

// Compile makes lists of data that [Check] found good; of other data, asking panics.
func Compile(data []List) Lists {
	out := make(Lists, 0, len(data))
	for _, a := range data {
		out = append(out, list{
			List:    a,
			paths:   sync.OnceValue(func() *regexp.Regexp { return either(a.Paths) }),
			regexes: sync.OnceValue(func() *regexp.Regexp { return either(a.Regexes) }),
			stop:    sync.OnceValue(func() *words { return newWords(a.StopWords) }),
		})
	}
	return out
}

// either joins expressions as gitleaks does: a flag such as (?i) in one of them
// holds for those after it too.
func either(exprs []string) *regexp.Regexp {
	if len(exprs) == 0 {
		return nil
	}
	return regexp.MustCompile("(?:" + strings.Join(exprs, "|") + ")") // Check has tried it
}

// Check compiles every expression of a list, alone and joined with the others.
func Check(a List) error {
	for _, expr := range slices.Concat(a.Paths, a.Regexes) {
		if _, err := regexp.Compile(expr); err != nil {
			return err
		}
	}
	for _, exprs := range [][]string{a.Paths, a.Regexes} {
		if _, err := regexp.Compile("(?:" + strings.Join(exprs, "|") + ")"); err != nil {
			return err
		}
	}
	return nil
}

// Origin is where a text stands.
type Origin struct{ Path, Commit string }

func (a *list) commit(o Origin) bool {
	return o.Commit != "" && slices.Contains(a.Commits, strings.ToLower(o.Commit))
}

func (a *list) pathOK(o Origin) bool { return o.Path != "" && anyMatch(a.paths(), o.Path) }

// Origin reports whether everything at this place is allowed.
func (l Lists) Origin(o Origin) bool {
	for i := range l {
		a := &l[i]
		if !a.All {
			if a.commit(o) || a.pathOK(o) {
				return true
			}
			continue
		}
		if len(a.Regexes) == 0 && len(a.StopWords) == 0 && len(a.Commits)+len(a.Paths) > 0 &&
			(len(a.Commits) == 0 || a.commit(o)) && (len(a.Paths) == 0 || a.pathOK(o)) {
			return true
		}
	}
	return false
}

// Candidate is what may be reported: the secret, the whole match and its lines.
type Candidate struct{ Secret, Whole, Line string }

func (a *list) target(c Candidate) string {
	switch a.RegexTarget {
	case "match":
		return c.Whole
	case "line":
		return c.Line
	}
	return c.Secret
}

// Content reports whether the secret and its match are allowed wherever
// they stand. It looks at neither line, path nor commit.
func (l Lists) Content(c Candidate) bool {
	for i := range l {
		a := &l[i]
		if a.All {
			continue
		}
		if a.stop().in(c.Secret) || a.RegexTarget != "line" && anyMatch(a.regexes(), a.target(c)) {
			return true
		}
	}
	return false
}

// Line reports whether the line allows the match, wherever its text stands.
func (l Lists) Line(c Candidate) bool {
	for i := range l {
		if a := &l[i]; !a.All && a.RegexTarget == "line" && anyMatch(a.regexes(), c.Line) {
			return true
		}
	}
	return false
}

// Together reports whether all conditions of a list that asks for all of
// them hold.
func (l Lists) Together(c Candidate, o Origin) bool {
	for i := range l {
		a := &l[i]
		if a.All && (len(a.Commits) == 0 || a.commit(o)) && (len(a.Paths) == 0 || a.pathOK(o)) &&
			(len(a.Regexes) == 0 || anyMatch(a.regexes(), a.target(c))) && (len(a.StopWords) == 0 || a.stop().in(c.Secret)) {
			return true
		}
	}
	return false
}

// anyMatch never matches an empty text, as in gitleaks.
func anyMatch(re *regexp.Regexp, s string) bool { return re != nil && s != "" && re.MatchString(s) }
