package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// Waiving makes the hashes by which a baseline names the secrets that it accepts. The
// file is committed, so whoever has it may try guesses against it: its salt makes that
// start anew for each file, a guessable value costs [argon2] time and memory for each
// guess, and with a team's key nothing can be tried at all. It is immutable and may be
// used from many goroutines.
type Waiving struct{ key Text }

// SaltSize is the length of a baseline's salt in bytes.
const SaltSize = 16

// NewSalt makes the salt of a baseline.
func NewSalt() ([]byte, error) {
	b := make([]byte, SaltSize)
	if _, err := rand.Read(b); err != nil {
		return nil, fmt.Errorf("make a salt: %w", err)
	}
	return b, nil
}

// NewWaiving returns the hashes of a file with this salt, and with the team's key if
// one is given; the zero Key is none.
func NewWaiving(salt []byte, team Key) (Waiving, error) {
	if len(salt) != SaltSize {
		return Waiving{}, fmt.Errorf("a salt has %d bytes, want %d", len(salt), SaltSize)
	}
	m := hmac.New(sha256.New, team.Bytes())
	m.Write([]byte("secretguard waiver v1\x00"))
	m.Write(salt)
	return Waiving{key: New(string(m.Sum(nil)))}, nil
}

// The cost of one guess of a guessable value: the least that OWASP's Password Storage
// Cheat Sheet asks of Argon2id. The hash's name stands for these numbers: a file of
// others cannot make a scan slow.
const (
	argonTime    = 2
	argonMemory  = 19 << 10 // KiB
	argonThreads = 1
)

// WaiverPrefix begins the ids that [Waiving.ID] makes.
const WaiverPrefix = "sgw1:"

// ID names a secret under a rule. Guessable values take some 30 ms, others some
// microseconds.
func (w Waiving) ID(rule string, t Text) string {
	value := []byte(t.Reveal())
	if Guessable(t) {
		value = argon2.IDKey(value, w.mac("slow\x00"+rule, nil), argonTime, argonMemory, argonThreads, sha256.Size)
	}
	const shown = 16
	return WaiverPrefix + base64.RawURLEncoding.EncodeToString(w.mac("id\x00"+rule, value)[:shown])
}

// mac hashes a value for one purpose.
func (w Waiving) mac(purpose string, value []byte) []byte {
	m := hmac.New(sha256.New, []byte(w.key.Reveal()))
	m.Write([]byte(purpose))
	m.Write([]byte{0})
	m.Write(value)
	return m.Sum(nil)
}

// Name is what a key is called in the files that need it: a few characters that say
// nothing about it. The zero key has no name.
func (k Key) Name() string {
	if k.Zero() {
		return ""
	}
	const shown = 8
	return k.HMAC(New("secretguard name of a key"))[:shown]
}
