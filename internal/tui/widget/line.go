// Package widget draws: lines of safe text with a role each, tables, boxes,
// panes and a text field. A widget knows no colour and no terminal; the root
// turns lines into styled text at the very end, after everything was cut to its
// width. It accepts only [term.Safe], so that the compiler finds foreign text
// that was not cleaned.
package widget

import (
	"strings"

	"github.com/secretguard/secretguard/internal/term"
)

// Role says what a piece of text means; the root chooses the colour. A meaning
// never hangs on the role alone: there is always a word or a sign too.
type Role uint8

// Roles.
const (
	Plain  Role = iota
	Title       // breadcrumb, headings
	Strong      // what to look at first
	Muted       // labels, borders, things of no weight
	Good        // done, dead, attested
	Warn        // unknown, waiting, not searched
	Bad         // live, failed, cannot be undone
	Key         // a key to press
	Off         // a key that does nothing now
	Cursor      // the place where typing goes
	Chosen      // the selected row or button
)

// Span is one piece of text.
type Span struct {
	Text term.Safe
	Role Role
}

// Line is one line of the screen.
type Line []Span

// L makes a line of one plain text.
func L(text term.Safe) Line { return Line{{Text: text}} }

// As makes a line of one text in a role.
func As(role Role, text term.Safe) Line { return Line{{Text: text, Role: role}} }

// Add returns the line with one more piece.
func (l Line) Add(role Role, text term.Safe) Line { return append(l[:len(l):len(l)], Span{text, role}) }

// Width returns how many cells the line takes.
func (l Line) Width() int {
	n := 0
	for _, s := range l {
		n += term.Width(s.Text)
	}
	return n
}

// Text returns the line without its roles.
func (l Line) Text() term.Safe {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(string(s.Text))
	}
	return term.Safe(b.String()) // joined safe text is safe
}

// Painted returns the line with every piece in one role.
func (l Line) Painted(role Role) Line {
	out := make(Line, len(l))
	for i, s := range l {
		out[i] = Span{s.Text, role}
	}
	return out
}

// Fit cuts or fills the line to exactly width cells.
func (l Line) Fit(width int, g Glyphs) Line {
	out := make(Line, 0, len(l)+1)
	left, whole := width, l.Width()
	if whole <= width {
		out = append(out, l...)
		if whole < width {
			last := Plain
			if len(l) > 0 && l[len(l)-1].Role == Chosen {
				last = Chosen
			}
			out = append(out, Span{spaces(width - whole), last})
		}
		return out
	}
	for i, s := range l {
		w := term.Width(s.Text)
		rest := l[i+1:].Width()
		if w < left || w == left && rest == 0 {
			out = append(out, s)
			left -= w
			continue
		}
		// This piece is where the line is cut, so it carries the mark.
		text := s.Text
		if w <= left {
			text += g.More
		}
		cut := term.Cut(text, left, g.More)
		out = append(out, Span{cut, s.Role})
		left -= term.Width(cut)
		break
	}
	if left > 0 {
		out = append(out, Span{spaces(left), Plain})
	}
	return out
}

// Ends puts a at the left and b at the right end of a line, with a space between;
// when both do not fit, a is cut.
func Ends(a, b Line, width int, g Glyphs) Line {
	room := width - b.Width() - 1
	if room < 1 {
		return b.Fit(width, g)
	}
	return append(a.Fit(room, g).Add(Plain, " "), b...)
}

// spaces returns n spaces; none when n is negative.
func spaces(n int) term.Safe { return term.Safe(strings.Repeat(" ", max(0, n))) }

// Wrapped breaks a text into lines in a role, each indented by indent cells; the
// first one begins with label instead.
func Wrapped(label Line, role Role, text term.Safe, width int) []Line {
	indent := label.Width()
	var out []Line
	for i, part := range term.Fold(text, max(1, width-indent)) {
		line := Line{{spaces(indent), Plain}}
		if i == 0 {
			line = label
		}
		out = append(out, line.Add(role, part))
	}
	return out
}

// Labelled is Wrapped with a muted label of a fixed width.
func Labelled(label term.Safe, labelWidth int, role Role, text term.Safe, width int) []Line {
	return Wrapped(Line{{term.Pad(label, labelWidth), Muted}}, role, text, width)
}

// Fill cuts or fills lines to exactly height.
func Fill(lines []Line, height int) []Line {
	if len(lines) > height {
		return lines[:max(0, height)]
	}
	for len(lines) < height {
		lines = append(lines, nil)
	}
	return lines
}

// S makes one piece of text.
func S(role Role, text term.Safe) Span { return Span{text, role} }
