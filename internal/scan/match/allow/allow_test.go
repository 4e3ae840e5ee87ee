package allow

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestWordsAreFoundAsBySearching: a stop word counts wherever it stands, in any case of
// ASCII letters.
func TestWordsAreFoundAsBySearching(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.StringMatching(`[abA_ä]{0,4}`)).Draw(t, "words")
		text := rapid.StringMatching(`[abcAB_äÄ]{0,12}`).Draw(t, "text")
		fold := func(s string) string {
			return strings.Map(func(r rune) rune {
				if r >= 'A' && r <= 'Z' {
					return r + 'a' - 'A'
				}
				return r
			}, s)
		}
		want := false
		for _, w := range list {
			want = want || strings.Contains(fold(text), fold(w))
		}
		if got := newWords(list).in(text); got != want {
			t.Fatalf("%q in %q: %v, want %v", list, text, got, want)
		}
	})
}

// TestConditions: what each condition allows, alone and together, and which question
// answers for it.
func TestConditions(t *testing.T) {
	t.Parallel()
	c := Candidate{Secret: "abcEXAMPLEdef", Whole: "key = abcEXAMPLEdef", Line: "  key = abcEXAMPLEdef # not real"}
	o := Origin{Path: "test/a.env", Commit: "ABC123"}
	for _, x := range []struct {
		name                            string
		list                            List
		origin, content, line, together bool
	}{
		{"nothing", List{}, false, false, false, false},
		{"nothing of all", List{All: true}, false, false, false, true},
		{"path", List{Paths: []string{`^test/`}}, true, false, false, false},
		{"another path", List{Paths: []string{`^src/`}}, false, false, false, false},
		{"commit in another case", List{Commits: []string{"abc123"}}, true, false, false, false},
		{"secret", List{Regexes: []string{`^abc.*def$`}}, false, true, false, false},
		{"match", List{Regexes: []string{`^key`}, RegexTarget: "match"}, false, true, false, false},
		{"match, asked of the secret", List{Regexes: []string{`^key`}}, false, false, false, false},
		{"line", List{Regexes: []string{`not real`}, RegexTarget: "line"}, false, false, true, false},
		{"stop word", List{StopWords: []string{"example"}}, false, true, false, false},
		{"path and commit", List{All: true, Paths: []string{`env$`}, Commits: []string{"abc123"}}, true, false, false, true},
		{"path and another commit", List{All: true, Paths: []string{`env$`}, Commits: []string{"fff"}}, false, false, false, false},
		{"path and word", List{All: true, Paths: []string{`env$`}, StopWords: []string{"example"}}, false, false, false, true},
		{"path and another word", List{All: true, Paths: []string{`env$`}, StopWords: []string{"sample"}}, false, false, false, false},
		{"a flag holds for those after it", List{Regexes: []string{`(?i)nowhere`, `^ABC`}}, false, true, false, false},
	} {
		if err := Check(x.list); err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		l := Compile([]List{{Paths: []string{"nowhere"}}, x.list})
		if got, want := [4]bool{l.Origin(o), l.Content(c), l.Line(c), l.Together(c, o)}, [4]bool{x.origin, x.content, x.line, x.together}; got != want {
			t.Errorf("%s: origin, content, line, together: got %v, want %v", x.name, got, want)
		}
		if x.list.All {
			continue
		}
		if l.Origin(Origin{}) || l.Content(Candidate{}) || l.Line(Candidate{}) {
			t.Errorf("%s: allows what is empty", x.name)
		}
	}
}

// TestCheckRefuses what does not compile, alone or joined with its neighbours.
func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	for _, l := range []List{{Paths: []string{"("}}, {Regexes: []string{"[a"}}, {Regexes: []string{"ok", `\`}}} {
		if Check(l) == nil {
			t.Errorf("%v is taken", l)
		}
	}
}
