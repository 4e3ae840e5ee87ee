package match

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/match/allow"
	"github.com/secretguard/secretguard/internal/scan/noise"
)

// Fragment is a text with its origin, as far as rules care.
type Fragment struct {
	Text   string
	Path   string // '/'-separated; empty when there is none
	Commit string
}

// Match is one secret found. Offsets are bytes of the text; lines and columns are
// counted from 1, columns in bytes.
type Match struct {
	Rule       *Rule
	Secret     string
	Start, End int // of the secret; of the encoded text when it was decoded
	// MatchStart is where the whole match begins: gitleaks reports its line.
	MatchStart, MatchEnd int
	MatchLine            int
	Line, Column         int
	EndLine, EndColumn   int
	Tags                 []string
	Allowed              bool // an inline comment allows it
	// Noise says why it is most likely no secret; empty when nothing says so.
	Noise string
	// Also names gitleaks' rules that found the same, for which ours stands.
	Also []string
}

// Sight is a match as far as it does not depend on where its text stands.
type Sight struct {
	Match

	rule        *compiled
	whole, line string
}

// Scan returns the matches in a fragment, ordered by position. For many fragments
// keep a Finder.
func (s *Set) Scan(f Fragment) []Match {
	text := []byte(f.Text)
	finder := s.Finder()
	return s.At(finder.Settle(text, finder.Find(text)), f.Path, f.Commit)
}

// Settle makes sights of a record: they hold all that is needed of the text.
func (f *Finder) Settle(text []byte, r *Record) []Sight {
	if r == nil || len(r.hits) == 0 {
		return nil
	}
	out := make([]Sight, 0, len(r.hits))
	for i := range r.hits {
		if s, ok := f.settle(text, &r.hits[i]); ok {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Sight) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Rule.ID, b.Rule.ID), cmp.Compare(a.End, b.End), cmp.Compare(a.Secret, b.Secret))
	})
	out = slices.CompactFunc(out, func(a, b Sight) bool {
		return a.Rule == b.Rule && a.Start == b.Start && a.End == b.End && a.Secret == b.Secret
	})
	positions(text, out)
	return out
}

func (f *Finder) settle(text []byte, h *hit) (Sight, bool) {
	c := f.set.rules[h.rule]
	c.init()
	s := Sight{rule: c}
	s.Match = Match{Rule: &c.Rule, Start: int(h.from), End: int(h.to), MatchStart: int(h.start), MatchEnd: int(h.end), Tags: c.Tags}
	raw := lineAt(text, s.MatchStart, s.MatchEnd)
	s.Allowed = bytes.Contains(raw, []byte("gitleaks:allow")) || bytes.Contains(raw, []byte("secretguard:allow"))
	var keyword bool
	if d := h.decoded; d != nil {
		s.Secret, s.whole, s.line, keyword = d.secret, d.whole, d.line, d.keyword
		s.Tags = slices.Concat(c.Tags, d.tags)
	} else {
		s.Secret, s.whole, s.line = f.intern(text[h.from:h.to]), f.intern(text[h.start:h.end]), f.intern(raw)
		keyword = hasKeyword(c.Keywords, s.whole)
	}
	if !keyword && !hasKeyword(c.Keywords, string(text)) {
		return s, false
	}
	if c.Own { // JSON may write a slash as "\/" (RFC 8259, section 7), and PHP does
		s.Secret = strings.ReplaceAll(s.Secret, `\/`, "/")
	}
	s.Noise = noise.Judge(noise.Subject{Secret: s.Secret, Line: s.line, Generic: Generic(c.ID), Own: c.Own})
	k := allow.Candidate{Secret: s.Secret, Whole: s.whole, Line: s.line}
	return s, !f.set.global().Line(k) && !c.allow.Line(k)
}

// maxInterned is how many strings a finder keeps to give out again.
const maxInterned = 1 << 16

// intern returns the text as a string, the same one for the same text: the
// versions of a file hold the same lines.
func (f *Finder) intern(b []byte) string {
	if s, ok := f.interned[string(b)]; ok {
		return s
	}
	if f.interned == nil || len(f.interned) >= maxInterned {
		f.interned = map[string]string{}
	}
	s := string(b)
	f.interned[s] = s
	return s
}

// positions counts lines once for all sights, which are in order.
func positions(text []byte, list []Sight) {
	line, begin, at := 1, 0, 0
	to := func(offset int) (int, int) {
		offset = min(offset, len(text))
		if offset < at {
			return Position(text, offset)
		}
		line += bytes.Count(text[at:offset], []byte{'\n'})
		if i := bytes.LastIndexByte(text[at:offset], '\n'); i >= 0 {
			begin = at + i + 1
		}
		at = offset
		return line, offset - begin + 1
	}
	for i := range list {
		s := &list[i]
		s.Line, s.Column = to(s.Start)
		n := bytes.Count(text[min(s.Start, len(text)):min(s.End, len(text))], []byte{'\n'})
		s.EndLine = s.Line + n
		s.MatchLine = s.Line
		if s.MatchStart < s.Start {
			s.MatchLine -= bytes.Count(text[s.MatchStart:min(s.Start, len(text))], []byte{'\n'})
		}
		s.EndColumn = s.Column + s.End - s.Start
		if n > 0 {
			_, s.EndColumn = Position(text, s.End)
		}
	}
}

// At makes matches of sights for a place where their text stands: path and commit
// may rule some out. It reads only its arguments and may be called from many
// goroutines.
func (s *Set) At(sights []Sight, path, commit string) []Match {
	if len(sights) == 0 && !s.NameMatters([]byte(path)) {
		return nil
	}
	o := allow.Origin{Path: path, Commit: commit}
	if s.global().Origin(o) {
		return nil
	}
	var out []Match
	for _, i := range s.pathOnly {
		if c := s.rules[i]; c.matchesPath(path) && !c.allow.Origin(o) && !c.SkipReport {
			out = append(out, Match{Rule: &c.Rule, Tags: c.Tags, Line: 1, Column: 1, EndLine: 1, EndColumn: 1})
		}
	}
	var found []Match
	for i := range sights {
		if sights[i].stands(s.global(), o) {
			found = append(found, sights[i].Match)
		}
	}
	return append(out, specific(withRequired(found))...)
}

// stands reports whether nothing about the place rules the sight out.
func (s *Sight) stands(global allow.Lists, o allow.Origin) bool {
	c := s.rule
	if c.Path != "" && !c.matchesPath(o.Path) || c.allow.Origin(o) {
		return false
	}
	k := allow.Candidate{Secret: s.Secret, Whole: s.whole, Line: s.line}
	return !global.Together(k, o) && !c.allow.Together(k, o)
}

func (c *compiled) matchesPath(path string) bool {
	c.init()
	return path != "" && c.path.MatchString(path)
}

// NamesMatter reports whether there are rules about paths alone.
func (s *Set) NamesMatter() bool { return len(s.pathOnly) > 0 }

// NameMatters reports whether a file of this name, in whatever folder, may be
// reported by a rule about paths alone. It may say yes too often.
func (s *Set) NameMatters(name []byte) bool {
	if s.anyName {
		return true
	}
	if s.names == nil {
		return false
	}
	return s.names.Any(name)
}

// withRequired drops matches whose required companions are not near, and those of
// rules that are only companions.
func withRequired(list []Match) []Match {
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
			complete = complete && slices.ContainsFunc(list, func(o Match) bool { return o.Rule.ID == q.Rule && near(m, o, q) })
		}
		if complete {
			out = append(out, m)
		}
	}
	return out
}

func near(a, b Match, q Required) bool {
	return (q.WithinLines < 0 || distance(a.Line, b.Line) <= q.WithinLines) &&
		(q.WithinColumns < 0 || distance(a.Column, b.Column) <= q.WithinColumns)
}

func distance(a, b int) int { return max(a-b, b-a) }

// lineAt returns the whole lines that a range touches.
func lineAt(text []byte, start, end int) []byte {
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
	return text[from:to]
}

// specific drops what a better rule reports at the same place: a generic rule for
// a secret that a specific one holds, and gitleaks' rule where ours found the
// same.
func specific(list []Match) []Match {
	if len(list) < 2 {
		return list
	}
	drop := make([]bool, len(list))
	around(list, func(i, j int) {
		m, o := &list[i], &list[j]
		if o.Rule == m.Rule { // a key that its issuer writes with escapes, and what they stand for
			drop[i] = drop[i] || m.Rule.Own && m.decoded() && !o.decoded()
			return
		}
		if m.Secret == "" {
			return
		}
		if more(*o, *m) {
			m.Also, drop[j] = append(m.Also, o.Rule.ID), true
		}
		if m.Rule.Own && !Generic(m.Rule.ID) {
			return
		}
		same := o.Rule.Own && !m.Rule.Own && (o.Secret == m.Secret || !o.Rule.Context && strings.Contains(o.Secret, m.Secret) && !below(*m, *o))
		generic := Generic(m.Rule.ID) && !Generic(o.Rule.ID)
		if same {
			o.Also = append(o.Also, m.Rule.ID)
		}
		drop[i] = drop[i] || same || generic && strings.Contains(o.Secret, strings.TrimRight(m.Secret, stops)) && !below(*m, *o)
	})
	out := list[:0]
	for i, m := range list {
		if !drop[i] {
			out = append(out, m)
		}
	}
	return out
}

// decoded reports whether the match stands in decoded text only.
func (m Match) decoded() bool {
	return slices.ContainsFunc(m.Tags, func(t string) bool { return strings.HasPrefix(t, depthTag) })
}

// stops may end a sentence behind a key, where a generic rule takes them for a part of it.
const stops = ".,;:"

// mostMore is how many signs a generic rule may take for a part of a key: a full stop,
// an escape, the key's name.
const mostMore = 16

// more reports whether a generic rule found no more than the key that a rule of ours
// found, with signs around it.
func more(generic, m Match) bool {
	return Generic(generic.Rule.ID) && m.Rule.Own && !Generic(m.Rule.ID) && !m.Rule.Context &&
		len(generic.Secret) <= len(m.Secret)+mostMore && strings.Contains(generic.Secret, m.Secret)
}

// around calls visit for each match i and each match j in whose bounds it lies, but for
// one sign at the end. It takes no longer for many matches than they overlap: a list of
// keys is long.
func around(list []Match, visit func(i, j int)) {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(list[a].Start, list[b].Start) })
	var open []int
	for len(order) > 0 {
		start, n := list[order[0]].Start, 1
		for n < len(order) && list[order[n]].Start == start {
			n++
		}
		open = slices.DeleteFunc(open, func(j int) bool { return list[j].End < start })
		open = append(open, order[:n]...)
		for _, i := range order[:n] {
			for _, j := range open {
				if i != j && list[j].End+1 >= list[i].End { // one more: a full stop
					visit(i, j)
				}
			}
		}
		order = order[n:]
	}
}

// below tells whether m begins on a later line of what o holds: what a block has
// farther down is a secret of its own.
func below(m, o Match) bool {
	ahead := min(max(0, m.MatchStart-o.Start), len(o.Secret))
	return strings.Contains(o.Secret[:ahead], "\n")
}

// Generic reports whether a rule, by its name, knows no form of a key, only names
// such as "token".
func Generic(rule string) bool { return strings.Contains(strings.ToLower(rule), "generic") }

// Position returns the 1-based line and byte column of an offset.
func Position(text []byte, offset int) (line, column int) {
	offset = min(offset, len(text))
	line = 1 + bytes.Count(text[:offset], []byte{'\n'})
	return line, offset - bytes.LastIndexByte(text[:offset], '\n')
}
