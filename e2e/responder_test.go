//go:build e2e

package e2e

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestResponderFromListToSummary(t *testing.T) {
	p := open(t, 80, 24)
	p.starts(nil, "demo")
	p.verifies()
	if p.colour() == "" {
		t.Error("no colour where colour is wanted: the test without it would prove nothing")
	}
	old := p.lab().Keys["deploy-bot"][0].ID
	p.approves()
	p.sees("step 5 of ")
	p.shot("run")
	p.sees("deleted and proven dead")
	p.rotated(old)
	p.shot("summary")
	p.types("h")
	p.reads("History advice", "It is proven dead", "git filter-repo")
	p.presses("Escape")
	p.sees("Still to do")
	p.presses("Escape")
	p.sees("DEAD      aws access key     deploy-bot")
	p.types("q")
	p.sees("exit=0.")
	p.sees("is deleted and proven dead")
	p.nothingLeft()
}

var resumeCommand = regexp.MustCompile(`secretguard rotate resume (r-[0-9a-f]+)`)

// Left with q in the middle: the run stands at a safe point, and the printed
// command goes on to the end.
func TestResponderLeaveAndResume(t *testing.T) {
	p := open(t, 80, 24)
	p.only = "left" // the walk is one incident
	p.starts(nil, "demo")
	p.verifies()
	p.approves()
	p.sees("now     ")
	p.types("q")
	p.reads("Leave?", "lets the step in flight finish", "[ Stay ]")
	p.presses("Tab")
	p.reads("Leave?", "[ Pause after this step and leave ]")
	p.presses("Enter")
	p.sees("exit=6.")
	p.shot("left")
	m := resumeCommand.FindStringSubmatch(strings.ReplaceAll(p.text(), "\n", " "))
	if m == nil {
		t.Fatalf("no resume command on the normal screen:\n%s", p.text())
	}
	// Somebody looks and leaves it as it is: it is still there.
	p.starts(nil, "demo")
	p.reads("Unfinished rotations", "later")
	p.presses("Enter")
	p.types("q")
	p.sees("exit=0.")
	if flat := strings.Join(strings.Fields(p.text()), " "); !strings.Contains(flat, "go on with: secretguard rotate resume "+m[1]) || !strings.Contains(flat, "waits for ten minutes") {
		t.Fatalf("a run that is left again is not named:\n%s", p.text())
	}
	if out, code := p.command("rotate", "status"); code != 2 || !strings.Contains(out, "a demo was left in the middle") {
		t.Fatalf("rotate status beside a demo that was left: exit %d:\n%s", code, out)
	}
	out, code := p.command("rotate", "resume", m[1])
	if code != 0 || !strings.Contains(out, "proof of death: AKIA") {
		t.Fatalf("exit %d:\n%s", code, out)
	}
	p.nothingLeft()
}

// Killed in the middle: the next demo offers the run, and opening it changes
// nothing before t is pressed.
func TestResponderKilledAndOffered(t *testing.T) {
	p := open(t, 100, 30)
	p.starts(nil, "demo")
	p.verifies()
	old := p.lab().Keys["deploy-bot"][0].ID
	p.approves()
	p.sees("step 5 of ")
	kill(t, p)
	p.sees("exit=137.")
	p.run("respawn-pane", "-k", "-t", "0", "sh") // the terminal was left as it was
	<-time.After(500 * time.Millisecond)
	p.starts(nil, "demo")
	p.reads("Unfinished rotations", "later", "open run r-", "Opening a run changes nothing yet")
	p.presses("Down")
	p.reads("Unfinished rotations", "> open run r-")
	p.presses("Enter")
	p.sees("STOPPED")
	p.types("t")
	p.sees("deleted and proven dead")
	p.rotated(old)
	p.types("q")
	p.sees("exit=0.")
	p.nothingLeft()
}

// kill ends the responder of this pane with SIGKILL: no other process.
func kill(t *testing.T, p *pane) {
	t.Helper()
	shell := strings.TrimSpace(p.run("display-message", "-p", "-t", "0", "#{pane_pid}"))
	out, err := exec.Command("ps", "-o", "pid=,args=", "--ppid", shell).Output()
	if err != nil {
		t.Fatalf("ps: %v", err)
	}
	for l := range strings.SplitSeq(string(out), "\n") {
		if f := strings.Fields(l); len(f) > 1 && f[1] == normalBinary(t) {
			if err := exec.Command("kill", "-9", f[0]).Run(); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("the responder is not among:\n%s", out)
}

// The terminal is closed in the middle: the run comes to a safe point by itself.
func TestResponderTerminalClosed(t *testing.T) {
	p := open(t, 80, 24)
	p.starts(nil, "demo")
	p.verifies()
	p.approves()
	p.sees("now     ")
	p.run("kill-session")
	var out string
	for deadline := time.Now().Add(patience); ; {
		var code int
		// While the responder finishes its step it holds the run.
		if out, code = p.command("rotate", "resume"); code == 0 || time.Now().After(deadline) {
			break
		}
		<-time.After(300 * time.Millisecond)
	}
	if !strings.Contains(out, "proof of death: AKIA") || !strings.Contains(out, "paused at a safe point") && !strings.Contains(out, "resumed") {
		t.Fatalf("resume:\n%s", out)
	}
	p.nothingLeft()
}

// A narrow terminal without colour: everything fits, and no colour is written.
func TestResponderNarrowWithoutColour(t *testing.T) {
	p := open(t, 60, 15)
	p.starts([]string{"NO_COLOR=yes"}, "demo", "--ascii")
	p.sees("aws access key")
	if c := p.colour(); c != "" {
		t.Errorf("a colour was written: %q", c)
	}
	for l := range strings.SplitSeq(p.text(), "\n") {
		if len([]rune(l)) > 60 {
			t.Errorf("too wide: %q", l)
		}
	}
	if !strings.Contains(p.text(), "------") {
		t.Errorf("no ASCII rule:\n%s", p.text())
	}
	p.run("resize-window", "-x", "50", "-y", "12")
	p.sees("needs 60x15, is 50x12")
	p.types("q")
	p.sees("exit=0.")
	p.nothingLeft()
}

// A dumb terminal: numbered choices, the same typed approval, the same proof.
func TestResponderDumbTerminal(t *testing.T) {
	p := open(t, 100, 50)
	p.starts([]string{"TERM=dumb"}, "demo")
	p.sees("number >")
	if strings.Contains(p.run("capture-pane", "-e", "-p", "-t", "0"), "\x1b[") {
		t.Error("an escape sequence was written to a dumb terminal")
	}
	old := p.lab().Keys["deploy-bot"][0].ID
	p.answers(choiceOf(t, p.text(), "AKIA************"+old[16:]))
	p.sees("WHAT NOW")
	p.answers(choiceOf(t, p.text(), "plan a rotation that keeps everything running"))
	p.sees("to approve, type: rotate deploy-bot")
	p.answers("rotate deploy-bot")
	p.sees("DONE:")
	p.sees("write the incident report (yes or no)")
	p.rotated(old)
	p.answers("no")
	p.sees("back to the list")
	<-time.After(time.Second)
	p.answers(choiceOf(t, p.text(), "back to the list"))
	<-time.After(time.Second)
	p.sees("quit")
	p.answers(choiceOf(t, p.text(), "quit"))
	p.sees("exit=0.")
	p.nothingLeft()
}

func (p *pane) answers(line string) {
	p.t.Helper()
	p.types(line)
	p.run("send-keys", "-t", "0", "Enter")
}

// choiceOf is the number of the last choice that says something.
func choiceOf(t *testing.T, text, words string) string {
	t.Helper()
	number := ""
	for l := range strings.SplitSeq(text, "\n") {
		if m := regexp.MustCompile(`^\s*(\d+)  (.*)$`).FindStringSubmatch(l); m != nil && strings.Contains(m[2], words) {
			number = m[1]
		}
	}
	if number == "" {
		t.Fatalf("no choice says %q:\n%s", words, text)
	}
	return number
}

// Without a terminal the demo runs by itself, and respond refuses.
func TestResponderWithoutATerminal(t *testing.T) {
	p := &pane{t: t, dir: t.TempDir()}
	out, code := p.command("respond", p.dir)
	if code != 2 || !strings.Contains(out, "respond needs a terminal") || !strings.Contains(out, "secretguard plan CASE") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	out, code = p.command("demo")
	if code != 0 || !strings.Contains(out, "7. CHECKED FROM OUTSIDE") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	p.nothingLeft()
}
