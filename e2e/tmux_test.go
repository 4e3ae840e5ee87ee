//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience is how long a screen may take on a busy machine.
const patience = 60 * time.Second

// pane is the built program in a terminal of its own. Enter is pressed in a
// dialog only after its text was checked.
type pane struct {
	t       *testing.T
	tmux    string
	socket  string
	dir     string // HOME and TMPDIR of the program
	checked string // the dialog that was read
	only    string // the one screen that this test gives to the walk; empty for all
}

// open makes a private tmux server with one pane of the size. env is added to a
// bare environment.
func open(t *testing.T, width, height int) *pane {
	t.Helper()
	bin := os.Getenv("SECRETGUARD_TMUX")
	if bin == "" {
		t.Fatal("tmux is not installed; run: make e2e")
	}
	p := &pane{t: t, tmux: bin, dir: t.TempDir()}
	p.socket = filepath.Join(p.dir, "tmux.sock")
	p.run("-f", "/dev/null", "new-session", "-d", "-x", strconv.Itoa(width), "-y", strconv.Itoa(height), "sh")
	t.Cleanup(func() { _ = exec.Command(p.tmux, "-S", p.socket, "kill-server").Run() })
	return p
}

func (p *pane) run(args ...string) string {
	p.t.Helper()
	out, err := exec.Command(p.tmux, append([]string{"-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %s: %v: %s", args[0], err, out)
	}
	return string(out)
}

// env is the environment of the program: nothing but a home.
func (p *pane) env() []string {
	return []string{"HOME=" + p.dir, "TMPDIR=" + p.dir, "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "TERM=screen-256color"}
}

// starts runs a command line of the program in the pane and says how it ended.
func (p *pane) starts(extra []string, args ...string) {
	p.t.Helper()
	words := append([]string{"clear;", "env", "-i"}, append(p.env(), extra...)...)
	words = append(append(words, normalBinary(p.t)), args...)
	p.types(strings.Join(words, " ") + "; echo \"exit=$?.\"")
	p.run("send-keys", "-t", "0", "Enter")
}

func (p *pane) text() string { return p.run("capture-pane", "-p", "-t", "0") }

var colours = regexp.MustCompile(`\x1b\[([0-9;]*;)?(3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]`)

// colour is a colour sequence on the screen, empty when there is none.
func (p *pane) colour() string {
	return colours.FindString(p.run("capture-pane", "-e", "-p", "-t", "0"))
}

func (p *pane) types(text string) { p.run("send-keys", "-t", "0", "-l", text) }

// presses sends keys by tmux's names. Enter in an unread dialog fails the test.
func (p *pane) presses(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		if box := dialog(p.text()); k == "Enter" && box != "" && box != p.checked {
			p.t.Fatalf("enter in a dialog that was not read:\n%s", box)
		}
		p.run("send-keys", "-t", "0", k)
		<-time.After(120 * time.Millisecond)
	}
}

// sees waits for a text, and then until what opened by itself takes keys.
func (p *pane) sees(text string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(p.text(), text) {
		if time.Now().After(deadline) {
			p.t.Fatalf("the screen does not show %q:\n%s", text, p.text())
		}
		<-time.After(50 * time.Millisecond)
	}
	<-time.After(400 * time.Millisecond)
}

// reads checks the dialog on top: its title and what it must say.
func (p *pane) reads(title string, says ...string) {
	p.t.Helper()
	p.sees(title)
	box := dialog(p.text())
	flat := strings.Join(strings.Fields(regexp.MustCompile(`[│|]`).ReplaceAllString(box, " ")), " ")
	for _, want := range append([]string{title}, says...) {
		if !strings.Contains(flat, want) {
			p.t.Fatalf("the dialog does not say %q:\n%s", want, box)
		}
	}
	p.checked = box
}

// dialog is the box on the screen, empty when there is none.
func dialog(text string) string {
	var box []string
	for l := range strings.SplitSeq(text, "\n") {
		l = strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(l, "┌─ "), strings.HasPrefix(l, "+- "):
			box = []string{l}
		case box != nil && (strings.HasPrefix(l, "│") || strings.HasPrefix(l, "|")):
			box = append(box, l)
		case box != nil && (strings.HasPrefix(l, "└") || strings.HasPrefix(l, "+-")):
			return strings.Join(append(box, l), "\n")
		}
	}
	return ""
}

// shot puts the screen into the block of docs/responder.md with this name, when
// "make screens" asks for it.
func (p *pane) shot(name string) {
	p.t.Helper()
	path := os.Getenv("SECRETGUARD_E2E_SCREENS")
	if path == "" || p.only != "" && p.only != name {
		return
	}
	doc, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	block := regexp.MustCompile("(?sm)(<!-- screen: " + name + " -->\n```text\n).*?^(```)$")
	if !block.Match(doc) {
		p.t.Fatalf("%s has no block for the screen %q", path, name)
	}
	lines := strings.Split(strings.TrimRight(p.text(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	text := strings.ReplaceAll(strings.Join(lines, "\n"), "$", "$$")
	if err := os.WriteFile(path, block.ReplaceAll(doc, []byte("${1}"+text+"\n${2}")), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// verifies answers the question about the issuer with yes.
func (p *pane) verifies() {
	p.t.Helper()
	p.sees("r asks the issuers")
	p.shot("list")
	p.types("r")
	p.reads("Ask the issuer?", "sts:GetCallerIdentity", "the issuer sees it", "[ Cancel ]")
	p.shot("question")
	p.presses("Tab")
	p.reads("Ask the issuer?", "[ Ask ]")
	p.presses("Enter")
	p.sees("every issuer that can be asked has answered")
	p.sees("> ! LIVE")
	p.shot("verified")
}

// approves goes from the list to the running rotation of the key in production.
func (p *pane) approves() {
	p.t.Helper()
	p.types("/deploy-bot")
	p.presses("Enter")
	p.presses("Enter")
	p.sees("Deployed in (4)")
	p.shot("detail")
	p.types("R")
	p.sees("Digest")
	p.shot("plan")
	p.types("A")
	p.reads("Approve plan", "Step 13 cannot be undone: delete the old key", "To continue, type: rotate deploy-bot", "[ Cancel ]")
	p.types("rotate deplo")
	p.sees("> rotate deplo")
	p.shot("approve")
	p.types("y-bot")
	p.sees("> rotate deploy-bot")
	p.reads("Approve plan", "[ Approve ]")
	p.presses("Enter")
}

// lab asks the demo's lab, from outside.
func (p *pane) lab() labState {
	p.t.Helper()
	found, _ := filepath.Glob(filepath.Join(p.dir, "secretguard-demo-*", "lab.json"))
	if len(found) != 1 {
		p.t.Fatalf("%d labs in %s", len(found), p.dir)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		p.t.Fatal(err)
	}
	var file labFile
	if err := json.Unmarshal(b, &file); err != nil {
		p.t.Fatal(err)
	}
	var s labState
	if !get(file.LabURL+"/_lab/state", &s) {
		p.t.Fatal("the lab does not answer")
	}
	return s
}

// rotated checks at the services that one new key is left and everything uses it.
func (p *pane) rotated(old string) {
	p.t.Helper()
	s := p.lab()
	keys := s.Keys["deploy-bot"]
	if len(keys) != 1 || !keys[0].Active || keys[0].ID == old {
		p.t.Fatalf("keys of deploy-bot: %+v, want one new one", keys)
	}
	for name, id := range s.LiveKeys {
		if id != keys[0].ID || !s.Well[name] {
			p.t.Errorf("%s runs with %s, well: %v", name, id, s.Well[name])
		}
	}
}

// nothingLeft checks that the demo cleaned up.
func (p *pane) nothingLeft() {
	p.t.Helper()
	left, _ := filepath.Glob(filepath.Join(p.dir, "secretguard-demo-*"))
	pointer, _ := filepath.Glob(filepath.Join(p.dir, ".local", "state", "secretguard", "demo.*"))
	if n := len(left) + len(pointer); n > 0 {
		p.t.Errorf("left behind: %v %v", left, pointer)
	}
}

// command runs the program outside the terminal, in the same home.
func (p *pane) command(args ...string) (string, int) {
	p.t.Helper()
	cmd := exec.Command(normalBinary(p.t), args...)
	cmd.Env = p.env()
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
