package cli

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/charmbracelet/x/termios"
	"golang.org/x/sys/unix"

	"github.com/secretguard/secretguard/internal/term"
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

// asked is told the prompt, looks whether the terminal shows what is typed, and types.
type asked struct {
	t               *testing.T
	person, program *os.File
	echoes          bool
}

// Write implements io.Writer.
func (a *asked) Write(b []byte) (int, error) {
	if strings.HasPrefix(string(b), keyPrompt) {
		now, err := termios.GetTermios(int(a.program.Fd()))
		a.echoes = err != nil || now.Lflag&unix.ECHO != 0
		if _, err := a.person.WriteString("value-123\n"); err != nil {
			a.t.Error(err)
		}
	}
	return len(b), nil
}

// Before a key is asked for, the terminal shows nothing any more: who pastes at once is
// not seen. Afterwards it shows again what is typed.
func TestAKeyIsAskedForInTheDark(t *testing.T) {
	t.Parallel()
	person, program, err := console()
	if err != nil {
		t.Skipf("SKIPPED: no terminal can be opened here: %v", err)
	}
	defer person.Close()
	defer program.Close()
	screen := &asked{t: t, person: person, program: program, echoes: true}
	a := &app{Streams: Streams{In: program, Err: screen, Facts: term.Facts{InTTY: true}}}
	value, err := a.hidden(keyPrompt)
	if err != nil || value.Reveal() != "value-123" || screen.echoes {
		t.Errorf("%d characters, %v; the terminal shows them: %v", len(value.Reveal()), err, screen.echoes)
	}
	if now, err := termios.GetTermios(int(program.Fd())); err != nil || now.Lflag&unix.ECHO == 0 {
		t.Errorf("afterwards it shows nothing (%v)", err)
	}
}
