package term

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Safe is text that may be written to a terminal: it holds no control character
// and nothing that reorders or hides other characters.
type Safe string

// maxMarks is how many combining marks may stay on one letter.
const maxMarks = 4

// Clean makes foreign text safe. Letters of every language stay; what would
// steer a terminal or hide text becomes visible. It is idempotent.
func Clean(s string) Safe {
	var b strings.Builder
	b.Grow(len(s))
	marks := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if !hidden(r) && unicode.In(r, unicode.Mn, unicode.Me) {
			if marks++; marks <= maxMarks {
				b.WriteRune(r)
			}
			continue
		}
		marks = 0
		b.WriteString(visible(r))
	}
	return Safe(b.String())
}

func visible(r rune) string {
	switch {
	case r == '\t':
		return "    "
	case r < 0x20:
		return string(rune(0x2400) + r) // the control pictures
	case r == 0x7f:
		return "\u2421"
	case r >= 0x80 && r < 0xa0, hidden(r):
		return fmt.Sprintf("<U+%04X>", r)
	}
	return string(r)
}

// hidden reports characters that show nothing themselves but change how others
// are shown: bidirectional controls, zero-width characters, line separators,
// tags, variation selectors of the supplement and private invisible operators.
func hidden(r rune) bool {
	switch {
	case r == 0x00ad, r == 0x034f, r == 0x061c, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x180e, r == 0x3164, r == 0xfeff, r == 0xffa0,
		r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f,
		r >= 0xfff0 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

// Truncate cuts to at most width cells, ending in an ellipsis where it cut.
func Truncate(s Safe, width int) Safe {
	if width <= 0 {
		return ""
	}
	return Safe(ansi.Truncate(string(s), width, "…"))
}

// Width returns how many cells the text takes.
func Width(s Safe) int { return ansi.StringWidth(string(s)) }

// Pad fills with spaces up to width cells, or cuts.
func Pad(s Safe, width int) Safe {
	s = Truncate(s, width)
	return s + Safe(strings.Repeat(" ", max(0, width-Width(s))))
}

// Wrap breaks text at spaces into lines of at most width cells. A word that is
// longer stands alone on a line, whole: a path or a command must stay usable.
func Wrap(s Safe, width int) []Safe {
	var lines []Safe
	line, cells := "", 0
	for word := range strings.FieldsSeq(string(s)) {
		n := ansi.StringWidth(word)
		if line != "" && cells+1+n > width {
			lines = append(lines, Safe(line))
			line, cells = "", 0
		}
		if line != "" {
			line, cells = line+" ", cells+1
		}
		line, cells = line+word, cells+n
	}
	return append(lines, Safe(line))
}
