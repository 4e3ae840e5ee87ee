package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// echoDomain separates echoes from every other use of a value as a key. It is public:
// services compute the same.
const echoDomain = "secretguard echo v1\x00"

// Echo is what a service answers that holds value in variable, for a nonce: the hex
// HMAC-SHA-256, keyed with the value, over the domain, the variable, a zero byte and
// the nonce. Whoever does not hold the value cannot make it, and it gives nothing of
// the value away unless that can be guessed.
func Echo(value Text, variable, nonce string) string {
	m := hmac.New(sha256.New, []byte(value.Reveal()))
	m.Write([]byte(echoDomain + variable + "\x00" + nonce))
	return hex.EncodeToString(m.Sum(nil))
}

// NewNonce returns a nonce for one echo.
func NewNonce() (string, error) {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make a nonce: %w", err)
	}
	return hex.EncodeToString(b), nil
}
