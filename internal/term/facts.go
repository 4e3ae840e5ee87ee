package term

import (
	"os"
	"strings"

	"golang.org/x/term"
)

// Facts are what is known about the terminal at start-up.
type Facts struct {
	InTTY, OutTTY, ErrTTY bool
	// NoColor is asked for by NO_COLOR (any non-empty value), CLICOLOR=0 or a
	// terminal that has none.
	NoColor bool
	// Accessible asks for plain lines: TERM=dumb or SECRETGUARD_ACCESSIBLE=1.
	Accessible bool
	UTF8       bool
	Width      int // cells; 80 when unknown
	Height     int // lines; 24 when unknown
}

// Interactive reports whether a full-screen program makes sense.
func (f Facts) Interactive() bool { return f.InTTY && f.OutTTY }

// Detect looks at the three files and the environment. It changes nothing.
func Detect(in, out, errs *os.File, env func(string) string) Facts {
	f := Facts{
		InTTY: term.IsTerminal(int(in.Fd())), OutTTY: term.IsTerminal(int(out.Fd())), ErrTTY: term.IsTerminal(int(errs.Fd())),
		NoColor:    env("NO_COLOR") != "" || env("CLICOLOR") == "0" || env("TERM") == "dumb",
		Accessible: env("TERM") == "dumb" || env("SECRETGUARD_ACCESSIBLE") == "1",
		Width:      80, Height: 24,
	}
	locale := env("LC_ALL")
	if locale == "" {
		locale = env("LC_CTYPE")
	}
	if locale == "" {
		locale = env("LANG")
	}
	locale = strings.ToLower(locale)
	f.UTF8 = strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
	if w, h, err := term.GetSize(int(out.Fd())); err == nil && w > 0 {
		f.Width, f.Height = w, h
	}
	return f
}
