package cli_test

import (
	"regexp"
	"strings"
	"testing"
)

var (
	promises = regexp.MustCompile(`until [^.;"]*`) // what is yet to come is no claim
	claims   = regexp.MustCompile(`(?i)\b(verified|attested|shown to work)\b`)
	levels   = regexp.MustCompile(`\bL[0-4]\b|"(level|required)":[0-4]`)
)

// No output of a rotation says of a consumer that it is verified, or attested, without
// the level; and each attest step that is done tells its own.
func TestNothingIsVerifiedWithoutALevel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lab.Echo("render/shop-subscriber", "AWS_SECRET_ACCESS_KEY")
	file, run, digest := w.plan()
	said := map[string]string{"plan": read(t, file), "rotate": w.must(0, "rotate", file, "--approve", digest)}
	for _, args := range []string{"rotate status", "rotate status --json", "report", "report --json", "rotate journal show"} {
		words := strings.Fields(args)
		if words[len(words)-1] != "show" {
			words = append(words, run)
		}
		said[args] = w.must(0, words...)
	}
	for name, out := range said {
		if strings.Contains(name, "journal") { // its lines are records: the level is in the text of each
			continue
		}
		for line := range strings.SplitSeq(out, "\n") {
			line = promises.ReplaceAllString(line, "")
			if claims.MatchString(line) && !levels.MatchString(line) {
				t.Errorf("%s says it without a level: %s", name, line)
			}
		}
	}
	for _, name := range []string{"rotate status", "report"} {
		flat := strings.Join(strings.Fields(said[name]), " ")
		for target, level := range map[string][2]string{"shop-frontend": {"L2", "L[24]"}, "shop-subscriber": {"L3", "L3"}} {
			if !regexp.MustCompile(`attest that [a-z]+ ` + target + ` works with the new key \(at least ` + level[0] + `\)[^#]{0,120}` + level[1] + `: deploy`).MatchString(flat) {
				t.Errorf("%s does not tell %s of %s:\n%s", name, level[1], target, said[name])
			}
		}
	}
}
