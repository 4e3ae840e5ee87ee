package graph_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

func git(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Jo", "-c", "user.email=jo@shop.invalid"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C")
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

// reader collects the commits of a repository.
type reader struct {
	mu sync.Mutex
	g  *graph.Graph
}

func (r *reader) Visit(o *pack.Object, _ any) any {
	header, _ := graph.SplitHeader(o.Data)
	_, seconds := graph.Signature(graph.Field(header, "committer"))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.g.Commits = append(r.g.Commits, graph.Commit{Ref: o.Ref, Tree: pack.NoRef, ParentIDs: graph.Parents(header), Time: seconds})
	return nil
}

// TestReachIsWhatGitSays: what leads to a commit is what git rev-list lists, in a
// repository with branches, merges and roots of their own.
func TestReachIsWhatGitSays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git(t, dir, "", "init", "-q", "-b", "main")
	r := rand.New(rand.NewPCG(5, 1))
	var in strings.Builder
	for mark := 1; mark <= 120; mark++ {
		message := fmt.Sprintf("%d\n\nparent %s", mark, strings.Repeat("1", 40)) // it names no parent
		fmt.Fprintf(&in, "reset refs/x\ncommit refs/x\nmark :%d\ncommitter C <c@x> %d +0000\ndata %d\n%s\n", mark, 1_500_000_000+r.IntN(99), len(message), message)
		for i := range min(mark-1, r.IntN(4)) {
			fmt.Fprintf(&in, "%s :%d\n", []string{"from", "merge", "merge"}[i], 1+r.IntN(mark-1))
		}
		in.WriteString("\n")
	}
	refs := map[string]graph.Reach{"refs/heads/a": graph.FromBranch, "refs/heads/b": graph.FromBranch, "refs/tags/c": graph.FromTag, "refs/remotes/d": graph.FromRemote}
	for name := range refs {
		fmt.Fprintf(&in, "reset %s\nfrom :%d\n\n", name, 100+r.IntN(21))
	}
	git(t, dir, in.String(), "fast-import", "--quiet")
	db, err := pack.Open(filepath.Join(dir, ".git/objects"), pack.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	v := &reader{g: graph.New(db)}
	if err := db.Walk(t.Context(), pack.WalkOptions{Kinds: pack.Of(pack.Commit), Workers: 2, MaxSize: 1 << 20, Visitor: func() pack.Visitor { return v }}); err != nil {
		t.Fatal(err)
	}
	var roots []graph.Root
	for name, way := range refs {
		id, err := pack.ParseID(git(t, dir, "", "rev-parse", name))
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, graph.Root{Name: name, ID: id, Way: way})
	}
	v.g.Link(func(child, parent pack.ID) { t.Errorf("%v of %v is missing", parent, child) })
	v.g.Order()
	v.g.Mark(roots, nil, func(name string, _ pack.ID) { t.Errorf("%s is missing", name) })
	if len(v.g.Commits) != 120 {
		t.Fatalf("%d commits", len(v.g.Commits))
	}
	for _, way := range []graph.Reach{graph.FromBranch, graph.FromTag, graph.FromRemote} {
		args := []string{"rev-list"}
		for name, w := range refs {
			if w == way {
				args = append(args, name)
			}
		}
		want := strings.Fields(git(t, dir, "", args...))
		var got []string
		for at, c := range v.g.Commits {
			if c.Reach&way != 0 {
				got = append(got, v.g.ID(int32(at)).String())
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%v leads to %d commits, git says %d", way.Names(), len(got), len(want))
		}
	}
	for at, c := range v.g.Commits {
		if n := len(strings.Fields(git(t, dir, "", "rev-list", "--parents", "-1", v.g.ID(int32(at)).String()))) - 1; n != len(c.Parents) {
			t.Errorf("%v has %d parents, git says %d", v.g.ID(int32(at)), len(c.Parents), n)
		}
	}
}
