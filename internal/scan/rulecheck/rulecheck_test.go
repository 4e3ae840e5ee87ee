package rulecheck_test

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/rulecheck"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
)

func builtin(t *testing.T) (*match.Set, []rulecheck.Sheet) {
	t.Helper()
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	sheets, err := rulecheck.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return set, sheets
}

func TestEveryOwnRuleByItsExamples(t *testing.T) {
	t.Parallel()
	set, sheets := builtin(t)
	covered := map[string]bool{}
	for _, r := range rulecheck.Run(set, sheets, 10) {
		covered[r.Rule] = true
		for _, f := range r.Faults {
			t.Errorf("%s: %s", r.Rule, f)
		}
	}
	for _, r := range set.Rules() {
		if r.Own && !covered[r.ID] {
			t.Errorf("rule %s has no examples", r.ID)
		}
	}
}

func TestEveryOwnRuleIsWellFormedAndLosesLittle(t *testing.T) {
	t.Parallel()
	set, sheets := builtin(t)
	for _, r := range rulecheck.Lint(set, sheets, 4000) {
		for _, f := range r.Faults {
			t.Errorf("%s: %s", r.Rule, f)
		}
	}
}

// What a wrong rule looks like to both.
func TestFaults(t *testing.T) {
	t.Parallel()
	const good = `
id = "acme-key"
description = "Acme key"
keywords = ["acme_"]
link = "https://acme.example/keys"
misses = ["acme_{hex:31}", "acme_{hex:33}", "xacme_{hex:32}", "acme-{hex:32}", "acme_"]
`
	for name, tc := range map[string]struct{ rule, lint, run string }{
		"fine":              {good + `regex = '''\b(acme_[a-f0-9]{32})\b'''` + "\n" + `examples = ["acme_{hex:32}", "k=acme_{hex:32}", "'acme_{hex:32}'"]`, "", ""},
		"too few examples":  {good + `regex = '''\b(acme_[a-f0-9]{32})\b'''` + "\n" + `examples = ["acme_{hex:32}"]`, "1 examples", ""},
		"a deaf rule":       {good + `regex = '''\b(acme_[0-9]{32})\b'''` + "\n" + `examples = ["acme_{hex:32}", "k=acme_{hex:32}", "'acme_{hex:32}'"]`, "", "example 1 is not found"},
		"a loose rule":      {good + `regex = '''(acme_[a-f0-9]{32})'''` + "\n" + `examples = ["acme_{hex:32}", "k=acme_{hex:32}", "'acme_{hex:32}'"]`, "", "near miss 2 is reported"},
		"no group":          {good + `regex = '''\bacme_[a-f0-9]{32}\b'''` + "\n" + `examples = ["acme_{hex:32}", "k=acme_{hex:32}", "'acme_{hex:32}'"]`, "no group", ""},
		"a gate unstated":   {good + "entropy = 2.0\n" + `regex = '''\b(acme_[a-f0-9]{32})\b'''` + "\n" + `examples = ["acme_{hex:32}", "k=acme_{hex:32}", "'acme_{hex:32}'"]`, "without a stated loss", ""},
		"a gate that bites": {good + "entropy = 3.9\nloss = 0.0009\n" + `regex = '''\bacme_([a-f0-9]{32})\b'''` + "\n" + `examples = ["acme_{hex:32}", "k=acme_{hex:32}", "'acme_{hex:32}'"]`, "of real keys", "is not found"},
		"a bad template":    {good + `regex = '''\b(acme_[a-f0-9]{32})\b'''` + "\n" + `examples = ["acme_{hex:32}", "k=acme_{hex:99999999}", "'acme_{hex:32}'"]`, "", "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := []byte("[[rules]]" + tc.rule)
			set, err := ruleset.Load(data, "acme.toml", nil)
			if err != nil {
				t.Fatal(err)
			}
			sheets, err := rulecheck.Read(data, "acme.toml")
			if err != nil {
				t.Fatal(err)
			}
			for what, r := range map[string]rulecheck.Result{"lint": rulecheck.Lint(set, sheets, 2000)[0], "run": rulecheck.Run(set, sheets, 10)[0]} {
				want := map[string]string{"lint": tc.lint, "run": tc.run}[what]
				got := strings.Join(r.Faults, "; ")
				if want == "" && got != "" || !strings.Contains(got, want) {
					t.Errorf("%s says %q, want %q", what, got, want)
				}
			}
		})
	}
}

func TestASheetOfARuleThatIsNotThere(t *testing.T) {
	t.Parallel()
	set, _ := builtin(t)
	if r := rulecheck.Lint(set, []rulecheck.Sheet{{Rule: "gone-key"}}, 10); len(r) != 1 || len(r[0].Faults) != 1 {
		t.Errorf("got %+v", r)
	}
}
