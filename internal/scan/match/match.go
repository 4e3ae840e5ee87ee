package match

import (
	"math"
	"regexp"
	"slices"
	"strings"
)

// Fragment is a text with its origin, as far as rules care.
type Fragment struct {
	Text   string
	Path   string // '/'-separated; empty when there is none
	Commit string
}

// Match is one secret found. Offsets are bytes of the fragment's text.
type Match struct {
	Rule       *Rule
	Secret     string
	Start, End int // of the secret; of the encoded text when it was decoded
	// MatchStart is where the whole match begins: gitleaks reports its line.
	MatchStart, MatchEnd int
	Tags                 []string
	Allowed              bool // an inline comment allows it
}

// Scan returns the matches in the fragment, ordered by position.
func (s *Set) Scan(f Fragment) []Match {
	s.onceAll.Do(func() { s.global = compileAllow(s.allow) })
	if allowedOrigin(s.global, f) {
		return nil
	}
	var out []Match
	for _, r := range s.rules {
		if r.Path != "" && r.Regex == "" {
			out = append(out, s.pathOnly(r, f)...)
		}
	}
	out = append(out, s.pass(f, f.Text, nil)...)
	if s.decoder != nil {
		for _, d := range s.decoder.Decode(f.Text) {
			out = append(out, s.pass(f, d.Text, &d)...)
		}
	}
	out = specific(out)
	slices.SortStableFunc(out, func(a, b Match) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return strings.Compare(a.Rule.ID, b.Rule.ID)
	})
	return out
}

// pathOnly reports a file whose name alone is the finding.
func (s *Set) pathOnly(r *compiled, f Fragment) []Match {
	r.init()
	if f.Path == "" || !r.path.MatchString(f.Path) || allowedOrigin(r.allow, f) {
		return nil
	}
	return []Match{{Rule: &r.Rule, Secret: "", Tags: r.Tags}}
}

// pass runs the candidate rules over a text: the fragment's own, or a decoded one.
func (s *Set) pass(f Fragment, text string, d *Decoded) []Match {
	hit := make([]bool, len(s.rules))
	s.filter.candidates(text, hit)
	for _, i := range s.always {
		hit[i] = true
	}
	var out []Match
	for i, r := range s.rules {
		if !hit[i] || r.Regex == "" {
			continue
		}
		r.init()
		if r.path != nil && (f.Path == "" || !r.path.MatchString(f.Path)) {
			continue
		}
		if allowedOrigin(r.allow, f) {
			continue
		}
		out = append(out, s.rule(r, f, text, d)...)
	}
	return out
}

func (s *Set) rule(r *compiled, f Fragment, text string, d *Decoded) []Match {
	var out []Match
	for _, loc := range r.re.FindAllStringSubmatchIndex(text, -1) {
		m, ok := r.secret(text, loc)
		if !ok {
			continue
		}
		whole := strings.Trim(text[loc[0]:loc[1]], "\n")
		start, end := loc[0], loc[1]
		if d != nil {
			s, e, decoded := d.Origin(start, end)
			if !decoded {
				continue // the plain pass has reported it
			}
			m.Tags = append(slices.Clone(r.Tags), d.Tags(start, end)...)
			start, end = s, e
			m.Start, m.End = s, e
		}
		m.MatchStart, m.MatchEnd = start, end
		line := lineAt(f.Text, start, end)
		if r.Entropy != 0 && entropy(m.Secret) <= r.Entropy {
			continue
		}
		if allowedFinding(s.global, f, m.Secret, whole, line) || allowedFinding(r.allow, f, m.Secret, whole, line) {
			continue
		}
		m.Allowed = strings.Contains(line, "gitleaks:allow") || strings.Contains(line, "secretguard:allow")
		out = append(out, m)
	}
	return out
}

// secret takes the secret out of a match: the group that the rule names, else
// the first group that is not empty, else all of it.
func (r *compiled) secret(text string, loc []int) (Match, bool) {
	m := Match{Rule: &r.Rule, Tags: r.Tags}
	start, end := loc[0], loc[1]
	for start < end && text[start] == '\n' { // gitleaks trims the match's line ends
		start++
	}
	for end > start && text[end-1] == '\n' {
		end--
	}
	group := r.SecretGroup
	if group == 0 {
		for g := 1; g < len(loc)/2; g++ {
			if loc[2*g] >= 0 && loc[2*g+1] > loc[2*g] {
				group = g
				break
			}
		}
	}
	if group > 0 {
		if 2*group+1 >= len(loc) || loc[2*group] < 0 {
			return m, false
		}
		start, end = loc[2*group], loc[2*group+1]
	}
	if start >= end {
		return m, false
	}
	m.Secret, m.Start, m.End = text[start:end], start, end
	return m, true
}

// lineAt returns the whole lines that a range touches.
func lineAt(text string, start, end int) string {
	start, end = min(start, len(text)), min(end, len(text))
	from := strings.LastIndexByte(text[:start], '\n') + 1
	to := len(text)
	if i := strings.IndexByte(text[end:], '\n'); i >= 0 {
		to = end + i
	}
	// A line without end (minified code) is cut: comments stand close by.
	const most = 4096
	return text[max(from, start-most):min(to, end+most)]
}

func allowedOrigin(list []allow, f Fragment) bool {
	for _, a := range list {
		commit := f.Commit != "" && slices.Contains(a.Commits, strings.ToLower(f.Commit))
		path := f.Path != "" && anyMatch(a.paths, f.Path)
		if !a.All && (commit || path) {
			return true
		}
		if a.All && len(a.Regexes) == 0 && len(a.StopWords) == 0 &&
			(len(a.Commits) == 0 || commit) && (len(a.Paths) == 0 || path) && len(a.Commits)+len(a.Paths) > 0 {
			return true
		}
	}
	return false
}

func allowedFinding(list []allow, f Fragment, secret, whole, line string) bool {
	for _, a := range list {
		target := secret
		switch a.RegexTarget {
		case "match":
			target = whole
		case "line":
			target = line
		}
		regex := anyMatch(a.regexes, target)
		stop := containsWord(a.StopWords, secret)
		if !a.All {
			if regex || stop {
				return true
			}
			continue
		}
		commit := f.Commit != "" && slices.Contains(a.Commits, strings.ToLower(f.Commit))
		path := f.Path != "" && anyMatch(a.paths, f.Path)
		if (len(a.Commits) == 0 || commit) && (len(a.Paths) == 0 || path) &&
			(len(a.Regexes) == 0 || regex) && (len(a.StopWords) == 0 || stop) {
			return true
		}
	}
	return false
}

func anyMatch(list []*regexp.Regexp, s string) bool {
	return slices.ContainsFunc(list, func(re *regexp.Regexp) bool { return re.MatchString(s) })
}

func containsWord(words []string, s string) bool {
	if len(words) == 0 {
		return false
	}
	s = strings.ToLower(s)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, strings.ToLower(w)) })
}

// entropy is Shannon's, in bits for each character, counted as gitleaks does:
// over runes, divided by the length in bytes.
func entropy(s string) float64 {
	counts := map[rune]int{}
	for _, r := range s {
		counts[r]++
	}
	n, e := float64(len(s)), 0.0
	for _, c := range counts {
		f := float64(c) / n
		e -= f * math.Log2(f)
	}
	return e
}

// specific drops what a better rule reports at the same place: a generic rule
// for a secret that a specific one holds, and gitleaks' rule where ours found
// the same.
func specific(list []Match) []Match {
	return slices.DeleteFunc(list, func(m Match) bool {
		return slices.ContainsFunc(list, func(o Match) bool {
			if o.Rule == m.Rule || o.Start > m.Start || o.End < m.End || m.Secret == "" {
				return false
			}
			if m.Rule.Own {
				return false
			}
			generic := strings.Contains(m.Rule.ID, "generic") && !strings.Contains(o.Rule.ID, "generic")
			return o.Rule.Own && o.Secret == m.Secret || generic && strings.Contains(o.Secret, m.Secret)
		})
	})
}

// Position returns the 1-based line and byte column of an offset.
func Position(text string, offset int) (line, column int) {
	offset = min(offset, len(text))
	line = 1 + strings.Count(text[:offset], "\n")
	return line, offset - strings.LastIndexByte(text[:offset], '\n')
}
