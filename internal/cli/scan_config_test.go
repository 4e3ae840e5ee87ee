package cli_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestScanWithBadConfiguration: a mistake ends with 2 and names the file and the
// rule, however the configuration came in; no mistake panics or is passed over.
func TestScanWithBadConfiguration(t *testing.T) {
	t.Parallel()
	const good = "[[rules]]\nid = \"my-rule\"\nregex = '''abc'''\n"
	cases := []struct{ name, config, text string }{
		{"regex", "[[rules]]\nid = \"my-rule\"\nregex = '''a(b'''\n", "rule my-rule: regex: error parsing regexp: missing closing )"},
		{"regex that only Perl knows", "[[rules]]\nid = \"my-rule\"\nregex = '''(?<=a)b'''\n", "rule my-rule: regex"},
		{"regex too large", "[[rules]]\nid = \"my-rule\"\nregex = '''(((a{1000}){1000}){1000})'''\n", "rule my-rule: regex"},
		{"path", "[[rules]]\nid = \"my-rule\"\npath = '''['''\n", "rule my-rule: path"},
		{"allowlist of a rule", good + "[[rules.allowlists]]\nregexes = ['''*''']\n", "rule my-rule: allowlist"},
		{"paths of an allowlist", good + "[[rules.allowlists]]\npaths = ['''+''']\n", "rule my-rule: allowlist"},
		{"global allowlist", "[[allowlists]]\nregexes = ['''a(b''']\n" + good, "global allowlist"},
		{"targeted allowlist", "[[allowlists]]\ntargetRules = [\"my-rule\"]\nregexes = ['''a(b''']\n" + good, "rule my-rule: allowlist"},
		{"rule that is not there", "[[allowlists]]\ntargetRules = [\"other\"]\nregexes = ['''a''']\n" + good, `targets the rule "other"`},
		{"secretGroup", "[[rules]]\nid = \"my-rule\"\nregex = '''(a)'''\nsecretGroup = 2\n", "rule my-rule: secretGroup 2"},
		{"negative secretGroup", "[[rules]]\nid = \"my-rule\"\nregex = '''(a)'''\nsecretGroup = -1\n", "rule my-rule: secretGroup -1"},
		{"no id", "[[rules]]\nregex = '''a'''\n", "has no id"},
		{"no expression", "[[rules]]\nid = \"my-rule\"\n", "rule my-rule has neither"},
		{"condition", good + "[[rules.allowlists]]\ncondition = \"XOR\"\nregexes = ['''a''']\n", `condition "XOR"`},
		{"regexTarget", good + "[[rules.allowlists]]\nregexTarget = \"file\"\nregexes = ['''a''']\n", `regexTarget "file"`},
		{"empty allowlist", good + "[[rules.allowlists]]\ndescription = \"x\"\n", "allows nothing"},
		{"an id of ours", "[[rules]]\nid = \"stripe-secret-key\"\nregex = '''a'''\n", "stripe-secret-key is one of our own"},
		{"no TOML", "[[rules\n", ":1:"},
		{"wrong type", "[[rules]]\nid = 5\n", ":2:"},
		{"extend a file that is not there", "[extend]\npath = \"gone.toml\"\n", "gone.toml"},
		{"extend by URL", "[extend]\nurl = \"https://x.invalid\"\n", "url is not supported"},
		{"extend both", "[extend]\nuseDefault = true\npath = \"x\"\n", "both useDefault and path"},
		{"an id twice", good + good, "is given twice"},
		{"extend itself", "[extend]\npath = \".gitleaks.toml\"\n", "goes deeper"},
		{"composite", good + "[[rules.required]]\nid = \"x\"\n", "requires the rule \"x\", which does not exist"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "a.txt", "nothing\n")
			write(t, dir, ".gitleaks.toml", c.config)
			path := filepath.Join(dir, ".gitleaks.toml")
			elsewhere := t.TempDir()
			write(t, elsewhere, "a.txt", "nothing\n")
			results := []result{run("scan", "dir", dir)}
			if c.name == "regex" { // the ways in are the same for every mistake
				results = append(results, run("scan", "dir", elsewhere, "--config", path), call{env: map[string]string{"GITLEAKS_CONFIG": path}}.run("scan", "dir", elsewhere))
				results[1].expect(t, 2, "secretguard config validate -c "+path+" "+elsewhere)
				call{env: map[string]string{"GITLEAKS_CONFIG_TOML": c.config}}.run("scan", "dir", elsewhere).expect(t, 2, "GITLEAKS_CONFIG_TOML", c.text)
			}
			for _, r := range results {
				r.expect(t, 2, path, c.text, "try: correct it, then: secretguard config validate ")
				if r.out != "" {
					t.Errorf("results beside an error: %s", r)
				}
			}
		})
	}
}

// TestScanWithUnknownKeys: our own file is read strictly; in gitleaks' format an
// unknown key is left alone, as other programs of the family add their own.
func TestScanWithUnknownKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.txt", "nothing\n")
	write(t, dir, ".secretguard.toml", "[scan]\nmax_target_megabyte = 1\n")
	run("scan", "dir", dir).expect(t, 2, ".secretguard.toml", "scan.max_target_megabyte", "unknown key", `did you mean "scan.max_target_megabytes"?`)
	write(t, dir, ".secretguard.toml", "[scan]\nmax_target_megabytes = 1\n")
	write(t, dir, ".gitleaks.toml", "betterleaksVersion = \"x\"\n[[rules]]\nid = \"r\"\nregex = '''none[9]'''\nnewKey = 1\n")
	run("scan", "dir", dir).expect(t, 0)
}

// TestScanRulesReadNothingOutsideTheTarget: a repository's configuration extends
// only its own files, and never shows a piece of another.
func TestScanRulesReadNothingOutsideTheTarget(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	write(t, outside, "rules.toml", "[[rules]]\nid = \"outer\"\nregex = '''outer-[0-9]+'''\n")
	dir := t.TempDir()
	write(t, dir, "a.txt", "outer-12345 inner-12345\n")
	write(t, dir, "rules/inner.toml", "[[rules]]\nid = \"inner\"\nregex = '''inner-[0-9]+'''\n")
	out := filepath.Join(outside, "rules.toml")
	if err := os.Symlink(out, filepath.Join(dir, "link.toml")); err != nil {
		t.Fatal(err)
	}
	up, err := filepath.Rel(dir, out)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{out, up, "link.toml", "/dev/zero", "rules"} {
		write(t, dir, ".gitleaks.toml", "[extend]\npath = '"+path+"'\n")
		run("scan", "dir", dir).expect(t, 2, ".gitleaks.toml", "[extend]")
	}
	write(t, dir, ".gitleaks.toml", "[extend]\npath = 'rules/inner.toml'\n")
	run("scan", "dir", dir).expect(t, 1, "inner", "a.txt:1")
	// A file that the user names is the user's.
	write(t, dir, "mine.toml", "[extend]\npath = '"+out+"'\n")
	run("scan", "dir", dir, "--config", filepath.Join(dir, "mine.toml")).expect(t, 1, "outer")
}
