package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ignoring is a repository in which every kind of list leaves something out.
func ignoring(t *testing.T) string {
	t.Helper()
	dir := repository(t, "nothing\n")
	write(t, dir, ".gitignore", "*.log\n/build/\nkept.env\n!keep.log\n")
	write(t, dir, ".git/info/exclude", "excluded\n")
	write(t, dir, "sub/.gitignore", "*\n!.gitignore\n!deep\n!deep/**\n!seen.txt\n")
	for _, name := range []string{
		".env", "a.log", "keep.log", "kept.env", "excluded", "mine.swp", "build/out/x.txt", "build/tracked.txt",
		"sub/hidden.txt", "sub/seen.txt", "sub/deep/x.txt", "sub/deep/y.log",
	} {
		write(t, dir, name, leak())
	}
	git(t, dir, "add", "-f", "kept.env", "build/tracked.txt")
	inner := filepath.Join(dir, "inner")
	git(t, dir, "init", "-q", inner)
	write(t, inner, ".gitignore", "own\n")
	write(t, inner, "own", leak())
	write(t, inner, "a.log", leak()) // the lists around it do not hold here
	return dir
}

// filesOf returns the files of a scan's findings.
func filesOf(t *testing.T, r result) []string {
	t.Helper()
	var out []string
	for _, f := range foundIn(t, r) {
		out = append(out, f.File)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestScanWithoutIgnoredFiles leaves out what git does, and counts it. By default it
// is scanned: what must not be committed often holds keys.
func TestScanWithoutIgnoredFiles(t *testing.T) {
	t.Parallel()
	dir, home := ignoring(t), t.TempDir()
	write(t, home, ".gitconfig", "[user]\n\tname = Jo\n[Core]\n\texcludesFile = \"~/my \\\nignores\" ; a list\n")
	write(t, home, "my ignores", "*.swp\n")
	c := call{env: map[string]string{"HOME": home, "GIT_CONFIG_NOSYSTEM": "1"}}
	all := []string{
		".env", "a.log", "build/out/x.txt", "build/tracked.txt", "excluded", "inner/a.log", "inner/own", "keep.log", "kept.env", "mine.swp",
		"sub/deep/x.txt", "sub/deep/y.log", "sub/hidden.txt", "sub/seen.txt",
	}
	if got := filesOf(t, c.run("scan", "dir", dir, "--json")); !slices.Equal(got, all) {
		t.Errorf("by default: %q", got)
	}
	want := []string{".env", "build/tracked.txt", "inner/a.log", "keep.log", "kept.env", "sub/deep/x.txt", "sub/deep/y.log", "sub/seen.txt"}
	if got := filesOf(t, c.run("scan", "dir", dir, "--json", "--ignored=false")); !slices.Equal(got, want) {
		t.Errorf("without the ignored: %q, want %q", got, want)
	}
	// What git itself says, of the outer repository.
	list := tryGit(t, dir, "", "-c", "core.excludesFile="+filepath.Join(home, "my ignores"), "ls-files", "-o", "-i", "--exclude-standard")
	for _, name := range strings.Fields(list.out) {
		if slices.Contains(want, name) {
			t.Errorf("git ignores %s", name)
		}
	}
	c.run("scan", "dir", dir, "--ignored=false").expect(t, 1, "complete", "× ignored file: git ignores it; see --ignored",
		"1 × ignored folder: git ignores it; see --ignored (build/out)")

	// The lists above the folder that is scanned hold too.
	if got := filesOf(t, c.run("scan", "dir", filepath.Join(dir, "sub"), "--json", "--ignored=false")); !slices.Equal(got, []string{"deep/x.txt", "deep/y.log", "seen.txt"}) {
		t.Errorf("of a folder in the repository: %q", got)
	}
	if got := filesOf(t, c.run("scan", "dir", filepath.Join(dir, "build"), "--json", "--ignored=false")); !slices.Equal(got, []string{"tracked.txt"}) {
		t.Errorf("of a folder that is ignored: %q", got)
	}
	// A file that is named is scanned.
	c.run("scan", "dir", filepath.Join(dir, "a.log"), "--ignored=false").expect(t, 1, "a.log:1")
}

// Without a repository nothing is ignored; with a damaged index, nothing is left out.
func TestIgnoringNeedsARepository(t *testing.T) {
	t.Parallel()
	plain := t.TempDir()
	write(t, plain, ".gitignore", "*\n")
	write(t, plain, "a.txt", leak())
	run("scan", "dir", plain, "--ignored=false").expect(t, 1, "a.txt:1")
	dir := ignoring(t)
	write(t, dir, ".git/index", "no index")
	run("scan", "dir", dir, "--ignored=false").expect(t, 1, "a.log:1", "its index cannot be read, so nothing in it was left out")
	// A list that is a link, a folder or a pipe is none.
	other := repository(t, "nothing\n")
	write(t, other, "b.log", leak())
	write(t, plain, "list", "*.log\n")
	if err := os.Symlink(filepath.Join(plain, "list"), filepath.Join(other, ".gitignore")); err != nil {
		t.Fatal(err)
	}
	run("scan", "dir", other, "--ignored=false").expect(t, 1, "b.log:1", "list of ignored names: not used")
}
