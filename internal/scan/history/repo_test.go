package history_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
)

// git runs git and trims what it prints.
func git(tb testing.TB, dir, stdin string, args ...string) string {
	tb.Helper()
	return strings.TrimSpace(rawGit(tb, dir, stdin, args...))
}

// rawGit runs git in a repository with nobody's settings.
func rawGit(tb testing.TB, dir, stdin string, args ...string) string {
	tb.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Jo", "-c", "user.email=jo@shop.invalid", "-c", "gc.auto=0"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("git %v: %v: %s", args, err, errs.String())
	}
	return string(out)
}

// past is a history that is made up as it goes: branches that split and merge,
// files that move and change, keys that come and go, clocks that are wrong.
type past struct {
	rand    *rand.Rand
	secrets []string
	names   []string // of a folder, a file and a person: secrets in themselves
	out     strings.Builder
	files   []map[string]string // of each commit, by mark
}

var refNames = []string{
	"refs/heads/main", "refs/heads/side", "refs/heads/gone", "refs/remotes/origin/main", "refs/tags/light",
	"refs/stash", "refs/notes/commits", "refs/pull/1/head", "refs/heads/lost",
}

func newPast(seed uint64) *past {
	p := &past{rand: rand.New(rand.NewPCG(seed, 7)), files: []map[string]string{nil}}
	for i := range 8 {
		p.secrets = append(p.secrets, "key"+fmt.Sprint(i)+" = \""+lab.MadeUp([]string{"sk_live_", "sk_test_"}[i%2], 40)+"\"")
	}
	p.names = []string{lab.MadeUp("sk_live_", 40), lab.MadeUp("sk_test_", 40), lab.MadeUp("sk_live_", 40)}
	return p
}

func (p *past) line() string {
	if p.rand.IntN(6) == 0 {
		return p.secrets[p.rand.IntN(len(p.secrets))]
	}
	return strings.Repeat(fmt.Sprintf("text %d ", p.rand.IntN(9)), p.rand.IntN(6))
}

func (p *past) name() string {
	return []string{
		"a.txt", "b/c.txt", "b/d/e.txt", "b/d/f.env", "g h/\u00e4.md", "z.txt", "b.txt", "b-c", "shop.pfx",
		"b/" + p.names[0] + "/c.txt", "b/d/" + p.names[1] + ".pem",
	}[p.rand.IntN(11)]
}

// edit changes the text of a file a little.
func (p *past) edit(text string) string {
	lines := strings.Split(text, "\n")
	for range 1 + p.rand.IntN(3) {
		at := p.rand.IntN(len(lines) + 1)
		switch p.rand.IntN(3) {
		case 0:
			lines = slices.Insert(lines, at, p.line())
		case 1:
			lines = slices.Delete(lines, min(at, len(lines)-1), min(at+1, len(lines)))
		default:
			lines = slices.Insert(lines, at, p.line(), p.line())
		}
		if len(lines) == 0 {
			lines = []string{""}
		}
	}
	return strings.Join(lines, "\n")
}

func (p *past) change(files map[string]string) {
	names := slices.Sorted(maps.Keys(files))
	switch n := p.rand.IntN(10); {
	case n == 0 && len(names) > 2:
		delete(files, names[p.rand.IntN(len(names))])
	case n == 1 && len(names) > 0: // moved, perhaps over another
		from, to := names[p.rand.IntN(len(names))], p.name()
		text := files[from]
		delete(files, from)
		files[to] = text
	case n == 2 && len(names) > 0: // the same content twice
		files[p.name()] = files[names[p.rand.IntN(len(names))]]
	case n == 3:
		files["bin"] = "\x00\x01" + p.line()
	default:
		name := p.name()
		files[name] = p.edit(files[name])
	}
}

// commit writes one for git fast-import.
func (p *past) commit(mark int) {
	parents := []int{}
	if mark > 1 && p.rand.IntN(20) > 0 {
		parents = append(parents, max(1, mark-1-p.rand.IntN(4)))
	}
	if len(parents) == 1 && p.rand.IntN(4) == 0 {
		if other := 1 + p.rand.IntN(mark-1); other != parents[0] {
			parents = append(parents, other)
		}
	}
	files := map[string]string{}
	for _, at := range parents {
		for name, text := range p.files[at] {
			if old, ok := files[name]; !ok || p.rand.IntN(2) == 0 || old == "" {
				files[name] = text
			}
		}
	}
	for range 1 + p.rand.IntN(3) {
		p.change(files)
	}
	for name := range files { // a file and a folder cannot have one name
		for other := range files {
			if strings.HasPrefix(other, name+"/") {
				delete(files, name)
			}
		}
	}
	p.files = append(p.files, files)
	message := p.line() + "\n" + p.line()
	fmt.Fprintf(&p.out, "commit refs/build\nmark :%d\nauthor %s <a@x> %d +0200\ncommitter C <c@x> %d +0000\n", mark, []string{"A", "B", p.names[2]}[mark%3], 1_500_000_000+mark, 1_500_000_000+60*p.rand.IntN(60))
	fmt.Fprintf(&p.out, "data %d\n%s\n", len(message), message)
	for i, at := range parents {
		fmt.Fprintf(&p.out, "%s :%d\n", []string{"from", "merge"}[min(i, 1)], at)
	}
	p.out.WriteString("deleteall\n")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mode := []string{"100644", "100755"}[len(files[name])%2]
		fmt.Fprintf(&p.out, "M %s inline %q\ndata %d\n%s\n", mode, name, len(files[name]), files[name])
	}
	p.out.WriteString("\n")
}

// more adds so many commits on top of a repository's.
func (p *past) more(tb testing.TB, dir string, commits int) {
	tb.Helper()
	p.out.Reset()
	for range commits {
		p.out.WriteString("reset refs/build\n")
		p.commit(len(p.files))
	}
	fmt.Fprintf(&p.out, "reset refs/heads/main\nfrom :%d\n\n", len(p.files)-1)
	marks := filepath.Join(dir, ".git", "marks")
	git(tb, dir, p.out.String(), "fast-import", "--quiet", "--force", "--import-marks="+marks, "--export-marks="+marks)
	git(tb, dir, "", "update-ref", "-d", "refs/build")
}

// repository makes one with so many commits and returns its folder.
func (p *past) repository(tb testing.TB, commits int, format string) string {
	tb.Helper()
	dir := tb.TempDir()
	git(tb, dir, "", "init", "-q", "-b", "main", "--object-format="+format)
	for mark := 1; mark <= commits; mark++ {
		if mark > 1 { // without it fast-import takes the ref's commit for a parent
			p.out.WriteString("reset refs/build\n")
		}
		p.commit(mark)
	}
	for i, name := range refNames {
		at := commits - p.rand.IntN(min(commits, 10))
		if i == 0 {
			at = commits
		}
		fmt.Fprintf(&p.out, "reset %s\nfrom :%d\n\n", name, at)
	}
	fmt.Fprintf(&p.out, "tag noted\nfrom :%d\ntagger T <t@x> 1500000000 +0000\ndata %d\n%s\n", commits, len(p.secrets[0]), p.secrets[0])
	git(tb, dir, p.out.String(), "fast-import", "--quiet", "--force", "--export-marks="+filepath.Join(dir, ".git", "marks"))
	git(tb, dir, "", "update-ref", "-d", "refs/build")
	git(tb, dir, "", "update-ref", "-d", "refs/heads/lost")
	git(tb, dir, p.secrets[1], "hash-object", "-w", "--stdin")
	switch p.rand.IntN(3) { // one pack of deltas, several, or loose objects too
	case 0:
		git(tb, dir, "", "repack", "-adfq", "--depth=50", "--window=50", "--keep-unreachable")
	case 1:
		for _, f := range glob(tb, filepath.Join(dir, ".git/objects/pack/*.pack")) {
			data, err := os.ReadFile(f)
			if err == nil {
				err = os.Remove(f)
			}
			if err != nil {
				tb.Fatal(err)
			}
			for _, side := range glob(tb, strings.TrimSuffix(f, ".pack")+".*") {
				if err := os.Remove(side); err != nil {
					tb.Fatal(err)
				}
			}
			git(tb, dir, string(data), "unpack-objects", "-q")
		}
		git(tb, dir, "", "repack", "-q")
	}
	return dir
}

func glob(tb testing.TB, pattern string) []string {
	tb.Helper()
	list, err := filepath.Glob(pattern)
	if err != nil {
		tb.Fatal(err)
	}
	return list
}
