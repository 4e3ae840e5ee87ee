package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"github.com/secretguard/secretguard/internal/term"
)

// Terminal is where the program draws and reads. In and Out are the process's
// own files; tests hand in something else together with a size and an
// environment.
type Terminal struct {
	In      io.Reader
	Out     io.Writer
	Env     []string // nil: the process's own
	Width   int      // 0: ask the terminal
	Height  int
	Profile *colorprofile.Profile // nil: detect
}

// Crash is an internal error of the screen. It holds the name of a function and
// nothing of the data.
type Crash struct{ Where term.Safe }

// Error gives one line.
func (c Crash) Error() string {
	return fmt.Sprintf("the screen ended with an internal error in %s", c.Where)
}

// Run shows the responder until the person leaves or ctx ends. What runs then
// goes on: the caller pauses it. A terminal that goes away is no error, so that
// the caller can bring the run to a safe point.
func Run(ctx context.Context, engine Engine, config Config, t Terminal) error {
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	m := NewRoot(inner, engine, config)
	opts := []tea.ProgramOption{
		tea.WithInput(t.In), tea.WithOutput(t.Out), tea.WithoutSignalHandler(), tea.WithFilter(calm(config.Now)),
	}
	if t.Env != nil {
		opts = append(opts, tea.WithEnvironment(t.Env))
	}
	if t.Width > 0 {
		opts = append(opts, tea.WithWindowSize(t.Width, t.Height))
	}
	switch {
	case config.NoColor:
		// The framework reads NO_COLOR as a boolean and would miss "yes".
		opts = append(opts, tea.WithColorProfile(colorprofile.Ascii))
	case t.Profile != nil:
		opts = append(opts, tea.WithColorProfile(*t.Profile))
	}
	p := tea.NewProgram(m, opts...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-ctx.Done():
			p.Send(shutdown{})
		case <-inner.Done():
		}
	}()
	_, err := p.Run()
	cancel()
	<-done
	switch {
	case m.crashed != "":
		return Crash{Where: m.crashed}
	case err == nil, m.quit, ctx.Err() != nil:
		return nil
	case errors.Is(err, tea.ErrProgramPanic):
		return Crash{Where: "the screen library"}
	}
	return fmt.Errorf("the terminal went away: %w", err)
}

// wheelEvery is the shortest time between two turns of the wheel that count.
const wheelEvery = 15 * time.Millisecond

// calm drops what a mouse sends too much of.
func calm(now func() time.Time) func(tea.Model, tea.Msg) tea.Msg {
	if now == nil {
		now = time.Now
	}
	var last time.Time
	return func(_ tea.Model, msg tea.Msg) tea.Msg {
		switch msg.(type) {
		case tea.MouseMotionMsg, tea.MouseReleaseMsg:
			return nil
		case tea.MouseWheelMsg:
			if t := now(); t.Sub(last) >= wheelEvery {
				last = t
				return msg
			}
			return nil
		}
		return msg
	}
}
