package examine

import (
	"regexp"
	"strings"

	"github.com/secretguard/secretguard/internal/doctor"
)

// tooShort is the length below which a value is not looked for in a log: "true" or
// "8080" would hide every line, and is no secret.
const tooShort = 12

// longWord is what a key of another kind may look like in a log: a program that
// fails often prints what it was given.
var longWord = regexp.MustCompile(`[A-Za-z0-9+/_-]{28,}={0,2}`)

// hide takes out of a log what the consumer's variables hold, and long words: a
// program that crashes may print its keys.
func hide(log []string, vars map[string]doctor.Value) []string {
	out := make([]string, 0, len(log))
	for _, line := range log {
		for name, v := range vars {
			if v.Text.Len() >= tooShort {
				line = strings.ReplaceAll(line, v.Text.Reveal(), "<"+name+">")
			}
		}
		out = append(out, longWord.ReplaceAllString(line, "<hidden>"))
	}
	return out
}
