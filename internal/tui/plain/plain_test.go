package plain

import (
	"bytes"
	"testing"

	"github.com/secretguard/secretguard/internal/term"
)

// A line that is wider than the terminal is broken between words, and a choice's
// number keeps its place; a word that is wider stays whole.
func TestLinesFitTheTerminal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		width      int
		text, want string
	}{
		{30, "short", "short\n"},
		{30, "", "\n"},
		{0, "as long as it likes to be, for nobody knows the width", "as long as it likes to be, for nobody knows the width\n"},
		{30, "  3  UNCHECKED: aws access key, 1 file, history", "  3  UNCHECKED: aws access\n     key, 1 file, history\n"},
		{30, "  step 12: delete the old key. Undo: NONE", "  step 12: delete the old key.\n  Undo: NONE\n"},
		{10, "secretguard rotate resume", "secretguard\nrotate\nresume\n"},
	} {
		var b bytes.Buffer
		s := &session{out: &b, width: c.width}
		s.say(term.Safe(c.text))
		if b.String() != c.want {
			t.Errorf("%q in %d cells:\n%q, want\n%q", c.text, c.width, b.String(), c.want)
		}
	}
}
