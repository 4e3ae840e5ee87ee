package cli_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestStaged: the index is judged, whatever lies in the working folder.
func TestStaged(t *testing.T) {
	t.Parallel()
	t.Run("no commit yet", func(t *testing.T) {
		t.Parallel()
		dir := repository(t)
		run("scan", "--staged", dir).expect(t, 0, "complete")
		write(t, dir, "a.txt", leak())
		run("scan", "--staged", dir).expect(t, 0)
		git(t, dir, "add", "a.txt")
		run("scan", "--staged", dir).expect(t, 1, "a.txt:1")
	})
	t.Run("content of the index", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		write(t, dir, "a.txt", leak())
		git(t, dir, "add", "a.txt")
		write(t, dir, "a.txt", "nothing\n") // cleaned in the folder, staged all the same
		run("scan", "--staged", dir).expect(t, 1, "a.txt:1")
		git(t, dir, "add", "a.txt")
		write(t, dir, "a.txt", leak()) // the other way round
		run("scan", "--staged", dir).expect(t, 0)
	})
	t.Run("folder below", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		write(t, dir, "deep/a.txt", leak())
		git(t, dir, "add", "-A")
		run("scan", "--staged", filepath.Join(dir, "deep")).expect(t, 1, "deep/a.txt:1")
	})
	t.Run("only what changes", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, leak())
		write(t, dir, "b.txt", "nothing\n")
		git(t, dir, "add", "-A")
		run("scan", "--staged", dir).expect(t, 0, "in 1 file")
	})
	t.Run("intent to add", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		write(t, dir, "b.txt", leak())
		git(t, dir, "add", "-N", "b.txt")
		run("scan", "--staged", dir).expect(t, 0, "complete")
	})
	t.Run("deletion, rename, mode, picture", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		git(t, dir, "mv", "a.txt", "b.txt")
		git(t, dir, "update-index", "--chmod=+x", "b.txt")
		run("scan", "--staged", dir).expect(t, 0)
		git(t, dir, "rm", "-q", "-f", "b.txt")
		run("scan", "--staged", dir).expect(t, 0)
		write(t, dir, "p.png", "\x89PNG\x00")
		git(t, dir, "add", "p.png")
		run("scan", "--staged", dir).expect(t, 0, "skipped: 1 × staged file: binary (p.png)")
	})
	t.Run("conflict", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "base\n")
		git(t, dir, "switch", "-q", "-c", "side")
		write(t, dir, "a.txt", leak())
		git(t, dir, "commit", "-q", "-am", "side")
		git(t, dir, "switch", "-q", "main")
		write(t, dir, "a.txt", "main\n")
		git(t, dir, "commit", "-q", "-am", "main")
		if r := tryGit(t, dir, "", "merge", "-q", "side"); r.code == 0 {
			t.Fatal("no conflict")
		}
		run("scan", "--staged", dir).expect(t, 1, "a.txt:1")
	})
	t.Run("merge that brings a key", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "base\n")
		git(t, dir, "switch", "-q", "-c", "side")
		write(t, dir, "b.txt", leak())
		git(t, dir, "add", "-A")
		git(t, dir, "commit", "-q", "-m", "side")
		git(t, dir, "switch", "-q", "main")
		git(t, dir, "merge", "-q", "--no-ff", "--no-commit", "side")
		run("scan", "--staged", dir).expect(t, 1, "b.txt:1")
	})
	t.Run("missing content", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		write(t, dir, "b.txt", "something\n")
		git(t, dir, "add", "b.txt")
		h := git(t, dir, "rev-parse", ":b.txt")
		if err := os.Remove(filepath.Join(dir, ".git", "objects", h[:2], h[2:])); err != nil {
			t.Fatal(err)
		}
		run("scan", "--staged", dir).expect(t, 3, "NOT SCANNED", "b.txt")
	})
	t.Run("damaged index", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		write(t, dir, ".git/index", "DIRC\x00\x00\x00\x02\x00\x00\xff\xff")
		run("scan", "--staged", dir).expect(t, 3, "the index is in a format that is not known here: it is damaged")
	})
	for _, version := range []string{"2", "3", "4"} {
		t.Run("index version "+version, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, "nothing\n")
			write(t, dir, "deep/b.txt", leak())
			write(t, dir, "deep/c.txt", "nothing\n")
			git(t, dir, "add", "-A")
			git(t, dir, "update-index", "--index-version", version)
			run("scan", "--staged", dir).expect(t, 1, "deep/b.txt:1")
		})
	}
	t.Run("split index", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		git(t, dir, "update-index", "--split-index")
		write(t, dir, "b.txt", leak())
		git(t, dir, "add", "b.txt")
		run("scan", "--staged", dir).expect(t, 1, "b.txt:1")
	})
	t.Run("sparse index", func(t *testing.T) {
		t.Parallel()
		dir := repository(t, "nothing\n")
		write(t, dir, "one/a.txt", "1\n")
		write(t, dir, "two/a.txt", "2\n")
		git(t, dir, "add", "-A")
		git(t, dir, "commit", "-q", "-m", "folders")
		git(t, dir, "sparse-checkout", "set", "--cone", "--sparse-index", "one")
		write(t, dir, "one/b.txt", leak())
		git(t, dir, "add", "one/b.txt")
		run("scan", "--staged", dir).expect(t, 1, "one/b.txt:1", "in 1 file")
		bare := git(t, dir, "commit-tree", "-m", "without two", git(t, dir, "rev-parse", "HEAD:one"))
		git(t, dir, "update-ref", "HEAD", bare) // now the folder two, one entry, is new
		run("scan", "--staged", dir).expect(t, 1, "in 4 files")
	})
	t.Run("not a repository", func(t *testing.T) {
		t.Parallel()
		run("scan", "--staged", t.TempDir()).expect(t, 2, "not a git repository")
	})
	t.Run("bare repository", func(t *testing.T) {
		t.Parallel()
		bare := filepath.Join(t.TempDir(), "bare.git")
		git(t, ".", "clone", "-q", "--bare", repository(t, "nothing\n"), bare)
		run("scan", "--staged", bare).expect(t, 2, "bare")
	})
}
