package difftest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// cleanTrees are source trees without a secret in use: what is found there is false,
// or a test's own private key.
var cleanTrees = []struct{ title, dir string }{
	{"Go's own source", "go env GOROOT"},
	{"modernc.org/sqlite", "go list -m -f {{.Dir}} modernc.org/sqlite"},
	{"github.com/aws/aws-sdk-go-v2", "go list -m -f {{.Dir}} github.com/aws/aws-sdk-go-v2"},
}

const (
	treesBegin = "<!-- measured: make clean-trees -->\n"
	treesEnd   = "<!-- end of what is measured in trees -->"
)

// TestCleanTrees counts what is reported in source trees of this machine, by "make
// clean-trees": they are too large for every run of the tests.
func TestCleanTrees(t *testing.T) {
	if os.Getenv("SECRETGUARD_CLEAN_TREES") == "" {
		t.Skip("SKIPPED: large source trees are not scanned in every run; run: make clean-trees")
	}
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| Tree | MB | Reported | In 5 MB | Of them private keys | Set aside | gitleaks reports |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, tree := range cleanTrees {
		args := strings.Fields(tree.dir)
		out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).Output()
		if err != nil {
			t.Fatalf("%s: %v", tree.title, err)
		}
		dir := strings.TrimSpace(string(out))
		if tree.dir == "go env GOROOT" {
			dir = filepath.Join(dir, "src")
		}
		src, err := source.Dir(dir, source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := scan.New(set, scan.Options{}).Scan(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		keys := 0
		for _, f := range res.Active() {
			if f.Rule == "private-key" {
				keys++
			}
		}
		n, megabytes := len(res.Active()), float64(res.Coverage.Bytes)/1e6
		rate := 5 * float64(n) / megabytes
		if rate > 1 {
			t.Errorf("%s: %d findings in %.1f MB, more than one in 5 MB", tree.title, n, megabytes)
		}
		fmt.Fprintf(&b, "| %s | %.1f | %d | %.2f | %d | %d | %d |\n", tree.title, megabytes, n, rate, keys, len(res.Findings)-n, len(gitleaks(t, "dir", dir)))
	}
	rewrite(t, treesBegin, treesEnd, b.String())
}

// rewrite puts a table between its markers in docs/detection.md when -update is
// given, and fails when another one stands there otherwise.
func rewrite(t *testing.T, begin, end, table string) {
	t.Helper()
	const page = "../../../docs/detection.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), begin)
	old, after, ended := strings.Cut(rest, end)
	switch {
	case !ok || !ended:
		t.Fatalf("%s has no marker %s", page, begin)
	case *update:
		if err := os.WriteFile(page, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case old != table:
		t.Errorf("%s is not what is measured now; take it anew with -update:\n%s", page, table)
	}
}
