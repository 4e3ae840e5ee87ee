package secret

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// Key is the key of a keyed hash: an installation's own (see NewKey) for what
// stays on this machine. It masks itself like a secret.
type Key struct{ t Text }

// KeySize is the length of a Key in bytes.
const KeySize = 32

// NewKey makes a random key.
func NewKey() (Key, error) {
	b := make([]byte, KeySize)
	if _, err := rand.Read(b); err != nil {
		return Key{}, fmt.Errorf("make a hash key: %w", err)
	}
	return KeyFromBytes(b)
}

// KeyFromBytes wraps KeySize bytes; any other length is an error.
func KeyFromBytes(b []byte) (Key, error) {
	if len(b) != KeySize {
		return Key{}, fmt.Errorf("a hash key has %d bytes, want %d", len(b), KeySize)
	}
	return Key{t: New(string(b))}, nil
}

// Bytes returns the raw key for storing it in a 0600 file.
func (k Key) Bytes() []byte { return []byte(k.t.Reveal()) }

// Zero reports whether the key was never set.
func (k Key) Zero() bool { return k.t.Empty() }

// HMAC returns the hex HMAC-SHA-256 of the value, the only form of a secret
// that a journal or cache may hold.
func (k Key) HMAC(t Text) string {
	m := hmac.New(sha256.New, []byte(k.t.Reveal()))
	m.Write([]byte(t.Reveal()))
	return hex.EncodeToString(m.Sum(nil))
}

// idSalt separates finding ids from every other hash. It is public: an id must
// be the same on a laptop and in CI, so it cannot hang on a machine's key.
const idSalt = "secretguard finding id v1\x00"

// stretch is the PBKDF2 round count for short values, which a plain hash would
// leave open to guessing.
const stretch = 100_000

// FindingID returns the stable id of a secret under a rule: the same wherever
// the secret stands. Values under 20 bytes are stretched so that publishing an
// id does not give a guessable password away cheaply.
func FindingID(rule string, t Text) string {
	v := t.Reveal()
	rounds := 1
	if len(v) < minShown {
		rounds = stretch
	}
	sum, err := pbkdf2.Key(sha256.New, v, []byte(idSalt+rule), rounds, 16)
	if err != nil {
		// Only a FIPS build refuses these parameters; an HMAC is the same strength per round.
		m := hmac.New(sha256.New, []byte(idSalt+rule))
		m.Write([]byte(v))
		sum = m.Sum(nil)[:16]
	}
	return "sg1:" + base64.RawURLEncoding.EncodeToString(sum)
}
