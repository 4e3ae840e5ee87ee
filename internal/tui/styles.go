package tui

import (
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/secretguard/secretguard/internal/tui/widget"
)

// styles turns roles into looks. Without colour a role is still bold, faint or
// reversed where the terminal can, and every meaning also has a word or a sign.
type styles map[widget.Role]lipgloss.Style

// palette has a light and a dark value for each colour.
var palette = map[widget.Role][2]string{
	widget.Title: {"#005faf", "#5fafff"},
	widget.Muted: {"#606060", "#9e9e9e"},
	widget.Good:  {"#00701a", "#5fd787"},
	widget.Warn:  {"#8a5a00", "#ffd75f"},
	widget.Bad:   {"#b00020", "#ff6b6b"},
	widget.Key:   {"#005f87", "#87d7ff"},
	widget.Off:   {"#8a8a8a", "#6c6c6c"},
}

func newStyles(noColor, dark bool) styles {
	base := lipgloss.NewStyle()
	s := styles{
		widget.Title: base.Bold(true), widget.Strong: base.Bold(true), widget.Bad: base.Bold(true), widget.Key: base.Bold(true),
		widget.Good: base, widget.Warn: base, widget.Muted: base, widget.Off: base,
		widget.Cursor: base.Reverse(true), widget.Chosen: base.Reverse(true),
	}
	if noColor {
		return s
	}
	pick := lipgloss.LightDark(dark)
	for role, c := range palette {
		s[role] = s[role].Foreground(pick(lipgloss.Color(c[0]), lipgloss.Color(c[1])))
	}
	return s
}

// render styles each piece of a line that has its final width, and joins them.
func (s styles) render(l widget.Line) string {
	var b strings.Builder
	for _, span := range l {
		if st, ok := s[span.Role]; ok {
			b.WriteString(st.Render(string(span.Text)))
			continue
		}
		b.WriteString(string(span.Text))
	}
	return b.String()
}
