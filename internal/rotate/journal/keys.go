package journal

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/secretguard/secretguard/internal/secret"
)

// Files beside the journal. All have mode 0600.
const (
	identityFile = "identity.txt" // this machine's age identity, made with the journal
	hashFile     = "hash.key"     // the key of keyed hashes, made with the journal
	// pointerFile stands for identityFile where the identity is in the keyring of the
	// operating system; it holds the entry's name.
	pointerFile = "identity.keyring"
	// recipientsFile lists age recipients, one a line, that can also open what is
	// sealed from now on; a person makes it.
	recipientsFile = "recovery-recipients.txt"
	// recoveryFile holds the identity of such a recipient; a person puts it there
	// when this machine's own identity is lost, and takes it away again.
	recoveryFile = "recovery-identity.txt"
)

// Place says where the identity of a new journal is kept. One that is there already
// is used where it is.
type Place string

// Places.
const (
	InFile    Place = "file"    // of mode 0600, beside the journal; also the empty place
	InKeyring Place = "keyring" // of the operating system; an error when there is none
	Anywhere  Place = "auto"    // in the keyring, or in the file when there is none
)

// Keeper is a keyring outside of the state folder. Its calls end in time.
type Keeper interface {
	Get(ctx context.Context, name string) (secret.Text, error)
	Set(ctx context.Context, name string, value secret.Text) error
	Delete(ctx context.Context, name string) error
}

// Identity says where the identity that opens sealed values is kept.
type Identity struct {
	Place  Place
	Keeper Keeper // nil: there is no keyring
}

// keyring is what seals, opens and hashes.
type keyring struct {
	where      Identity
	identities []age.Identity
	recipients []age.Recipient
	hash       secret.Key
}

// load reads the keys in dir, or makes them. Where a journal is there that was
// used, they are not made anew: new ones would open nothing of it, and a run would
// go on without what it needs (ErrNoIdentity).
func (k *keyring) load(ctx context.Context, dir string, used bool) error {
	recovery, err := k.loadRecovery(dir)
	if err != nil {
		return err
	}
	identity, hash := filepath.Join(dir, identityFile), filepath.Join(dir, hashFile)
	if used && !recovery && gone(identity) && gone(filepath.Join(dir, pointerFile)) {
		err = fmt.Errorf("%w: %s; put a copy of it back, or the identity of a recovery recipient as %s", ErrNoIdentity, identity, filepath.Join(dir, recoveryFile))
	} else {
		err = k.loadIdentity(ctx, dir)
		if recovery && errors.Is(err, ErrNoIdentity) {
			err = nil // that is what the recovery identity is for
		}
	}
	if used && gone(hash) {
		return errors.Join(err, fmt.Errorf("%w: %s; put a copy of it back", ErrNoIdentity, hash))
	}
	return errors.Join(err, k.loadHash(hash))
}

func gone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, os.ErrNotExist)
}

func (k *keyring) loadHash(path string) error {
	text, err := loadOrMake(path, func() (string, error) {
		key, err := secret.NewKey()
		if err != nil {
			return "", err
		}
		return base64.StdEncoding.EncodeToString(key.Bytes()), nil
	})
	if err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("%w: %s is not base64; plans made with the one before cannot be carried out: put a copy back", ErrUnsafe, path)
	}
	k.hash, err = secret.KeyFromBytes(raw)
	return err
}

// loadRecovery reads the recipients and, if a person put one there, the identity
// that are for the day when this machine's own is lost.
func (k *keyring) loadRecovery(dir string) (found bool, err error) {
	text, err := optional(filepath.Join(dir, recipientsFile))
	if err != nil {
		return false, err
	}
	if text != "" {
		if k.recipients, err = age.ParseRecipients(strings.NewReader(text)); err != nil {
			return false, fmt.Errorf("%w: %s: %w", ErrUnsafe, filepath.Join(dir, recipientsFile), err)
		}
	}
	path := filepath.Join(dir, recoveryFile)
	if text, err = optional(path); text == "" || err != nil {
		return false, err
	}
	if k.identities, err = age.ParseIdentities(strings.NewReader(text)); err != nil {
		return false, fmt.Errorf("%w: %s does not hold an age identity", ErrUnsafe, path) // age's error may quote it
	}
	return true, nil
}

// optional reads a file that need not be there.
func optional(path string) (string, error) {
	if gone(path) {
		return "", nil
	}
	if err := safeFile(path); err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return string(b), nil
}

// loadOrMake reads path, or creates it with what fresh returns. Two processes
// that start at once agree: the loser of the exclusive create reads the winner's.
func loadOrMake(path string, fresh func() (string, error)) (string, error) {
	if gone(path) {
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
