package journal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"filippo.io/age"

	"github.com/secretguard/secretguard/internal/secret"
)

// loadIdentity reads this machine's identity, from where it is kept, or makes it.
func (k *keyring) loadIdentity(ctx context.Context, dir string) error {
	path := filepath.Join(dir, identityFile)
	text, err := k.identity(ctx, dir)
	if err != nil {
		return err
	}
	id, err := age.ParseX25519Identity(text.Reveal())
	if err != nil {
		// age's error quotes its input, which is the private key.
		return fmt.Errorf("%w: %s, or the keyring's entry in its place, does not hold an age identity; what was sealed with the one before cannot be opened: put a copy back", ErrUnsafe, path)
	}
	k.identities = append(k.identities, id)
	k.recipients = append(k.recipients, id.Recipient())
	return nil
}

// identity finds the identity in the file or in the keyring. Where there is neither
// it is made, in the place that was asked for.
func (k *keyring) identity(ctx context.Context, dir string) (secret.Text, error) {
	file, pointer := filepath.Join(dir, identityFile), filepath.Join(dir, pointerFile)
	switch {
	case !gone(file):
	case !gone(pointer):
		return k.kept(ctx, pointer)
	case k.where.Place == InKeyring, k.where.Place == Anywhere:
		v, err := k.keep(ctx, pointer)
		if err == nil || k.where.Place == InKeyring {
			return v, err
		}
	}
	text, err := loadOrMake(file, freshIdentity)
	return secret.New(text), err
}

func freshIdentity() (string, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", fmt.Errorf("make an age identity: %w", err)
	}
	return id.String(), nil
}

// kept reads the identity out of the keyring. One that cannot be had is like a key
// file that is gone: it is not made anew.
func (k *keyring) kept(ctx context.Context, pointer string) (secret.Text, error) {
	name, err := optional(pointer)
	if err != nil {
		return secret.Text{}, err
	}
	lost := func(why error) error {
		return fmt.Errorf("%w: it is in the keyring of the operating system: %w; unlock the keyring in this session, or put the identity of a recovery recipient as %s",
			ErrNoIdentity, why, filepath.Join(filepath.Dir(pointer), recoveryFile))
	}
	if k.where.Keeper == nil {
		return secret.Text{}, lost(errors.New("there is none here"))
	}
	v, err := k.where.Keeper.Get(ctx, name)
	if err != nil {
		return secret.Text{}, lost(err)
	}
	return v, nil
}

// keep makes an identity in the keyring. Two processes that start at once agree: the
// loser takes its own entry away and reads the winner's.
func (k *keyring) keep(ctx context.Context, pointer string) (secret.Text, error) {
	if k.where.Keeper == nil {
		return secret.Text{}, fmt.Errorf("%w: there is no keyring here; set identity = \"file\" in the [journal] table of your configuration", ErrUnsafe)
	}
	text, err := freshIdentity()
	if err != nil {
		return secret.Text{}, err
	}
	raw := make([]byte, 8)
	if _, err := rand.Read(raw); err != nil {
		return secret.Text{}, fmt.Errorf("name the keyring's entry: %w", err)
	}
	name := "identity-" + hex.EncodeToString(raw)
	if err := k.where.Keeper.Set(ctx, name, secret.New(text)); err != nil {
		return secret.Text{}, fmt.Errorf("%w: put the identity into the keyring: %w; or set identity = \"file\" in the [journal] table of your configuration", ErrUnsafe, err)
	}
	switch err := writeOnce(pointer, name); {
	case errors.Is(err, os.ErrExist):
		_ = k.where.Keeper.Delete(ctx, name) // it opens nothing
		return k.kept(ctx, pointer)
	case err != nil:
		_ = k.where.Keeper.Delete(ctx, name) // as above
		return secret.Text{}, fmt.Errorf("write %s: %w", pointer, err)
	}
	return secret.New(text), nil
}
