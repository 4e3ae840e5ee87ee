package gitleaks_test

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/gitleaks"
	"github.com/secretguard/secretguard/internal/scan/match"
)

// found tells whether a rule with a betterleaks filter reports the secret of a text.
func found(t *testing.T, head, filter, text, path string) bool {
	t.Helper()
	c, err := gitleaks.Parse([]byte(head+"\n[[rules]]\nid='a-key'\nregex='key=(\\w+)'\nkeywords=['key']\nfilter='''"+filter+"'''\n"), "b.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := match.Compile(c.Rules, c.Global)
	if err != nil {
		t.Fatal(err)
	}
	return len(set.Scan(match.Fragment{Text: text, Path: path})) > 0
}

func TestBetterleaksFilters(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		head, filter, text, path string
		want                     bool
	}{
		"no case holds":       {"", `filter.containsAny(finding["secret"], ["MOCK", "test"])`, "key=abc123", "a", true},
		"a word":              {"", `filter.containsAny(finding["secret"], ["MOCK", "test"])`, "key=abcMOCK", "a", false},
		"an expression":       {"", `filter.matchesAny(finding["secret"], [r"""^abc\d+$"""])`, "key=abc123", "a", false},
		"of the line":         {"", `matchesAny(finding["line"], ["Example:"])`, "Example: key=abc123", "a", false},
		"the path":            {"", `filter.matchesAny(attributes[?"path"].orValue(""), ["(?i)\\.md$"])`, "key=abc123", "docs/A.MD", false},
		"another path":        {"", `filter.matchesAny(attributes[?"path"].orValue(""), ["(?i)\\.md$"])`, "key=abc123", "a.go", true},
		"equal":               {"", `finding["secret"] == "abc123"`, "key=abc123", "a", false},
		"not equal":           {"", `finding["secret"] == "abc123"`, "key=abc1234", "a", true},
		"low entropy":         {"", `filter.entropy(finding["secret"]) <= 2.0`, "key=aaaab", "a", false},
		"high entropy":        {"", `filter.entropy(finding["secret"]) <= 2.0`, "key=abcdefgh", "a", true},
		"both must hold, one": {"", `matchesAny(attributes["path"], ["^t/"]) && containsAny(finding["secret"], ["mock"])`, "key=mock1", "src/a", true},
		"both must hold":      {"", `matchesAny(attributes["path"], ["^t/"]) && containsAny(finding["secret"], ["mock"])`, "key=mock1", "t/a", false},
		"one is enough": {"", `(containsAny(finding["secret"], ["mock"])) ||
			filter.entropy(finding["secret"]) <= 1.5`, "key=mock1", "a", false},
		"a choice in both":   {"", `(matchesAny(attributes["path"], ["^t/"]) || matchesAny(attributes["path"], ["^u/"])) && finding["secret"] == "x1"`, "key=x1", "u/a", false},
		"newer, backticks":   {"", "matchesAny(get(attributes, \"path\", \"\"), [`(?i)\\.md$`, `x\"y`])", "key=abc123", "docs/A.MD", false},
		"newer, null":        {"", `matchesAny((attributes["path"] ?? ""), ["\\.md$"])`, "key=abc123", "docs/a.md", false},
		"newer, just enough": {"", `entropy(finding["secret"]) < 2.0`, "key=abcd", "a", true},
		"newer, too low":     {"", `entropy(finding["secret"]) < 2.0`, "key=aabc", "a", false},
		"at most":            {"", `entropy(finding["secret"]) <= 2.0`, "key=abcd", "a", false},
		"for every rule":     {`prefilter = 'matchesAny(attributes["path"], ["^vendor/"])'`, `finding["secret"] == "none"`, "key=abc123", "vendor/a", false},
	} {
		if got := found(t, tc.head, tc.filter, tc.text, tc.path); got != tc.want {
			t.Errorf("%s: reported %v, want %v", name, got, tc.want)
		}
	}
}

// What cannot be honoured is an error that names the rule.
func TestBetterleaksFiltersThatAreNotSupported(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{
		`entropy(finding["secret"]) > 2.0`, "matchesAny(finding[\"secret\"], [`a])", `!matchesAny(finding["secret"], ["a"])`, `let x = 1; x == 1`, `get(attributes, "author", "") == "x"`,
		`filter.failsTokenEfficiency(finding["secret"])`, `filter.entropy(finding["secret"]) <= 2.0 && finding["secret"] == "x"`,
		`attributes[?"git.author_name"].orValue("").endsWith("[bot]")`, `!finding["secret"] == "x"`, `filter.entropy(finding["line"]) <= 2.0`,
		`finding["secret"] == `, `containsAny(finding["secret"], [])`, `containsAny(finding["secret"], ["a" "b"])`, `(finding["secret"] == "x"`,
		`finding["secret"] == "x" finding`, strings.Repeat("(", 99), `filter.matchesAny(finding["secret"], ["a"]) && filter.matchesAny(finding["line"], ["b"])`,
	} {
		_, err := gitleaks.Parse([]byte("[[rules]]\nid='a-key'\nregex='k'\nfilter='''"+filter+"'''\n"), "b.toml", nil)
		if err == nil || !strings.Contains(err.Error(), "rule a-key") || !strings.Contains(err.Error(), "b.toml") {
			t.Errorf("%s: %v", filter, err)
		}
	}
	for _, doc := range []string{
		"[[rules]]\nid='a-key'\nregex='k'\nvalidate='http.get(\"x\")'\n", "filter='filter.entropy(finding[\"secret\"]) <= 2.0'\n", "prefilter='what'\n",
	} {
		if _, err := gitleaks.Parse([]byte(doc), "b.toml", nil); err == nil {
			t.Errorf("%q was taken", doc)
		}
	}
}

// FuzzFilter: an expression is read whole or refused.
func FuzzFilter(f *testing.F) {
	f.Add(`filter.containsAny(finding["secret"], ["a"]) || (finding["line"] == 'x' && matchesAny(attributes["path"], [r"""b"""]))`)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "'''") {
			t.Skip()
		}
		_, _ = gitleaks.Parse([]byte("[[rules]]\nid='a-key'\nregex='k'\nfilter='''"+text+"'''\n"), "b.toml", nil)
	})
}

// A file whose rules ask services themselves, as betterleaks' own does, is refused; the
// error names the rules, and nothing of it is used.
func TestBetterleaksRulesThatAsk(t *testing.T) {
	t.Parallel()
	doc := ""
	for _, id := range []string{"a-key", "b-key", "c-key"} {
		doc += "[[rules]]\nid='" + id + "'\nregex='k'\nkeywords=['k']\n"
		if id != "b-key" {
			doc += "validate='http.get(\"https://example.com\").status == 200'\n"
		}
	}
	_, err := gitleaks.Parse([]byte(doc), "b.toml", nil)
	if err == nil || !strings.Contains(err.Error(), "b.toml: rule a-key: validate") || !strings.Contains(err.Error(), "c-key") || strings.Contains(err.Error(), "b-key") {
		t.Errorf("got %v", err)
	}
}
