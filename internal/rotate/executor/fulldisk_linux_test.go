package executor_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// fullDiskEnv tells the test that it runs in a child process whose mounts are its
// own.
const fullDiskEnv = "SECRETGUARD_TEST_FULL_DISK"

// onSmallDisk runs the test that calls it in a child, with a folder on a disk of 4
// MB of its own, and does do there.
func onSmallDisk(t *testing.T, do func(t *testing.T, dir string)) {
	t.Helper()
	if os.Getenv(fullDiskEnv) == t.Name() {
		dir := t.TempDir()
		if err := syscall.Mount("none", dir, "tmpfs", 0, "size=4m,mode=0700"); err != nil {
			t.Skip("no disk of our own: ", err)
		}
		defer func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }()
		do(t, dir)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), fullDiskEnv+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err != nil && !errors.As(err, &exit):
		t.Skip("no namespace of our own: ", err)
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("%s", out)
	}
	t.Logf("%s", out)
}

// fill takes all room of the disk and returns a function that gives it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for block := 1 << 16; block > 0; block /= 2 {
		for {
			if _, err := f.Write(make([]byte, block)); err != nil {
				break
			}
		}
	}
	return func() { _ = errors.Join(f.Close(), os.Remove(name)) }
}

func TestRow19DiskIsFullBeforeAnEffect(t *testing.T) {
	t.Parallel()
	onSmallDisk(t, func(t *testing.T, dir string) {
		t.Helper()
		w := rotatetest.New(t)
		w.Dir = filepath.Join(dir, "state")
		var free func()
		served := 0
		w.CrashAt = func(_ int, point string) bool {
			if free == nil && point == "before intent:issue" {
				free = fill(t, dir)
				served = len(w.Lab.Requests())
			}
			return false
		}
		p, err := w.Start(rotatetest.Fast)
		if !errors.Is(err, journal.ErrUnwritable) {
			t.Fatalf("got %v", err)
		}
		if n := len(w.Lab.Requests()); n != served {
			t.Errorf("%d requests left with no intent on the disk", n-served)
		}
		free()
		if err := w.Resume(p.ID); err != nil {
			t.Fatal(err)
		}
		w.AssertRotated(p.ID)
	})
}

func TestRow20DiskIsFullAfterAnEffect(t *testing.T) {
	t.Parallel()
	onSmallDisk(t, func(t *testing.T, dir string) {
		t.Helper()
		w := rotatetest.New(t)
		w.Dir = filepath.Join(dir, "state")
		var free func()
		w.CrashAt = func(_ int, point string) bool {
			if free == nil && point == "effect issue" {
				free = fill(t, dir)
			}
			return false
		}
		p, err := w.Start(rotatetest.Fast)
		if !errors.Is(err, journal.ErrUnwritable) {
			t.Fatalf("got %v", err)
		}
		if w.Snapshot(p.ID).NewKey == "" {
			t.Error("the new key was not written down, though room was kept for it")
		}
		free()
		if err := w.Resume(p.ID); err != nil {
			t.Fatal(err)
		}
		w.AssertRotated(p.ID)
		if n := w.Count("CreateAccessKey"); n != 1 {
			t.Errorf("%d keys were made", n)
		}
	})
}
