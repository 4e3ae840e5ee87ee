package noise

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/sample"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	const id = "018c0ae5-4d9b" + "-471b-bfd6" + "-eef314bc7037"
	for name, tc := range map[string]struct {
		s    Subject
		want string
	}{
		"identifier":         {Subject{Secret: "testRSA2048PrivateKey", Generic: true}, "words"},
		"constant":           {Subject{Secret: "BCRYPT_KEY_LENGTHS_STRUCT_VALUE", Generic: true}, "words"},
		"qualified name":     {Subject{Secret: "parent1.child1key", Generic: true}, "words"},
		"words, known form":  {Subject{Secret: "testRSA2048PrivateKey"}, ""},
		"placeholder":        {Subject{Secret: "your-api-key-0192ab"}, "placeholder"},
		"cut short":          {Subject{Secret: "abk3..." + "r9"}, "placeholder"},
		"x's":                {Subject{Secret: "gk_" + strings.Repeat("x", 24), Own: true}, "again"},
		"sequence":           {Subject{Secret: "gk_0123456789abcdef", Own: true}, "sequence"},
		"key block":          {Subject{Secret: "-----BEGIN\n" + strings.Repeat("A", 24)}, ""},
		"base64 of words":    {Subject{Secret: "dGhpcyBpcyBub3QgYSByZWFsIHZhbHVl", Generic: true}, "base64 of words"},
		"inside a block":     {Subject{Secret: "EAAAPhesDAACAPTHADQAAD4Q", Line: "  " + strings.Repeat("SI1sJGBI", 4) + "EAAAPhesDAACAPTHADQAAD4Q" + strings.Repeat("kEi6", 5)}, "longer base64"},
		"ours, in a block":   {Subject{Secret: "EAAAPhesDAACAPTHADQAAD4Q", Own: true, Line: strings.Repeat("SI1sJGBI", 4) + "EAAAPhesDAACAPTHADQAAD4Q" + strings.Repeat("kEi6", 5)}, ""},
		"checksum":           {Subject{Secret: "9d23bd4149cb979ccf3c5c94dd217e98", Line: `api_key_sha256: "9d23bd4149cb979ccf3c5c94dd217e98"`, Generic: true}, "checksum"},
		"signature":          {Subject{Secret: "Signature=79d0760751907af16f64a537c1242416dacf5120", Generic: true}, "signature"},
		"an algorithm":       {Subject{Secret: "sk-ecdsa-sha2-nistp256@openssh.com", Generic: true}, "address"},
		"password with an @": {Subject{Secret: "kQ7w@Zt93.xPb", Generic: true}, ""},
		"publishable":        {Subject{Secret: "pk_" + "live_51Hq8RkT2v", Generic: true}, "public by design"},
		"hex key":            {Subject{Secret: "9d23bd4149cb979ccf3c5c94dd217e98", Line: `api_key: "9d23bd4149cb979ccf3c5c94dd217e98"`, Generic: true}, ""},
		"UUID called an id":  {Subject{Secret: id, Line: "key_id = \"" + id + "\"", Generic: true}, "UUID"},
		"UUID called a key":  {Subject{Secret: id, Line: "api_key = \"" + id + "\"", Generic: true}, ""},
		"not on its line":    {Subject{Secret: "9d23bd4149cb979ccf3c5c94dd217e98", Line: "sha256", Generic: true}, ""},
		"nothing":            {Subject{}, ""},
		"one letter at most": {Subject{Secret: "a", Generic: true}, ""},
	} {
		got := Judge(tc.s)
		if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// What the filters take away from random keys: at most one of a thousand of each
// alphabet, and five times fewer by a rule that knows the form.
func TestLossOverRandomKeys(t *testing.T) {
	t.Parallel()
	const keys = 5_000
	for _, class := range []string{"hex", "base36", "BASE36", "base32", "alnum", "base64", "base64url", "letter", "lower"} {
		for _, length := range []string{"16", "24", "40"} {
			tm, err := sample.Parse("{" + class + ":" + length + "}")
			if err != nil {
				t.Fatal(err)
			}
			r, lost := sample.Source(class+length), map[bool]int{}
			for range keys {
				v := tm.Make(r)
				for _, generic := range []bool{true, false} {
					if Judge(Subject{Secret: v, Line: "api_key = \"" + v + "\"", Generic: generic}) != "" {
						lost[generic]++
					}
				}
			}
			if lost[true] > keys/1000 || lost[false] > keys/5000 {
				t.Errorf("%s:%s: a generic rule loses %d of %d, another %d", class, length, lost[true], keys, lost[false])
			}
		}
	}
}

// Whatever the texts: no panic.
func TestAnyText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		Judge(Subject{
			Secret: rapid.String().Draw(t, "secret"), Line: rapid.String().Draw(t, "line"),
			Generic: rapid.Bool().Draw(t, "generic"), Own: rapid.Bool().Draw(t, "own"),
		})
	})
}
