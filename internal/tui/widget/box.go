package widget

import (
	"strings"

	"github.com/secretguard/secretguard/internal/term"
)

// Glyphs are the characters that we draw with. They are text that we wrote, so
// they are safe.
type Glyphs struct {
	H, V           term.Safe
	TL, TR, BL, BR term.Safe
	More           term.Safe // ends a text that was cut
	Unicode        bool
}

// ASCII draws with characters that every terminal has.
func ASCII() Glyphs {
	return Glyphs{H: "-", V: "|", TL: "+", TR: "+", BL: "+", BR: "+", More: ".."}
}

// Unicode draws with box characters.
func Unicode() Glyphs {
	return Glyphs{H: "─", V: "│", TL: "┌", TR: "┐", BL: "└", BR: "┘", More: "…", Unicode: true}
}

// Rule is a line across.
func Rule(width int, g Glyphs) Line { return As(Muted, repeat(g.H, width)) }

func repeat(s term.Safe, n int) term.Safe { return term.Safe(strings.Repeat(string(s), max(0, n))) }

// Box draws a border with a title around lines. The result is width wide.
func Box(title term.Safe, lines []Line, width int, g Glyphs) []Line {
	inner := width - 4
	head := Line{{g.TL + g.H + " ", Muted}, {term.Cut(title, inner-2, g.More), Title}, {" ", Muted}}
	head = head.Add(Muted, repeat(g.H, width-1-head.Width())+g.TR)
	out := []Line{head}
	for _, l := range lines {
		row := Line{{g.V + " ", Muted}}
		row = append(row, l.Fit(inner, g)...)
		out = append(out, row.Add(Muted, " "+g.V))
	}
	return append(out, As(Muted, g.BL+repeat(g.H, width-2)+g.BR))
}

// Panes puts two columns of lines side by side, with a bar between them; both
// get the same height.
func Panes(left []Line, leftWidth int, right []Line, rightWidth, height int, g Glyphs) []Line {
	left, right = Fill(left, height), Fill(right, height)
	out := make([]Line, height)
	for i := range out {
		row := left[i].Fit(leftWidth, g)
		row = row.Add(Muted, " "+g.V+" ")
		out[i] = append(row, right[i].Fit(rightWidth, g)...)
	}
	return out
}

// PaneGap is how many cells Panes puts between two columns.
const PaneGap = 3

// Overlay lays a box over the middle of a screen and mutes what stays visible.
func Overlay(under, box []Line, width, height int, g Glyphs) []Line {
	under = Fill(under, height)
	out := make([]Line, height)
	for i, l := range under {
		out[i] = l.Painted(Muted)
	}
	if len(box) > height {
		box = box[:height]
	}
	top := max(0, (height-len(box))/2)
	for i, l := range box {
		margin := max(0, (width-l.Width())/2)
		out[top+i] = append(Line{{spaces(margin), Plain}}, l.Fit(width-margin, g)...)
	}
	return out
}
