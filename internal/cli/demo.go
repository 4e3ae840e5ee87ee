package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/spf13/cobra"

	"github.com/secretguard/secretguard/internal/config"
)

func (a *app) demoCmd() *cobra.Command {
	var headless bool
	var o respondOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole story on a built-in lab: leak, scan, plan, rotate, revoke, proof",
		Long: `Starts provider twins on loopback, makes a leaky git repository in a temporary folder, and
opens the responder on it. With --headless, or without a terminal, it scans, runs to the end
by itself and prints each step and the proof. Needs no account and no network; nothing is
left behind.

When it is left or killed in the middle, "secretguard rotate resume" or another "secretguard
demo" continues the run: the lab lives in a process of its own, which ends by itself ten
minutes later.` + exitHelp,
		Example: `  secretguard demo                the responder, to try it out
  secretguard demo --headless     the same story without a hand on the keyboard`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if headless || !a.Facts.Interactive() {
				return a.demo(cmd.Context())
			}
			return a.demoScreen(cmd.Context(), o)
		},
	}
	cmd.Flags().BoolVar(&headless, "headless", false, "run to the end by itself; always so without a terminal")
	o.screenFlags(cmd.Flags())
	return cmd
}

// stage is the demo's temporary world.
type stage struct {
	Root string `json:"root"`
	Home string `json:"home"`
	Repo string `json:"repo"`
	File string `json:"lab_file"`
	PID  int    `json:"pid"`
	info labFile
}

func (a *app) demo(ctx context.Context) error {
	st, err := a.setUp(ctx)
	if err != nil {
		return err
	}
	pointer := a.leavePointer(st)
	a.enter(st)
	err = a.demoHeadless(ctx, st)
	if err != nil && ctx.Err() != nil {
		a.talk("the demo's run can be continued for ten minutes: secretguard rotate resume")
		return err
	}
	return errors.Join(err, st.tearDown(ctx), removePointer(pointer))
}

// demoScreen opens the responder on the stage. A demo that was left in the middle
// is entered again, so that its run can go on.
func (a *app) demoScreen(ctx context.Context, o respondOptions) error {
	st, pointer, held, err := a.ownStage(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = held.Unlock() }() // its folder may be gone
	awake, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		keepAwake(awake, st.info.LabURL)
	}()
	err = a.openResponder(ctx, o, scanRequest{kind: "git", path: st.Repo}, nil)
	stop()
	<-ended
	var open unfinished
	if errors.As(err, &open) {
		a.talk("the demo's lab waits for ten minutes; go on there with: secretguard demo")
		return err
	}
	return errors.Join(err, st.tearDown(ctx), removePointer(pointer))
}

// ownStage enters a stage that nobody else is on: one that was left in the middle,
// else a new one.
func (a *app) ownStage(ctx context.Context) (*stage, string, *flock.Flock, error) {
	if st, pointer, ok := a.leftStage(ctx); ok {
		held := flock.New(filepath.Join(st.Root, "session.lock"))
		if ok, err := held.TryLock(); ok && err == nil {
			a.enter(st)
			return st, pointer, held, nil
		}
	}
	st, err := a.setUp(ctx)
	if err != nil {
		return nil, "", nil, err
	}
	held := flock.New(filepath.Join(st.Root, "session.lock"))
	if _, err := held.TryLock(); err != nil {
		return nil, "", nil, errors.Join(fmt.Errorf("take the stage: %w", err), st.tearDown(ctx))
	}
	pointer := a.leavePointer(st)
	a.enter(st)
	return st, pointer, held, nil
}

// keepAwake looks at the lab now and then, so that a person may think for longer
// than it waits for a request.
func keepAwake(ctx context.Context, lab string) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	t := time.NewTicker(time.Minute)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, lab+"/_lab/state", http.NoBody)
		if err != nil {
			return
		}
		if res, err := client.Do(req); err == nil { // a lab that is gone is seen by the next request that matters
			_ = res.Body.Close()
		}
	}
}

// setUp makes the folder, starts the lab as a child process, and waits for it.
func (a *app) setUp(ctx context.Context) (*stage, error) {
	root, err := os.MkdirTemp("", "secretguard-demo-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	st := &stage{Root: root, Home: filepath.Join(root, "state"), Repo: filepath.Join(root, "shop"), File: filepath.Join(root, "lab.json")}
	self, err := os.Executable()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("find this program: %w", err), os.RemoveAll(root))
	}
	// The lab must outlive a demo that is killed, so that its run can be resumed:
	// no context ends it, and it leads a process group of its own.
	child := exec.Command(self, "lab", "serve", "--quiet", "--file", st.File, "--repo", st.Repo, "--idle", "10m") //nolint:noctx,gosec // see above; it is this program itself
	child.Env = []string{"HOME=" + root, "TMPDIR=" + os.TempDir()}
	detach(child)
	if err := child.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the lab: %w", err), os.RemoveAll(root))
	}
	st.PID = child.Process.Pid
	exited := make(chan error, 1)
	go func() { exited <- child.Wait() }()
	for {
		if info, err := readLabFile(st.File); err == nil {
			st.info = info
			return st, nil
		}
		select {
		case err := <-exited:
			return nil, errors.Join(fmt.Errorf("the lab ended at once: %w", err), os.RemoveAll(root))
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), st.tearDown(ctx))
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
	if err := a.useLab(st.File); err != nil {
		a.talk("warning: %v", err)
	}
}

// tearDown stops the lab and removes everything the demo made.
func (st *stage) tearDown(ctx context.Context) error {
	var err error
	if info, readErr := readLabFile(st.File); readErr == nil {
		err = stopLab(ctx, info)
	}
	return errors.Join(err, os.RemoveAll(st.Root))
}

// stopLab asks the lab to end, also when ctx was cancelled; one that is gone
// already is fine.
func stopLab(ctx context.Context, info labFile) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, info.LabURL+"/_lab/stop", http.NoBody)
	if err != nil {
		return fmt.Errorf("stop the lab: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return nil // a lab that does not answer has ended
	}
	return res.Body.Close()
}

// leavePointer notes in the usual state folder where a killed demo's journal
// lies, so that a plain "rotate resume" finds it. Without a state folder there
// is no pointer, and the demo works all the same.
func (a *app) leavePointer(st *stage) string {
	dir, err := config.MakeStateDir(a.Env)
	if err != nil {
		return ""
	}
	b, err := json.Marshal(st)
	if err != nil {
		return ""
	}
	path := filepath.Join(dir, "demo.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return ""
	}
	return path
}

// alive reports whether the lab still answers.
func alive(ctx context.Context, info labFile) bool {
	u, err := url.Parse(info.LabURL)
	if err != nil {
		return false
	}
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

func removePointer(path string) error {
	if path == "" {
		return nil
	}
	return os.Remove(path)
}

// interruptedDemo enters a killed demo's stage; false when there is none.
func (a *app) interruptedDemo(ctx context.Context) (*stage, string, bool) {
	st, pointer, ok := a.leftStage(ctx)
	if ok {
		a.enter(st)
	}
	return st, pointer, ok
}

// leftStage finds the stage of a demo that was killed or left, if its lab still
// answers.
func (a *app) leftStage(ctx context.Context) (*stage, string, bool) {
	dir, err := config.StateDir(a.Env)
	if err != nil {
		return nil, "", false
	}
	path := filepath.Join(dir, "demo.json")
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, "", false
	}
	var st stage
	if json.Unmarshal(b, &st) != nil {
		return nil, "", false
	}
	if st.info, err = readLabFile(st.File); err != nil || !alive(ctx, st.info) {
		return nil, "", false
	}
	return &st, path, true
}
