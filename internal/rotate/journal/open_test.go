package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"
)

// A folder's name may hold characters that mean something in a database's URI;
// the journal must lie in it all the same.
func TestFolderWithOddName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a?b", "a#b", "a%41b", "a b", "ä", "a&_pragma=x"} {
		dir := filepath.Join(t.TempDir(), name)
		j := open(t, dir)
		if err := lease(t, j, "r-1").Release(); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, "journal.db"))
		if err != nil || info.Size() == 0 {
			t.Errorf("%q: the database is somewhere else: %v, %v", name, info, err)
		}
	}
}

// "Damaged" sends a person for a backup: only damage may be called so.
func TestReadOnlyIsNotDamaged(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	j := open(t, dir)
	l := lease(t, j, "r-2")
	if _, err := j.db.ExecContext(t.Context(), "PRAGMA query_only = ON"); err != nil {
		t.Fatal(err)
	}
	_, err := j.db.ExecContext(t.Context(), "INSERT INTO meta VALUES ('x', 'y')")
	if err == nil {
		t.Fatal("a read-only database was written to")
	}
	if got := j.reason(fmt.Errorf("wrapped: %w", err)); !errors.Is(got, ErrUnwritable) {
		t.Errorf("%v is called %q", err, got)
	}
	if _, err := l.Append(t.Context(), Entry{Kind: "intent"}); !errors.Is(err, ErrUnwritable) {
		t.Errorf("a record: %v", err)
	}
	if _, err := j.Lease(t.Context(), "r-1", "x", "tester"); !errors.Is(err, ErrUnwritable) {
		t.Errorf("a lease: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if got := j.reason(errors.New("anything else")); !errors.Is(got, ErrCorrupt) {
		t.Errorf("an unknown reason is called %q", got)
	}
	if sqlite3.SQLITE_READONLY_DIRECTORY&0xff != sqlite3.SQLITE_READONLY {
		t.Error("the low byte of a code is not its class any more")
	}
}

// A process that was suspended in the middle of a write holds the database: that
// is somebody else's work, not damage and not a mistake in the call.
func TestSuspendedWriterIsLocked(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	suspended, other := open(t, dir), open(t, dir)
	tx, err := suspended.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO meta VALUES ('x', 'y')"); err != nil {
		t.Fatal(err)
	}
	if _, err := other.db.ExecContext(t.Context(), "PRAGMA busy_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Lease(t.Context(), "r-1", "x", "tester"); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v", err)
	}
}
