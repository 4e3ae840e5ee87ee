package difftest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// memory is a source of texts that lie nowhere.
type memory []source.Fragment

func (memory) Info() source.Info { return source.Info{Kind: "memory"} }

func (m memory) Walk(ctx context.Context, s source.Sink) error {
	for _, f := range m {
		if err := s.Fragment(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func scanTexts(t *testing.T, set *match.Set, texts map[string]string) map[string][]scan.Finding {
	t.Helper()
	var src memory
	for path, text := range texts {
		src = append(src, source.Fragment{Text: []byte(text), Places: []source.Place{{Where: "worktree", Path: path}}})
	}
	res, err := scan.New(set, scan.Options{}).Scan(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]scan.Finding{}
	for _, f := range res.Active() {
		out[f.File] = append(out[f.File], f)
	}
	return out
}

// paths are file names that the path expressions of the default rules ask for.
var paths = map[string]string{"\\.php$": "a.php", "tf|hcl": "a.tf", "ya?ml": "a.yaml", "nuget": "nuget.config", "p(?:12": "a.p12"}

// TestEveryDefaultRule compares over texts made from each rule's own expression:
// nobody could write two hundred such keys by hand, and none may lie here.
func TestEveryDefaultRule(t *testing.T) {
	t.Parallel()
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	detect := detector(t)
	texts := map[string]string{}
	ruleOf := map[string]string{}
	for i, r := range set.Rules() {
		if r.Own {
			continue
		}
		path := "a.txt"
		for part, name := range paths {
			if strings.Contains(r.Path, part) {
				path = name
			}
		}
		path = fmt.Sprintf("r%03d/%s", i, path)
		texts[path], ruleOf[path] = example(r), r.ID
	}
	ours := scanTexts(t, set, texts)
	reported := map[string]bool{}
	for path, text := range texts {
		gl := detect(text, path)
		for _, g := range gl {
			reported[g.RuleID] = true
			if !anySame(g, ours[path]) {
				t.Errorf("%s: only gitleaks: %v", ruleOf[path], g)
			}
		}
		for _, f := range ours[path] {
			if !isOwn(set, f.Rule) && !reports(gl, f, 0) && !swallowed(text, f, detect) {
				t.Errorf("%s: only ours: %s", ruleOf[path], describe(f))
			}
		}
	}
	var silent []string
	for _, id := range ruleOf {
		if !reported[id] {
			silent = append(silent, id)
		}
	}
	slices.Sort(silent)
	if len(silent) > 0 {
		t.Logf("%d of %d rules report none of the texts made from them: %v", len(silent), len(ruleOf), silent)
	}
	if len(silent) > len(ruleOf)/20 {
		t.Errorf("%d rules were not tried", len(silent))
	}
}

// example returns lines that match the rule's expression, between lines that do not.
func example(r match.Rule) string {
	if r.Regex == "" {
		return "any\n"
	}
	var b strings.Builder
	values := rapid.StringMatching(r.Regex)
	for seed := range 6 {
		fmt.Fprintf(&b, "%s\n\n--\n%s\n", strings.Join(r.Keywords, " "), values.Example(seed))
	}
	return b.String()
}

func isOwn(set *match.Set, id string) bool {
	return slices.ContainsFunc(set.Rules(), func(r match.Rule) bool { return r.ID == id && r.Own })
}

// anySame: one of the findings has the secret on a line of gitleaks' match.
func anySame(g theirs, list []scan.Finding) bool {
	return slices.ContainsFunc(list, func(f scan.Finding) bool {
		return f.Secret.Reveal() == g.Secret && max(g.StartLine, 1) <= f.Line && f.Line <= max(g.EndLine, 1)
	})
}
