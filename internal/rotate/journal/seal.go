package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/secretguard/secretguard/internal/secret"
)

// ErrShredded means that a sealed value was destroyed when its run was closed.
var ErrShredded = errors.New("the sealed value was destroyed when the run was closed")

// loadKeys reads the machine's age identity and hash key, or makes them. They
// are two files of mode 0600 beside the journal.
func (j *Journal) loadKeys() error {
	id, err := loadOrMake(filepath.Join(j.dir, "identity.txt"), func() (string, error) {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return "", fmt.Errorf("make an age identity: %w", err)
		}
		return id.String(), nil
	})
	if err != nil {
		return err
	}
	if j.identity, err = age.ParseX25519Identity(id); err != nil {
		// age's error quotes its input, which is the private key.
		return fmt.Errorf("%w: %s does not hold an age identity; what was sealed with the one before cannot be opened: put a copy back", ErrUnsafe, filepath.Join(j.dir, "identity.txt"))
	}
	key, err := loadOrMake(filepath.Join(j.dir, "hash.key"), func() (string, error) {
		k, err := secret.NewKey()
		if err != nil {
			return "", err
		}
		return base64.StdEncoding.EncodeToString(k.Bytes()), nil
	})
	if err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return fmt.Errorf("%w: %s is not base64; plans made with the one before cannot be carried out: put a copy back", ErrUnsafe, filepath.Join(j.dir, "hash.key"))
	}
	j.key, err = secret.KeyFromBytes(raw)
	return err
}

// loadOrMake reads path, or creates it with what fresh returns. Two processes
// that start at once agree: the loser of the exclusive create reads the winner's.
func loadOrMake(path string, fresh func() (string, error)) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		text, err := fresh()
		if err != nil {
			return "", err
		}
		if err := writeOnce(path, text+"\n"); err != nil && !errors.Is(err, os.ErrExist) {
			return "", fmt.Errorf("write %s: %w", path, err)
		}
	}
	if err := safeFile(path); err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// writeOnce puts the whole text in place in one step: a reader never sees half
// of it. os.Link fails when the name is taken.
func writeOnce(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

func (j *Journal) putBlob(ctx context.Context, tx *sql.Tx, run string, value secret.Text) (string, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, j.identity.Recipient())
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
	r, err := age.Decrypt(bytes.NewReader(sealed), j.identity)
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
