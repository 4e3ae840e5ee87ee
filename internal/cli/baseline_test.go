package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBaseline(t *testing.T) {
	t.Parallel()
	dir := repository(t, leak())
	out := filepath.Join(t.TempDir(), "b.json")
	run("baseline", "create", dir, "-o", out, "--reason", "made up").expect(t, 0, "ids of 1 secrets")
	run("scan", "git", dir, "-b", out).expect(t, 0, "1 accepted")
	write(t, dir, "b.txt", leak())
	run("scan", "dir", dir, "-b", out).expect(t, 1, "b.txt:1", "1 accepted")
	run("baseline", "create", dir, "-o", out).expect(t, 2, "write the baseline")
	if !strings.Contains(contents(t, out), "made up") {
		t.Error("a baseline was overwritten")
	}
}

// TestAcceptedFilesWithMistakes end with 2: what was accepted by mistake, or not
// read, would change the result.
func TestAcceptedFilesWithMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.txt", "nothing\n")
	for name, text := range map[string]string{
		"no JSON": "{", "a list": "[]", "empty": "", "another schema": `{"schema":"secretguard.baseline/9","accepted":[]}`, "more behind it": `{"schema":"secretguard.baseline/1"} {}`,
	} {
		path := filepath.Join(t.TempDir(), "b.json")
		write(t, filepath.Dir(path), "b.json", text)
		if r := run("scan", "dir", dir, "-b", path); r.code != 2 || !strings.Contains(r.err, path) {
			t.Errorf("%s: %s", name, r)
		}
	}
	run("scan", "dir", dir, "-b", filepath.Join(dir, "gone")).expect(t, 2, "read the baseline", "gone")
	run("scan", "dir", dir, "-b", dir).expect(t, 2, "not a plain file")
	run("scan", "dir", dir, "-i", filepath.Join(dir, "gone")).expect(t, 2, "read the ignore file", "gone")
	run("scan", "dir", dir, "-i", dir).expect(t, 2, "not a plain file")
}

// A waiver names the secret: it holds when history is rewritten, the file renamed and
// its lines moved. By path, a copy elsewhere is reported.
func TestAWaiverSurvivesRewriting(t *testing.T) {
	t.Parallel()
	text := leak()
	dir := repository(t, text)
	anywhere, here := filepath.Join(t.TempDir(), "a.json"), filepath.Join(t.TempDir(), "h.json")
	run("baseline", "create", dir, "-o", anywhere, "--reason", "rotated", "--owner", "jo").expect(t, 0)
	run("baseline", "create", dir, "-o", here, "--reason", "rotated", "--by-path").expect(t, 0)

	other := repository(t, "# moved\n\n  "+strings.TrimSpace(text)+"   # was elsewhere\n")
	write(t, other, "copy/b.txt", text)
	run("scan", "git", other, "-b", anywhere).expect(t, 0, "accepted")
	run("scan", "dir", other, "-b", anywhere).expect(t, 0, "2 accepted")
	run("scan", "dir", other, "-b", here).expect(t, 1, "1 accepted", "copy/b.txt")
}

// A waiver that has ended reports its finding again, and says so; review tells.
func TestAWaiverEnds(t *testing.T) {
	t.Parallel()
	dir := repository(t, leak())
	out := filepath.Join(t.TempDir(), "b.json")
	run("baseline", "create", dir, "-o", out, "--reason", "rotated", "--until", "2001-02-03").expect(t, 0)
	run("scan", "git", dir, "-b", out).expect(t, 1, "its waiver ended on 2001-02-03")
	run("scan", "git", dir, "-b", out, "--json").expect(t, 1, `"waiver_ended": "2001-02-03"`)
	run("baseline", "review", out, "-t", dir).expect(t, 1, "ended", "1 to look at")
	run("baseline", "create", dir, "-o", out+"2", "--until", "soon").expect(t, 2, "--until")

	good := filepath.Join(t.TempDir(), "g.json")
	run("baseline", "create", dir, "-o", good, "--reason", "rotated").expect(t, 0)
	run("baseline", "review", good, "-t", dir).expect(t, 0, "holds", "0 to look at")
	empty := t.TempDir()
	write(t, empty, "a.txt", "nothing\n")
	run("baseline", "review", good, "-t", empty).expect(t, 1, "unused")
	nameless := filepath.Join(t.TempDir(), "n.json")
	run("baseline", "create", dir, "-o", nameless).expect(t, 0)
	run("baseline", "review", nameless, "-t", dir, "--json").expect(t, 1, `"state":"no reason"`)
	run("baseline", "review", filepath.Join(dir, "gone")).expect(t, 2, "gone")
}

// What gitleaks was told to accept becomes waivers, which hold where gitleaks' own
// fingerprints and reports do not.
func TestMigrateFromGitleaks(t *testing.T) {
	t.Parallel()
	value := key()
	text := "k=" + value + "\n"
	old := t.TempDir()
	write(t, old, "a.txt", text)
	write(t, old, ".gitleaksignore", "a.txt:stripe-access-token:1\n")
	report := filepath.Join(t.TempDir(), "gitleaks.json")
	write(t, filepath.Dir(report), "gitleaks.json", `[{"RuleID":"stripe-access-token","Secret":"`+value+`","File":"old/name.txt","StartLine":9,"Fingerprint":"old/name.txt:stripe-access-token:9"}]`)
	moved := t.TempDir()
	write(t, moved, "new.txt", "\n\n"+text)

	byFile, byReport := filepath.Join(t.TempDir(), "f.json"), filepath.Join(t.TempDir(), "r.json")
	run("baseline", "migrate", old, "-o", byFile, "--reason", "old").expect(t, 0, "ids of 1 secrets")
	run("baseline", "migrate", moved, "--from", report, "-o", byReport, "--reason", "old").expect(t, 0, "ids of 1 secrets")
	for _, b := range []string{byFile, byReport} {
		run("scan", "dir", moved, "-b", b).expect(t, 0, "1 accepted")
		if strings.Contains(contents(t, b), value) {
			t.Error("the secret is in the file of waivers")
		}
	}
	run("scan", "dir", moved, "-b", report).expect(t, 0, "1 accepted")
	run("scan", "dir", moved, "-i", filepath.Join(old, ".gitleaksignore")).expect(t, 1)
}

// With a team's key the file says nothing to whoever lacks the key: a scan ends with
// an error, and the key in the environment is enough anywhere.
func TestABaselineWithAKey(t *testing.T) {
	t.Parallel()
	dir, home := repository(t, leak()), t.TempDir()
	out := filepath.Join(t.TempDir(), "b.json")
	made := call{env: map[string]string{"SECRETGUARD_HOME": home}}.run("baseline", "create", dir, "-o", out, "--reason", "r", "--keyed")
	made.expect(t, 0, "a new key is in", "SECRETGUARD_BASELINE_KEY")
	files, err := filepath.Glob(filepath.Join(home, "baseline-keys", "*.key"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v: the key's file: %v", err, files)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v: others may read the key: %v", err, info.Mode())
	}
	key := strings.TrimSpace(contents(t, files[0]))
	if strings.Contains(made.String(), key) || strings.Contains(contents(t, out), key) {
		t.Error("the key is in the output or in the baseline")
	}
	for name, env := range map[string]map[string]string{
		"the maker's state": {"SECRETGUARD_HOME": home},
		"the environment":   {"SECRETGUARD_HOME": t.TempDir(), "SECRETGUARD_BASELINE_KEY": key},
		"a file":            {"SECRETGUARD_HOME": t.TempDir(), "SECRETGUARD_BASELINE_KEY_FILE": files[0]},
	} {
		if r := (call{env: env}).run("scan", "git", dir, "-b", out); r.code != 0 || !strings.Contains(r.String(), "1 accepted") {
			t.Errorf("%s: %s", name, r)
		}
		if r := (call{env: env}).run("baseline", "review", out, "-t", dir); r.code != 0 {
			t.Errorf("%s: %s", name, r)
		}
	}
	run("scan", "git", dir, "-b", out).expect(t, 2, "key is not at hand", "SECRETGUARD_BASELINE_KEY")
	run("baseline", "review", out, "-t", dir).expect(t, 2, "key is not at hand")
	for name, bad := range map[string]string{"no base64": "***" + key, "too short": "QUFB"} {
		r := call{env: map[string]string{"SECRETGUARD_HOME": t.TempDir(), "SECRETGUARD_BASELINE_KEY": bad}}.run("scan", "git", dir, "-b", out)
		if r.code != 2 || !strings.Contains(r.err, "no key of a baseline") || strings.Contains(r.err, bad) {
			t.Errorf("%s: %s", name, r)
		}
	}
	// Out of the key again, and into it.
	plain := filepath.Join(t.TempDir(), "plain.json")
	call{env: map[string]string{"SECRETGUARD_HOME": home}}.run("baseline", "migrate", dir, "--from", out, "-o", plain).expect(t, 0, "ids of 1 secrets")
	run("scan", "git", dir, "-b", plain).expect(t, 0, "1 accepted")
}

// An older baseline is read, review says what to do, and migrate keeps what it says.
func TestAnOlderBaseline(t *testing.T) {
	t.Parallel()
	dir := repository(t, leak())
	id, rule := findings(document(t, 1, "scan", "git", dir))[0]["id"].(string), findings(document(t, 1, "scan", "git", dir))[0]["rule"].(string)
	old, out := filepath.Join(t.TempDir(), "old.json"), filepath.Join(t.TempDir(), "new.json")
	write(t, filepath.Dir(old), "old.json", `{"schema":"secretguard.baseline/1","accepted":[{"id":"`+id+`","rule":"`+rule+`","reason":"rotated","owner":"jo","until":"2999-01-02"}]}`)
	run("scan", "git", dir, "-b", old).expect(t, 0, "1 accepted")
	run("baseline", "review", old, "-t", dir).expect(t, 0, "holds", "older form", "baseline migrate --from")
	run("baseline", "migrate", dir, "--from", old, "-o", out).expect(t, 0, "ids of 1 secrets")
	text := contents(t, out)
	for _, want := range []string{"secretguard.baseline/2", "rotated", "jo", "2999-01-02", "sgw1:"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the new file", want)
		}
	}
	if strings.Contains(text, id) {
		t.Error("the older hash is in the new file")
	}
	run("scan", "git", dir, "-b", out).expect(t, 0, "1 accepted")
}
