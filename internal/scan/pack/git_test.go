package pack_test

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/pack"
)

// git runs git in a repository with nobody's settings.
func git(tb testing.TB, dir string, args ...string) string {
	tb.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Jo", "-c", "user.email=jo@shop.invalid", "-c", "gc.auto=0"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("git %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// repository makes one with some hundred objects: files that grow and change, a
// tag, a large file, an empty one.
func repository(tb testing.TB, commits int) string {
	tb.Helper()
	dir := tb.TempDir()
	git(tb, dir, "init", "-q", "-b", "main")
	r := rand.New(rand.NewPCG(1, uint64(commits)))
	var lines []string
	for i := range commits {
		for range 3 {
			at := r.IntN(len(lines) + 1)
			lines = append(lines[:at], append([]string{fmt.Sprintf("line %d of %d: %x", i, r.IntN(1000), r.Uint64())}, lines[at:]...)...)
		}
		files := map[string]string{
			"grows.txt":                                   strings.Join(lines, "\n"),
			fmt.Sprintf("deep/er/%d.txt", i%7):            fmt.Sprintf("%d\n", i),
			fmt.Sprintf("many/f%d", i):                    strings.Repeat("x", i),
			"empty":                                       "",
			fmt.Sprintf("mixed %d/name", i%3):             strings.Join(lines[:len(lines)/2], " "),
			"large.bin":                                   string(bytes.Repeat([]byte{byte(i), 0, 1, 2}, 20_000)),
			"übung/\"quoted\"\tname.txt":                  "odd names\n",
			fmt.Sprintf("crlf/%d.txt", i%2):               strings.Join(lines, "\r\n"),
			fmt.Sprintf("a%s", strings.Repeat("b", i%40)): "names of many lengths\n",
		}
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				tb.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				tb.Fatal(err)
			}
		}
		git(tb, dir, "add", "-A")
		git(tb, dir, "commit", "-q", "-m", fmt.Sprintf("commit %d", i))
	}
	git(tb, dir, "tag", "-a", "-m", "a tag", "v1")
	return dir
}

// truth is every object as git itself gives it: kind and content by id.
func truth(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	cmd := exec.Command("git", "-C", dir, "cat-file", "--batch-all-objects", "--batch", "--unordered")
	out, err := cmd.Output()
	if err != nil {
		tb.Fatal(err)
	}
	all := map[string]string{}
	for in := bufio.NewReader(bytes.NewReader(out)); ; {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return all
		}
		f := strings.Fields(line)
		size, err := strconv.Atoi(f[2])
		if err != nil {
			tb.Fatal(err)
		}
		data := make([]byte, size+1)
		if _, err := io.ReadFull(in, data); err != nil {
			tb.Fatal(err)
		}
		all[f[0]] = f[1] + " " + string(data[:size])
	}
}

// check is a visitor that compares with the truth. What it remembers of an object
// is its content: so it also sees whether the pieces of a delta are right.
type check struct {
	t    testing.TB
	mu   *sync.Mutex
	want map[string]string
	seen map[pack.ID]int
}

func (c check) Visit(o *pack.Object, base any) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := o.Kind.String() + " " + string(o.Data); got != c.want[o.ID.String()] {
		c.t.Errorf("%s %s: content of %d bytes is not git's", o.Kind, o.ID, len(o.Data))
	}
	if !o.Dup {
		c.seen[o.ID]++
	}
	at := int32(0)
	for _, op := range o.Ops {
		if op.Dst != at || op.Len <= 0 {
			c.t.Errorf("%s: a piece at %d, want %d", o.ID, op.Dst, at)
		}
		if before, ok := base.(string); ok && op.Copied() && before[op.Src:op.Src+op.Len] != string(o.Data[op.Dst:op.Dst+op.Len]) {
			c.t.Errorf("%s: a piece is not what its base has", o.ID)
		}
		at += op.Len
	}
	if o.Ops != nil && int(at) != len(o.Data) {
		c.t.Errorf("%s: the pieces are %d bytes of %d", o.ID, at, len(o.Data))
	}
	return string(o.Data)
}

// compare walks a repository and reads each object alone.
func compare(t *testing.T, dir, objects string) {
	t.Helper()
	want := truth(t, dir)
	db, err := pack.Open(objects, pack.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := check{t, &sync.Mutex{}, want, map[pack.ID]int{}}
	err = db.Walk(t.Context(), pack.WalkOptions{
		Kinds: pack.Of(pack.Commit, pack.Tree, pack.Blob, pack.Tag), Workers: 3, MaxSize: 1 << 30, Visitor: func() pack.Visitor { return c },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.seen) != len(want) {
		t.Errorf("%d objects were visited, git has %d", len(c.seen), len(want))
	}
	for id, n := range c.seen {
		if n != 1 {
			t.Errorf("%s was visited %d times", id, n)
		}
		kind, data, err := db.ReadID(id, 1<<30)
		if err != nil || kind.String()+" "+string(data) != want[id.String()] {
			t.Errorf("reading %s alone: %v", id, err)
		}
		if got := fmt.Sprintf("%x", sha1.Sum([]byte(fmt.Sprintf("%s %d\x00%s", kind, len(data), data)))); got != id.String() {
			t.Errorf("%s has the hash %s", id, got)
		}
	}
	if p := db.Problems(); len(p) > 0 {
		t.Errorf("problems: %v", p)
	}
}

// Every form in which objects may lie on the disk gives what git gives.
func TestWalkGivesWhatGitGives(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, dir string){
		"loose": func(*testing.T, string) {},
		"packed": func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "repack", "-adfq", "--depth=50", "--window=20")
		},
		"packed, deep": func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "repack", "-adfq", "--depth=4000", "--window=100")
		},
		"packed without deltas": func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "repack", "-adfq", "--depth=0", "--window=0")
		},
		"deltas by name": func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq", "--depth=50", "--window=20")
		},
		"several packs and loose": func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "repack", "-dq")
			for i := range 3 {
				if err := os.WriteFile(filepath.Join(dir, "later"), []byte(strings.Repeat("later ", i+1)), 0o644); err != nil {
					t.Fatal(err)
				}
				git(t, dir, "add", "-A")
				git(t, dir, "commit", "-q", "-m", "later")
				if i < 2 {
					git(t, dir, "repack", "-dq")
				}
			}
		},
		"the same object in two packs and loose": func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "repack", "-q")
			git(t, dir, "repack", "-aq", "--depth=0", "-f")
		},
		"large offsets": func(t *testing.T, dir string) {
			t.Helper()
			git(t, dir, "repack", "-adfq")
			pack, err := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*.pack"))
			if err != nil || len(pack) != 1 {
				t.Fatal(pack, err)
			}
			// Version 2 with every offset above one byte in the table of large ones.
			idx := strings.TrimSuffix(pack[0], ".pack") + ".idx"
			if err := os.Remove(idx); err != nil {
				t.Fatal(err)
			}
			git(t, dir, "index-pack", "--index-version=2,0x40", pack[0])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, 25)
			change(t, dir)
			compare(t, dir, filepath.Join(dir, ".git", "objects"))
		})
	}
	t.Run("alternates", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, 10)
		clone := filepath.Join(t.TempDir(), "clone")
		git(t, ".", "clone", "-q", "--shared", dir, clone)
		git(t, clone, "commit", "-q", "--allow-empty", "-m", "own")
		compare(t, clone, filepath.Join(clone, ".git", "objects"))
	})
}
