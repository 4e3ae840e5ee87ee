// Package secret holds the type that every secret value travels in.
//
// Start with [New]. A [Text] prints its mask under every fmt verb, in slog, in
// JSON and in text marshalling; [Text.Reveal] is the one door to the plain value
// and is what a reviewer searches for. The package cannot promise that no copy of
// a value stays in the Go heap: HTTP bodies and TLS buffers leave some.
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// ErrNoExport is returned by the binary encoders: a secret leaves the process
// only through Reveal or through a sealed journal blob.
var ErrNoExport = errors.New("a secret cannot be exported in a binary encoding")

// holder keeps the value two pointers away. fmt may not call methods on another
// struct's unexported fields and prints what is there: one pointer deep, it
// still shows a struct's content (under %s and %q), two deep only an address.
type holder struct{ value *string }

// Text is a secret value. The zero value is the empty secret. It is immutable
// and safe for use from many goroutines.
type Text struct{ h *holder }

// New wraps a plain value. An empty string gives the zero Text.
func New(plain string) Text {
	if plain == "" {
		return Text{}
	}
	// Clone so that a finding does not keep a whole file's buffer alive.
	value := strings.Clone(plain)
	return Text{h: &holder{value: &value}}
}

// Reveal returns the plain value. Every call is a place to review.
func (t Text) Reveal() string {
	if t.h == nil {
		return ""
	}
	return *t.h.value
}

// Empty reports whether there is no value.
func (t Text) Empty() bool { return t.h == nil }

// Len returns the length of the value in bytes.
func (t Text) Len() int { return len(t.Reveal()) }

// Equal compares in constant time (for equal lengths).
func (t Text) Equal(o Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Reveal()), []byte(o.Reveal())) == 1
}

// Mask returns the form that may be shown: public prefix, stars, last four.
func (t Text) Mask() string { return Mask(t.Reveal()) }

// String returns the mask.
func (t Text) String() string { return t.Mask() }

// GoString returns the mask.
func (t Text) GoString() string { return "secret.Text(" + t.Mask() + ")" }

// Format writes the mask under every verb and flag.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.Mask()) }

// LogValue gives slog the mask.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.Mask()) }

// MarshalText gives the mask, for JSON, YAML, XML and CSV alike.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.Mask()), nil }

// UnmarshalText refuses: a masked value must never come back as a secret.
func (t *Text) UnmarshalText([]byte) error {
	return errors.New("a secret cannot be read from a masked document")
}

// MarshalBinary refuses with ErrNoExport (gob and cbor use it).
func (t Text) MarshalBinary() ([]byte, error) { return nil, ErrNoExport }

// GobEncode refuses with ErrNoExport.
func (t Text) GobEncode() ([]byte, error) { return nil, ErrNoExport }
