// Package proof tells, by arithmetic on the value alone, what a key is: whether its
// checksum is right, which account or project it opens, which role it has, and
// whether it is one that everybody knows. Nothing is asked and nothing is sent.
//
// Start with [Of]. The package has no state; it may be used from many goroutines.
package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/secret"
)

// Checksum says what became of a key's own checksum.
type Checksum string

// Checksums. None is a form without one, or one that cannot be computed here.
const (
	None    Checksum = "none"
	Valid   Checksum = "valid"
	Invalid Checksum = "invalid"
)

// Proof is what can be shown about one value.
type Proof struct {
	Checksum Checksum
	Account  string // of AWS, twelve digits
	Project  string // of Supabase, its reference
	Role     string // that a token names
	// Near is the one project that stood nearest to a key which proves none itself. It is
	// a guess: the key may be another project's.
	Near string
	// Note says in a few words what else is known, such as an issuer's marker.
	Note string
	// Kind is what the value is when it says so itself and the rule did not know;
	// empty otherwise.
	Kind credential.Kind
	// Severity replaces the rule's; empty leaves it.
	Severity string
	// Public is set, with the reason, for a value that everybody knows.
	Public string
	// Canary is set for a key that raises an alarm when it is used.
	Canary bool
}

// Hints are what stands near a key and may be what it opens.
type Hints struct {
	Projects []string // references of Supabase projects
	Accounts []string // AWS accounts
}

// Of returns the proof of a value. now decides whether a token has ended.
func Of(kind credential.Kind, part credential.Part, t secret.Text, h Hints, now time.Time) Proof {
	p := Proof{Checksum: None}
	value := t.Reveal()
	if p.Public = known(value); p.Public != "" {
		return p
	}
	switch {
	case kind == credential.AWSAccessKey && part == credential.PartID:
		p.aws(value, h)
	case kind == credential.AWSAccessKey && strings.HasSuffix(value, "EXAMPLEKEY"):
		p.Public = "the secret of AWS's own documentation"
	case kind == credential.SupabaseSecretKey || kind == credential.SupabasePublicKey:
		p.supabase(value, h.Projects)
	case kind == credential.GitHubToken:
		p.github(value)
	case kind == credential.BedrockKey:
		p.bedrock(value, h, now)
	case kind == credential.OpenAIKey && strings.Contains(value, "T3BlbkFJ"):
		p.Note = "holds OpenAI's marker"
	case kind == credential.GroqKey && strings.Contains(value, "WGdyb3FY"):
		p.Note = "holds Groq's marker"
	case strings.HasPrefix(value, "eyJ"):
		p.token(value, now)
	}
	return p
}

// public are SHA-256 sums of values that everybody knows: the keys that the Supabase
// command line gives to every local stack (supabase/cli, pkg/config/apikeys.go), and those
// of vendors' documentation (docs.stripe.com/api/authentication and its quickstarts,
// 2captcha's API description).
var public = map[string]string{
	"c85debb55f2f204d868cc1552c42faa143b4c675f61363ab040dd50b5b5304cd": "the secret key of every local Supabase stack",
	"9705102db0d5f99ee08daa19a73e510d9877a2a9add9369da247cbbe6c2a0140": "the publishable key of every local Supabase stack",
	"2cafc0970149a84f3b9e62eaf169f36f59907a3b3e31f7b82e68c69cd27f7326": "the test key of Stripe's own documentation",
	"f2d6ca16515033e5dce14eba840b979d27b5cbae24bb3e5bf484339667f86397": "the test key of Stripe's own documentation",
	"2d1f7723aabc5c7a51fcdc2463c99b5f3fdbc57cf3134db4ac12913c35976e6f": "the test key of Stripe's own documentation",
	"24de3dc860063b368cf1f3056916f92939a3cd09f8f447bd072d951d265b9349": "the key of 2Captcha's own documentation",
}

func known(value string) string {
	sum := sha256.Sum256([]byte(value))
	return public[hex.EncodeToString(sum[:])]
}
