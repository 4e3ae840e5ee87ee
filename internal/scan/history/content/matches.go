package content

import (
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/match"
)

// Match is a match and where in the blob it is.
type Match struct {
	Inner string // foreign text
	match.Match
}

// Matches lists what the parts of a blob hold on a path, and what the path itself
// says. The commit is what allowlists ask for; empty for none.
func Matches(set *match.Set, parts []Part, path, commit string) []Match {
	var out []Match
	add := func(p Part) {
		inner := Inner(path, p.Inner)
		for _, m := range set.At(p.Sights, archive.Name(path, inner), commit) {
			out = append(out, Match{inner, m})
		}
	}
	if !slices.ContainsFunc(parts, func(p Part) bool { return p.Inner == "" }) {
		add(Part{})
	}
	for _, p := range parts {
		add(p)
	}
	return out
}

// unnamed stands for what is in a compressed file, which has its name from the file.
const unnamed = "\x00"

// Inner is the path inside of a blob that has the path given: what a compressed
// file unpacks to is called after that.
func Inner(path, inner string) string {
	if inner != unnamed && !strings.HasPrefix(inner, unnamed+archive.Separator) {
		return inner
	}
	return archive.UnpackedName(path) + inner[len(unnamed):]
}
