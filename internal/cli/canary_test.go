package cli_test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/secretguard/secretguard/internal/lab"
)

// encodings are the forms in which a secret may hide.
func encodings(secret string) map[string][]string {
	utf16le := make([]byte, 0, 2*len(secret))
	for _, u := range utf16.Encode([]rune(secret)) {
		utf16le = append(utf16le, byte(u), byte(u>>8))
	}
	backwards := []byte(secret)
	slices.Reverse(backwards)
	quoted, _ := json.Marshal(secret) // a string can be encoded
	return map[string][]string{
		"plain":       {secret},
		"base64":      inside(base64.StdEncoding, secret),
		"base64url":   inside(base64.URLEncoding, secret),
		"base32":      {strings.TrimRight(base32.StdEncoding.EncodeToString([]byte(secret)), "=")},
		"hex":         {hex.EncodeToString([]byte(secret))},
		"HEX":         {strings.ToUpper(hex.EncodeToString([]byte(secret)))},
		"URL escaped": {url.QueryEscape(secret), url.PathEscape(secret)},
		"JSON":        {strings.Trim(string(quoted), `"`), strings.Trim(strings.ReplaceAll(string(quoted), "/", `\/`), `"`)},
		"UTF-16":      {string(utf16le)},
		"backwards":   {string(backwards)},
	}
}

// inside returns what is the same of a base64 text wherever in a larger text the
// secret begins.
func inside(enc *base64.Encoding, secret string) []string {
	var out []string
	for shift := range 3 {
		text := enc.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
		skip, end := (shift*8+5)/6, len(text)/4*4-4
		out = append(out, text[skip:end])
	}
	return out
}

func TestEncodingsAreFound(t *testing.T) {
	t.Parallel()
	secret := "+/" + lab.MadeUp("", 26)
	for name, made := range map[string]string{
		"plain": "a " + secret, "base64": base64.StdEncoding.EncodeToString([]byte("pass=" + secret + ";")), "hex": "0x" + hex.EncodeToString([]byte(secret)),
		"base64url": base64.URLEncoding.EncodeToString([]byte("ab" + secret)), "URL escaped": "?k=" + url.QueryEscape(secret),
	} {
		if !slices.ContainsFunc(encodings(secret)[name], func(form string) bool { return strings.Contains(made, form) }) {
			t.Errorf("%s is not found in %q", name, made)
		}
	}
}

// canary looks for marked secrets in all that a story leaves behind.
type canary struct {
	t       *testing.T
	secrets map[string]string // name -> value
	looked  int
}

func (c *canary) look(where string, b []byte) {
	c.t.Helper()
	c.looked += len(b)
	for name, value := range c.secrets {
		for enc, forms := range encodings(value) {
			for _, form := range forms {
				if bytes.Contains(b, []byte(form)) {
					c.t.Errorf("%s holds %s (%s)", where, name, enc)
				}
			}
		}
	}
}

func (c *canary) folder(dir string) {
	c.t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		c.look(strings.TrimPrefix(path, dir), b)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// The secrets of a whole story - found, planned, held, resumed, rolled back, done,
// proven, reported, exported, and handed in by a person - stand in no output, no
// file and no variable of the environment, in no encoding.
func TestCanary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stripeOld, stripeNew, mistyped := w.lab.Stripe.MakeKey("sk_live_"), w.lab.Stripe.MakeKey("sk_live_"), lab.MadeUp("sk_live_", 99)
	c := &canary{t: t, secrets: map[string]string{"the leaked key": w.estate.LeakedSecret, "the leaked Stripe key": stripeOld, "the new Stripe key": stripeNew, "the mistyped key": mistyped}}
	home, out := w.env["HOME"], t.TempDir()
	run := func(want int, args ...string) string {
		t.Helper()
		code, stdout, stderr := w.run(args...)
		if code != want {
			t.Fatalf("secretguard %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, want, stderr)
		}
		for _, key := range w.lab.AWS.Keys(w.estate.User) {
			c.secrets["the secret of "+key.ID] = w.lab.AWS.Secret(key.ID)
		}
		what := strings.Join(args, " ")
		c.look(what+": stdout", []byte(stdout))
		c.look(what+": stderr", []byte(stderr))
		c.look(what+": arguments", []byte(what))
		c.folder(home)
		c.folder(out)
		return stdout
	}
	plan := func(id, repo, name string, more ...string) (file, runID, digest string) {
		t.Helper()
		file = filepath.Join(out, name)
		run(0, append([]string{"plan", id, "-t", repo, "-o", file}, more...)...)
		var p struct{ ID, Digest string }
		if err := json.Unmarshal([]byte(read(t, file)), &p); err != nil {
			t.Fatal(err)
		}
		return file, p.ID, p.Digest
	}
	id := w.leakedCase()
	run(1, "scan", "git", w.repo, "-r", filepath.Join(out, "scan.json"), "-v")
	run(1, "scan", "git", w.repo, "--json")
	run(1, "verify", "-t", w.repo, "--yes")
	run(0, "consumers", "find", id, "-t", w.repo)
	run(0, "contain", id, "-t", w.repo, "--type", "contain "+w.estate.User, "--reason", "a test")
	run(5, "rotate", "rollback", newestRun(w), "--reason", "a test")

	// Held by a build that fails and prints the key that it was given; back; again.
	w.lab.Netlify.FailWith(w.estate.Site, "build failed with AWS_SECRET_ACCESS_KEY="+w.estate.LeakedSecret)
	file, first, digest := plan(id, w.repo, "first.json")
	run(6, "rotate", file, "--approve", digest, "--json")
	run(0, "rotate", "status", first)
	run(0, "rotate", "journal", "show")
	run(6, "rotate", "resume", first)
	w.lab.Netlify.Fail(w.estate.Site, false)
	run(5, "rotate", "rollback", first, "--reason", "a test")
	file, second, digest := plan(id, w.repo, "second.json")
	run(0, "rotate", file, "--approve", digest)
	run(0, "report", second)
	run(0, "rotate", "journal", "export", "-o", filepath.Join(out, "journal.jsonl"))

	// And a key that a person hands in.
	w.lab.Netlify.SetVar(w.estate.Site, "STRIPE_SECRET_KEY", "production", stripeOld, false)
	leak := t.TempDir()
	if err := os.WriteFile(filepath.Join(leak, ".env"), []byte("STRIPE_SECRET_KEY="+stripeOld+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var doc struct{ Cases []struct{ ID string } }
	if err := json.Unmarshal([]byte(run(1, "scan", "dir", leak, "--json")), &doc); err != nil || len(doc.Cases) != 1 {
		t.Fatalf("%v, %+v", err, doc)
	}
	file, third, digest := plan(doc.Cases[0].ID, leak, "third.json", "--min-level", "1")
	run(6, "rotate", file, "--approve", digest)
	for _, bad := range []string{mistyped, stripeOld, "x" + stripeNew} {
		w.stdin = bad + "\n"
		if code, stdout, stderr := w.run("rotate", "supply", third); code == 0 || code == 6 && w.lab.Netlify.Value(w.estate.Site, "STRIPE_SECRET_KEY", "production") != stripeOld {
			t.Errorf("a wrong key was taken: %d\n%s%s", code, stdout, stderr)
		} else {
			c.look("a refusal", []byte(stdout+stderr))
		}
		c.folder(home)
	}
	w.stdin = stripeNew + " \n"
	run(6, "rotate", "supply", third)
	w.stdin = ""
	run(0, "rotate", "status", third)
	w.lab.Stripe.DeleteKey(stripeOld)
	run(0, "rotate", "resume", third)
	for _, format := range []string{"--json", "--quiet"} {
		run(0, "report", third, format)
	}
	if report := run(0, "report", third); strings.Count(report, ", by hand |") != 2 {
		t.Errorf("the report must say which steps a person did:\n%s", report)
	}
	run(0, "rotate", "journal", "export", "-o", filepath.Join(out, "journal-after.jsonl"))
	for _, kv := range os.Environ() {
		c.look("the environment", []byte(kv))
	}
	if c.looked < 1<<20 {
		t.Errorf("only %d bytes were looked at", c.looked)
	}
}

// What is looked for is found where it is.
func TestCanaryBites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "scan.json")
	w.must(1, "scan", "git", w.repo, "--show-secrets", "-r", file)
	if !slices.ContainsFunc(encodings(w.estate.LeakedSecret)["JSON"], func(form string) bool { return strings.Contains(read(t, file), form) }) &&
		!strings.Contains(read(t, file), w.estate.LeakedSecret) {
		t.Error("a report with secrets holds none that the canary would see")
	}
}
