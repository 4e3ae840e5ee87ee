package rulecheck_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/rulecheck"
	"github.com/secretguard/secretguard/internal/scan/sample"
)

// families are those that must be found, whatever becomes of the list in the docs.
var families = []string{
	"AWS", "AWS Bedrock", "AWS SQS (context)", "Supabase", "Supabase (context)", "Prefect", "Stripe", "Stripe (context)", "OpenAI", "Anthropic", "Google", "Cohere",
	"Mistral", "Groq", "xAI", "Hugging Face", "Replicate", "Perplexity", "DeepSeek", "OpenRouter", "ElevenLabs", "LangSmith", "2Captcha", "Netlify", "Render",
	"Railway", "GitHub", "Slack", "Twilio", "Google OAuth", "GitHub OAuth", "Databases", "Git remotes",
}

type docForm struct{ family, template, rule string }

// forms reads the list of docs/detection.md.
func forms(t *testing.T) []docForm {
	t.Helper()
	b, err := os.ReadFile("../../../docs/detection.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(b), "<!-- forms: every rule of ours -->")
	list, _, _ = strings.Cut(list, "<!-- end of forms -->")
	var out []docForm
	for _, m := range regexp.MustCompile("(?m)^\\| ([^|]+) \\| `([^`]+)` \\| `([^`]+)` \\|$").FindAllStringSubmatch(list, -1) {
		out = append(out, docForm{m[1], m[2], m[3]})
	}
	return out
}

// A form in the list has a rule that finds it, and the rule its examples.
func TestEveryFormHasItsRule(t *testing.T) {
	t.Parallel()
	set, sheets := builtin(t)
	sheet, rules := map[string]rulecheck.Sheet{}, map[string]match.Rule{}
	for _, s := range sheets {
		sheet[s.Rule] = s
	}
	for _, r := range set.Rules() {
		rules[r.ID] = r
	}
	seen, listed := map[string]bool{}, map[string]bool{}
	finder := set.Finder()
	for _, f := range forms(t) {
		seen[f.family], listed[f.rule] = true, true
		if !rules[f.rule].Own || len(sheet[f.rule].Examples) < 3 || len(sheet[f.rule].Misses) < 5 {
			t.Errorf("%s: the rule %s is not ours, or lacks examples: %+v", f.family, f.rule, sheet[f.rule])
		}
		form, err := sample.Parse(f.template)
		if err != nil {
			t.Fatal(err)
		}
		source := sample.Source(f.template)
		const keys = 20
		for range keys {
			text := []byte(form.Make(source) + "\n")
			found := false
			for _, m := range set.At(finder.Settle(text, finder.Find(text)), "deploy/app.conf", "") {
				found = found || m.Rule.ID == f.rule && m.Noise == ""
			}
			if !found {
				t.Errorf("%s: %s does not find %s", f.family, f.rule, f.template)
				break
			}
		}
	}
	for _, f := range families {
		if !seen[f] {
			t.Errorf("%s is not in the list of docs/detection.md", f)
		}
	}
	for id, r := range rules {
		if r.Own && !listed[id] {
			t.Errorf("the rule %s is not in the list of docs/detection.md", id)
		}
	}
}
