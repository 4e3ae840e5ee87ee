package cli_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite" // for the sql command

	"github.com/secretguard/secretguard/internal/cli"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/lab/leakyrepo"
)

// whole is a run of all tests that fails when one of them has left a goroutine
// behind.
type whole struct{ m *testing.M }

func (w whole) Run() int {
	code := w.m.Run()
	// Idle connections of the HTTP client end by themselves, later.
	err := goleak.Find(goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
	if code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

func TestMain(m *testing.M) {
	testscript.Main(whole{m}, map[string]func(){
		"secretguard": func() {
			os.Exit(cli.Main(os.Args[1:], cli.System())) //nolint:forbidigo // this is the main of the program under test
		},
	})
}

// TestScript runs the command line as a user does, in a process of its own. Each
// script says what a command prints where, and with which exit code it ends.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			module, err := filepath.Abs("../..")
			if err != nil {
				return err
			}
			e.Setenv("MODULE", module)
			home := filepath.Join(e.WorkDir, "home")
			e.Setenv("HOME", home)
			return os.Mkdir(home, 0o700)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" { // root reads everything
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "leak": leakCmd, "leakyrepo": leaky, "waitfor": waitFor, "jsonenv": jsonEnv, "alter": alter, "gone": gone, "envfile": envFile,
			"sql": sqlCmd, "restore": restore, "documented": documented, "asinreadme": asInReadme,
		},
	})
}

// exits CODE PROGRAM ARGS… runs a program and wants exactly this exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var e *exec.ExitError
		if !errors.As(err, &e) {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		got = e.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// leak FILE [stripe|webhook] writes a file with a made-up key, of AWS unless another
// sort is named; no key stands in a script.
func leakCmd(ts *testscript.TestScript, _ bool, args []string) {
	const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	text := "AWS_ACCESS_KEY_ID=AKIA" + lab.MadeUpOf(upper, 16) + "\nAWS_SECRET_ACCESS_KEY=" + lab.MadeUp("", 40) + "\n"
	if len(args) == 2 && args[1] == "stripe" {
		text = "STRIPE_SECRET_KEY=" + lab.MadeUp("sk_live_", 60) + "\n"
	}
	if len(args) == 2 && args[1] == "webhook" {
		text = "STRIPE_WEBHOOK_SECRET=" + lab.MadeUp("whsec_", 32) + "\n"
	}
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o700))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// leakyrepo DIR makes the demo's repository with keys that no lab knows.
func leaky(ts *testscript.TestScript, _ bool, args []string) {
	pair := func() leakyrepo.Pair {
		return leakyrepo.Pair{ID: "AKIA" + lab.MadeUpOf("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), Secret: lab.MadeUp("", 40)}
	}
	ts.Check(leakyrepo.Make(ts.MkAbs(args[0]), leakyrepo.Leaks{History: pair(), Deleted: pair(), Branch: pair()}))
}

// waitfor FILE waits until a program in the background has made a file.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	until(ts, "the file "+args[0], func() bool {
		_, err := os.Stat(ts.MkAbs(args[0]))
		return err == nil
	})
}

// gone PATTERN… waits until no such path is left: a process may need a moment to
// take its things away.
func gone(ts *testscript.TestScript, _ bool, args []string) {
	for _, pattern := range args {
		until(ts, "the end of "+pattern, func() bool {
			hits, err := filepath.Glob(ts.MkAbs(pattern))
			ts.Check(err)
			return len(hits) == 0
		})
	}
}

func until(ts *testscript.TestScript, what string, ok func() bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); !ok(); <-tick.C {
		if time.Since(begin) > 30*time.Second {
			ts.Fatalf("waited 30 s for %s", what)
		}
	}
}

// jsonenv NAME FILE PATH puts a value of a JSON document into the environment;
// PATH is dotted, a number is an index. FILE may be stdout; of several documents
// one a line the last counts.
func jsonEnv(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.TrimSpace(ts.ReadFile(args[1]))
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		lines := strings.Split(text, "\n")
		ts.Check(json.Unmarshal([]byte(lines[len(lines)-1]), &v))
	}
	for key := range strings.SplitSeq(args[2], ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			ts.Check(err)
			v = x[i]
		default:
			ts.Fatalf("%s: there is no %q", args[2], key)
		}
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// alter FILE OLD NEW replaces a text in a file; it must be there.
func alter(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if !strings.Contains(text, args[1]) {
		ts.Fatalf("%s does not contain %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(text, args[1], args[2])), 0o600))
}

// envfile NAME FILE puts the text of a file into the environment, trimmed.
func envFile(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// sql FILE STATEMENT changes a database behind the program's back.
func sqlCmd(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = db.ExecContext(context.Background(), args[1])
	ts.Check(errors.Join(err, db.Close()))
}

// restore puts the journal saved.db back.
func restore(ts *testscript.TestScript, _ bool, _ []string) {
	journal := ts.MkAbs("home/.local/state/secretguard/journal.db")
	for _, tail := range []string{"-wal", "-shm"} {
		if err := os.Remove(journal + tail); !errors.Is(err, os.ErrNotExist) {
			ts.Check(err)
		}
	}
	ts.Check(os.WriteFile(journal, []byte(ts.ReadFile("saved.db")), 0o600))
}

// documented SCHEMA wants every document of the last stdout to be as docs/json.md
// says, the last one with this schema.
func documented(ts *testscript.TestScript, _ bool, args []string) {
	c, err := readContract(filepath.Join(ts.Getenv("MODULE"), "docs", "json.md"))
	ts.Check(err)
	schemas, err := c.checkAll(ts.ReadFile("stdout"))
	ts.Check(err)
	if last := schemas[len(schemas)-1]; last != args[0] {
		ts.Fatalf("the last document is %s, want %s", last, args[0])
	}
}

// volatile is what differs from one demo to the next.
var volatile = regexp.MustCompile(`c-[A-Za-z0-9_-]{10}|\*{4,}[A-Za-z0-9]{4}|[0-9.]+(?:ms|kB|s\b)|\([0-9a-f]{24}\)|\(dep-[0-9a-z]+\)|127\.0\.0\.1:[0-9]+|refused [0-9]+ times| +`)

// asinreadme wants the lines that README.md shows of the demo to be in the last
// stdout; "..." stands for lines left out. Cases of one severity are in the order
// of their ids, which are made anew each time, so order is not compared.
func asInReadme(ts *testscript.TestScript, _ bool, _ []string) {
	_, after, ok := strings.Cut(ts.ReadFile(filepath.Join(ts.Getenv("MODULE"), "README.md")), "what the demo prints")
	if !ok {
		ts.Fatalf("README.md has no marked block")
	}
	block := strings.Split(after, "```")[1]
	same := func(s string) string { return strings.TrimSpace(volatile.ReplaceAllString(s, "~")) }
	rest := strings.Split(ts.ReadFile("stdout"), "\n")
	n := 0
	for line := range strings.SplitSeq(strings.TrimSpace(block), "\n") {
		if strings.TrimSpace(line) == "..." {
			continue
		}
		i := slices.IndexFunc(rest, func(l string) bool { return same(l) == same(line) })
		if i < 0 {
			ts.Fatalf("README.md shows a line that the demo does not print (there):\n%s", line)
		}
		rest = slices.Delete(rest, i, i+1)
		n++
	}
	if n < 15 {
		ts.Fatalf("README.md shows %d lines only", n)
	}
}
