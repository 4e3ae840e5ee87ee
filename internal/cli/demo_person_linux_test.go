package cli

import (
	"os/exec"
	"strings"
	"testing"
)

// The demo's script answers at a real terminal, once it is asked, and what a program
// shows of it is seen.
func TestTypesAtATerminal(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script, shows, hides string
		fails                bool
	}{
		"hidden":     {`test -t 0 && stty -echo && printf '%s' "` + keyPrompt + `"; read -r x; echo "got ${#x}"`, "got 9", "value-123", false},
		"shown":      {`printf '%s' "` + keyPrompt + `"; read -r x; echo "got ${#x}"`, "value-123", "\x00", false},
		"not asked":  {`echo no`, "no", "value-123", false},
		"it refuses": {`printf '%s' "` + keyPrompt + `"; read -r x; exit 3`, keyPrompt, "\x00", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			person, program, err := console()
			if err != nil {
				t.Skipf("SKIPPED: no terminal can be opened here: %v", err)
			}
			seen := &screenText{}
			err = atTerminal(exec.CommandContext(t.Context(), "sh", "-c", tc.script), person, program, seen, "value-123")
			if text := seen.String(); !strings.Contains(text, tc.shows) || strings.Contains(text, tc.hides) || (err != nil) != tc.fails {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}
