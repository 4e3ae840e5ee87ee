package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/secretguard/secretguard/internal/config"
)

// stage is the demo's temporary world: a folder, a repository in it, a state
// folder and a lab, which lives in a process of its own.
type stage struct {
	Root string `json:"root"`
	Home string `json:"home"`
	Repo string `json:"repo"`
	File string `json:"lab_file"`
	// Made are the folders that were made for the note, deepest first.
	Made []string `json:"made"`

	info    labFile
	at      func(string)  // boundaries, for the crash tests
	pointer string        // the note that leads a resume here; may be empty
	lock    *flock.Flock  // held while a process works on the stage
	lab     *os.Process   // the lab, when it is our child
	exited  chan struct{} // closed when it has ended
}

// How long a lab may take to write its file: one that we start, and one that a
// killed demo may have started.
const (
	labStart = 20 * time.Second
	labFound = 5 * time.Second
)

// rootPrefix starts the name of a stage's folder.
const rootPrefix = "secretguard-demo-"

// setUp, with further flags for the lab, makes the folder, starts the lab as a child process, and waits for it.
// The note that leads a resume here comes first: whatever a kill leaves is found.
func (a *app) setUp(ctx context.Context, more ...string) (*stage, error) {
	st := a.newStage(filepath.Join(os.TempDir(), rootPrefix+strings.ToLower(rand.Text()[:10])))
	st.pointer = a.leavePointer(st)
	a.at("demo: note written")
	if err := os.Mkdir(st.Root, 0o700); err != nil {
		err = fmt.Errorf("make the demo's folder: %w", err)
		return nil, problem{code: ExitUsage, err: errors.Join(err, st.forget()), try: "export TMPDIR=/a/folder/that/can/be/written"}
	}
	if ok, err := st.lock.TryLock(); err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("lock the demo's folder: %w", err), st.remove())
	}
	a.at("demo: folder made")
	if err := st.startLab(more...); err != nil {
		return nil, errors.Join(err, st.remove())
	}
	a.at("demo: lab started")
	if err := st.await(ctx, labStart); err != nil {
		return nil, errors.Join(err, st.tearDown(ctx))
	}
	return st, nil
}

func (a *app) newStage(root string) *stage {
	return &stage{
		at:   a.at,
		Root: root, Home: filepath.Join(root, "state"), Repo: filepath.Join(root, "shop"), File: filepath.Join(root, "lab.json"),
		lock: flock.New(filepath.Join(root, "lock")),
	}
}

func (st *stage) startLab(more ...string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	// The lab must outlive a demo that is killed, so that its run can be resumed:
	// no context ends it, and it leads a process group of its own.
	child := exec.Command(self, append([]string{"lab", "serve", "--quiet", "--file", st.File, "--repo", st.Repo, "--stage", st.Root, "--idle", "10m"}, more...)...) //nolint:noctx,gosec // see above; it is this program itself
	child.Env = []string{"HOME=" + st.Root, "TMPDIR=" + os.TempDir()}
	detach(child)
	if err := child.Start(); err != nil {
		return fmt.Errorf("start the lab: %w", err)
	}
	st.lab, st.exited = child.Process, make(chan struct{})
	go func() {
		defer close(st.exited)
		_ = child.Wait() // that it ended is what matters; why, its missing file tells
	}()
	return nil
}

// await waits until the lab has written its file.
func (st *stage) await(ctx context.Context, most time.Duration) error {
	limit := time.After(most)
	for {
		if info, err := readLabFile(st.File); err == nil {
			st.info = info
			return nil
		}
		select {
		case <-st.exited:
			return errors.New("the lab ended at once; see why: secretguard lab serve")
		case <-limit:
			return fmt.Errorf("the lab did not start within %s", most)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// enter points this invocation at the stage: its own state folder and the lab.
func (a *app) enter(st *stage) {
	outer := a.Env
	a.Env = func(name string) string {
		if name == "SECRETGUARD_HOME" {
			return st.Home
		}
		return outer(name)
	}
	a.overlay(st.info)
}

// alive reports whether the stage's lab answers.
func (st *stage) alive(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, labFound)
	defer cancel()
	return labCall(ctx, http.MethodGet, st.info.LabURL+"/_lab/state") == nil
}

// tearDown stops the lab and removes everything the demo made.
func (st *stage) tearDown(ctx context.Context) error {
	info, err := readLabFile(st.File)
	switch {
	case err == nil:
		stopLab(ctx, info)
	case st.lab != nil: // it has not got far enough to be asked
		err = st.lab.Kill()
	default:
		err = nil
	}
	if st.lab != nil {
		select {
		case <-st.exited:
		case <-time.After(5 * time.Second):
			err = errors.Join(err, st.lab.Kill())
		}
	}
	st.at("demo: lab stopped")
	return errors.Join(err, st.remove())
}

// remove deletes the folder and the note that leads to it.
func (st *stage) remove() error {
	err := errors.Join(st.lock.Unlock(), os.RemoveAll(st.Root))
	st.at("demo: folder removed")
	return errors.Join(err, st.forget())
}

// forget deletes the note.
func (st *stage) forget() error {
	if st.pointer == "" {
		return nil
	}
	if err := os.Remove(st.pointer); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, dir := range st.Made {
		_ = os.Remove(dir) // one that somebody uses by now is not empty and stays
	}
	return nil
}

// leave keeps the stage for a later resume.
func (st *stage) leave() error { return st.lock.Unlock() }

// stopLab asks the lab to end, also when ctx was cancelled; one that is gone
// already is fine.
func stopLab(ctx context.Context, info labFile) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = labCall(ctx, http.MethodPost, info.LabURL+"/_lab/stop") // a lab that does not answer has ended
}

// labCall sends one request to a lab's own address, which is on loopback
// (readLabFile has checked it).
func labCall(ctx context.Context, method, url string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask the lab: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the lab: %w", err)
	}
	return res.Body.Close()
}

// leavePointer notes in the usual state folder where the demo's journal lies, so
// that a plain "rotate resume" finds it after a kill. Without a state folder
// there is no note, and the demo works all the same.
func (a *app) leavePointer(st *stage) string {
	dir, err := config.StateDir(a.Env)
	if err != nil {
		return ""
	}
	st.Made = missing(dir)
	if _, err := config.MakeStateDir(a.Env); err != nil {
		return ""
	}
	b, err := json.Marshal(st)
	if err != nil {
		return ""
	}
	path := filepath.Join(dir, pointerPrefix+filepath.Base(st.Root)+".json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return ""
	}
	return path
}

// missing lists the folders on the way to dir that are not there, deepest first.
func missing(dir string) []string {
	var out []string
	for {
		if _, err := os.Lstat(dir); err == nil || filepath.Dir(dir) == dir {
			return out
		}
		out = append(out, dir)
		dir = filepath.Dir(dir)
	}
}

// pointerPrefix starts the names of the notes.
const pointerPrefix = "demo."

// interruptedDemo returns the newest demo that was killed, locked for us, or
// nil. Notes that lead nowhere any more are removed on the way. One that a
// process works on is reported as busy.
func (a *app) interruptedDemo() (found *stage, busy bool) {
	dir, err := config.StateDir(a.Env)
	if err != nil {
		return nil, false
	}
	notes, err := filepath.Glob(filepath.Join(dir, pointerPrefix+"*.json"))
	if err != nil {
		return nil, false
	}
	slices.SortFunc(notes, func(a, b string) int { return changed(b).Compare(changed(a)) })
	for _, note := range notes {
		st, ok := a.readPointer(note)
		if !ok {
			_ = os.Remove(note) // leads nowhere; a note that stays does no harm
			continue
		}
		if locked, err := st.lock.TryLock(); err != nil || !locked {
			busy = true
			continue
		}
		return st, false
	}
	return nil, busy
}

// readPointer reads a note; false when its folder is gone or is none of ours.
func (a *app) readPointer(note string) (*stage, bool) {
	b, err := os.ReadFile(note)
	if err != nil {
		return nil, false
	}
	var p stage
	if json.Unmarshal(b, &p) != nil || !strings.HasPrefix(filepath.Base(p.Root), rootPrefix) {
		return nil, false
	}
	if info, err := os.Lstat(p.Root); err != nil || !info.IsDir() {
		return nil, false
	}
	st := a.newStage(p.Root)
	st.pointer = note
	for _, dir := range p.Made { // a note may take away only what lies above it
		if strings.HasPrefix(note, filepath.Clean(dir)+string(filepath.Separator)) {
			st.Made = append(st.Made, dir)
		}
	}
	return st, true
}

func changed(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
