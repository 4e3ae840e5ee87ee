package match

import "strings"

// leastTelling is the length from which on a piece of a value, in bytes, gives it away
// where it stands in a name.
const leastTelling = 8

// Telling lists what of a value would give it away in the name of a file or a person:
// the lines of a long one, and the password of "user:password". Short pieces and plain
// words are left out, for names that hold them must stay readable.
func Telling(value string) []string {
	var out []string
	for _, piece := range strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' || r == ':' }) {
		if len(piece) < leastTelling {
			continue
		}
		if inner := piece[1:]; strings.ContainsAny(piece, "0123456789") || strings.ToLower(inner) != inner {
			out = append(out, piece)
		}
	}
	return out
}
