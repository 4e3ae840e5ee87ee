package journal

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Open(t.Context(), dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func lease(t *testing.T, j *Journal, run string) *Lease {
	t.Helper()
	l, err := j.Lease(t.Context(), run, "aws/"+run, "tester")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Release() })
	return l
}

// marked is a value that no other byte sequence in a test equals.
func marked() secret.Text { return secret.New("canary-" + strings.Repeat("q7", 20)) }

func TestAppendSurvivesReopen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	j := open(t, dir)
	l := lease(t, j, "r-1")
	rec, err := l.Append(t.Context(), Entry{Kind: "intent", Step: "issue", Body: map[string]int{"n": 1}, Seal: map[string]secret.Text{"new": marked()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Release(), j.Close()); err != nil {
		t.Fatal(err)
	}

	j2 := open(t, dir)
	recs, err := j2.Records(t.Context(), "r-1")
	if err != nil {
		t.Fatal(err)
	}
	if len(recs) != 2 || recs[1].Hash != rec.Hash || string(recs[1].Body) != `{"n":1}` {
		t.Fatalf("records after reopening: %+v", recs)
	}
	got, err := j2.Unseal(t.Context(), recs[1].Blobs["new"])
	if err != nil || !got.Equal(marked()) {
		t.Fatalf("sealed value after reopening: %v %v", got, err)
	}
}

func TestNoPlainValueOnDisk(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	j := open(t, dir)
	l := lease(t, j, "r-1")
	if _, err := l.Append(t.Context(), Entry{Kind: "planned", Body: struct{}{}, Seal: map[string]secret.Text{"old": marked()}}); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), marked().Reveal()) {
			t.Errorf("%s holds the plain value", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestShredDestroysValuesAndKeepsTheChain(t *testing.T) {
	t.Parallel()
	j := open(t, filepath.Join(t.TempDir(), "state"))
	l := lease(t, j, "r-1")
	rec, err := l.Append(t.Context(), Entry{Kind: "planned", Body: struct{}{}, Seal: map[string]secret.Text{"old": marked()}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice: a crash may repeat it
		if err := l.Shred(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Unseal(t.Context(), rec.Blobs["old"]); !errors.Is(err, ErrShredded) {
		t.Fatalf("after shredding: %v", err)
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTamperingIsFoundAndStopsEffects(t *testing.T) {
	t.Parallel()
	for name, stmt := range map[string]string{
		"body changed":            `UPDATE record SET body = '{"n":2}' WHERE seq = 2`,
		"record removed":          `DELETE FROM record WHERE seq = 2`,
		"epoch changed":           `UPDATE record SET epoch = 9 WHERE seq = 3`,
		"hash recalculated alone": `UPDATE record SET hash = 'aa' WHERE seq = 3`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "state")
			j := open(t, dir)
			l := lease(t, j, "r-1")
			for range 3 {
				if _, err := l.Append(t.Context(), Entry{Kind: "note", Body: map[string]int{"n": 1}}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := j.db.ExecContext(t.Context(), stmt); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(l.Release(), j.Close()); err != nil {
				t.Fatal(err)
			}
			j2, err := Open(t.Context(), dir, "test")
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("open: %v, want ErrCorrupt", err)
			}
			defer j2.Close()
			if _, err := j2.Records(t.Context(), "r-1"); err != nil {
				t.Errorf("reading must stay possible: %v", err)
			}
			if _, err := j2.Lease(t.Context(), "r-1", "x", "tester"); !errors.Is(err, ErrCorrupt) {
				t.Errorf("lease on a damaged journal: %v", err)
			}
		})
	}
}

func TestGarbageFileIsCorruptNotAPanic(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "journal.db"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, "test"); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	j := open(t, dir)
	lease(t, j, "r-1")
	if _, err := j.db.ExecContext(t.Context(), `UPDATE meta SET value = '99' WHERE key = 'version'`); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	newer, err := Open(t.Context(), dir, "test")
	if !errors.Is(err, ErrNewer) || newer == nil {
		t.Fatalf("got %v", err)
	}
	defer newer.Close()
	if recs, err := newer.Records(t.Context(), "r-1"); err != nil || len(recs) != 1 {
		t.Errorf("it must stay readable: %d records, %v", len(recs), err)
	}
	if _, err := newer.Lease(t.Context(), "r-1", "x", "tester"); !errors.Is(err, ErrNewer) {
		t.Errorf("a lease: %v", err)
	}
	if err := newer.Note(t.Context(), "tester", "reveal", struct{}{}); !errors.Is(err, ErrNewer) {
		t.Errorf("a note: %v", err)
	}
}

func TestUnsafeFoldersAreRefused(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	wide := filepath.Join(base, "wide")
	file := filepath.Join(base, "file")
	link := filepath.Join(base, "link")
	for _, err := range []error{
		os.Mkdir(wide, 0o700), os.Chmod(wide, 0o755), os.WriteFile(file, nil, 0o600), os.Symlink(wide, link),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{wide, link} {
		if _, err := Open(t.Context(), dir, "test"); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%s: %v, want ErrUnsafe", dir, err)
		}
	}
	if _, err := Open(t.Context(), file, "test"); err == nil {
		t.Error("a file was taken for a folder")
	}
	ok := filepath.Join(base, "ok")
	if err := errors.Join(open(t, ok).Close(), os.Chmod(filepath.Join(ok, "identity.txt"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), ok, "test"); !errors.Is(err, ErrUnsafe) {
		t.Errorf("readable identity: %v", err)
	}
}

func TestOneHolderAtATime(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	a, b := open(t, dir), open(t, dir)
	la, err := a.Lease(t.Context(), "r-1", "key", "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Lease(t.Context(), "r-2", "key", "b"); !errors.Is(err, ErrLocked) {
		t.Fatalf("second holder of the same key: %v", err)
	}
	if err := la.Release(); err != nil {
		t.Fatal(err)
	}
	lb, err := b.Lease(t.Context(), "r-1", "key", "b")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lb.Release() }()
	// a wakes up and does not know that it lost the run.
	if _, err := la.Append(t.Context(), Entry{Kind: "intent", Body: struct{}{}}); !errors.Is(err, ErrFenced) {
		t.Fatalf("a fenced writer: %v", err)
	}
}

func TestWriteThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	j := open(t, filepath.Join(t.TempDir(), "state"))
	l := lease(t, j, "r-1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Append(ctx, Entry{Kind: "intent", Body: struct{}{}, Seal: map[string]secret.Text{"x": marked()}}); err == nil {
		t.Fatal("an append on a dead context succeeded")
	}
	recs, err := j.Records(t.Context(), "r-1")
	if err != nil || len(recs) != 1 {
		t.Fatalf("records: %d %v, want the lease only", len(recs), err)
	}
	var n int
	if err := j.db.QueryRowContext(t.Context(), `SELECT count(*) FROM blob`).Scan(&n); err != nil && !errors.Is(err, sql.ErrNoRows) || n != 0 {
		t.Fatalf("%d sealed values are left (%v)", n, err)
	}
}

func TestNoteIsInTheChainButNoRun(t *testing.T) {
	t.Parallel()
	j := open(t, filepath.Join(t.TempDir(), "state"))
	if err := j.Note(t.Context(), "tester", "reveal", map[string]string{"case": "c-1"}); err != nil {
		t.Fatal(err)
	}
	lease(t, j, "r-1")
	runs, err := j.Runs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 1 || runs[0] != "r-1" {
		t.Errorf("runs: %q, want only r-1", runs)
	}
	all, err := j.Records(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].Kind != "reveal" || all[0].Actor != "tester" {
		t.Errorf("records: %+v", all)
	}
	if err := j.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// Folders and files of somebody else are not used; only root can show it.
func TestFilesOfAnotherUserAreRefused(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	for _, name := range []string{"", "journal.db", "identity.txt"} {
		dir := filepath.Join(t.TempDir(), "state")
		if err := errors.Join(open(t, dir).Close(), os.Chown(filepath.Join(dir, name), 12345, -1)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), dir, "test"); !errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), "belongs to user 12345") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Whether somebody works on a run shows by the lock, not by the journal.
func TestTakenTellsWhoWorks(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	j := open(t, dir)
	look := open(t, dir)
	if taken, known := look.Taken("key"); taken || !known {
		t.Errorf("before: %v, %v", taken, known)
	}
	l, err := j.Lease(t.Context(), "r-1", "key", "tester")
	if err != nil {
		t.Fatal(err)
	}
	if taken, known := look.Taken("key"); !taken || !known {
		t.Errorf("meanwhile: %v, %v", taken, known)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if taken, known := look.Taken("key"); taken || !known {
		t.Errorf("after: %v, %v", taken, known)
	}
	if _, err := j.Lease(t.Context(), "r-1", "key", "tester"); err != nil {
		t.Errorf("a look took the run: %v", err)
	}
}
