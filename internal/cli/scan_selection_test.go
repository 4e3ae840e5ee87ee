package cli_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
)

// files lists what a scan in JSON found, as FILE:LINE.
func found(t *testing.T, r result) []string {
	t.Helper()
	var doc struct {
		Findings []struct {
			File string
			Line int
		}
	}
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil {
		t.Fatalf("%v in %s", err, r)
	}
	out := []string{}
	for _, f := range doc.Findings {
		out = append(out, strings.ReplaceAll(f.File, "\\", "/"))
	}
	slices.Sort(out)
	return out
}

// TestScanOfSomeCommits: what the selected commits brought, and nothing else.
func TestScanOfSomeCommits(t *testing.T) {
	t.Parallel()
	dir := repository(t)
	commit := func(name, text, date string) {
		t.Helper()
		write(t, dir, name, text)
		git(t, dir, "add", "-A")
		git(t, dir, "commit", "-q", "-m", "x", "--date", date)
		git(t, dir, "-c", "user.name=x", "commit", "-q", "--amend", "--no-edit", "--date", date)
	}
	key := func() string { return "k=" + lab.MadeUp("sk_live_", 40) + "\n" }
	one := key()
	commit("one.txt", one, "2020-01-01")
	git(t, dir, "tag", "v1")
	git(t, dir, "switch", "-q", "-c", "side")
	commit("side.txt", key(), "2021-01-01")
	git(t, dir, "switch", "-q", "main")
	commit("two.txt", key(), "2022-01-01")
	commit("one.txt", "# a line more\n"+one, "2023-01-01") // nothing new in it
	git(t, dir, "tag", "v2")
	git(t, dir, "merge", "-q", "--no-ff", "-m", "merge", "side")
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"one.txt", "one.txt", "side.txt", "two.txt"}},
		{[]string{"--range", "v1..v2"}, []string{"two.txt"}},
		{[]string{"--range", "v2..main"}, []string{"side.txt"}},
		{[]string{"--range", "main..main"}, []string{}},
		{[]string{"--branch", "side"}, []string{"one.txt", "side.txt"}},
		{[]string{"--branch", "side", "--branch", "v2"}, []string{"one.txt", "side.txt", "two.txt"}},
		{[]string{"--log-opts", "v1..main"}, []string{"side.txt", "two.txt"}},
		{[]string{"--log-opts", "-p -U0 --full-history --first-parent --no-merges main"}, []string{"one.txt", "two.txt"}},
		{[]string{"--log-opts", "--all -- 'two.txt'"}, []string{"two.txt"}},
		{[]string{"--log-opts", "-n 1 side"}, []string{"side.txt"}},
		{[]string{"--since", "2000-01-01"}, []string{"one.txt", "side.txt", "two.txt"}},
		{[]string{"--since", "2037-01-01"}, []string{}},
	} {
		r := run(append([]string{"scan", "git", dir, "--json"}, tt.args...)...)
		if got := found(t, r); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.args, got, tt.want)
		}
		if want := min(len(tt.want), 1); r.code != want {
			t.Errorf("%q: exit %d, want %d", tt.args, r.code, want)
		}
	}
	for _, tt := range []struct {
		args []string
		says string
	}{
		{[]string{"--range", "nowhere..main"}, "git does not understand"},
		{[]string{"--range", "--output=x"}, "starts with a dash"},
		{[]string{"--branch", "nosuch"}, "git does not understand"},
		{[]string{"--log-opts", "--objects main"}, "do not list commits"},
		{[]string{"--log-opts", "--nosuch"}, "git does not understand"},
		{[]string{"--log-opts", "'main"}, "a quote without end"},
	} {
		run(append([]string{"scan", "git", dir}, tt.args...)...).expect(t, 2, tt.says)
	}
	run("scan", "dir", dir, "--since", "2000-01-01").expect(t, 2, "select commits, and dir has none")
}
