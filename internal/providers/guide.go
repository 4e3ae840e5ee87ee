package providers

import "github.com/secretguard/secretguard/internal/secret"

// Guide is an issuer that has no call to make a key, or none to take one away: a
// person does it by hand, and is told how. What the other abilities offer is used
// where it is there: a key may be made by hand and deleted by a call.
type Guide interface {
	// Guide says how a person replaces the key. It is shown before approval and again
	// when the run waits for it.
	Guide(k KeyRef) Guidance
	// Pasted makes a credential of what a person copied. It looks at the form only,
	// sends nothing, and refuses (ErrRefused) what cannot be a replacement of old. No
	// error holds the value.
	Pasted(old KeyRef, value secret.Text) (Issued, error)
}

// Guidance is what a person is to do, one step a line, and where.
type Guidance struct {
	Link   string   `json:"link"`
	Make   []string `json:"make"`   // how to make the new key
	Retire []string `json:"retire"` // how to take the old one away
	// Cuts says that making the new key ends the old one at once: an outage until
	// every consumer has the new one.
	Cuts bool `json:"cuts,omitempty"`
}
