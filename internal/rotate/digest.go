package rotate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// PlanSchema names the format of a plan document.
const PlanSchema = "secretguard.plan/1"

// Validity is how long a plan may be approved after it was made.
const Validity = 15 * time.Minute

// Errors of an approval.
var (
	ErrDigest  = errors.New("the approval does not fit this plan")
	ErrExpired = errors.New("the plan is too old to be approved")
	ErrPhrase  = errors.New("the typed phrase does not match")
	// ErrRights means that a right is plainly missing, and the approval does not say
	// why the plan is carried out all the same.
	ErrRights = errors.New("our own access may not do everything that the plan needs")
)

// ComputeDigest returns the digest over everything in the plan but the digest.
func (p Plan) ComputeDigest() string {
	p.Digest = ""
	b, err := json.Marshal(p)
	if err != nil {
		// A plan is strings, numbers and times: this cannot fail.
		panic("rotate: a plan cannot be encoded")
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// ShortDigest is the form that people compare: "7f3a-9c21".
func (p Plan) ShortDigest() string {
	if len(p.Digest) < 8 {
		return p.Digest
	}
	return p.Digest[:4] + "-" + p.Digest[4:8]
}

// Approval is a person's consent to one plan.
type Approval struct {
	Digest string    `json:"digest"`          // the full digest, or the short form
	Typed  string    `json:"typed,omitempty"` // the phrase, when it was typed
	Who    string    `json:"who"`
	At     time.Time `json:"at"`
	// Reason is why, where a plan asks for one: containment.
	Reason string `json:"reason,omitempty"`
	// Despite is why it is tried although rights are plainly missing.
	Despite string `json:"despite_missing_rights,omitempty"`
}

// Check reports whether the approval holds for the plan at the given time: the
// digest is this plan's, the plan has not been altered and has not expired.
func (a Approval) Check(p Plan, now time.Time) error {
	if p.Digest == "" || p.ComputeDigest() != p.Digest {
		return fmt.Errorf("%w: the plan was changed after it was made; plan again", ErrDigest)
	}
	if a.Digest != p.Digest && a.Digest != p.ShortDigest() {
		return fmt.Errorf("%w: it names %q, the plan is %s", ErrDigest, a.Digest, p.ShortDigest())
	}
	if a.Typed != "" && a.Typed != p.Phrase {
		return fmt.Errorf("%w: type %q", ErrPhrase, p.Phrase)
	}
	if missing := p.Missing(); len(missing) > 0 && a.Despite == "" {
		s := missing[0]
		return fmt.Errorf("%w: step %d, %s: %s (%s); use another access and plan again, or add --despite-missing-rights REASON", ErrRights, s.N, s.Title, cmp.Or(s.Right.Permission, "a right is missing"), s.Right.Why)
	}
	if now.After(p.Expires) {
		return fmt.Errorf("%w: it expired at %s; plan again", ErrExpired, p.Expires.Format(time.TimeOnly))
	}
	if now.Before(p.Created.Add(-time.Minute)) {
		return fmt.Errorf("%w: it was made in the future; check this machine's clock", ErrExpired)
	}
	return nil
}
