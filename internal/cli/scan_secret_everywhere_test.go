package cli_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/report/export"
)

// anywhere draws a repository with secrets in texts, in the names of files, in commit
// messages and in the names of refs and people.
func anywhere(t *rapid.T) []exposed {
	out := exposure(t)
	const b64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	secret, password := lab.MadeUpOf(b64, 39)+"/", "p&"+lab.MadeUpOf(letters, 14)+"+\u00e9x"
	out = append(out,
		exposed{"conf/aws.ini", "aws_access_key_id = AKIA" + lab.MadeUpOf(upper, 16) + "\naws_secret_access_key = " + secret + "\n", []string{secret}},
		exposed{"conf/db.yml", "url: postgres://shop:" + password + "@db.shop.example.com/shop\n", []string{password}},
	)
	if rapid.Bool().Draw(t, "in a name") {
		k := key()
		out = append(out, exposed{"backup-" + k + "/dump " + k + ".sql", "k=" + k + "\n", []string{k}})
	}
	return out
}

// Whatever is written for people, programs or the next scan: every format, baselines,
// the cache and the state folder. None of it holds a secret that was not asked for.
func TestNoSecretInAnyFormatOrFile(t *testing.T) {
	t.Parallel()
	for seed := range 3 {
		files := rapid.Custom(anywhere).Example(seed)
		dir, home, out := repository(t), t.TempDir(), t.TempDir()
		for _, f := range files {
			write(t, dir, f.name, f.text)
		}
		git(t, dir, "add", "-A")
		git(t, dir, "commit", "-q", "-m", "with "+files[0].secrets[0], "--author", "Jo "+files[0].secrets[0]+" <jo@shop.invalid>")
		git(t, dir, "tag", "-a", "v1", "-m", "tagged "+files[0].secrets[0])
		c := call{env: map[string]string{"SECRETGUARD_HOME": home}}
		said := map[string]string{}
		do := func(name string, args ...string) {
			said[name+" of the command"] = c.run(args...).String()
		}
		do("text", "scan", dir, "-v")
		do("text again, from the cache", "scan", "git", dir)
		do("JSON", "scan", dir, "--json")
		for _, format := range export.Names() {
			do(format, "scan", dir, "-f", format)
			do(format+" into a file", "scan", "git", dir, "-f", format, "-r", filepath.Join(out, "report."+format))
		}
		baseline := filepath.Join(out, "baseline.json")
		do("baseline", "baseline", "create", dir, "-o", baseline, "--by-path")
		do("keyed baseline", "baseline", "create", dir, "-o", filepath.Join(out, "keyed.json"), "--keyed", "--json")
		do("review", "baseline", "review", baseline, "-t", dir)
		do("review as JSON", "baseline", "review", baseline, "-t", dir, "--json")
		do("scan with a baseline", "scan", dir, "-b", baseline, "--json")
		do("a wrong baseline", "scan", dir, "-b", filepath.Join(dir, files[0].name))
		do("a wrong configuration", "scan", dir, "-c", filepath.Join(dir, files[0].name))
		for _, folder := range []string{home, out} {
			addFiles(t, said, folder)
		}
		if len(said) < 30 {
			t.Fatalf("seed %d: only %d outputs", seed, len(said))
		}
		for _, f := range files {
			for _, secret := range f.secrets {
				for name, text := range said {
					if holdsSecret(text, secret) {
						t.Errorf("seed %d: %s holds the secret of %.20s", seed, name, f.name)
					}
				}
			}
		}
	}
}

// addFiles adds the content and the names of all files below a folder.
func addFiles(t *testing.T, into map[string]string, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		into[fmt.Sprintf("the file %s", strings.TrimPrefix(path, folder))] = path + "\n" + string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
