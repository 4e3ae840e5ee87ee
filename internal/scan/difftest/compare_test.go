package difftest

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/match"
)

// place is what both sides are compared by.
type place struct {
	file   string
	line   int
	secret string // in the clear, in memory only
}

// The classes of docs/gitleaks-differences.md. A difference of no class is a bug.
const (
	// What only gitleaks has by file, line and secret.
	classSecretLine = "secret on a later line of the match"
	classOpenEnd    = "secret on a last line without line end, which gitleaks counts wrong"
	classAgain      = "the same match again, with an encoded line in it decoded"
	classLonger     = "ours is longer: it goes on behind the added lines"
	// What only we have.
	classOwnRule     = "a rule of our own"
	classMessage     = "in a commit or tag message"
	className        = "in the name of a file, a ref or a person"
	classUnreachable = "in an object that no ref reaches"
	classStash       = "in a stash"
	classMerge       = "content that only a merge commit brings"
	classOtherLine   = "same secret, same file, at the line of another version"
	classOtherFile   = "same secret in a file that was renamed or copied"
	classWhole       = "needs lines around it that were not added with it"
	classSwallowed   = "inside another match"
	classKeyword     = "the rule's keyword stands elsewhere in the file"
	classUnexplained = "UNEXPLAINED"
)

// comparison is the result for one repository.
type comparison struct {
	theirs, ours, same   int // distinct places
	onlyTheirs, onlyOurs map[string]int
	details              map[string][]string // class -> findings, without secrets
}

// evidence is what a class of difference is proven with.
type evidence struct {
	merge func(commit string) bool
	blob  func(hash string) string
	// detect is gitleaks' detector over one whole text, without git.
	detect func(text, path string) []theirs
	rule   func(id string) match.Rule

	blobs map[string]string
}

// text returns a blob, read once.
func (e *evidence) text(hash string) string {
	if _, ok := e.blobs[hash]; !ok {
		e.blobs[hash] = e.blob(hash)
	}
	return e.blobs[hash]
}

// remembering asks once for each text: most versions of a file have the same lines
// around a finding, and gitleaks is slow.
func remembering(detect func(text, path string) []theirs) func(text, path string) []theirs {
	known := map[[sha256.Size]byte][]theirs{}
	return func(text, path string) []theirs {
		k := sha256.Sum256([]byte(path + "\x00" + text))
		found, ok := known[k]
		if !ok {
			found = detect(text, path)
			known[k] = found
		}
		return found
	}
}

// compare takes the findings that count: gitleaks drops what we mark as accepted.
func compare(gl []theirs, sg []scan.Finding, e evidence) comparison {
	e.blobs, e.detect = map[string]string{}, remembering(e.detect)
	c := comparison{onlyTheirs: map[string]int{}, onlyOurs: map[string]int{}, details: map[string][]string{}}
	ours := map[place][]scan.Finding{}
	bySecret := map[place][]scan.Finding{} // line 0
	byFile := map[string][]scan.Finding{}
	for _, f := range sg {
		ours[ourPlace(f)] = append(ours[ourPlace(f)], f)
		k := place{f.File, 0, f.Secret.Reveal()}
		bySecret[k] = append(bySecret[k], f)
		byFile[f.File] = append(byFile[f.File], f)
	}
	matched := map[place]bool{}
	seen := map[place]theirs{}
	for _, f := range gl {
		f.StartLine, f.EndLine = max(f.StartLine, 1), max(f.EndLine, 1) // 0 for a path
		seen[place{f.File, f.StartLine, f.Secret}] = f
	}
	c.theirs, c.ours = len(seen), len(ours)
	for p, f := range seen {
		if ours[p] != nil {
			c.same++
			matched[p] = true
			continue
		}
		class := onlyTheirs(f, bySecret[place{f.File, 0, f.Secret}], byFile[f.File], matched, &e)
		c.onlyTheirs[class]++
		c.details[class] = append(c.details[class], "only gitleaks: "+f.String())
	}
	known := knowledge(seen)
	for p, list := range ours {
		if matched[p] {
			continue
		}
		class := onlyOurs(list[0], known, &e)
		c.onlyOurs[class]++
		c.details[class] = append(c.details[class], "only ours: "+describe(list[0]))
	}
	for _, list := range c.details {
		slices.Sort(list)
	}
	return c
}

func describe(f scan.Finding) string {
	return fmt.Sprintf("%s %s:%d-%d %s commit %.10s blob %.10s", f.Rule, f.File, f.Line, f.EndLine, sum(f.Secret.Reveal()), f.Commit, f.Blob)
}

func ourPlace(f scan.Finding) place { return place{f.File, f.Line, f.Secret.Reveal()} }

// onlyTheirs says why we have no finding at the line of gitleaks' match.
func onlyTheirs(f theirs, sameSecret, sameFile []scan.Finding, matched map[place]bool, e *evidence) string {
	for _, o := range sameSecret {
		if f.StartLine <= o.Line && o.Line <= f.EndLine {
			matched[ourPlace(o)] = true
			return classSecretLine
		}
	}
	for _, o := range sameFile {
		if holds(o, f) {
			matched[ourPlace(o)] = true
			return classLonger
		}
	}
	for _, o := range sameFile {
		decoded := slices.ContainsFunc(f.Tags, func(tag string) bool { return strings.HasPrefix(tag, "decoded:") })
		if decoded && o.Rule == f.RuleID && o.Line == f.StartLine && o.EndLine == f.EndLine {
			return classAgain
		}
	}
	for _, o := range sameSecret {
		if text := e.text(o.Blob); endsOpen(text) && o.Line == 1+strings.Count(text, "\n") && f.StartLine < o.Line {
			matched[ourPlace(o)] = true
			return classOpenEnd
		}
	}
	return classUnexplained
}

// holds tells whether our finding begins in gitleaks' lines and has its secret and more.
func holds(f scan.Finding, g theirs) bool {
	return g.StartLine <= f.Line && f.Line <= g.EndLine && strings.Contains(f.Secret.Reveal(), g.Secret)
}

// endsOpen: the last line has no line end. gitleaks counts such lines differently.
func endsOpen(text string) bool { return !strings.HasSuffix(text, "\n") }

// knowledge is where gitleaks saw which secret.
type seenSecrets struct{ inFile, anywhere map[place]bool }

func knowledge(seen map[place]theirs) seenSecrets {
	k := seenSecrets{map[place]bool{}, map[place]bool{}}
	for p := range seen {
		k.inFile[place{p.file, 0, p.secret}] = true
		k.anywhere[place{"", 0, p.secret}] = true
	}
	return k
}

// onlyOurs says why gitleaks has no finding where we have one. Each class is
// proven, by the repository or by gitleaks' own detector.
func onlyOurs(f scan.Finding, known seenSecrets, e *evidence) string {
	value := f.Secret.Reveal()
	switch {
	case e.rule(f.Rule).Own:
		return classOwnRule
	case f.Where == scan.WhereCommitMessage, f.Where == scan.WhereTag:
		return classMessage
	case slices.Contains([]scan.Where{"path-name", "ref-name", "author"}, f.Where):
		return className
	case f.Where == scan.WhereUnreachable:
		return classUnreachable
	case f.Where == scan.WhereStash:
		return classStash
	case known.inFile[place{f.File, 0, value}]:
		return classOtherLine
	case known.anywhere[place{"", 0, value}]:
		return classOtherFile
	}
	text := e.text(f.Blob)
	switch {
	case around(text, f, max(1, f.Line-contextLines), e.detect):
	case swallowed(text, f, e.detect):
		return classSwallowed
	case keywordElsewhere(text, f, e):
		return classKeyword
	default:
		return classUnexplained
	}
	if e.merge(f.Commit) {
		return classMerge
	}
	return classWhole
}

// contextLines is how many lines before and behind a finding gitleaks is shown: it is
// slow over whole files, and no rule looks farther.
const contextLines = 40

// around tells whether gitleaks reports the finding in the text from a line on.
func around(text string, f scan.Finding, from int, detect func(text, path string) []theirs) bool {
	return reports(detect(text[lineStart(text, from):lineStart(text, f.EndLine+contextLines)], f.File), f, from-1)
}

// swallowed tells whether gitleaks reports the finding when it is not given the
// lines before: there, another match took the beginning of this one. The match may
// begin some lines before its secret.
func swallowed(text string, f scan.Finding, detect func(text, path string) []theirs) bool {
	for line := f.Line; line > max(0, f.Line-contextLines); line-- {
		if around(text, f, line, detect) {
			return true
		}
	}
	return false
}

// keywordElsewhere tells whether gitleaks reports the finding as soon as the lines
// around it hold a keyword of the rule, as the file does.
func keywordElsewhere(text string, f scan.Finding, e *evidence) bool {
	from := max(1, f.Line-contextLines)
	part := text[lineStart(text, from):lineStart(text, f.EndLine+contextLines)]
	for _, k := range e.rule(f.Rule).Keywords {
		if strings.Contains(strings.ToLower(text), k) {
			return reports(e.detect(part+"\n\n"+k+"\n", f.File), f, from-1)
		}
	}
	return false
}

// reports tells whether the list holds the finding; shift lines are missing
// before the text that was looked at.
func reports(list []theirs, f scan.Finding, shift int) bool {
	return slices.ContainsFunc(list, func(g theirs) bool {
		return g.Secret == f.Secret.Reveal() && max(g.StartLine, 1)+shift <= f.Line && f.Line <= max(g.EndLine, 1)+shift // 0 for a path
	})
}

// lineStart is where a line begins, or the end of a text that has fewer lines.
func lineStart(text string, line int) int {
	at := 0
	for range line - 1 {
		n := strings.IndexByte(text[at:], '\n') + 1
		if n == 0 {
			return len(text)
		}
		at += n
	}
	return at
}

// print writes the table of docs/gitleaks-differences.md.
func (c comparison) print(t *testing.T, name string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  gitleaks %d places, ours %d, in both %d\n", name, c.theirs, c.ours, c.same)
	for _, side := range []struct {
		title  string
		counts map[string]int
	}{{"only gitleaks", c.onlyTheirs}, {"only ours", c.onlyOurs}} {
		var classes []string
		for class := range side.counts {
			classes = append(classes, class)
		}
		slices.SortFunc(classes, func(a, b string) int {
			return cmp.Or(-cmp.Compare(side.counts[a], side.counts[b]), cmp.Compare(a, b))
		})
		for _, class := range classes {
			fmt.Fprintf(&b, "  %-14s %6d  %s\n", side.title, side.counts[class], class)
		}
	}
	t.Log(b.String())
}
