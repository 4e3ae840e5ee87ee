package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/cli"
	"github.com/secretguard/secretguard/internal/lab"
)

// result is what a command did.
type result struct {
	code     int
	out, err string
}

func (r result) String() string {
	return fmt.Sprintf("exit %d\n-- stdout\n%s\n-- stderr\n%s", r.code, r.out, r.err)
}

// call is one invocation of the program in this process.
type call struct {
	stdin string
	env   map[string]string
}

func (c call) run(args ...string) result {
	var out, errOut bytes.Buffer
	code := cli.Main(args, cli.Streams{
		In: strings.NewReader(c.stdin), Out: &out, Err: &errOut, Now: time.Now,
		Env: func(name string) string { return c.env[name] },
	})
	return result{code, out.String(), errOut.String()}
}

// run calls the program with nothing on stdin and an empty environment.
func run(args ...string) result { return call{}.run(args...) }

// expect fails unless the code is as wanted and every text is in the output.
func (r result) expect(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit %d, want %d\n%s", r.code, code, r)
	}
	for _, text := range texts {
		if !strings.Contains(r.out+r.err, text) {
			t.Errorf("no %q in\n%s", text, r)
		}
	}
}

// link makes the program callable in a folder, for PATH.
func link(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "secretguard")); err != nil {
		t.Skipf("SKIPPED: no symbolic links here: %v", err)
	}
	return dir
}

// gitEnv is the environment of git: nobody's settings, an identity, our program.
func gitEnv(path string) []string {
	paths := []string{path}
	for _, p := range filepath.SplitList(os.Getenv("PATH")) { // testscript puts the program there
		if _, err := os.Stat(filepath.Join(p, "secretguard")); err != nil {
			paths = append(paths, p)
		}
	}
	return append(os.Environ(), "PATH="+strings.Join(paths, string(os.PathListSeparator)), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Jo", "GIT_AUTHOR_EMAIL=jo@shop.invalid", "GIT_COMMITTER_NAME=Jo", "GIT_COMMITTER_EMAIL=jo@shop.invalid",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=protocol.file.allow", "GIT_CONFIG_VALUE_0=always", "LC_ALL=C", "HOME="+os.TempDir(), "XDG_CONFIG_HOME="+os.TempDir())
}

// tryGit runs git and returns its code and output.
func tryGit(t *testing.T, dir, path string, args ...string) result {
	t.Helper()
	c := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...)
	c.Env = gitEnv(path)
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	err := c.Run()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return result{c.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// git runs git, which must succeed.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	r := tryGit(t, dir, "", args...)
	if r.code != 0 {
		t.Fatalf("git %q: %s", args, r)
	}
	return strings.TrimSpace(r.out)
}

// write writes a file below dir.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// repository makes one with a commit for each text of a.txt.
func repository(t *testing.T, texts ...string) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	for _, text := range texts {
		write(t, dir, "a.txt", text)
		git(t, dir, "add", "-A")
		git(t, dir, "commit", "-q", "-m", "a change")
	}
	return dir
}

// leak is a line with a made-up key that a rule reports.
func leak() string { return "STRIPE=" + key() + "\n" }

func key() string { return lab.MadeUp("sk_live_", 40) }

func writeFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }
