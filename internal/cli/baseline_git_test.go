package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/scan/sample"
)

// sixSecrets is a repository with secrets of several rules: a key of a known form, one
// that only its name tells, a password in a URL, an AWS pair, a key known by its context.
func sixSecrets(t *testing.T) string {
	t.Helper()
	dir := repository(t, "nothing\n")
	form, err := sample.Parse(`  "stripe": "sk_live_{alnum:40}",
  "internal_api_key": "{alnum:40}",
  "remote": "https://jo:{alnum:20}@git.example.com/shop/api.git",
  "aws_access_key_id": "AKIA{base32:16}",
  "aws_secret_access_key": "{base64:40}",
  "mistral_api_key": "{base36:32}"`)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, secretsFile, "{\n"+form.Make(sample.Source("six secrets"))+"\n}\n")
	commitAll(t, dir, "the configuration")
	return dir
}

func commitAll(t *testing.T, dir, message string) {
	t.Helper()
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", message)
}

// secretsFile is where they stand.
const secretsFile = "app/config.json"

// rewrite commits the file of secrets under another name, or changed, or both.
func rewrite(t *testing.T, dir, file string, edit func(string) string, keep bool) {
	t.Helper()
	text := contents(t, filepath.Join(dir, secretsFile))
	if edit != nil {
		text = edit(text)
	}
	if file == "" {
		file = secretsFile
	} else if !keep {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		git(t, dir, "mv", secretsFile, file)
	}
	write(t, dir, file, text)
	commitAll(t, dir, "rewritten")
}

// What a waiver accepted stays accepted whatever git and an editor do to the lines:
// each scan is of the whole repository, old commits and unreachable ones too.
func TestWaiversSurviveGit(t *testing.T) {
	t.Parallel()
	yaml := strings.NewReplacer("{\n", "config:\n", "\n}", "\n", `",`, `"`)
	env := strings.NewReplacer("{\n", "", "}\n", "", `": "`, "=", `",`, "", `"`, "", "  ", "")
	all := func(old, now string) func(string) string {
		return func(s string) string { return strings.ReplaceAll(s, old, now) }
	}
	for name, change := range map[string]struct {
		git  string              // commands, one a line
		file string              // where the secrets stand from then on; empty: where they stood
		edit func(string) string // what becomes of the file
		copy bool                // it is a copy
	}{
		"nothing": {},
		"rebase": {git: `checkout -q -b other HEAD~1
			commit -q --allow-empty -m beside-it
			rebase -q other main`},
		"squash merge": {git: `checkout -q -b other HEAD~1
			merge -q --squash main
			commit -q -m squashed
			branch -q -D main`},
		"amend, nothing of the old left": {git: `commit -q --amend -m another --author=Al<al@shop.invalid>
			reflog expire --expire=now --all
			gc -q --prune=now`},
		"git mv":        {file: "deploy/prod/settings.json"},
		"lines before":  {edit: func(s string) string { return strings.Repeat("\n", 70) + s }},
		"indentation":   {edit: all("  \"", "\t\t\t\"")},
		"single quotes": {file: "app/config.py", edit: all(`"`, `'`)},
		"CRLF":          {edit: all("\n", "\r\n")},
		"one line":      {edit: all("\n", "")},
		"JSON to YAML":  {file: "app/config.yaml", edit: yaml.Replace},
		"YAML, bare":    {file: "app/config.yml", edit: func(s string) string { return strings.ReplaceAll(yaml.Replace(s), `"`, "") }},
		"JSON to env":   {file: ".env", edit: env.Replace},
		"a copy":        {file: "docs/copy.json", copy: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := sixSecrets(t)
			anywhere, here := filepath.Join(t.TempDir(), "anywhere.json"), filepath.Join(t.TempDir(), "here.json")
			run("baseline", "create", dir, "-o", anywhere, "--reason", "known").expect(t, 0, "ids of 6 secrets")
			run("baseline", "create", dir, "-o", here, "--reason", "known", "--by-path").expect(t, 0, "ids of 6 secrets")
			for line := range strings.Lines(change.git) {
				git(t, dir, strings.Fields(line)...)
			}
			if change.file != "" || change.edit != nil {
				rewrite(t, dir, change.file, change.edit, change.copy)
			}
			run("baseline", "review", anywhere, "-t", dir).expect(t, 0, "0 to look at")
			doc := docOf(t, run("scan", dir, "-b", anywhere, "--json"))
			files := map[string]bool{}
			for _, f := range findings(doc) {
				files[f["file"].(string)] = true
				if f["suppressed"] == nil {
					t.Errorf("%s in %s is reported again", f["rule"], f["file"])
				}
			}
			if len(findings(doc)) < 6 {
				t.Errorf("only %d findings: nothing is shown", len(findings(doc)))
			}
			if r := run("scan", dir, "-b", here); (r.code == 1) != (len(files) > 1) {
				t.Errorf("by path, where the secrets stand in %v: %s", files, r)
			}
		})
	}
}

func docOf(t *testing.T, r result) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil {
		t.Fatalf("%v in %s", err, r)
	}
	return doc
}

// What a waiver does not say, it does not cover.
func TestWhatAWaiverDoesNotCover(t *testing.T) {
	t.Parallel()
	dir := sixSecrets(t)
	out := filepath.Join(t.TempDir(), "b.json")
	run("baseline", "create", dir, "-o", out, "--reason", "known", "--until", time.Now().AddDate(0, 0, 1).Format(time.DateOnly)).expect(t, 0)
	run("scan", dir, "-b", out).expect(t, 0, "accepted")
	text := contents(t, out)
	edited := func(name, old, now string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("no %q in the file", old)
		}
		path := filepath.Join(t.TempDir(), "b.json")
		write(t, filepath.Dir(path), "b.json", strings.ReplaceAll(text, old, now))
		return path
	}
	// The same secret under another rule: the entry's rule is changed by hand.
	run("scan", dir, "-b", edited("rule", "stripe-secret-key", "stripe-test-key")).expect(t, 1, "stripe-secret-key", "5 accepted")
	// A day that is over.
	run("scan", dir, "-b", edited("day", time.Now().AddDate(0, 0, 1).Format(time.DateOnly), "2020-02-02")).expect(t, 1, "its waiver ended on 2020-02-02")
	// Another secret in the same file, under the same rule.
	write(t, dir, secretsFile, contents(t, filepath.Join(dir, secretsFile))+`{"stripe": "`+lab.MadeUp("sk_live_", 40)+`"}`)
	run("scan", dir, "-b", out).expect(t, 1, "stripe-secret-key")
}
