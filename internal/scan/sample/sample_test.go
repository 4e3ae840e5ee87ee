package sample

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFields(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"k={hex:32};":         `^k=[0-9a-f]{32};$`,
		"{alnum:4-6}":         `^[A-Za-z0-9]{4,6}$`,
		"{x*5}{0*2}":          `^xxxxx00$`,
		"{uuid}":              `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		"ghp_{crc32:30}":      `^ghp_[A-Za-z0-9]{36}$`,
		"{supabase:sb_x_:ab}": `^sb_x_[\w-]{22}_[\w-]{8}$`,
		"{jwt:anon}":          `^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{43}$`,
		"{other} {hex} {}":    `^\{other\} \{hex\} \{\}$`,
	} {
		tm, err := Parse(template)
		if err != nil {
			t.Fatal(err)
		}
		if got := tm.Make(Source("t")); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s gives %q", template, got)
		}
	}
	if _, err := Parse("{hex:99999999}"); err == nil {
		t.Error("a field of any length is taken")
	}
}

// The checksum is GitHub's: the body and tail of the example that the vendor's own
// description of the format led to (gist.github.com/coolaj86, "GitHub token checksum").
func TestGitHubChecksum(t *testing.T) {
	t.Parallel()
	body, tail := "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"
	if got := github(body); got != body+tail {
		t.Errorf("the checksum of the known body is %q", got[len(body):])
	}
}

func TestTokenHoldsItsRole(t *testing.T) {
	t.Parallel()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token(Source("t"), "service_role"), ".")[1])
	if err != nil || !strings.Contains(string(payload), `"role":"service_role"`) {
		t.Errorf("%q, %v", payload, err)
	}
}

func TestTheSameNameGivesTheSameTexts(t *testing.T) {
	t.Parallel()
	tm, err := Parse("{alnum:20}")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := tm.Make(Source("a")), tm.Make(Source("a")); a != b {
		t.Errorf("%q and %q", a, b)
	}
	if a, b := tm.Make(Source("a")), tm.Make(Source("b")); a == b {
		t.Error("another name gives the same text")
	}
}

// Whatever the template: no panic, and what is no field stands for itself.
func TestAnyTemplate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("{}:*-1x hexuuid"))).Draw(t, "template")
		tm, err := Parse(text)
		if err == nil && !tm.Random() && tm.Make(Source("x")) != text {
			t.Fatalf("%q became %q", text, tm.Make(Source("x")))
		}
	})
}
