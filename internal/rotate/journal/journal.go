// Package journal is the append-only record of rotations: an intent before each
// effect, an outcome after it, chained by hash, on SQLite. When [Journal.Append]
// has returned, the record is on the disk. Secrets are kept only as age-sealed
// blobs, apart from the records, so that they can be destroyed later while the
// chain stays whole.
//
// One process may use a Journal from many goroutines; several processes may have
// it open at once. Who may write to a run is settled by [Journal.Lease].
package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"filippo.io/age"
	"modernc.org/sqlite" // SQLite translated to Go: the default build has no cgo
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/secretguard/secretguard/internal/secret"
)

// Version is the format of the journal. A newer one is refused, never guessed at.
const Version = 1

// Errors that a caller decides on.
var (
	// ErrUnsafe means that the folder's owner, mode or kind is not safe.
	ErrUnsafe = errors.New("the journal's folder is not safe to use")
	// ErrCorrupt means that the hash chain or the database is damaged: reading
	// stays possible, effects are refused.
	ErrCorrupt = errors.New("the journal is damaged")
	// ErrUnwritable means that the folder, the file or the disk takes no writes.
	ErrUnwritable = errors.New("the journal cannot be written to")
	// ErrNewer means that a newer version of the tool wrote the journal.
	ErrNewer = errors.New("the journal was written by a newer version")
	// ErrLocked means that another process holds the run.
	ErrLocked = errors.New("another process works on this run")
	// ErrFenced means that somebody else took the run over.
	ErrFenced = errors.New("another process took this run over")
)

const schema = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS record (
  seq INTEGER PRIMARY KEY, prev TEXT NOT NULL, run TEXT NOT NULL, epoch INTEGER NOT NULL,
  actor TEXT NOT NULL, kind TEXT NOT NULL, step TEXT NOT NULL, body TEXT NOT NULL,
  blobs TEXT NOT NULL, wall TEXT NOT NULL, tool TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS record_run ON record(run, seq);
CREATE TABLE IF NOT EXISTS blob (id TEXT PRIMARY KEY, run TEXT NOT NULL, data BLOB NOT NULL) STRICT;
`

// pragmas are set on the one connection: every commit is flushed to the disk,
// deleted blobs are overwritten, and the file's own schema is not trusted.
const pragmas = "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
	"&_pragma=secure_delete(ON)&_pragma=trusted_schema(OFF)&_pragma=foreign_keys(ON)"

// Journal is an open journal.
type Journal struct {
	dir      string
	db       *sql.DB
	identity *age.X25519Identity
	key      secret.Key
	tool     string

	mu     sync.Mutex
	broken error // why effects are refused; nil when the chain is whole
}

// Open opens or creates the journal in dir (made with mode 0700). tool is the
// version that is written into each record. When the chain is damaged, Open
// returns the journal together with an error that wraps ErrCorrupt: it can be
// read, and Append refuses.
func Open(ctx context.Context, dir, tool string) (*Journal, error) {
	if err := safeDir(dir); err != nil {
		return nil, err
	}
	j := &Journal{dir: dir, tool: tool}
	if err := j.loadKeys(); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "journal.db")
	if err := safeFile(path); err != nil {
		return nil, err
	}
	// As a URI, or a folder with a ? or # in its name would be another one.
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+pragmas)
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	j.db = db
	if err := j.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	err = j.Verify(ctx)
	switch {
	case errors.Is(err, ErrCorrupt):
		j.broken = err
		return j, err
	case err != nil:
		return nil, errors.Join(err, db.Close())
	}
	return j, nil
}

// Close closes the database.
func (j *Journal) Close() error { return j.db.Close() }

// HashKey is this installation's key for keyed hashes.
func (j *Journal) HashKey() secret.Key { return j.key }

func (j *Journal) migrate(ctx context.Context) error {
	if _, err := j.db.ExecContext(ctx, schema); err != nil {
		return fmt.Errorf("%w: prepare the database: %w", j.reason(err), err)
	}
	if _, err := j.db.ExecContext(ctx, `INSERT INTO meta VALUES ('version', ?) ON CONFLICT DO NOTHING`, Version); err != nil {
		return fmt.Errorf("%w: write its version: %w", j.reason(err), err)
	}
	var v int
	if err := j.db.QueryRowContext(ctx, `SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'version'`).Scan(&v); err != nil {
		return fmt.Errorf("%w: read its version: %w", j.reason(err), err)
	}
	if v > Version {
		return fmt.Errorf("%w: format %d, this program knows %d; upgrade secretguard", ErrNewer, v, Version)
	}
	return nil
}

// reason tells a database that is damaged from one that cannot be used just now.
func (j *Journal) reason(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ErrCorrupt
	}
	switch e.Code() & 0xff { // the rest of the code says more of the same
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
		return ErrUnwritable
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrLocked
	}
	return ErrCorrupt
}

// refused marks a write that the disk, the file or the folder does not take
// (ErrUnwritable), or that another process is in the middle of (ErrLocked).
func (j *Journal) refused(err error) error {
	if r := j.reason(err); errors.Is(r, ErrUnwritable) || errors.Is(r, ErrLocked) {
		return fmt.Errorf("%w: %w", r, err)
	}
	return err
}

// safeDir makes dir, or checks that it is a real folder of ours that nobody
// else may enter.
func safeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("look at the state folder: %w", err)
	}
	switch {
	case info.Mode()&os.ModeSymlink != 0:
		return fmt.Errorf("%w: %s is a symbolic link", ErrUnsafe, dir)
	case !info.IsDir():
		return fmt.Errorf("%w: %s is not a folder", ErrUnsafe, dir)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%w: %s may be entered by others (mode %04o); run: chmod 700 %s", ErrUnsafe, dir, info.Mode().Perm(), dir)
	}
	return nil
}

// safeFile makes path with mode 0600, or checks that it is a plain file that
// nobody else may read.
func safeFile(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return fmt.Errorf("make %s: %w", path, err)
		}
		return f.Close()
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is not a plain file", ErrUnsafe, path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w: %s may be read by others (mode %04o); run: chmod 600 %s", ErrUnsafe, path, info.Mode().Perm(), path)
	}
	return nil
}
