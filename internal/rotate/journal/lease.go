package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Lease is the right to write to one run. It holds a file lock, which the
// system drops when the process dies, and an epoch that is part of every record:
// a process that was stopped, and whose run somebody else took over meanwhile,
// is refused when it wakes (ErrFenced).
type Lease struct {
	j     *Journal
	run   string
	epoch int64
	lock  *flock.Flock
}

// Lease takes the run. resource names what must not be worked on twice (the
// credential), so that two runs over one key exclude each other. ErrLocked says
// that another process has it.
func (j *Journal) Lease(ctx context.Context, run, resource, actor string) (*Lease, error) {
	j.mu.Lock()
	broken := j.broken
	j.mu.Unlock()
	if broken != nil {
		return nil, fmt.Errorf("take run %s: %w", run, broken)
	}
	path := j.lockPath(resource)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the lock folder: %w", err)
	}
	lock := flock.New(path)
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock run %s: %w", run, err)
	}
	if !ok {
		return nil, fmt.Errorf("run %s: %w", run, ErrLocked)
	}
	l := &Lease{j: j, run: run, lock: lock}
	if err := l.begin(ctx, actor); err != nil {
		_ = lock.Unlock() // the error that matters is the first one
		return nil, err
	}
	return l, nil
}

func (j *Journal) lockPath(resource string) string {
	sum := sha256.Sum256([]byte(resource))
	return filepath.Join(j.dir, "locks", hex.EncodeToString(sum[:16]))
}

// Taken reports whether a process of this machine has the lease over a resource now; known
// is false where the lock cannot be looked at. It takes the lock for a moment.
func (j *Journal) Taken(resource string) (taken, known bool) {
	path := j.lockPath(resource)
	if _, err := os.Lstat(path); err != nil {
		return false, errors.Is(err, os.ErrNotExist)
	}
	lock := flock.New(path)
	ok, err := lock.TryRLock()
	if err != nil {
		return false, false
	}
	if ok {
		return false, lock.Unlock() == nil
	}
	return true, true
}

// begin writes the record that raises the run's epoch.
func (l *Lease) begin(ctx context.Context, actor string) error {
	l.j.mu.Lock()
	defer l.j.mu.Unlock()
	tx, err := l.j.db.BeginTx(ctx, nil)
	if err != nil {
		return l.j.refused(fmt.Errorf("take run %s: %w", l.run, err))
	}
	defer func() { _ = tx.Rollback() }() // no effect after Commit
	last, err := l.last(ctx, tx)
	if err != nil {
		return err
	}
	l.epoch = last + 1
	rec := Record{
		Run: l.run, Epoch: l.epoch, Actor: actor, Kind: "lease", Body: []byte(`{}`),
		Blobs: map[string]string{}, Wall: time.Now().UTC(), Tool: l.j.tool,
	}
	if err := insert(ctx, tx, &rec); err != nil {
		return l.j.refused(err)
	}
	if err := tx.Commit(); err != nil {
		return l.j.refused(fmt.Errorf("flush the journal: %w", err))
	}
	return nil
}

func (l *Lease) last(ctx context.Context, tx *sql.Tx) (int64, error) {
	var last sql.NullInt64
	if err := tx.QueryRowContext(ctx, `SELECT MAX(epoch) FROM record WHERE run = ?`, l.run).Scan(&last); err != nil {
		return 0, fmt.Errorf("read the epoch of run %s: %w", l.run, err)
	}
	return last.Int64, nil
}

func (l *Lease) fence(ctx context.Context, tx *sql.Tx) error {
	last, err := l.last(ctx, tx)
	if err != nil {
		return err
	}
	if last != l.epoch {
		return fmt.Errorf("run %s: %w", l.run, ErrFenced)
	}
	return nil
}

// Held reports whether the run is still this lease's: nil, or an error that wraps
// ErrFenced when another process took it over. It is asked right before a request
// that changes something, as a process may have slept since its last record.
func (l *Lease) Held(ctx context.Context) error {
	l.j.mu.Lock()
	defer l.j.mu.Unlock()
	tx, err := l.j.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return l.j.refused(fmt.Errorf("look at run %s: %w", l.run, err))
	}
	defer func() { _ = tx.Rollback() }() // it only reads
	return l.fence(ctx, tx)
}

// Release gives the run back. It may be called twice.
func (l *Lease) Release() error { return l.lock.Unlock() }
