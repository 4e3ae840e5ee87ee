package providers

import (
	"regexp"
	"strings"

	"github.com/secretguard/secretguard/internal/secret"
)

// tooShort is the length below which a value is not looked for in a log: "true" or
// "8080" would hide every line, and is no secret.
const tooShort = 12

var (
	// longWord is what a key of any kind may look like in a log: a program that fails
	// often prints what it was given.
	longWord = regexp.MustCompile(`[A-Za-z0-9+/_-]{28,}={0,2}`)
	// login is the user and the password in an address.
	login = regexp.MustCompile(`(://)[^\s/@:]*:[^\s/@]+@`)
)

// HideInLog takes out of lines of a log what could be a secret: the values that are
// known, by the name of their variable, log-ins in addresses, and long words. The
// lines stay foreign text.
func HideInLog(lines []string, known map[string]secret.Text) []string {
	out := make([]string, 0, len(lines))
	for _, line := range lines {
		for name, v := range known {
			if v.Len() >= tooShort {
				line = strings.ReplaceAll(line, v.Reveal(), "<"+name+">")
			}
		}
		line = login.ReplaceAllString(line, "$1<hidden>@")
		out = append(out, longWord.ReplaceAllString(line, "<hidden>"))
	}
	return out
}
