//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// demo is one demo in a world of its own: home and temporary folder.
type demo struct {
	t    *testing.T
	bin  string
	home string
	tmp  string

	mu    sync.Mutex
	lab   labFile
	first *labState // what the first look saw
	last  *labState
	done  chan struct{}
}

type labFile struct {
	LabURL string `json:"lab_url"`
	PID    int    `json:"pid"`
	Leaks  struct{ History struct{ ID string } }
	Owner  string `json:"owner"`
}

type labState struct {
	LiveKeys map[string]string `json:"live_keys"`
	Well     map[string]bool   `json:"well"`
	Deploys  map[string]struct {
		First, Live string
		Count       int
	} `json:"deploys"`
	Keys map[string][]struct {
		ID     string
		Active bool
	} `json:"keys"`
}

func newDemo(t *testing.T, bin string) *demo {
	t.Helper()
	d := &demo{t: t, bin: bin, home: t.TempDir(), tmp: t.TempDir()}
	t.Cleanup(func() { // a test that failed must not leave a lab running
		if d.done != nil {
			<-d.done
		}
		if d.lab.PID > 0 && len(d.processes()) > 0 {
			_ = syscall.Kill(d.lab.PID, syscall.SIGKILL)
		}
	})
	return d
}

func (d *demo) command(extra string, args ...string) (*exec.Cmd, *strings.Builder) {
	cmd := exec.Command(d.bin, args...)
	cmd.Env = []string{"HOME=" + d.home, "TMPDIR=" + d.tmp, "PATH=" + os.Getenv("PATH"), extra}
	out := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

func (d *demo) run(extra string, args ...string) (int, string) {
	d.t.Helper()
	cmd, out := d.command(extra, args...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// killedAt runs a command that must be killed at a boundary.
func (d *demo) killedAt(point string, args ...string) {
	d.t.Helper()
	cmd, out := d.command("SECRETGUARD_FAILPOINT="+point, args...)
	err := cmd.Run()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		d.t.Fatalf("not killed at %s: %v\n%s", point, err, out)
	}
}

// killedAfter kills a command after a time and returns its exit code, -1 when it
// was killed, and what it said.
func (d *demo) killedAfter(wait time.Duration, args ...string) (int, string) {
	d.t.Helper()
	cmd, out := d.command("", args...)
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	timer := time.AfterFunc(wait, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // the exit code says it
	return cmd.ProcessState.ExitCode(), out.String()
}

func (d *demo) stages() []string {
	hits, err := filepath.Glob(filepath.Join(d.tmp, "secretguard-demo-*"))
	if err != nil {
		d.t.Fatal(err)
	}
	return hits
}

// look begins to watch the lab until it ends: a resume takes it down, so what it
// looked like last is what counts.
func (d *demo) look() {
	d.t.Helper()
	if d.done != nil || !d.findLab() {
		return
	}
	d.once()
	d.done = make(chan struct{})
	go func() {
		defer close(d.done)
		for d.once() {
			time.Sleep(15 * time.Millisecond) //nolint:forbidigo // watches another process
		}
	}()
}

// findLab waits for the lab of a demo that was killed while it started.
func (d *demo) findLab() bool {
	stages := d.stages()
	if len(stages) == 0 {
		return false
	}
	for range 100 {
		b, err := os.ReadFile(filepath.Join(stages[0], "lab.json"))
		if err == nil && json.Unmarshal(b, &d.lab) == nil {
			return true
		}
		if len(d.processes()) == 0 {
			return false
		}
		time.Sleep(50 * time.Millisecond) //nolint:forbidigo // waits for another process
	}
	return false
}

func (d *demo) once() bool {
	var s labState
	if !get(d.lab.LabURL+"/_lab/state", &s) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.first == nil {
		d.first = &s
	}
	d.last = &s
	return true
}

// approved asks the journal of a killed demo whether its run was approved.
func (d *demo) approved() bool {
	d.t.Helper()
	for _, stage := range d.stages() {
		state := filepath.Join(stage, "state")
		if _, err := os.Stat(state); err != nil {
			continue
		}
		cmd := exec.Command(d.bin, "rotate", "list", "--json")
		cmd.Env = []string{"SECRETGUARD_HOME=" + state, "HOME=" + d.home}
		out, err := cmd.Output()
		if err != nil {
			d.t.Fatalf("read the journal of the killed demo: %v", err)
		}
		if len(out) > 0 && !strings.Contains(string(out), `"status":"planned"`) {
			return true
		}
	}
	return false
}

// judge checks the end: at the lab, in the exit code, and on this machine.
func (d *demo) judge(code int, out string, approved bool) {
	d.t.Helper()
	if d.done != nil {
		select {
		case <-d.done:
		case <-time.After(30 * time.Second):
			d.t.Errorf("the lab still runs after the resume")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.last == nil: // killed before its lab ran, or after it was stopped
		through := approved && code == 0 && strings.Contains(out, "DONE")
		if !through && code != 2 {
			d.t.Errorf("exit code %d, want 2: there is nothing to resume", code)
		}
	case approved:
		d.assertRotated(code, out)
	default:
		d.assertUntouched(code, out)
	}
	d.assertNothingLeft()
	if d.t.Failed() {
		d.t.Logf("the resume said:\n%s", out)
	}
}

func (d *demo) assertRotated(code int, out string) {
	d.t.Helper()
	keys := d.last.Keys[d.lab.Owner]
	if len(keys) != 1 || keys[0].ID == d.lab.Leaks.History.ID || !keys[0].Active {
		d.t.Fatalf("%s has the keys %+v, want the new one only", d.lab.Owner, keys)
	}
	if len(d.last.LiveKeys) != 2 {
		d.t.Errorf("live keys: %v, want two consumers", d.last.LiveKeys)
	}
	for name, id := range d.last.LiveKeys {
		if id != keys[0].ID || !d.last.Well[name] {
			d.t.Errorf("%s runs with %s (well: %v), want %s", name, id, d.last.Well[name], keys[0].ID)
		}
		// One deploy is the estate's own, one is ours. A second one of ours would
		// mean that a lost answer was repeated and not looked up.
		if v := d.last.Deploys[name]; v.Live == v.First || v.Count != 2 {
			d.t.Errorf("%s: deploys %+v, want a live one newer than the first, two in all", name, v)
		}
	}
	// Killed while the last of its traces was removed, there is nothing to find.
	through := code == 2 && strings.Contains(out, "there is no unfinished run")
	if !through && (code != 0 || !strings.Contains(out, "DONE") || !strings.Contains(out, "What the demo made is removed")) {
		d.t.Errorf("exit code %d, want 0, a run that is DONE and a word on what is left", code)
	}
	if made, err := os.ReadDir(d.home); !through && (err != nil || len(made) > 0) {
		d.t.Errorf("the home holds %v, %v; it was empty before", made, err)
	}
}

func (d *demo) assertUntouched(code int, out string) {
	d.t.Helper()
	keys := d.last.Keys[d.lab.Owner]
	if len(keys) != 1 || keys[0].ID != d.lab.Leaks.History.ID || !keys[0].Active {
		d.t.Errorf("%s has the keys %+v; nothing was approved, so nothing may have changed", d.lab.Owner, keys)
	}
	if code != 2 || !strings.Contains(out, "try: secretguard demo") {
		d.t.Errorf("exit code %d, want 2 and the command to begin anew", code)
	}
}

func (d *demo) assertNothingLeft() {
	d.t.Helper()
	var left []string
	for range 400 { // the lab's process needs a moment to end
		left = append(d.stages(), d.processes()...)
		if left = append(left, d.files()...); len(left) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond) //nolint:forbidigo // waits for another process
	}
	d.t.Errorf("left behind: %q", left)
}

// files lists what is in the home: a demo leaves no note there, and no journal.
func (d *demo) files() []string {
	d.t.Helper()
	var files []string
	err := filepath.WalkDir(d.home, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Fatal(err)
	}
	return files
}

// processes lists the processes whose arguments name this demo's folder.
func (d *demo) processes() []string {
	d.t.Helper()
	out, err := exec.Command("ps", "-eo", "pid=,stat=,args=").Output()
	if err != nil {
		d.t.Fatalf("ps: %v", err)
	}
	var hits []string
	for line := range strings.SplitSeq(string(out), "\n") {
		if strings.Contains(line, d.tmp) {
			hits = append(hits, strings.TrimSpace(line))
		}
	}
	return hits
}
