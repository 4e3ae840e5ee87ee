package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/secretguard/secretguard/internal/secret"
)

// ErrShredded means that a sealed value was destroyed when its run was closed.
var ErrShredded = errors.New("the sealed value was destroyed when the run was closed")

func (j *Journal) putBlob(ctx context.Context, tx *sql.Tx, run string, value secret.Text) (string, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, j.keys.recipients...)
	if err != nil {
		return "", fmt.Errorf("seal a value: %w", err)
	}
	_, err = io.WriteString(w, value.Reveal())
	if err = errors.Join(err, w.Close()); err != nil {
		return "", fmt.Errorf("seal a value: %w", err)
	}
	sum := sha256.Sum256(sealed.Bytes())
	id := hex.EncodeToString(sum[:])
	if _, err := tx.ExecContext(ctx, `INSERT INTO blob VALUES (?,?,?)`, id, run, sealed.Bytes()); err != nil {
		return "", fmt.Errorf("store a sealed value: %w", err)
	}
	var back []byte
	if err := tx.QueryRowContext(ctx, `SELECT data FROM blob WHERE id = ?`, id).Scan(&back); err != nil {
		return "", fmt.Errorf("read a sealed value back: %w", err)
	}
	got, err := j.open(back)
	if err != nil {
		return "", err
	}
	if !got.Equal(value) {
		return "", errors.New("a sealed value does not read back as it was")
	}
	return id, nil
}

func (j *Journal) open(sealed []byte) (secret.Text, error) {
	if len(j.keys.identities) == 0 {
		return secret.Text{}, fmt.Errorf("open a sealed value: %w", ErrNoIdentity)
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), j.keys.identities...)
	if err != nil {
		return secret.Text{}, fmt.Errorf("open a sealed value: %w", err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return secret.Text{}, fmt.Errorf("open a sealed value: %w", err)
	}
	return secret.New(string(b)), nil
}

// Unseal returns a sealed value; ErrShredded when its run was closed.
func (j *Journal) Unseal(ctx context.Context, id string) (secret.Text, error) {
	var data []byte
	err := j.db.QueryRowContext(ctx, `SELECT data FROM blob WHERE id = ?`, id).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return secret.Text{}, ErrShredded
	}
	if err != nil {
		return secret.Text{}, fmt.Errorf("read a sealed value: %w", err)
	}
	return j.open(data)
}

// Shred destroys all sealed values of the run; records stay. It may be repeated.
func (l *Lease) Shred(ctx context.Context) error {
	if _, err := l.j.db.ExecContext(ctx, `DELETE FROM blob WHERE run = ?`, l.run); err != nil {
		return fmt.Errorf("destroy sealed values: %w", err)
	}
	// secure_delete has overwritten the pages; the write-ahead log still holds
	// the old ones until it is truncated. A busy reader only delays that.
	if _, err := l.j.db.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		return fmt.Errorf("clear the journal's log file: %w", err)
	}
	return nil
}

// Sealed returns the runs that still have sealed values.
func (j *Journal) Sealed(ctx context.Context) ([]string, error) {
	return j.runs(ctx, `SELECT DISTINCT run FROM blob ORDER BY run`)
}

// verifyBlobs checks that every sealed value is what its name says.
func (j *Journal) verifyBlobs(ctx context.Context) error {
	rows, err := j.db.QueryContext(ctx, `SELECT id, data FROM blob`)
	if err != nil {
		return fmt.Errorf("%w: read the sealed values: %w", j.reason(err), err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var data []byte
		if err := rows.Scan(&id, &data); err != nil {
			return fmt.Errorf("%w: read the sealed values: %w", j.reason(err), err)
		}
		if sum := sha256.Sum256(data); id != hex.EncodeToString(sum[:]) {
			return fmt.Errorf("%w: a sealed value is not what it was", ErrCorrupt)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%w: read the sealed values: %w", j.reason(err), err)
	}
	return nil
}
