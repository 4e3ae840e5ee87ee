// Package keeper puts the identity that opens sealed values into the operating
// system's keyring: the Secret Service on Linux and the BSDs, the keychain on
// macOS, the credential manager on Windows. The library behind it needs no cgo.
//
// A keyring may be locked and ask a person, or its bus may not answer: every call
// ends in time, also where nobody is there.
package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/secretguard/secretguard/internal/secret"
)

// service is the name under which our entries stand in the keyring.
const service = "secretguard"

// Wait is how long a call may take: long enough to type the keyring's password.
const Wait = 30 * time.Second

// Errors of a keyring.
var (
	ErrNone    = errors.New("this session has no keyring")
	ErrNoEntry = errors.New("the keyring has no such entry")
	ErrSilent  = errors.New("the keyring does not answer")
)

// Keeper is the keyring of this session. The zero value waits for [Wait]. It may be
// used from many goroutines.
type Keeper struct {
	Wait time.Duration
	Env  func(string) string // os.Getenv when nil
}

// Get returns an entry; ErrNoEntry when there is none.
func (k Keeper) Get(ctx context.Context, name string) (secret.Text, error) {
	var v string
	err := k.within(ctx, func() (err error) {
		v, err = keyring.Get(service, name)
		return err
	})
	return secret.New(v), err
}

// Set stores an entry, and reads it back.
func (k Keeper) Set(ctx context.Context, name string, value secret.Text) error {
	if err := k.within(ctx, func() error { return keyring.Set(service, name, value.Reveal()) }); err != nil {
		return err
	}
	got, err := k.Get(ctx, name)
	if err == nil && !got.Equal(value) {
		err = errors.New("the keyring gives back something else than was stored")
	}
	return err
}

// Delete removes an entry; one that is not there is no error.
func (k Keeper) Delete(ctx context.Context, name string) error {
	err := k.within(ctx, func() error { return keyring.Delete(service, name) })
	if errors.Is(err, ErrNoEntry) {
		return nil
	}
	return err
}

// within runs a call of the library, which knows no end of its own: a call that is
// given up goes on in the background until the bus answers or the process ends.
func (k Keeper) within(ctx context.Context, call func() error) error {
	if err := k.there(); err != nil {
		return err
	}
	wait := k.Wait
	if wait == 0 {
		wait = Wait
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		if errors.Is(err, keyring.ErrNotFound) {
			return ErrNoEntry
		}
		if err != nil {
			return fmt.Errorf("ask the keyring: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w (waited %s)", ErrSilent, wait)
	}
}

// there reports whether there can be a keyring: without a session bus the library
// would start one.
func (k Keeper) there() error {
	switch runtime.GOOS {
	case "darwin", "windows":
		return nil
	}
	env := k.Env
	if env == nil {
		env = os.Getenv
	}
	if env("DBUS_SESSION_BUS_ADDRESS") != "" {
		return nil
	}
	dir := env("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = "/run/user/" + strconv.Itoa(os.Getuid())
	}
	if _, err := os.Stat(filepath.Join(dir, "bus")); err != nil {
		return fmt.Errorf("%w: no D-Bus session bus", ErrNone)
	}
	return nil
}
