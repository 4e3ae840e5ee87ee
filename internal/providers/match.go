package providers

import (
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
		case value.Len() > w.Value.Len() && strings.Contains(value.Reveal(), w.Value.Reveal()):
			out = append(out, PartMatch{w.Part, MatchInside})
		}
	}
	return out
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
