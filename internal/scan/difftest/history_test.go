package difftest

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/scan/source"
	"github.com/secretguard/secretguard/internal/scan/suppress"
)

// token is a value that gitleaks' default rules report and ours have no rule for.
func (m maker) token() string {
	return "glpat-" + m.from("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789", 20)
}

// TestEveryPlaceInAHistory makes one secret for each place that git knows and
// checks which of them gitleaks sees, which we see, and how the rest is explained.
func TestEveryPlaceInAHistory(t *testing.T) {
	t.Parallel()
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	m := newMaker()
	dir := newRepo(t)
	page := strings.Repeat("some text to recognise the file by\n", 20)
	commit(t, dir, "one", map[string]string{"plain.txt": "a=" + m.token() + "\n", "moved.txt": page + "b=" + m.token() + "\n", "gone.txt": "c=" + m.token() + "\n"})
	if err := os.Symlink("to/"+m.token(), filepath.Join(dir, "link")); err != nil { // git keeps a link's target as its content
		t.Fatal(err)
	}
	commit(t, dir, "a link", nil)
	git(t, dir, "rm", "-q", "gone.txt")
	git(t, dir, "mv", "moved.txt", "renamed.txt")
	commit(t, dir, "two: a file moved, one gone, a line put above", map[string]string{
		"plain.txt": "first\na=" + strings.SplitN(git(t, dir, "show", "HEAD:plain.txt"), "=", 2)[1],
	})
	git(t, dir, "switch", "-q", "-c", "side")
	commit(t, dir, "side", map[string]string{"side.txt": "d=" + m.token() + "\n", "both.txt": "side\n"})
	git(t, dir, "switch", "-q", "main")
	commit(t, dir, "main", map[string]string{"both.txt": "main\n", "key.txt": "sk_live_" + m.from("abcdefghijkmnpqrstuvwxyz23456789", 40) + "x\n"})
	git(t, dir, "merge", "-q", "--no-commit", "-s", "ours", "side")
	commit(t, dir, "merge", map[string]string{"both.txt": "e=" + m.token() + "\n"})
	commit(t, dir, "a message with "+m.token(), nil)
	git(t, dir, "tag", "-a", "v1", "-m", "a tag with "+m.token())
	commit(t, dir, "left behind", map[string]string{"left.txt": "f=" + m.token() + "\n"})
	git(t, dir, "reset", "-q", "--hard", "HEAD~")
	writeAll(t, dir, map[string]string{"plain.txt": "first\nstashed=" + m.token() + "\n"})
	git(t, dir, "stash", "-q")
	git(t, dir, "branch", "webhook")
	commit(t, dir, "a rule of ours", map[string]string{"hook.txt": "w=whsec_" + m.lower(32) + "\n"})

	c := compare(gitleaks(t, "git", dir), scanGit(t, set, dir), proof(t, dir, set))
	c.print(t, "generated")
	if len(c.onlyTheirs) > 0 {
		t.Errorf("only gitleaks: %v", c.details)
	}
	want := map[string]int{
		classOtherLine: 1, classOtherFile: 1, classMerge: 1, classMessage: 2, classStash: 1, classOwnRule: 1, classUnreachable: 1,
	}
	if !maps.Equal(c.onlyOurs, want) {
		t.Errorf("only ours: %v\nwant %v\n%v", c.onlyOurs, want, c.details)
	}
	// plain, moved, gone, link, side, and the live key that a rule of ours has too
	if c.same != 6 {
		t.Errorf("%d places in both, want 6", c.same)
	}
}

// TestIgnoreFileMadeFromGitleaksReport: the fingerprints of gitleaks' report accept
// the same findings here, also at the lines of later versions, and where a rule of
// ours stands for gitleaks'. What came later than the report still counts.
func TestIgnoreFileMadeFromGitleaksReport(t *testing.T) {
	t.Parallel()
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	m := newMaker()
	dir := newRepo(t)
	old := "key:\n  api_token =\n  '" + m.from("abcdefghijkmnpqrstuvwxyz23456789", 40) + "'\na=" + m.token() + "\nsk_live_" + m.from("abcdefghijkmnpqrstuvwxyz23456789", 40) + "\n"
	commit(t, dir, "old", map[string]string{"a.txt": old, "c.p12": "not binary\n"})
	prints := fingerprints(t, dir)
	if len(prints) != 4 {
		t.Fatalf("%d fingerprints, want 4: %v", len(prints), prints)
	}
	commit(t, dir, "moved down", map[string]string{"a.txt": "x\nx\nx\n" + old})
	ignore := filepath.Join(dir, ".gitleaksignore")
	if err := os.WriteFile(ignore, []byte("# accepted\n"+strings.Join(prints, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	scanIt := func() []scan.Finding {
		var list suppress.List
		if err := list.AddIgnoreFile(ignore); err != nil {
			t.Fatal(err)
		}
		src, err := source.Git(t.Context(), dir, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := scan.New(set, scan.Options{Accepted: &list}).Scan(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		return reported(res)
	}
	if left := scanIt(); len(left) > 0 || len(gitleaks(t, "git", dir)) > 0 {
		t.Errorf("still counted: %v", describeAll(left))
	}
	commit(t, dir, "new", map[string]string{"a.txt": old + "b=" + m.token() + "\n", "b.txt": old})
	gl, sg := gitleaks(t, "git", dir), scanIt()
	c := compare(gl, sg, proof(t, dir, set))
	if len(gl) != 4 || c.same+c.onlyTheirs[classSecretLine] != 4 || len(c.onlyOurs) > 0 { // one new value, and three in a new file
		t.Errorf("gitleaks %v\nours %v\n%v", gl, describeAll(sg), c.details)
	}
}

// TestAllowlistForACommit: gitleaks leaves out the lines that the commit brought;
// so do we, although later versions of the file hold them too.
func TestAllowlistForACommit(t *testing.T) {
	t.Parallel()
	m := newMaker()
	dir := newRepo(t)
	secret := "plain-" + m.lower(30)
	first := commit(t, dir, "allowed", map[string]string{"a.txt": secret + "\n"})
	commit(t, dir, "moved down", map[string]string{"a.txt": "x\n" + secret + "\n"})
	commit(t, dir, "new ones", map[string]string{"a.txt": "x\n" + secret + "\nplain-" + m.lower(30) + "\n", "b.txt": secret + "\n"})
	config, set := configure(t, `
[[allowlists]]
commits = [" `+strings.ToUpper(first)+` "]
[[rules]]
id = "plain"
regex = '''plain-[a-z0-9]{30}'''
keywords = ["plain-"]
`)
	gl, sg := gitleaks(t, "git", dir, "--config", config), scanGit(t, set, dir)
	if len(gl) != 2 || len(sg) != 2 {
		t.Errorf("gitleaks %v, ours %v, want 2 each", gl, describeAll(sg))
	}
	for i, g := range gl {
		found := false
		for _, f := range sg {
			found = found || f.File == g.File && sameFinding(g, f)
		}
		if !found {
			t.Errorf("only gitleaks: %v", gl[i])
		}
	}
}

// TestTextByAttribute: .gitattributes may call a file with NUL bytes a text. git
// then shows its lines to gitleaks; we count it as skipped.
func TestTextByAttribute(t *testing.T) {
	t.Parallel()
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := newRepo(t)
	commit(t, dir, "binary", map[string]string{".gitattributes": "*.dat diff\n", "a.dat": "\x00\x01\n" + newMaker().token() + "\n"})
	if gl, sg := gitleaks(t, "git", dir), scanGit(t, set, dir); len(gl) != 1 || len(sg) != 0 {
		t.Errorf("gitleaks %v, ours %v: docs/gitleaks-differences.md says otherwise", gl, describeAll(sg))
	}
}
