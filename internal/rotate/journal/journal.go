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
	"database/sql"
	"errors"
	"fmt"
	"sync"

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
	// ErrNoIdentity means that a key file beside the journal is gone: what was sealed
	// cannot be opened here.
	ErrNoIdentity = errors.New("a key file of the journal is gone")
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
	dir  string
	db   *sql.DB
	keys keyring
	tool string

	mu     sync.Mutex
	broken error // why effects are refused; nil when the chain is whole
	spent  bool  // the reserve was given back, or could not be made: nothing new begins
}

// Close closes the database.
func (j *Journal) Close() error { return j.db.Close() }

// HashKey is this installation's key for keyed hashes.
func (j *Journal) HashKey() secret.Key { return j.keys.hash }

// reason tells a database that is damaged from one that cannot be used just now.
func (j *Journal) reason(err error) error {
	for _, known := range []error{ErrCorrupt, ErrUnwritable, ErrLocked} {
		if errors.Is(err, known) {
			return known
		}
	}
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
