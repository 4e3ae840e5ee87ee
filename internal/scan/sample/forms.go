package sample

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
)

// uuid makes a version 4 UUID (RFC 9562, section 5.4).
func uuid(r *rand.Rand) string {
	h := random(r, Classes["hex"], 30)
	return h[:8] + "-" + h[8:12] + "-4" + h[12:15] + "-" + random(r, "89ab", 1) + h[15:18] + "-" + h[18:30]
}

// github puts the checksum behind a body, as GitHub's tokens have it: CRC-32 of the
// body in base 62, six digits (github.blog, "Behind GitHub's new authentication
// token formats", 2021-04-05).
func github(body string) string {
	const alphabet = digits + upper + lower
	sum := crc32.ChecksumIEEE([]byte(body))
	tail := make([]byte, 6)
	for i := len(tail) - 1; i >= 0; i-- {
		tail[i] = alphabet[sum%62]
		sum /= 62
	}
	return body + string(tail)
}

// supabase makes a key as Supabase's self-hosted script does it
// (docker/utils/add-new-auth-keys.sh): 22 characters, and the first eight of the
// SHA-256 of "project|prefix and characters" in base64url.
func supabase(r *rand.Rand, prefix, ref string) string {
	if ref == "" {
		ref = random(r, lower, 20)
	}
	key := prefix + random(r, Classes["base64url"], 22)
	sum := sha256.Sum256([]byte(ref + "|" + key))
	return key + "_" + base64.RawURLEncoding.EncodeToString(sum[:])[:8]
}

// token makes a JSON Web Token (RFC 7519) with the claims of Supabase's legacy keys,
// signed with a key that nobody keeps.
func token(r *rand.Rand, role string) string {
	encode := base64.RawURLEncoding.EncodeToString
	issued := 1_650_000_000 + r.IntN(80_000_000)
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(fmt.Appendf(nil,
		`{"iss":"supabase","ref":"%s","role":"%s","iat":%d,"exp":%d}`, random(r, lower, 20), role, issued, issued+315_360_000))
	m := hmac.New(sha256.New, []byte(random(r, Classes["alnum"], 40)))
	m.Write([]byte(text))
	return text + "." + encode(m.Sum(nil))
}
