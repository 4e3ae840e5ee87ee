package cli_test

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestBaseline(t *testing.T) {
	t.Parallel()
	dir := repository(t, leak())
	out := filepath.Join(t.TempDir(), "b.json")
	run("baseline", "create", dir, "-o", out, "--reason", "made up").expect(t, 0, "1 findings")
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
