// Package echo is the convention by which a service shows that it runs with a
// key, without showing the key: it answers a nonce with an HMAC of it
// (docs/consumers.md). A status alone shows nothing: the endpoint that this was
// made for lacked its keys and still answered 201.
//
// The question is signed with the key too, so that a service gives signatures to
// nobody who does not hold the key already, and is bound to a time. Start with
// [Ask]; everything is pure and may be used from many goroutines.
package echo

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/secret"
)

// Version is the number of the convention, as both sides send it.
const Version = 1

// Window is how far the time of a question may be off for the service that is asked.
const Window = 5 * time.Minute

// Why an answer shows nothing, or shows that something is wrong.
var (
	// ErrNoProof means that the answer follows no such convention: whatever its
	// status, it says nothing about the key.
	ErrNoProof = errors.New("the answer holds no proof that the service has the key")
	// ErrOtherKey means that the service follows the convention with another value.
	ErrOtherKey = errors.New("the service works with another value of this variable")
	// ErrNotSet means that the service says that it has no value.
	ErrNotSet = errors.New("the service says that this variable is not set")
)

// Question is the body of the request.
type Question struct {
	Version  int    `json:"secretguard"`
	Variable string `json:"variable"`
	Nonce    string `json:"nonce"`
	Time     int64  `json:"time"` // Unix, seconds
	Proof    string `json:"proof"`
}

// Answer is the body of the answer.
type Answer struct {
	Version  int    `json:"secretguard"`
	Variable string `json:"variable"`
	Proof    string `json:"proof,omitempty"`
	// Error is "not-set" or "refused" where there is no proof.
	Error string `json:"error,omitempty"`
}

// Ask makes a question about a variable with a fresh nonce.
func Ask(variable string, key secret.Text, now time.Time) Question {
	q := Question{Version: Version, Variable: variable, Nonce: strings.ToLower(rand.Text()), Time: now.Unix()}
	q.Proof = sign(key, "ask", q.Variable, q.Nonce, strconv.FormatInt(q.Time, 10))
	return q
}

// Reply is what a service answers that holds key: the reference for the examples
// in other languages, and what twins run.
func Reply(q Question, key secret.Text, now time.Time) Answer {
	a := Answer{Version: Version, Variable: q.Variable}
	asked := sign(key, "ask", q.Variable, q.Nonce, strconv.FormatInt(q.Time, 10))
	switch off := now.Sub(time.Unix(q.Time, 0)).Abs(); {
	case key.Empty():
		a.Error = "not-set"
	case q.Version != Version || q.Nonce == "" || off > Window || !hmac.Equal([]byte(asked), []byte(q.Proof)):
		a.Error = "refused"
	default:
		a.Proof = sign(key, "answer", q.Variable, q.Nonce)
	}
	return a
}

// Check says what an answer's body shows: nil when the service holds the key.
func Check(q Question, key secret.Text, body []byte) error {
	var a Answer
	if json.Unmarshal(body, &a) != nil || a.Version != Version || a.Variable != q.Variable {
		return ErrNoProof
	}
	switch {
	case a.Error == "not-set":
		return ErrNotSet
	case a.Error == "refused":
		return ErrOtherKey
	case a.Proof == "":
		return ErrNoProof
	case !hmac.Equal([]byte(a.Proof), []byte(sign(key, "answer", q.Variable, q.Nonce))):
		return ErrOtherKey
	}
	return nil
}

// sign is HMAC-SHA256 in hex over the lines "secretguard-WHAT-v1", then the fields.
func sign(key secret.Text, what string, fields ...string) string {
	m := hmac.New(sha256.New, []byte(key.Reveal()))
	m.Write([]byte(strings.Join(append([]string{"secretguard-" + what + "-v1"}, fields...), "\n")))
	return hex.EncodeToString(m.Sum(nil))
}
