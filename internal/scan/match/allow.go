package match

import (
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// allow is an allowlist with its expressions.
type allow struct {
	Allowlist

	paths, regexes func() *regexp.Regexp // each made when it is first needed; nil for none
	stop           func() *words
}

func compileAllow(list []Allowlist) []allow {
	out := make([]allow, 0, len(list))
	for _, a := range list {
		out = append(out, allow{
			Allowlist: a,
			paths:     sync.OnceValue(func() *regexp.Regexp { return either(a.Paths) }),
			regexes:   sync.OnceValue(func() *regexp.Regexp { return either(a.Regexes) }),
			stop:      sync.OnceValue(func() *words { return newWords(a.StopWords) }),
		})
	}
	return out
}

// either joins expressions as gitleaks does: a flag such as (?i) in one of them
// holds for those after it too.
func either(list []string) *regexp.Regexp {
	if len(list) == 0 {
		return nil
	}
	return regexp.MustCompile("(?:" + strings.Join(list, "|") + ")") // checked by Compile
}

func checkAllow(a Allowlist) error {
	for _, expr := range slices.Concat(a.Paths, a.Regexes) {
		if _, err := regexp.Compile(expr); err != nil {
			return err
		}
	}
	for _, list := range [][]string{a.Paths, a.Regexes} {
		if _, err := regexp.Compile("(?:" + strings.Join(list, "|") + ")"); err != nil {
			return err
		}
	}
	return nil
}

// origin is where a text stands, as far as allowlists care.
type origin struct{ path, commit string }

func (a *allow) commit(o origin) bool {
	return o.commit != "" && slices.Contains(a.Commits, strings.ToLower(o.commit))
}

func (a *allow) pathOK(o origin) bool { return o.path != "" && anyMatch(a.paths(), o.path) }

// allowedOrigin reports whether everything at this place is allowed.
func allowedOrigin(list []allow, o origin) bool {
	for i := range list {
		a := &list[i]
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

// candidate is what allowlists look at.
type candidate struct{ secret, whole, line string }

func (a *allow) target(c candidate) string {
	switch a.RegexTarget {
	case "match":
		return c.whole
	case "line":
		return c.line
	}
	return c.secret
}

// allowedContent reports whether the secret and its match are allowed wherever
// they stand. It looks at neither line, path nor commit.
func allowedContent(list []allow, c candidate) bool {
	for i := range list {
		a := &list[i]
		if a.All {
			continue
		}
		if a.stop().in(c.secret) || a.RegexTarget != "line" && anyMatch(a.regexes(), a.target(c)) {
			return true
		}
	}
	return false
}

// allowedLine reports whether the line allows the match, wherever its text stands.
func allowedLine(list []allow, c candidate) bool {
	for i := range list {
		if a := &list[i]; !a.All && a.RegexTarget == "line" && anyMatch(a.regexes(), c.line) {
			return true
		}
	}
	return false
}

// allowedTogether reports whether all conditions of a list that asks for all of
// them hold.
func allowedTogether(list []allow, c candidate, o origin) bool {
	for i := range list {
		a := &list[i]
		if a.All && (len(a.Commits) == 0 || a.commit(o)) && (len(a.Paths) == 0 || a.pathOK(o)) &&
			(len(a.Regexes) == 0 || anyMatch(a.regexes(), a.target(c))) && (len(a.StopWords) == 0 || a.stop().in(c.secret)) {
			return true
		}
	}
	return false
}

// anyMatch never matches an empty text, as in gitleaks.
func anyMatch(re *regexp.Regexp, s string) bool { return re != nil && s != "" && re.MatchString(s) }

// entropy is Shannon's, in bits for each character, counted as gitleaks does:
// over runes, divided by the length in bytes.
func entropy(s string) float64 {
	var ascii [128]int
	var others map[rune]int
	for _, r := range s {
		if r < 128 {
			ascii[r]++
			continue
		}
		if others == nil {
			others = map[rune]int{}
		}
		others[r]++
	}
	n, e := float64(len(s)), 0.0
	for _, c := range ascii {
		if c > 0 {
			f := float64(c) / n
			e -= f * math.Log2(f)
		}
	}
	for _, c := range others {
		f := float64(c) / n
		e -= f * math.Log2(f)
	}
	return e
}
