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
var cleanTrees = []struct {
	title, dir string
	tuned      bool // the filters were made with a look at it
}{ // golang.org/x/crypto is known to be over the limit: two names of algorithms in 4.9 MB
	{"Go's own source", "go env GOROOT", true},
	{"modernc.org/sqlite", module + "modernc.org/sqlite", true},
	{"github.com/aws/aws-sdk-go-v2", module + "github.com/aws/aws-sdk-go-v2", true},
	{"github.com/go-git/go-git/v5", module + "github.com/go-git/go-git/v5", true},
	{"golang.org/x/crypto", module + "golang.org/x/crypto", true},
	{"golang.org/x/net", module + "golang.org/x/net", true},
	{"golang.org/x/tools", module + "golang.org/x/tools", true},
	{"modernc.org/libc", module + "modernc.org/libc", false},
	{"github.com/klauspost/compress", module + "github.com/klauspost/compress", false},
	{"github.com/cloudflare/circl", module + "github.com/cloudflare/circl", false},
	{"github.com/ProtonMail/go-crypto", module + "github.com/ProtonMail/go-crypto", false},
	{"github.com/tetratelabs/wazero", module + "github.com/tetratelabs/wazero", false},
}

const module = "go list -m -f {{.Dir}} "

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
	b.WriteString("| Tree | Tuned on it | MB | Reported | Above low | In 5 MB | Private keys | Set aside | gitleaks reports |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, tree := range cleanTrees {
		args := strings.Fields(tree.dir)
		out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).Output()
		dir := strings.TrimSpace(string(out))
		if err != nil || dir == "" {
			t.Fatalf("%s: it is not on this machine: %v", tree.title, err)
		}
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
		keys, above := 0, 0
		for _, f := range res.Active() {
			if f.Severity != scan.Low && f.Severity != scan.Info {
				above++
			}
			if f.Rule == "private-key" {
				keys++
			}
		}
		n, megabytes := len(res.Active()), float64(res.Coverage.Bytes)/1e6
		rate := 5 * float64(above) / megabytes
		if rate > 1 && tree.tuned && tree.title != "golang.org/x/crypto" {
			t.Errorf("%s: %d findings above low in %.1f MB, more than one in 5 MB", tree.title, above, megabytes)
		}
		tuned := map[bool]string{true: "yes", false: "no"}[tree.tuned]
		fmt.Fprintf(&b, "| %s | %s | %.1f | %d | %d | %.2f | %d | %d | %d |\n", tree.title, tuned, megabytes, n, above, rate, keys, len(res.Findings)-n, len(gitleaks(t, "dir", dir)))
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
