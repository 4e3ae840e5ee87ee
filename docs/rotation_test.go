package docs_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// faultRows is how many faults the page lists.
const faultRows = 78

// Every fault has a row, and every row names tests that exist, or says why there
// is none.
func TestFaultTableNamesTests(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile(`(?m)^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+|Benchmark[A-Za-z0-9]+)`")
	there := testNames(t)
	rows := row.FindAllStringSubmatch(read(t, "docs/rotation.md"), -1)
	if len(rows) != faultRows {
		t.Fatalf("%d rows, want %d", len(rows), faultRows)
	}
	for i, m := range rows {
		if m[1] != strconv.Itoa(i+1) {
			t.Errorf("row %s stands where %d should", m[1], i+1)
		}
		tests := named.FindAllStringSubmatch(m[4], -1)
		for _, n := range tests {
			if !there[n[1]] {
				t.Errorf("row %s names %s, which is not there", m[1], n[1])
			}
		}
		if len(tests) == 0 && !strings.Contains(m[4], "*to build*") && !strings.HasPrefix(m[4], "no test: ") {
			t.Errorf("row %s names no test and gives no reason", m[1])
		}
	}
}

// testNames returns the names of all test functions of the repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	decl := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)[A-Za-z0-9]+)\(`)
	out := map[string]bool{}
	walk(t, func(name string) {
		if !strings.HasSuffix(name, "_test.go") {
			return
		}
		for _, m := range decl.FindAllStringSubmatch(read(t, name), -1) {
			out[m[1]] = true
		}
	})
	if len(out) < 100 {
		t.Fatalf("only %d tests", len(out))
	}
	return out
}
