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
	// Also names gitleaks' rules that found the same, for which ours stands.
	Also []string
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
	for _, loc := range r.matches(text) {
		m, ok := r.secret(text, loc)
		if !ok || r.Entropy != 0 && entropy(m.Secret) <= r.Entropy {
			continue
		}
		whole := text[m.MatchStart:m.MatchEnd]
		line := lineAt(text, m.MatchStart, m.MatchEnd)
		written := line // as the file has it; allowlists judge it decoded
		if d != nil {
			start, end, decoded := d.Origin(loc[0], loc[1])
			if !decoded {
				continue // the plain pass has reported it
			}
			m.Tags = append(slices.Clone(r.Tags), d.Tags(loc[0], loc[1])...)
			m.Start, m.End, m.MatchStart, m.MatchEnd = start, end, start, end
			written = lineAt(f.Text, start, end)
		}
		if allowedFinding(s.global, f, m.Secret, whole, line) || allowedFinding(r.allow, f, m.Secret, whole, line) {
			continue
		}
		m.Allowed = strings.Contains(written, "gitleaks:allow") || strings.Contains(written, "secretguard:allow")
		out = append(out, m)
	}
	return out
}

// matches returns the matches of the rule's expression from left to right, and
// behind them what those over several lines hide: matches that begin on a later
// line inside them (a key block without an end must not hide the next one), and
// matches that end on an earlier line with another secret (a greedy expression
// takes the last of several). So a whole file gives at least what a patch of
// some of its lines gives.
func (r *compiled) matches(text string) [][]int {
	all := r.re.FindAllStringSubmatchIndex(text, -1)
	var seen map[[2]int]bool
	for i := 0; i < len(all); i++ {
		start, end := all[i][0], all[i][1]
		first := strings.IndexByte(text[start:end], '\n')
		if first < 0 {
			continue
		}
		if seen == nil {
			seen = map[[2]int]bool{}
			for _, loc := range all {
				seen[[2]int{loc[0], loc[1]}] = true
			}
		}
		hidden := append(r.within(text, start+first+1, end), r.before(text, all[i])...)
		for _, loc := range hidden {
			if at := [2]int{loc[0], loc[1]}; !seen[at] {
				seen[at] = true
				all = append(all, loc)
			}
		}
	}
	return all
}

// within returns the matches in text[from:] that begin before end.
func (r *compiled) within(text string, from, end int) [][]int {
	for n := 1; ; n *= 2 { // one is the rule, and a search for more may run to the end of the text
		list := r.re.FindAllStringSubmatchIndex(text[from:], n)
		for i, loc := range list {
			shift(loc, from)
			if loc[0] >= end {
				return list[:i]
			}
		}
		if len(list) < n {
			return list
		}
	}
}

// before returns the matches in the lines that a match touches, without its last
// line. One whose secret the match's own holds is left out.
func (r *compiled) before(text string, loc []int) [][]int {
	outer, ok := r.secret(text, loc)
	if !ok {
		return nil
	}
	from := strings.LastIndexByte(text[:outer.MatchStart], '\n') + 1
	cut := outer.MatchStart + strings.LastIndexByte(text[outer.MatchStart:outer.MatchEnd], '\n') + 1
	if cut <= outer.MatchStart {
		return nil
	}
	var out [][]int
	for _, in := range r.re.FindAllStringSubmatchIndex(text[from:cut], -1) {
		shift(in, from)
		if m, ok := r.secret(text, in); ok && (m.Start < outer.Start || m.End > outer.End) {
			out = append(out, in)
		}
	}
	return out
}

func shift(loc []int, by int) {
	for i := range loc {
		if loc[i] >= 0 {
			loc[i] += by
		}
	}
}

// secret takes the secret out of a match: the group that the rule names, else
// the first group that is not empty, else all of it. As with gitleaks, line ends
// around a match belong neither to it nor to its secret.
func (r *compiled) secret(text string, loc []int) (Match, bool) {
	m := Match{Rule: &r.Rule, Tags: r.Tags, MatchStart: loc[0], MatchEnd: loc[1]}
	for m.MatchStart < m.MatchEnd && text[m.MatchStart] == '\n' {
		m.MatchStart++
	}
	for m.MatchEnd > m.MatchStart && text[m.MatchEnd-1] == '\n' {
		m.MatchEnd--
	}
	m.Start, m.End = m.MatchStart, m.MatchEnd
	group := func(g int) bool {
		start, end := max(loc[2*g], m.MatchStart), min(loc[2*g+1], m.MatchEnd)
		if loc[2*g] < 0 || start >= end {
			return false
		}
		m.Start, m.End = start, end
		return true
	}
	if r.SecretGroup == 0 || !group(r.SecretGroup) {
		for g := 1; g < len(loc)/2 && !group(g); g++ {
		}
	}
	m.Secret = text[m.Start:m.End]
	return m, m.Secret != ""
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
	drop := make([]bool, len(list))
	for i, m := range list {
		if m.Rule.Own || m.Secret == "" {
			continue
		}
		for j, o := range list {
			if o.Rule == m.Rule || o.Start > m.Start || o.End < m.End {
				continue
			}
			same := o.Rule.Own && o.Secret == m.Secret
			generic := isGeneric(m.Rule.ID) && !isGeneric(o.Rule.ID)
			if same {
				list[j].Also = append(list[j].Also, m.Rule.ID)
			}
			drop[i] = drop[i] || same || generic && strings.Contains(o.Secret, m.Secret) && !below(m, o)
		}
	}
	out := list[:0]
	for i, m := range list {
		if !drop[i] {
			out = append(out, m)
		}
	}
	return out
}

// below tells whether m begins on a later line of what o holds: what a block has
// farther down is a secret of its own.
func below(m, o Match) bool {
	ahead := min(max(0, m.MatchStart-o.Start), len(o.Secret))
	return strings.Contains(o.Secret[:ahead], "\n")
}

func isGeneric(rule string) bool { return strings.Contains(strings.ToLower(rule), "generic") }

// Position returns the 1-based line and byte column of an offset.
func Position(text string, offset int) (line, column int) {
	offset = min(offset, len(text))
	line = 1 + strings.Count(text[:offset], "\n")
	return line, offset - strings.LastIndexByte(text[:offset], '\n')
}
