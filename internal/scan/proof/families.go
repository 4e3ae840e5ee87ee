package proof

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
)

// aws reads the account that is written into an access key id: the first six bytes
// of the base32 text behind the prefix, without the highest bit and the seven lowest
// (T. Beery, "A short note on AWS KEY ID", 2023). Ids of before 2019, which begin
// with I or J there, hold none.
func (p *Proof) aws(id string, h Hints) {
	if strings.HasSuffix(id, "EXAMPLE") {
		p.Public = "the key id of AWS's own documentation"
		return
	}
	if len(id) != 20 || id[4] == 'I' || id[4] == 'J' {
		return
	}
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(id[4:])
	if err != nil || len(raw) < 6 {
		return
	}
	var wide [8]byte
	copy(wide[2:], raw[:6])
	number := (binary.BigEndian.Uint64(wide[:]) & 0x7fffffffff80) >> 7
	if number > 999_999_999_999 {
		return // no account has thirteen digits: the id was not made by AWS
	}
	p.account(fmt.Sprintf("%012d", number), h)
}

// account notes the account and what is known about it.
func (p *Proof) account(number string, h Hints) {
	p.Account = number
	switch {
	case slices.Contains(canaries, p.Account):
		p.Canary, p.Note = true, "an account that makes canaries: using the key raises an alarm"
	case slices.Contains(h.Accounts, p.Account):
		p.Note = "a queue of the same account stands in what was scanned"
	}
}

// bedrockUser is what a long-lived Bedrock key begins with once it is decoded: the name
// that IAM gave to the credential, with the account in it.
var bedrockUser = regexp.MustCompile(`^(BedrockAPIKey-[a-z0-9]{1,16})-at-([0-9]{12}):`)

// bedrock reads the account out of a Bedrock key. A long-lived one is the base64 of
// "user-at-account:secret", a short-lived one that of a presigned address, which names
// a key id, a region and when it ends.
func (p *Proof) bedrock(key string, h Hints, now time.Time) {
	if long, ok := strings.CutPrefix(key, "ABSK"); ok {
		plain, _ := base64.RawStdEncoding.DecodeString(strings.TrimRight(long, "="))
		if m := bedrockUser.FindSubmatch(plain); m != nil {
			p.account(string(m[2]), h)
			if p.Note == "" {
				p.Note = "of the IAM user " + string(m[1])
			}
		}
		return
	}
	plain, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimPrefix(key, "bedrock-api-key-"), "="))
	_, query, found := strings.Cut(string(plain), "?")
	values, bad := url.ParseQuery(query)
	if err != nil || bad != nil || !found {
		return
	}
	id, _, _ := strings.Cut(values.Get("X-Amz-Credential"), "/")
	p.aws(id, h)
	made, err := time.Parse("20060102T150405Z", values.Get("X-Amz-Date"))
	seconds, bad := strconv.Atoi(values.Get("X-Amz-Expires"))
	if err != nil || bad != nil || seconds < 0 || seconds > 7*24*3600 {
		return
	}
	p.ends(made.Add(time.Duration(seconds)*time.Second), now)
}

// ends takes a credential that has ended for what it is.
func (p *Proof) ends(at, now time.Time) {
	if at.Before(now) {
		p.Note, p.Severity = "it ended on "+at.UTC().Format(time.DateOnly), "low"
	}
}

// canaries are the accounts of canarytokens.org and of services like it, as
// trufflehog lists them (pkg/detectors/aws/access_keys/canary.go).
var canaries = strings.Fields(`
	052310077262 171436882533 534261010715 595918472158 717712589309 819147034852 992382622183 730335385048 266735846894
	893192397702 044858866125 251535659677 344043088457 351906852752 390477818340 426127672474 427150556519 439872796651
	445142720921 465867158099 637958123769 693412236332 732624840810 735421457923 959235150393 982842642351`)

// selfHosted stands for the project in the keys of a Supabase of one's own.
const selfHosted = "supabase-self-hosted"

// supabase computes the checksum over each project that was seen: the last eight
// characters are the first eight of the SHA-256 of "project|key without them" in
// base64url (self-hosted v0.7.0, docker/utils/add-new-auth-keys.sh). That no project
// fits proves nothing: the right one may not stand here.
func (p *Proof) supabase(key string, projects []string) {
	body, sum, ok := cutLast(key, 9)
	if !ok || sum[0] != '_' {
		return
	}
	for _, ref := range append(slices.Clone(projects), selfHosted) {
		h := sha256.Sum256([]byte(ref + "|" + body))
		if base64.RawURLEncoding.EncodeToString(h[:])[:8] == sum[1:] {
			p.Checksum, p.Project = Valid, ref
			return
		}
	}
}

func cutLast(s string, n int) (head, tail string, ok bool) {
	if len(s) <= n {
		return "", "", false
	}
	return s[:len(s)-n], s[len(s)-n:], true
}

// github checks the six characters at the end: the CRC-32 of the thirty before them
// in base 62 (github.blog, "Behind GitHub's new authentication token formats",
// 2021-04-05). Longer tokens have another form.
func (p *Proof) github(token string) {
	const classic = 40
	if len(token) != classic || token[3] != '_' {
		return
	}
	body, tail, _ := cutLast(token[4:], 6)
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum, want := crc32.ChecksumIEEE([]byte(body)), [6]byte{}
	for i := len(want) - 1; i >= 0; i-- {
		want[i] = alphabet[sum%62]
		sum /= 62
	}
	p.Checksum = Invalid
	if tail == string(want[:]) {
		p.Checksum = Valid
	}
}

// claims are those of a JSON Web Token (RFC 7519) that matter here.
type claims struct {
	Issuer  any `json:"iss"`
	Ref     any `json:"ref"`
	Role    any `json:"role"`
	Issued  any `json:"iat"`
	Expires any `json:"exp"`
}

// token reads the claims of a token. Its signature can be checked only against secrets
// that everybody knows: whoever has those can make any such token, so a leak of one
// opens nothing more. The role of a Supabase key decides how bad a leak is: anon is
// public by design.
func (p *Proof) token(value string, now time.Time) {
	parts := strings.Split(value, ".")
	if len(parts) != 3 {
		return
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	var c claims
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return
	}
	p.Role = word(c.Role)
	if c.supabase() {
		p.Kind, p.Project = credential.SupabaseLegacyJWT, word(c.Ref)
		switch p.Role {
		case "anon":
			p.Severity = "info"
		case "service_role", "supabase_admin":
			p.Severity = "critical"
		default: // a person's, or one of the project's own roles
			p.Severity = "medium"
		}
	}
	p.Public = signedInPublic(parts)
	if end, ok := c.Expires.(float64); ok && end > 0 && end < 1e11 {
		p.ends(time.Unix(int64(end), 0), now)
	}
}

// supabase reports whether the claims are those of a Supabase API key. Those of before
// 2021 name no issuer; they are for ten years and have one of two roles, whose names no
// other service uses.
func (c claims) supabase() bool {
	switch word(c.Issuer) {
	case "supabase", "supabase-demo":
		return true
	case "":
		from, ok := c.Issued.(float64)
		to, too := c.Expires.(float64)
		const year = 365 * 24 * 3600
		role := word(c.Role)
		return c.Issuer == nil && ok && too && to-from > 9*year && to-from < 11*year && (role == "anon" || role == "service_role")
	}
	return false
}

// publicSecrets sign the tokens of documentation and of stacks that nobody has set up:
// of Supabase's command line (supabase/cli, pkg/config/config.go) and of its self-hosting
// example (supabase/supabase, docker/.env.example), and of jwt.io.
var publicSecrets = map[string]string{ //nolint:gosec // that is the point: they open nothing
	"super-secret-jwt-token-with-at-least-32-characters-long":      "a token of every local Supabase stack",
	"your-super-secret-jwt-token-with-at-least-32-characters-long": "a token of Supabase's example for self-hosting: whoever knows the example can make it",
	"your-256-bit-secret":                    "a token of jwt.io",
	"a-string-secret-at-least-256-bits-long": "a token of jwt.io",
}

// signedInPublic says whose token it is, when it was signed with such a secret (HS256,
// RFC 7518, section 3.2).
func signedInPublic(parts []string) string {
	for key, whose := range publicSecrets {
		m := hmac.New(sha256.New, []byte(key))
		m.Write([]byte(parts[0] + "." + parts[1]))
		if parts[2] == base64.RawURLEncoding.EncodeToString(m.Sum(nil)) {
			return whose
		}
	}
	return ""
}

// word is a claim that is short and plain, since it is shown to people; others are
// left out.
func word(v any) string {
	s, ok := v.(string)
	if !ok || len(s) > 64 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		return ""
	}
	return s
}
