package providers

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/secret"
)

// Encoded is a part that a value holds in another form.
type Encoded struct {
	Part credential.Part
	Form string // "base64", "base64, url-encoded": outermost first
}

// Bounds on what is decoded: what is stored in a variable is small, and foreign.
const (
	maxDepth   = 3
	maxDecoded = 1 << 20
)

var (
	base64Run  = regexp.MustCompile(`[A-Za-z0-9+/_-]{16,}`)
	hexRun     = regexp.MustCompile(`(?:[0-9A-Fa-f]{2}){12,}`)
	percent    = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	jsonEscape = regexp.MustCompile(`\\(u[0-9A-Fa-f]{4}|.)`)
)

// MatchEncoded returns the parts that a value holds in another form than as they
// are: in base64, as a header of Basic authentication does, in hex, escaped for a
// URL or for JSON, or one within another. What [MatchValue] finds is not among
// them. Such a value cannot be changed by replacing the old key in it.
func MatchEncoded(value secret.Text, wanted []Wanted) []Encoded {
	var out []Encoded
	found := map[credential.Part]bool{}
	for _, m := range MatchValue(value, wanted) {
		found[m.Part] = true
	}
	left := maxDecoded
	var look func(text, form string, depth int)
	look = func(text, form string, depth int) {
		if left -= len(text); left < 0 {
			return
		}
		for _, w := range wanted {
			if form != "" && !found[w.Part] && !w.Value.Empty() && strings.Contains(text, w.Value.Reveal()) {
				found[w.Part] = true
				out = append(out, Encoded{w.Part, form})
			}
		}
		if depth == maxDepth {
			return
		}
		for _, d := range decode(text) {
			look(d.text, strings.TrimPrefix(form+", "+d.form, ", "), depth+1)
		}
	}
	look(value.Reveal(), "", 0)
	return out
}

type decoded struct{ text, form string }

// decode takes one layer off a text, in every way that there is one.
func decode(text string) []decoded {
	var out []decoded
	if percent.MatchString(text) {
		out = append(out, decoded{unescape(text), "url-encoded"})
	}
	if strings.Contains(text, `\`) {
		out = append(out, decoded{jsonEscape.ReplaceAllStringFunc(text, unescapeJSON), "json-escaped"})
	}
	for _, run := range base64Run.FindAllString(text, -1) {
		for i := range 4 { // what stands before it, such as "v1_", shifts it
			if b, ok := fromBase64(run[i:]); ok {
				out = append(out, decoded{string(b), "base64"})
			}
		}
	}
	for _, run := range hexRun.FindAllString(text, -1) {
		if b, err := hex.DecodeString(run); err == nil {
			out = append(out, decoded{string(b), "hex"})
		}
	}
	return out
}

// unescape resolves the escapes that are whole and leaves everything else.
func unescape(text string) string {
	return percent.ReplaceAllStringFunc(text, func(s string) string {
		if u, err := url.PathUnescape(s); err == nil {
			return u
		}
		return s
	})
}

func unescapeJSON(s string) string {
	if len(s) == 6 {
		if n, err := strconv.ParseUint(s[2:], 16, 16); err == nil {
			return string(rune(n))
		}
	}
	switch s[1] {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case '"', '\\', '/':
		return s[1:]
	}
	return s
}

// fromBase64 decodes both alphabets, with or without padding; the last letter of a
// run whose length fits none is left out.
func fromBase64(run string) ([]byte, bool) {
	run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
	if len(run)%4 == 1 {
		run = run[:len(run)-1]
	}
	b, err := base64.RawStdEncoding.DecodeString(run)
	return b, err == nil
}
