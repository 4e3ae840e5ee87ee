//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
)

// A key whose issuer has no calls, from the list to the report, in a real terminal: the
// responder says what to do, takes the new key by paste, refuses the old one, waits for
// the removal, proves it and writes the report. The key that was pasted is in no
// picture, no file, no argument and no variable.
func TestResponderGuidesAPerson(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {60, 15}} {
		guided(t, size[0], size[1])
	}
}

func guided(t *testing.T, width, height int) {
	t.Helper()
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	estate, err := lab.DemoEstate(l)
	if err != nil {
		t.Fatal(err)
	}
	old, fresh := l.Stripe.MakeKey("sk_live_"), l.Stripe.MakeKey("sk_live_")
	l.Netlify.SetVar(estate.Site, "STRIPE_SECRET_KEY", "production", old, false)
	p := open(t, width, height)
	p.only = "none"
	repo := filepath.Join(p.dir, "shop")
	doc, err := json.Marshal(map[string]any{"env": l.Env(), "lab_url": l.URL("lab")})
	pointer := filepath.Join(p.dir, "lab.json")
	for name, text := range map[string][]byte{pointer: doc, filepath.Join(repo, ".env"): []byte("STRIPE_SECRET_KEY=" + old + "\n")} {
		if err == nil {
			err = os.MkdirAll(filepath.Dir(name), 0o700)
		}
		if err == nil {
			err = os.WriteFile(name, text, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	p.types("cd " + repo)
	p.run("send-keys", "-t", "0", "Enter")
	p.starts([]string{"SECRETGUARD_LAB=" + pointer}, "respond")
	p.sees("stripe secret key")
	p.types("R")
	p.sees("Digest")
	phrase := "rotate " + l.Stripe.Account()
	p.types("A")
	p.sees("To continue, type:  " + phrase)
	p.types(phrase)
	p.sees("> " + phrase)
	p.reads("Approve plan", "[ Approve ]")
	p.presses("Enter")
	p.sees("YOUR TURN")
	p.types("H")
	p.reads("Your turn", "https://dashboard.stripe.com/apikeys", "make a second key of the same kind", "paste it here; it is not shown")
	p.pastes(old)
	p.reads("Your turn", "107 characters, not shown")
	p.presses("Enter")
	p.reads("Your turn", "NOT TAKEN: that is the old key")
	p.pastes(fresh)
	p.reads("Your turn", "107 characters, not shown")
	p.hides(fresh, repo)
	p.presses("Enter")
	p.sees("t checks that it is gone")
	if got := l.Netlify.Value(estate.Site, "STRIPE_SECRET_KEY", "production"); got != fresh {
		t.Fatal("the new key is not stored")
	}
	l.Stripe.DeleteKey(old)
	p.types("t")
	p.sees("proven dead")
	p.types("e")
	p.sees("written")
	report, err := os.ReadFile(filepath.Join(repo, "secretguard-incident.md"))
	if found, _ := filepath.Glob(filepath.Join(repo, "secretguard-*.md")); err != nil && len(found) == 1 {
		report, err = os.ReadFile(found[0])
	}
	if err != nil || strings.Count(string(report), ", by hand |") != 2 || !strings.Contains(string(report), "## Proof of death") {
		t.Errorf("%v: the report must say what was done by hand:\n%s", err, report)
	}
	p.hides(fresh, repo)
	p.types("q")
	p.sees("exit=0.")
	p.hides(fresh, repo)
}

// pastes sends text as a terminal does that marks what is pasted.
func (p *pane) pastes(text string) {
	p.t.Helper()
	p.run("set-buffer", "-b", "key", text)
	p.run("paste-buffer", "-p", "-d", "-b", "key", "-t", "0")
}

// hides fails when a secret is on the screen, in the scrollback, in a file of the
// home, or among the arguments and variables of what runs in the pane.
func (p *pane) hides(secret string, dirs ...string) {
	p.t.Helper()
	backwards := []byte(secret)
	for i, j := 0, len(backwards)-1; i < j; i, j = i+1, j-1 {
		backwards[i], backwards[j] = backwards[j], backwards[i]
	}
	forms := []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))[:64], string(backwards)}
	look := func(where, text string) {
		for _, f := range forms {
			if strings.Contains(text, f) {
				p.t.Errorf("the key is in %s", where)
			}
		}
	}
	look("the screen", strings.ReplaceAll(p.run("capture-pane", "-p", "-S", "-", "-t", "0"), "\n", ""))
	shell := strings.TrimSpace(p.run("display-message", "-p", "-t", "0", "#{pane_pid}"))
	pids, _ := exec.Command("ps", "-o", "pid=", "--ppid", shell).Output()
	for _, pid := range strings.Fields(string(pids)) {
		for _, what := range []string{"cmdline", "environ"} {
			if b, err := os.ReadFile(filepath.Join("/proc", pid, what)); err == nil {
				look(what, string(b))
			}
		}
	}
	for _, dir := range append(dirs, p.dir) {
		_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if b, err := os.ReadFile(path); err == nil {
					look(path, string(b))
				}
			}
			return nil
		})
	}
}
