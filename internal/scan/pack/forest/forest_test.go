package forest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/pack/object"
	"github.com/secretguard/secretguard/internal/scan/pack/packfile"
)

func git(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, errs.String())
	}
	return string(out)
}

// packed makes a pack of versions of some files, most of them deltas.
func packed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "", "init", "-q", "-b", "main")
	var in strings.Builder
	text := ""
	for i := range 60 {
		text = fmt.Sprintf("line %d of %d\n", i, i*i) + text
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter C <c@x> %d +0000\ndata 1\nx\nM 100644 inline a\ndata %d\n%s\nM 100644 inline b/%d\ndata %d\n%d\n\n", 1_500_000_000+i, len(text), text, i, len(fmt.Sprint(i)), i)
	}
	git(t, dir, in.String(), "fast-import", "--quiet")
	git(t, dir, "", "repack", "-adfq", "--depth=50", "--window=20")
	list, err := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*.pack"))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v: %v", list, err)
	}
	return strings.TrimSuffix(list[0], ".pack")
}

// nobody has no object, and fails on a problem.
type nobody struct{ t *testing.T }

func (nobody) KindOf(object.ID) (object.Kind, bool, error) { return 0, false, nil }
func (n nobody) Problem(p object.Problem)                  { n.t.Errorf("%+v", p) }

// TestTreesAreGits: bases, kinds and sizes are those that git verify-pack lists, parents
// come before children, and a root weighs what hangs below it.
func TestTreesAreGits(t *testing.T) {
	t.Parallel()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	path := packed(t)
	p, err := packfile.Open(path, object.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	f, err := Plant(p, nobody{t})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	seen := map[int32]bool{NoBase: true}
	for _, i := range f.Order {
		if !seen[f.Base[i]] {
			t.Errorf("node %d comes before its base", i)
		}
		seen[i] = true
		base := ""
		if f.Base[i] != NoBase {
			base = f.ID(f.Base[i]).String()
		}
		got[f.ID(i).String()] = fmt.Sprint(f.Kind[i], " ", f.Size[i], " ", base)
	}
	want, deltas := map[string]string{}, 0
	for line := range strings.Lines(git(t, filepath.Dir(path), "", "verify-pack", "-v", path+".pack")) {
		w := strings.Fields(line) // id kind size size-in-pack offset [depth base]
		if len(w) != 5 && len(w) != 7 || len(w[0]) != 40 {
			continue
		}
		base := ""
		if len(w) == 7 {
			base = w[6]
			deltas++
		}
		want[w[0]] = fmt.Sprint(w[1], " ", w[2], " ", base)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || deltas < 20 || len(want) != p.N {
		t.Errorf("%d deltas; got %v\nwant %v", deltas, got, want)
	}
	f.Weigh(func(_ object.Ref, k object.Kind) bool { return k == object.Blob })
	weight := 0
	for _, i := range f.Order {
		if f.Base[i] == NoBase {
			weight += int(f.Weight[i])
		}
	}
	blobs := 0
	for _, w := range want {
		if strings.HasPrefix(w, "blob ") {
			blobs++
		}
	}
	if weight != blobs {
		t.Errorf("the roots weigh %d, there are %d blobs", weight, blobs)
	}
}

// TestSortByOffset sorts, and takes the second slice along.
func TestSortByOffset(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		off := rapid.SliceOf(rapid.Int64Range(0, 1<<40)).Draw(t, "offsets")
		was, ord := slices.Clone(off), make([]uint32, len(off))
		for i := range ord {
			ord[i] = uint32(i)
		}
		sortByOffset(off, ord)
		if !slices.IsSorted(off) {
			t.Fatalf("%v", off)
		}
		for i, o := range ord {
			if was[o] != off[i] {
				t.Fatalf("%d came with %d", off[i], was[o])
			}
		}
	})
}
