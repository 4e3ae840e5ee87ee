package difftest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
)

// TestConfigurationsThatExtend reads each configuration with both programs and
// compares what they find in one folder.
func TestConfigurationsThatExtend(t *testing.T) {
	t.Parallel()
	m := newMaker()
	pat, allowed := m.token(), m.token()
	const base = `
[[allowlists]]
stopwords = ["base-stop"]
[[rules]]
id = "own-one"
regex = '''one-([a-z0-9]{20})'''
keywords = ["one-"]
tags = ["base"]
[[rules]]
id = "own-two"
regex = '''two-([a-z0-9]{20})'''
keywords = ["two-"]
`
	files := map[string]string{
		"a.txt": "x=" + pat + "\ny=" + allowed + "\n",
		"b.txt": "one-" + m.lower(20) + "\ntwo-" + m.lower(20) + "\nONE-" + strings.ToUpper(m.lower(20)) + "\n",
		"c.txt": "one-" + strings.Repeat("ab", 10) + "\none-base-stop" + m.lower(11) + "\n",
	}
	cases := []struct {
		name, config, base string
		gitleaks           int // findings
	}{
		{"default rules, two files deep", "[extend]\nuseDefault = true\n", "", 2},
		{"an allowlist added to a default rule", "[extend]\nuseDefault = true\n[[rules]]\nid = \"gitlab-pat\"\n[[rules.allowlists]]\nregexes = ['''" + allowed + "''']\n", "", 1},
		{"a default rule disabled", "[extend]\nuseDefault = true\ndisabledRules = [\"gitlab-pat\"]\n", "", 0},
		{"a default rule with another expression", "[extend]\nuseDefault = true\n[[rules]]\nid = \"gitlab-pat\"\nregex = '''" + pat[:12] + ".*'''\n", "", 1},
		{"targetRules at a default rule", "[extend]\nuseDefault = true\n[[allowlists]]\ntargetRules = [\"gitlab-pat\"]\nregexes = ['''" + pat + "''']\n", "", 1},
		{"a file extended", "[extend]\npath = \"BASE\"\n", base, 3},
		{"a file extended, a rule changed", "[extend]\npath = \"BASE\"\n[[rules]]\nid = \"own-one\"\nentropy = 3.0\nregex = '''(?i)one-([a-z0-9]{20})'''\n", base, 3},
		{"a file extended that extends the default", "[extend]\npath = \"BASE\"\n", "[extend]\nuseDefault = true\n" + base, 5},
		{"keys in other cases, the old allowlist", "[Allowlist]\nStopWords = [\"zzz\"]\n[[Rules]]\nID = \"x\"\nRegex = '''one-([a-z0-9]{20})'''\nKeywords = [\"ONE-\"]\n", "", 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeAll(t, dir, files)
			basePath := filepath.Join(t.TempDir(), "base.toml")
			if err := os.WriteFile(basePath, []byte(c.base), 0o600); err != nil {
				t.Fatal(err)
			}
			config, set := configure(t, strings.ReplaceAll(c.config, "BASE", basePath))
			gl := gitleaksIn(t, dir, "dir", ".", "--config", config)
			sg := scanDir(t, set, dir)
			if len(gl) != c.gitleaks {
				t.Errorf("gitleaks reports %v, want %d", gl, c.gitleaks)
			}
			if len(sg) != len(gl) {
				t.Errorf("gitleaks %v\nours %v", gl, describeAll(sg))
			}
			for _, g := range gl {
				if !slices.ContainsFunc(sg, func(f scan.Finding) bool { return f.File == g.File && sameFinding(g, f) }) {
					t.Errorf("only gitleaks: %v", g)
				}
			}
		})
	}
}

// TestTargetRulesOfAnExtendedFile: gitleaks forgets an allowlist with targetRules
// that stands in the file that is extended; we honour it.
func TestTargetRulesOfAnExtendedFile(t *testing.T) {
	t.Parallel()
	m := newMaker()
	dir := t.TempDir()
	writeAll(t, dir, map[string]string{"a.txt": "one-" + m.lower(20) + "\n"})
	base := filepath.Join(t.TempDir(), "base.toml")
	if err := os.WriteFile(base, []byte("[[allowlists]]\ntargetRules = [\"own-one\"]\nregexes = ['.']\n[[rules]]\nid = \"own-one\"\nregex = 'one-([a-z0-9]{20})'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config, set := configure(t, "[extend]\npath = \""+base+"\"\n")
	if gl, sg := gitleaksIn(t, dir, "dir", ".", "--config", config), scanDir(t, set, dir); len(gl) != 1 || len(sg) != 0 {
		t.Errorf("gitleaks %v, ours %v: docs/gitleaks-differences.md says otherwise", gl, describeAll(sg))
	}
}

// TestConfigurationInTheTarget: a key in the configuration file is a key. gitleaks
// leaves the file out when its path reads the same as that of the file.
func TestConfigurationInTheTarget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := "# one-" + newMaker().lower(20) + "\n[[rules]]\nid = \"own-one\"\nregex = 'one-([a-z0-9]{20})'\n"
	writeAll(t, dir, map[string]string{".gitleaks.toml": text})
	_, set := configure(t, text)
	if gl, sg := gitleaksIn(t, dir, "dir", "."), scanDir(t, set, dir); len(gl) != 0 || len(sg) != 1 {
		t.Errorf("gitleaks %v, ours %v: docs/gitleaks-differences.md says otherwise", gl, describeAll(sg))
	}
}
