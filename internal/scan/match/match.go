package match

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// Fragment is a text with its origin, as far as rules care.
type Fragment struct {
	Text   string
	Path   string // '/'-separated; empty when there is none
	Commit string
}

// Match is one secret found. Offsets are bytes of the text.
type Match struct {
	Rule       *Rule
	Secret     string
	Start, End int // of the secret; of the encoded text when it was decoded
	// MatchStart is where the whole match begins: gitleaks reports its line.
	MatchStart, MatchEnd int
	Tags                 []string
	Allowed              bool // an inline comment allows it
}

// Scan returns the matches in a fragment, ordered by position. For many fragments
// keep a Finder.
func (s *Set) Scan(f Fragment) []Match {
	text := []byte(f.Text)
	return s.Judge(text, s.Finder().Find(text), f.Path, f.Commit)
}

// Allows reports whether the allowlists for all rules allow everything at a path
// and commit.
func (s *Set) Allows(path, commit string) bool {
	return allowedOrigin(s.global(), origin{path, commit})
}

// Judge makes matches of a record, for a place where its text stands: path and
// commit may rule some out. It reads nothing but its arguments and may be called
// from many goroutines.
func (s *Set) Judge(text []byte, r *Record, path, commit string) []Match {
	o := origin{path, commit}
	if allowedOrigin(s.global(), o) {
		return nil
	}
	var out []Match
	for _, i := range s.pathOnly {
		if c := s.rules[i]; s.PathMatches(c, path) && !allowedOrigin(c.allow, o) && !c.SkipReport {
			out = append(out, Match{Rule: &c.Rule, Tags: c.Tags})
		}
	}
	if r == nil {
		return out
	}
	var found []Match
	for i := range r.hits {
		if m, ok := s.judge(text, &r.hits[i], o); ok {
			found = append(found, m)
		}
	}
	found = s.withRequired(text, found)
	out = append(out, specific(found)...)
	slices.SortStableFunc(out, func(a, b Match) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Rule.ID, b.Rule.ID), cmp.Compare(a.End, b.End))
	})
	return slices.CompactFunc(out, func(a, b Match) bool {
		return a.Rule == b.Rule && a.Start == b.Start && a.End == b.End && a.Secret == b.Secret
	})
}

// PathMatches reports whether a rule about paths fits.
func (s *Set) PathMatches(c *compiled, path string) bool {
	c.init()
	return path != "" && c.path.MatchString(path)
}

// PathRules reports whether a rule about the path alone reports it.
func (s *Set) PathRules(path string) bool {
	return slices.ContainsFunc(s.pathOnly, func(i int32) bool { return s.PathMatches(s.rules[i], path) })
}

// judge applies what depends on the place of a hit.
func (s *Set) judge(text []byte, h *hit, o origin) (Match, bool) {
	c := s.rules[h.rule]
	c.init()
	if c.path != nil && (o.path == "" || !c.path.MatchString(o.path)) || allowedOrigin(c.allow, o) {
		return Match{}, false
	}
	m := Match{Rule: &c.Rule, Start: int(h.from), End: int(h.to), MatchStart: int(h.start), MatchEnd: int(h.end), Tags: c.Tags}
	line := lineAt(text, m.MatchStart, m.MatchEnd)
	k := candidate{line: line}
	if d := h.decoded; d != nil {
		k = candidate{secret: d.secret, whole: d.whole, line: d.line}
		m.Tags = slices.Concat(c.Tags, d.tags)
		if !d.keyword && !hasKeyword(c.Keywords, string(text)) {
			return m, false
		}
	} else {
		k.secret, k.whole = string(text[h.from:h.to]), string(text[h.start:h.end])
		if !hasKeyword(c.Keywords, k.whole) && !hasKeyword(c.Keywords, string(text)) {
			return m, false
		}
	}
	if allowedHere(s.global(), k, o) || allowedHere(c.allow, k, o) {
		return m, false
	}
	m.Secret = k.secret
	m.Allowed = strings.Contains(line, "gitleaks:allow") || strings.Contains(line, "secretguard:allow")
	return m, true
}

// withRequired drops matches whose required companions are not near, and those of
// rules that are only companions.
func (s *Set) withRequired(text []byte, list []Match) []Match {
	if !slices.ContainsFunc(list, func(m Match) bool { return len(m.Rule.Required) > 0 || m.Rule.SkipReport }) {
		return list
	}
	var out []Match
	for _, m := range list {
		if m.Rule.SkipReport {
			continue
		}
		complete := true
		for _, q := range m.Rule.Required {
			complete = complete && slices.ContainsFunc(list, func(o Match) bool { return o.Rule.ID == q.Rule && near(text, m, o, q) })
		}
		if complete {
			out = append(out, m)
		}
	}
	return out
}

func near(text []byte, a, b Match, q Required) bool {
	la, ca := Position(text, a.MatchStart)
	lb, cb := Position(text, b.MatchStart)
	return (q.WithinLines < 0 || distance(la, lb) <= q.WithinLines) && (q.WithinColumns < 0 || distance(ca, cb) <= q.WithinColumns)
}

func distance(a, b int) int { return max(a-b, b-a) }

// lineAt returns the whole lines that a range touches.
func lineAt(text []byte, start, end int) string {
	start, end = min(start, len(text)), min(end, len(text))
	// A line without end (minified code) is cut: comments stand close by.
	const most = 4096
	from, to := max(0, start-most), min(len(text), end+most)
	if i := bytes.LastIndexByte(text[from:start], '\n'); i >= 0 {
		from += i + 1
	}
	if i := bytes.IndexByte(text[end:to], '\n'); i >= 0 {
		to = end + i
	}
	return string(text[from:to])
}

// specific drops what a better rule reports at the same place: a generic rule for
// a secret that a specific one holds, and gitleaks' rule where ours found the
// same.
func specific(list []Match) []Match {
	return slices.DeleteFunc(slices.Clone(list), func(m Match) bool {
		return slices.ContainsFunc(list, func(o Match) bool {
			if o.Rule == m.Rule || m.Rule.Own || o.Start > m.Start || o.End < m.End {
				return false
			}
			generic := strings.Contains(m.Rule.ID, "generic") && !strings.Contains(o.Rule.ID, "generic")
			return o.Rule.Own && o.Secret == m.Secret || generic && strings.Contains(o.Secret, m.Secret)
		})
	})
}

// Position returns the 1-based line and byte column of an offset.
func Position(text []byte, offset int) (line, column int) {
	offset = min(offset, len(text))
	line = 1 + bytes.Count(text[:offset], []byte{'\n'})
	return line, offset - bytes.LastIndexByte(text[:offset], '\n')
}
