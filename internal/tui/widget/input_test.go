package widget_test

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// TestInputIsCleanAroundTheCursor: more marks than a letter may have are dropped,
// wherever between them the cursor stands.
func TestInputIsCleanAroundTheCursor(t *testing.T) {
	t.Parallel()
	in := widget.NewInput(80)
	in.Set("a" + strings.Repeat("e\u0301\u0302\u0303\u0304\u0305\u0306", 3) + "z")
	for range 25 {
		for _, focused := range []bool{true, false} {
			var all string
			for _, s := range in.Line(40, focused, widget.Glyphs{}) {
				all += string(s.Text)
			}
			if clean := string(term.Clean(all)); clean != all {
				t.Fatalf("%q is not clean", all)
			}
		}
		in.Press(tea.KeyPressMsg{Code: tea.KeyLeft})
	}
}
