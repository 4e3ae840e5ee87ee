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
func Truncate(s Safe, width int) Safe { return Cut(s, width, "…") }

// Cut cuts to at most width cells; where it cut, the last cells are tail.
func Cut(s Safe, width int, tail Safe) Safe {
	if width <= 0 {
		return ""
	}
	if Width(tail) > width {
		tail = ""
	}
	return Safe(ansi.Truncate(string(s), width, string(tail)))
}

// CutLeft keeps the end of a text that is wider than width cells, with head in
// front of it: the end of a path says more than its start.
func CutLeft(s Safe, width int, head Safe) Safe {
	w := Width(s)
	if w <= width {
		return s
	}
	if width <= Width(head) {
		return Cut(s, width, "")
	}
	// The library may cut one cell less than asked beside a joined letter.
	for drop := w - width + Width(head); drop <= w; drop++ {
		if out := Safe(ansi.TruncateLeft(string(s), drop, string(head))); Width(out) <= width {
			return out
		}
	}
	return head
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

// Fold breaks text at spaces into lines of at most width cells, for a box that
// nothing may leave: a longer word is cut. It returns at least one line. No letter
// is lost: ansi.Wrap drops marks that stand on a space and leaves a line too long
// after a dash.
func Fold(s Safe, width int) []Safe {
	var out []Safe
	line, empty := "", true
	for word := range strings.SplitSeq(string(s), " ") {
		if !empty && ansi.StringWidth(line)+1+ansi.StringWidth(word) <= width {
			line += " " + word
			continue
		}
		if !empty {
			out = append(out, Safe(line))
		}
		for ansi.StringWidth(word) > width {
			head := ansi.Truncate(word, width, "")
			if head == "" { // a letter that is wider than the line
				break
			}
			out = append(out, Safe(head))
			word = word[len(head):]
		}
		line, empty = word, false
	}
	return append(out, Safe(line))
}
