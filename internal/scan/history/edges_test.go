package history_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/scan/history"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/history/places"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/match"
)

// TestStoppedScanKeepsWhatWasFound, and does not claim to know where it stands.
func TestStoppedScanKeepsWhatWasFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git(t, dir, "", "init", "-q", "-b", "main")
	var in strings.Builder
	in.WriteString("commit refs/heads/main\ncommitter C <c@x> 1500000000 +0000\ndata 1\nx\n")
	for i := range 6000 {
		text := fmt.Sprintf("%d\nk=%s\n", i, lab.MadeUp("sk_live_", 40))
		fmt.Fprintf(&in, "M 100644 inline f%d\ndata %d\n%s\n", i, len(text), text)
	}
	git(t, dir, in.String(), "-c", "pack.depth=0", "fast-import", "--quiet")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	res, err := history.Scan(ctx, open(t, dir), history.Options{Set: load(t), Workers: 2, MaxSize: 1 << 20, Progress: func(p history.Progress) {
		if p.Phase == "blobs" {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	if len(res.Hits) == 0 || len(res.Hits) == 6000 {
		t.Fatalf("%d hits", len(res.Hits))
	}
	for _, h := range res.Hits {
		if h.Where != places.WhereUnknown {
			t.Fatalf("%s: where is %s", h.Path, h.Where)
		}
	}
}

// TestDeniedByItsFirstCommit: an allowlist that names a commit takes out what that
// commit brought, and nothing that it only kept.
func TestDeniedByItsFirstCommit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git(t, dir, "", "init", "-q", "-b", "main")
	one, two := lab.MadeUp("sk_live_", 40), lab.MadeUp("sk_live_", 40)
	for i, text := range []string{"k=" + one + "\n", "k=" + one + "\nk=" + two + "\n", "# more\nk=" + one + "\nk=" + two + "\n"} {
		in := fmt.Sprintf("commit refs/heads/main\ncommitter C <c@x> %d +0000\ndata 1\nx\n", 1_500_000_000+i)
		if i > 0 {
			in += "from refs/heads/main^0\n"
		}
		git(t, dir, in+fmt.Sprintf("M 100644 inline a.txt\ndata %d\n%s\n", len(text), text), "fast-import", "--quiet")
	}
	second := git(t, dir, "", "rev-parse", "HEAD~")
	set, err := match.Compile([]match.Rule{{ID: "r", Regex: `sk_live_\w{40}`, Keywords: []string{"sk_live_"}}}, []match.Allowlist{{Commits: []string{second}}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, h := range scan(t, dir, open(t, dir), set, map[string]graph.Reach{"HEAD": graph.FromHead}).Hits {
		got[fmt.Sprintf("%s:%d", map[string]string{one: "one", two: "two"}[h.Secret], h.Line)] = h.Denied
	}
	want := map[string]bool{"one:1": false, "two:2": true, "one:2": false, "two:3": false}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestContentIsWhatItsNameSays: a finding in an object that was changed on the disk,
// with all its checksums right, is found, and said to be of damage.
func TestContentIsWhatItsNameSays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git(t, dir, "", "init", "-q", "-b", "main")
	good := git(t, dir, "k="+lab.MadeUp("sk_live_", 40), "hash-object", "-w", "--stdin")
	other := git(t, dir, "k="+lab.MadeUp("sk_live_", 40), "hash-object", "-w", "--stdin")
	path := func(id string) string { return filepath.Join(dir, ".git/objects", id[:2], id[2:]) }
	if err := os.Rename(path(other), path(good)); err != nil {
		t.Fatal(err)
	}
	res, err := history.Scan(t.Context(), open(t, dir), history.Options{Set: load(t), MaxSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Hits) != 1 || res.Damaged != (tally.Gone{Count: 1, Example: good}) {
		t.Errorf("%d hits, damaged %+v", len(res.Hits), res.Damaged)
	}
}
