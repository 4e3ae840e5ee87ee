package plan

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/match/span"
)

// expressions are of the forms that rules have.
var expressions = []string{
	`sk_live_[a-z0-9]{8}`, `(?i)token["' ]{0,3}[=:][a-z]{4,9}`, `(abc|defg|h[0-9]ij)[k-z]+`, `[a-f]{0,5}(?:key-)?secret[0-9]{3}`,
	`(?:ghp|gho)_[A-Za-z0-9]{6}`, `x{2,4}yz(a|b)?cde`, `[a-z]{1,20}\.apps\.acme`, `(foo(bar){2,3}-){1,2}baz`, `(?i)kelvins_[0-9]`, `é_key_[ä-ü]{2}z`,
	`-----BEGIN[ A-Z]{0,20}KEY-----[\s\S]{4,30}?-----END`, `[0-9a-f]{32}`, `(?:[A-Z0-9]{20}|[a-z]{18})`, `[a-z]+`, `a|b`, ``,
}

func parse(t *testing.T, expr string) *syntax.Regexp {
	t.Helper()
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	return re
}

// even takes out the two letters outside ASCII that fold into it: texts with them are
// looked at in another way.
var even = strings.NewReplacer("\u017f", "s", "\u212a", "k")

// stands reports whether an anchor stands in a text at a place.
func (a Anchor) stands(text string, at int) bool {
	for i := range a {
		if at+i >= len(text) || !a[i].Has(text[at+i]) {
			return false
		}
	}
	return true
}

// TestEveryMatchHoldsAnAnchor, no farther from its start than the plan says, behind
// nothing but what the plan says; and from there on the suffix matches.
func TestEveryMatchHoldsAnAnchor(t *testing.T) {
	t.Parallel()
	an := NewAnalyser()
	planned := 0
	for _, expr := range expressions {
		p, ok := an.Analyse(parse(t, expr))
		if !ok {
			continue
		}
		planned++
		suffix := regexp.MustCompile(`\A(?:` + p.Suffix.String() + `)\z`)
		matches := rapid.StringMatching(expr)
		rapid.Check(t, func(t *rapid.T) {
			m := even.Replace(matches.Draw(t, "match"))
			for at := 0; at <= min(p.Back, len(m)); at++ {
				for _, a := range p.Anchors {
					if a.stands(m, at) && suffix.MatchString(m[at:]) {
						return
					}
				}
				if at < len(m) && !p.BackClass.Has(m[at]) {
					break
				}
			}
			t.Fatalf("%s: no anchor of %d in %q, within %d bytes", expr, len(p.Anchors), m, p.Back)
		})
	}
	if planned < 8 {
		t.Errorf("only %d expressions have a plan", planned)
	}
}

// TestEveryMatchIsNearARun: the stretches around runs hold every match whole.
func TestEveryMatchIsNearARun(t *testing.T) {
	t.Parallel()
	planned := 0
	for _, expr := range expressions {
		p, ok := RunsOf(parse(t, expr))
		if !ok {
			continue
		}
		planned++
		matches := rapid.StringMatching(expr)
		rapid.Check(t, func(t *rapid.T) {
			before, m := rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "before"), matches.Draw(t, "match")
			text := before + m + rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "after")
			var c span.Cover
			p.Spans([]byte(text), func(s span.Span) { c.Add(s) })
			for _, s := range c.Spans {
				if s.Start <= len(before) && len(before)+len(m) <= s.End {
					return
				}
			}
			t.Fatalf("%s: %q in %q lies in none of %v", expr, m, text, c.Spans)
		})
	}
	if planned < 2 {
		t.Errorf("only %d expressions have runs", planned)
	}
}

// TestNothingIsPromisedOfCommonText: an expression that matches nearly everywhere has no
// plan, nor a keyword that is too short.
func TestNothingIsPromisedOfCommonText(t *testing.T) {
	t.Parallel()
	an := NewAnalyser()
	for _, expr := range []string{`[a-z]+`, `a|b`, ``, `(secret)?`, `\s*=\s*`, `.*secretkey`} {
		if p, ok := an.Analyse(parse(t, expr)); ok {
			t.Errorf("%q has the anchors %v", expr, p.Anchors)
		}
	}
	for word, want := range map[string]bool{"ab": false, "é_key": false, "akia": true, "   ": false} {
		if got := an.Keyword(word) != nil; got != want {
			t.Errorf("keyword %q: %v", word, got)
		}
	}
}
