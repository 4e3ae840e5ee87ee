package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// Open opens or creates the journal in dir (made with mode 0700). tool is the
// version that is written into each record.
//
// A journal that must not be written to is returned together with an error: a
// damaged one (ErrCorrupt), one of a newer version (ErrNewer), one whose keys are
// gone (ErrNoIdentity), one that takes no writes (ErrUnwritable). It can be read,
// and Append and Lease refuse. Where not even that is possible, the journal is nil.
func Open(ctx context.Context, dir, tool string) (*Journal, error) {
	return OpenWith(ctx, dir, tool, Identity{})
}

// OpenWith is Open with a say in where the identity of a new journal is kept.
func OpenWith(ctx context.Context, dir, tool string, id Identity) (*Journal, error) {
	if err := safeDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "journal.db")
	if err := safeFile(path); err != nil {
		return nil, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", path, err)
	}
	j := &Journal{dir: dir, tool: tool, keys: keyring{where: id}}
	if j.db, err = connect(path, ""); err != nil {
		return nil, err
	}
	if info.Size() == 0 && j.hadRecords() {
		return nil, errors.Join(fmt.Errorf("%w: %s is empty, and was in use: it was cut off, or another one was put in its place", ErrCorrupt, path), j.db.Close())
	}
	err = j.prepare(ctx, path, info.Size() > 0)
	if err != nil && j.broken == nil {
		return nil, errors.Join(err, j.db.Close())
	}
	return j, err
}

// connect opens the database. As a URI, or a folder with a ? or # in its name would
// be another one.
func connect(path, more string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+pragmas+more)
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// prepare makes a new journal ready, or finds out whether an old one may be
// written to: if not, broken says why, and it can be read.
func (j *Journal) prepare(ctx context.Context, path string, used bool) error {
	if !used { // first: whoever finds the database in use may count on its keys
		if err := j.keys.load(ctx, j.dir, used); err != nil {
			return err
		}
	}
	err := j.migrate(ctx, used)
	switch {
	case errors.Is(err, ErrNewer):
		j.broken = err
		return errors.Join(err, ignore(j.keys.load(ctx, j.dir, used)))
	case errors.Is(err, ErrUnwritable) && used:
		if ro := j.reopenToRead(ctx, path); ro != nil {
			return err
		}
		j.broken = err
		return errors.Join(err, ignore(j.keys.load(ctx, j.dir, used)))
	case errors.Is(err, ErrCorrupt) && used && j.readable(ctx): // what SQLite can still read is read
		j.broken = err
		return errors.Join(err, ignore(j.keys.load(ctx, j.dir, used)))
	case err != nil:
		return err
	}
	if used {
		if err := j.keys.load(ctx, j.dir, used); err != nil {
			if errors.Is(err, ErrNoIdentity) {
				j.broken = err
			}
			return err
		}
	}
	if err := j.Verify(ctx); err != nil {
		if errors.Is(err, ErrCorrupt) {
			j.broken = err
		}
		return err
	}
	if err := j.keepReserve(); err != nil {
		j.spent = true // what is there can be read; Append says that the disk is full
	}
	return nil
}

// ignore drops an error of what is only nice to have.
func ignore(error) error { return nil }

// reopenToRead opens the database for reading only: first as it is, then, where
// not even the files beside it can be made, as one that nobody writes to.
func (j *Journal) reopenToRead(ctx context.Context, path string) error {
	var errs []error
	for _, more := range []string{"&mode=ro", "&mode=ro&immutable=1"} {
		db, err := connect(path, more)
		if err != nil {
			return err
		}
		var n int
		if err = db.QueryRowContext(ctx, `SELECT count(*) FROM record`).Scan(&n); err == nil {
			old := j.db
			j.db = db
			return old.Close()
		}
		errs = append(errs, err, db.Close())
	}
	return errors.Join(errs...)
}

// readable reports whether SQLite still finds records in a damaged database.
func (j *Journal) readable(ctx context.Context) bool {
	var n int64
	return j.db.QueryRowContext(ctx, `SELECT seq FROM record LIMIT 1`).Scan(&n) == nil
}

// migrate makes the tables. What a newer version wrote is left alone.
func (j *Journal) migrate(ctx context.Context, used bool) error {
	if used {
		if err := j.known(ctx); err != nil {
			return err
		}
	}
	if _, err := j.db.ExecContext(ctx, schema); err != nil {
		return fmt.Errorf("%w: prepare the database: %w", j.reason(err), err)
	}
	if _, err := j.db.ExecContext(ctx, `INSERT INTO meta VALUES ('version', ?) ON CONFLICT DO NOTHING`, Version); err != nil {
		return fmt.Errorf("%w: write its version: %w", j.reason(err), err)
	}
	return j.known(ctx)
}

// known checks that this program knows the journal's format.
func (j *Journal) known(ctx context.Context) error {
	var there, v int
	if err := j.db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = 'meta'`).Scan(&there); err != nil {
		return fmt.Errorf("%w: read its tables: %w", j.reason(err), err)
	}
	if there == 0 {
		return nil
	}
	err := j.db.QueryRowContext(ctx, `SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'version'`).Scan(&v)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%w: read its version: %w", j.reason(err), err)
	}
	if v > Version {
		return fmt.Errorf("%w: format %d, this program knows %d; upgrade secretguard", ErrNewer, v, Version)
	}
	return nil
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
		return fmt.Errorf("%w: %s is a symbolic link; name the folder that it leads to: export SECRETGUARD_HOME=/that/folder", ErrUnsafe, dir)
	case !info.IsDir():
		return fmt.Errorf("%w: %s is not a folder", ErrUnsafe, dir)
	case foreign(info) != "":
		return fmt.Errorf("%w: %s %s", ErrUnsafe, dir, foreign(info))
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
	if whose := foreign(info); whose != "" {
		return fmt.Errorf("%w: %s %s", ErrUnsafe, path, whose)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w: %s may be read by others (mode %04o); run: chmod 600 %s", ErrUnsafe, path, info.Mode().Perm(), path)
	}
	return nil
}
