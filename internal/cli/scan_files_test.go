//go:build unix

package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// asOther runs the program as a user who is not root: root may read everything.
// The first argument may set HOME.
func asOther(t *testing.T, args ...string) result {
	t.Helper()
	if os.Geteuid() != 0 {
		if home, ok := strings.CutPrefix(args[0], "HOME="); ok {
			return call{env: map[string]string{"HOME": home}}.run(args[1:]...)
		}
		return run(args...)
	}
	const nobody = 65534
	// Folders for tests are private, so the binary is copied to where others may run it.
	dir := open(t, t.TempDir())
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Skipf("SKIPPED: run as a user other than root: %v", err)
	}
	defer self.Close()
	path := filepath.Join(dir, "secretguard")
	program, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(program, self); err != nil {
		t.Fatal(err)
	}
	if err := program.Close(); err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	if home, ok := strings.CutPrefix(args[0], "HOME="); ok {
		env[0], args = "HOME="+home, args[1:]
	}
	c := exec.CommandContext(t.Context(), path, args...)
	c.Dir, c.Env = dir, env
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	err = c.Run()
	if c.ProcessState == nil {
		t.Skipf("SKIPPED: cannot become another user: %v", err)
	}
	return result{c.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// open lets others look into a folder for tests and what it lies in.
func open(t *testing.T, dir string) string {
	t.Helper()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func chmod(t *testing.T, mode os.FileMode, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(name, 0o755) })
}

// TestScanWithoutPermission: what may not be read is counted, named, and never clean.
func TestScanWithoutPermission(t *testing.T) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		dir := open(t, t.TempDir())
		write(t, dir, "good.txt", "nothing\n")
		write(t, dir, "closed.txt", leak())
		chmod(t, 0, dir, "closed.txt")
		asOther(t, "scan", "dir", dir).expect(t, 3, "NOT SCANNED: 1 × file: permission denied (closed.txt)", "INCOMPLETE")
		asOther(t, "scan", "dir", filepath.Join(dir, "closed.txt")).expect(t, 3, "permission denied", "try: see what was not scanned, and why")
	})
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		dir := open(t, t.TempDir())
		write(t, dir, "good.txt", "nothing\n")
		write(t, dir, "closed/a.txt", leak())
		chmod(t, 0, dir, "closed")
		asOther(t, "scan", "dir", dir).expect(t, 3, "NOT SCANNED: 1 × folder: permission denied (closed)")
		for _, kind := range []string{"dir", "git"} {
			asOther(t, "scan", kind, filepath.Join(dir, "closed")).expect(t, 3, "the target cannot be read", "permission denied", "try: run as a user who may read it")
		}
	})
	t.Run("repository", func(t *testing.T) {
		t.Parallel()
		dir := open(t, repository(t, leak()))
		chmod(t, 0, dir, ".git")
		asOther(t, "scan", "git", dir).expect(t, 3, "permission denied", "try: run as a user who may read it")
		asOther(t, "scan", dir).expect(t, 3, "permission denied")
	})
	t.Run("object", func(t *testing.T) {
		t.Parallel()
		dir := open(t, repository(t, "one\n", "two\n"))
		h := git(t, dir, "rev-parse", "HEAD~:a.txt")
		chmod(t, 0, dir, ".git", "objects", h[:2], h[2:])
		asOther(t, "scan", "git", dir).expect(t, 3, "NOT SCANNED", h)
	})
	t.Run("objects folder", func(t *testing.T) {
		t.Parallel()
		dir := open(t, repository(t, "one\n", "two\n"))
		h := git(t, dir, "rev-parse", "HEAD~:a.txt")
		chmod(t, 0, dir, ".git", "objects", h[:2])
		asOther(t, "scan", "git", dir).expect(t, 3)
	})
	t.Run("index", func(t *testing.T) {
		t.Parallel()
		dir := open(t, repository(t, "one\n"))
		chmod(t, 0, dir, ".git", "index")
		asOther(t, "scan", "--staged", dir).expect(t, 3, "permission denied")
	})
	t.Run("configuration", func(t *testing.T) {
		t.Parallel()
		dir := open(t, t.TempDir())
		write(t, dir, ".gitleaks.toml", "")
		write(t, dir, "a.txt", "nothing\n")
		chmod(t, 0, dir, ".gitleaks.toml")
		asOther(t, "scan", "dir", dir).expect(t, 2, ".gitleaks.toml", "permission denied")
	})
	t.Run("home", func(t *testing.T) {
		t.Parallel()
		dir, home := open(t, t.TempDir()), open(t, t.TempDir())
		write(t, dir, "a.txt", "nothing\n")
		chmod(t, 0, home)
		asOther(t, "HOME="+home, "scan", "dir", dir).expect(t, 2, home, "permission denied", "point XDG_CONFIG_HOME or HOME at a folder that you may read")
	})
	t.Run("report", func(t *testing.T) {
		t.Parallel()
		dir, closed := open(t, t.TempDir()), open(t, t.TempDir())
		write(t, dir, "a.txt", leak())
		write(t, closed, "old.json", "old")
		chmod(t, 0o444, closed, "old.json")
		chmod(t, 0o555, closed)
		for _, name := range []string{"new.json", "old.json", "no/such/folder.json", ""} {
			asOther(t, "scan", "dir", dir, "--report-path", filepath.Join(closed, name)).expect(t, 2, "write the report: ")
		}
		if b, err := os.ReadFile(filepath.Join(closed, "old.json")); string(b) != "old" {
			t.Errorf("the old report is now %q, %v", b, err)
		}
	})
}

// TestScanOfSpecialFiles: nothing waits on a pipe, reads a device without end, or
// follows a link out of the folder.
func TestScanOfSpecialFiles(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	write(t, outside, "secret.txt", leak())
	dir := t.TempDir()
	write(t, dir, "a.txt", "nothing\n")
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for name, to := range map[string]string{"loop": "loop", "up": "..", "out": filepath.Join(outside, "secret.txt"), "outside": outside, "zero": "/dev/zero", "gone": "nowhere", "here": "."} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan result, 1)
	go func() { done <- run("scan", "dir", dir) }()
	select {
	case r := <-done:
		r.expect(t, 0, "skipped: 7 × symbolic link: not followed", "skipped: 2 × special file: not a plain file", "1 file")
	case <-time.After(30 * time.Second):
		t.Fatal("the scan hangs")
	}
	for _, path := range []string{pipe, "/dev/zero", filepath.Join(dir, "zero"), filepath.Join(dir, "s")} {
		go func() { done <- run("scan", "dir", path) }()
		select {
		case r := <-done:
			r.expect(t, 2, "not a plain file", "try: secretguard scan stdin < "+path)
		case <-time.After(30 * time.Second):
			t.Fatalf("the scan of %s hangs", path)
		}
	}
	run("scan", "dir", filepath.Join(dir, "out")).expect(t, 1, "out:1") // the user named it
	run("scan", "dir", filepath.Join(dir, "loop")).expect(t, 3, "too many levels")
}

// TestScanOfSpecialConfiguration: the same for the files we read beside the target.
func TestScanOfSpecialConfiguration(t *testing.T) {
	t.Parallel()
	for _, name := range []string{".gitleaks.toml", ".secretguard.toml", ".gitleaksignore"} {
		for _, kind := range []string{"pipe", "/dev/zero", "folder", "loop"} {
			t.Run(name+" "+strings.Trim(kind, "/"), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				write(t, dir, "a.txt", "nothing\n")
				path := filepath.Join(dir, name)
				var err error
				switch kind {
				case "pipe":
					err = syscall.Mkfifo(path, 0o600)
				case "folder":
					err = os.Mkdir(path, 0o700)
				case "loop":
					err = os.Symlink(name, path)
				default:
					err = os.Symlink(kind, path)
				}
				if err != nil {
					t.Fatal(err)
				}
				done := make(chan result, 1)
				go func() { done <- run("scan", "dir", dir) }()
				select {
				case r := <-done:
					r.expect(t, 2, name)
				case <-time.After(30 * time.Second):
					t.Fatal("the scan hangs")
				}
			})
		}
	}
}

// TestScanOfHostileNames: a name can neither steer the terminal, nor break a
// line, nor make the JSON unreadable.
func TestScanOfHostileNames(t *testing.T) {
	t.Parallel()
	names := []string{"new\nline.txt", "\x1b[2J\x1b]0;owned\x07.txt", "bad\xff\xfe.txt", "tab\there.txt", "right\u202eleft.txt", "zero\u200bwidth.txt", "cr\rback.txt", "quote\"'`$(id).txt"}
	dir := repository(t)
	for _, name := range names {
		write(t, dir, name, leak())
	}
	git(t, dir, "add", "-A")
	staged := run("scan", "--staged", dir)
	git(t, dir, "-c", "user.name=\x1b[31mred\u202e", "commit", "-q", "-m", "names\x1b[2J")
	clean := func(t *testing.T, r result) {
		t.Helper()
		r.expect(t, 1)
		if strings.ContainsAny(r.out+r.err, "\x1b\x07\r\u202e\u200b\t") || !utf8.ValidString(r.out) {
			t.Errorf("raw characters: %q", r.out+r.err)
		}
		if n := strings.Count(r.out, ".txt:1"); n != len(names) {
			t.Errorf("%d of %d names: %s", n, len(names), r)
		}
	}
	clean(t, staged)
	clean(t, run("scan", "git", dir))
	clean(t, run("scan", "dir", dir))
	for _, kind := range []string{"git", "dir"} {
		r := run("scan", kind, dir, "--json")
		var doc struct {
			Findings []struct{ File, Author string }
		}
		if err := json.Unmarshal([]byte(r.out), &doc); err != nil || len(doc.Findings) != len(names) {
			t.Errorf("%d findings, %v", len(doc.Findings), err)
		}
		if strings.ContainsAny(r.out, "\x1b\x07\r") || !utf8.ValidString(r.out) {
			t.Errorf("raw characters in JSON: %q", r.out)
		}
	}
}

// TestScanThatFails as a path with hostile characters: the error is clean too.
func TestScanErrorsAreClean(t *testing.T) {
	t.Parallel()
	r := run("scan", "git", filepath.Join(t.TempDir(), "\x1b[2J\nx"))
	r.expect(t, 2)
	if strings.Contains(r.err, "\x1b") {
		t.Errorf("raw characters: %q", r.err)
	}
}
