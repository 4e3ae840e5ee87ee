package providers

import (
	"net/url"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/secret"
)

// MatchValue compares a stored value with the wanted ones and returns a match
// for each that fits: equal, or as a part of a larger value. Whole values are
// compared in constant time.
func MatchValue(value secret.Text, wanted []Wanted) []PartMatch {
	var out []PartMatch
	for _, w := range wanted {
		switch {
		case w.Value.Empty():
		case value.Equal(w.Value):
			out = append(out, PartMatch{w.Part, MatchExact})
		case Holds(value, w.Value):
			out = append(out, PartMatch{w.Part, MatchInside})
		}
	}
	return out
}

// form is a way in which a key stands in a value, and how another one is written so.
type form struct {
	text  string
	write func(string) string
}

// forms are the ways in which a key is changed in place: as it is, and escaped for a URL,
// as a password stands in a connection string. A key that was found in a URL may itself be
// escaped, and stand elsewhere as it is.
func forms(key string) []form {
	asIs := func(s string) string { return s }
	plain, err := url.PathUnescape(key)
	if err != nil || plain == key {
		plain = key
	}
	out := []form{{plain, asIs}}
	add := func(write func(string) string) {
		if text := write(plain); !slices.ContainsFunc(out, func(f form) bool { return f.text == text }) {
			out = append(out, form{text, write})
		}
	}
	add(url.QueryEscape)
	add(url.PathEscape)
	add(inUserinfo)
	if !slices.ContainsFunc(out, func(f form) bool { return f.text == key }) { // escaped in a way of its own
		out = append(out, form{key, inUserinfo})
	}
	slices.SortStableFunc(out, func(a, b form) int { return len(b.text) - len(a.text) })
	return out
}

// inUserinfo escapes a password for the place before the "@" of a URL.
func inUserinfo(password string) string {
	return strings.TrimPrefix(url.UserPassword("", password).String(), ":")
}

// Holds reports whether a value holds a key in a way in which [Replace] changes it.
func Holds(value, key secret.Text) bool {
	text := value.Reveal()
	return !key.Empty() && slices.ContainsFunc(forms(key.Reveal()), func(f form) bool { return strings.Contains(text, f.text) })
}

// Replace puts another key in the place of one in a larger value, each time written as the
// one before was.
func Replace(value, old, fresh secret.Text) secret.Text {
	var pairs []string
	for _, f := range forms(old.Reveal()) {
		pairs = append(pairs, f.text, f.write(fresh.Reveal()))
	}
	return secret.New(strings.NewReplacer(pairs...).Replace(value.Reveal()))
}

// MatchName returns the parts that a variable of this name usually holds, for
// values that cannot be read.
func MatchName(name string, wanted []Wanted) []PartMatch {
	var out []PartMatch
	for _, w := range wanted {
		if slices.Contains(w.Names, name) {
			out = append(out, PartMatch{w.Part, MatchByName})
		}
	}
	return out
}
