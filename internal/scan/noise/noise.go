// Package noise tells why a match is most likely no secret: a placeholder, an
// identifier, a checksum, a piece of a larger encoded text. It looks at the value and
// its line only. What it says is a reason, shown with the finding: nothing is dropped.
//
// Start with [Judge]. The package has no state; it may be used from many goroutines.
package noise

import (
	"encoding/base64"
	"regexp"
	"strings"
)

// Subject is a match as far as it matters here.
type Subject struct {
	Secret string
	Line   string // the whole lines on which it stands
	// Generic marks the match of a rule that knows no form, only names like "key".
	Generic bool
	// Own marks a rule of our packs: its form is a known one.
	Own bool
}

// Judge returns the reason why a match is no secret, or nothing.
func Judge(s Subject) string {
	switch {
	case strings.Contains(s.Secret, "\n") || len(s.Secret) > longest: // a key block, or encoded data
	case placeholder.MatchString(s.Secret):
		return "a placeholder"
	case repeats(s.Secret) >= run:
		return "one character again and again"
	case climbs(s.Secret) >= run:
		return "a sequence such as 12345678"
	}
	switch {
	case !s.Own && insideBlock(s):
		return "inside a longer base64 text"
	case !s.Generic:
		return ""
	case publishable.MatchString(s.Secret):
		return "a publishable key: public by design"
	case address.MatchString(s.Secret):
		return "an address, or a name of that form"
	case Words(s.Secret):
		return "made of words"
	case decodesToWords(s.Secret):
		return "base64 of words"
	case isDigest(s):
		return "a checksum or signature, by its name"
	case idName.MatchString(before(s)) && uuid.MatchString(s.Secret):
		return "a UUID that is called an id"
	}
	return ""
}

const (
	// longest is the longest value that is looked at for repetition: long data has runs.
	longest = 200
	// run is how long a run is no chance: in a random key of 100 letters and digits one
	// of eight has a chance of about 1 in 30 million, in hexadecimal digits 1 in 3 million.
	run = 8
)

var (
	placeholder = regexp.MustCompile(`(?i)example|placeholder|change_?me|redacted|dummy|your[_-]|not_?a_?real|insert[_-]|\.\.\.`)
	publishable = regexp.MustCompile(`^pk_(?:live|test)_[A-Za-z0-9]+\.?$`)
	address     = regexp.MustCompile(`^[a-z0-9][a-z0-9._+-]*@[a-z0-9-]+(?:\.[a-z]{2,})+$`)
	digest      = regexp.MustCompile(`^(?:[A-Fa-f0-9]{32,128}|(?:sha\d+-)?[A-Za-z0-9+/_-]{27,88}={0,2})$`)
	digestName  = regexp.MustCompile(`(?i)(?:sha-?\d|md5|checksum|digest|integrity|e_?tag|commit|revision|thumbprint|fingerprint|signature|\bhash)[\w.\-]{0,20}["'\x60\]]{0,2}\s{0,4}[=:>,("'\x60\s]{0,6}$`)
	uuid        = regexp.MustCompile(`^[A-Fa-f0-9]{8}(?:-[A-Fa-f0-9]{4}){3}-[A-Fa-f0-9]{12}$`)
	idName      = regexp.MustCompile(`(?:_id|Id|ID|\bid)["'\x60\]]{0,2}\s{0,4}[=:>,("'\x60\s]{1,6}$`)
	base64Line  = regexp.MustCompile(`^[A-Za-z0-9+/]{56,}={0,2}$`)
)

// before is what stands in front of the secret on its line.
func before(s Subject) string {
	at := strings.Index(s.Line, s.Secret)
	const most = 120
	return s.Line[max(0, at-most):max(0, at)]
}

// isDigest: the name is that of a checksum. A generic rule takes "Signature=…" for
// the value when another name stands before it.
func isDigest(s Subject) bool {
	if name, value, ok := strings.Cut(s.Secret, "="); ok && digestName.MatchString(name+"=") && digest.MatchString(value) {
		return true
	}
	return digestName.MatchString(before(s)) && digest.MatchString(s.Secret)
}

func repeats(s string) int {
	best, n := 0, 0
	for i := range len(s) {
		if n++; i > 0 && s[i] != s[i-1] {
			n = 1
		}
		best = max(best, n)
	}
	return best
}

func climbs(s string) int {
	best, n := 0, 0
	for i := range len(s) {
		if n++; i > 0 && s[i] != s[i-1]+1 {
			n = 1
		}
		best = max(best, n)
	}
	return best
}

// insideBlock: the secret is a piece of a line that holds base64 and nothing else,
// as encoded files do. A key that stands alone on its line is the line.
func insideBlock(s Subject) bool {
	line := strings.TrimSpace(s.Line)
	const more = 8
	return len(line) >= len(s.Secret)+more && base64Line.MatchString(line)
}

func decodesToWords(s string) bool {
	const shortest = 16
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		raw, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	}
	if err != nil || len(raw) < shortest {
		return false
	}
	for _, b := range raw {
		if b < 0x20 || b > 0x7e {
			return false
		}
	}
	return Words(string(raw))
}

// What makes words: pairs of letters that are common in English on average, and
// enough of them. Of random keys of 16 characters and more fewer than one in a
// thousand passes for words; a test measures it.
const (
	commonPair = 4.0 // bits, of few pairs; a random pair has about 6.5
	commonMany = 4.3 // of many, whose average strays less
	fewestPair = 8
	manyPairs  = 12
)

// Words reports whether a text is made of English words, as an identifier is.
func Words(s string) bool {
	halves, pairs := 0, 0
	for i := 1; i < len(s); i++ {
		a, b := s[i-1], s[i]
		if !letter(a) || !letter(b) || isLower(a) && !isLower(b) { // "keyName": a new word
			continue
		}
		if !isLower(a) && !isLower(b) && i+1 < len(s) && letter(s[i+1]) && isLower(s[i+1]) { // "RSAKey": so here
			continue
		}
		halves += int(following[a|0x20-'a'][b|0x20-'a'] - 'a')
		pairs++
	}
	common := commonPair
	if pairs >= manyPairs {
		common = commonMany
	}
	return pairs >= fewestPair && 5*pairs >= 2*len(s) && float64(halves) < 2*common*float64(pairs)
}

func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }

func isLower(b byte) bool { return b >= 'a' }
