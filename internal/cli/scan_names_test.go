package cli_test

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/scan/archive/archivetest"
)

// TestSecretsInNames: a key can stand in the name of a file, a folder, a ref or a
// person. It is found there, and no output gives it away.
func TestSecretsInNames(t *testing.T) {
	t.Parallel()
	file, folder, ref, person := lab.MadeUp("sk_live_", 40), lab.MadeUp("sk_live_", 40), lab.MadeUp("sk_live_", 40), lab.MadeUp("sk_live_", 40)
	dir := repository(t, "nothing\n")
	write(t, dir, folder+"/a.txt", leak())
	write(t, dir, "b-"+file+".pem", "nothing\n")
	git(t, dir, "add", "-A")
	git(t, dir, "-c", "user.name="+person, "commit", "-q", "-m", "x", "--author", person+" <a@b>")
	git(t, dir, "branch", "fix/"+ref)
	for _, args := range [][]string{{"scan", "git", dir}, {"scan", "git", dir, "--json"}} {
		r := run(args...)
		r.expect(t, 1, "ref-name", "author")
		for what, s := range map[string]string{"file": file, "folder": folder, "ref": ref, "person": person} {
			if strings.Contains(r.out+r.err, s) {
				t.Errorf("%v gives away the secret in the name of a %s:\n%s", args, what, r)
			}
		}
	}
}

// TestSecretsInNamesOfFiles: nor do the names of files and of entries of archives
// give one away, beside what is found in them and what could not be read.
func TestSecretsInNamesOfFiles(t *testing.T) {
	t.Parallel()
	file, entry, unread := lab.MadeUp("sk_live_", 40), lab.MadeUp("sk_live_", 40), lab.MadeUp("sk_live_", 40)
	dir := repository(t, "nothing\n")
	write(t, dir, file+".env", leak())
	write(t, dir, "a.jar", string(archivetest.Zip(t, archivetest.File{Name: entry + ".env", Text: leak()})))
	write(t, dir, "b.jar", string(archivetest.Zip(t, archivetest.File{Name: unread + ".bin", Text: "\x00\x01"})))
	check := func(args ...string) {
		t.Helper()
		for _, more := range [][]string{nil, {"--json"}} {
			r := run(append(args, more...)...)
			r.expect(t, 1, ".env", "archive entry")
			for what, s := range map[string]string{"file": file, "entry": entry, "entry that was not read": unread} {
				if strings.Contains(r.out+r.err, s) {
					t.Errorf("%v gives away the secret in the name of a %s:\n%s", args, what, r)
				}
			}
		}
	}
	check("scan", "dir", dir)
	check("scan", dir)
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-qm", "all of it")
	check("scan", "git", dir)
	check("scan", "git", dir) // of what is remembered
}
