package cli_test

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
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
