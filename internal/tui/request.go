package tui

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// pending is a request that waits for its answer.
type pending struct {
	id     uint64
	cancel context.CancelFunc
}

// answer is what comes back. done runs in Update, never in the command.
type answer struct {
	key  string
	id   uint64
	done func() tea.Cmd
}

// ask calls the engine in a command. key names the subject: a second request
// with the same key makes the answer of the first one stale, and a stale answer
// is dropped. done runs later, in Update.
func ask[T any](m *Root, key string, limit time.Duration, call func(context.Context) (T, error), done func(T, error) tea.Cmd) tea.Cmd {
	m.drop(key)
	m.requests++
	id := m.requests
	ctx, cancel := context.WithTimeout(m.ctx, limit)
	m.pending[key] = pending{id, cancel}
	return func() tea.Msg {
		defer cancel()
		value, err := guarded(func() (T, error) { return call(ctx) })
		return answer{key, id, func() tea.Cmd { return done(value, err) }}
	}
}

// guarded turns a panic into an error without its value, which may hold data:
// the framework would print it.
func guarded[T any](call func() (T, error)) (value T, err error) {
	defer func() {
		if recover() != nil {
			err = screen.Problem{Text: "an internal error in " + caller(), Try: "leave with q and report this; the journal is whole"}
		}
	}()
	return call()
}

// caller names the function that panicked; a name is no data.
func caller() term.Safe {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	panicked := false
	for {
		f, more := frames.Next()
		if panicked && !strings.HasPrefix(f.Function, "runtime.") {
			name := f.Function[strings.LastIndex(f.Function, "/")+1:]
			return term.Clean(fmt.Sprintf("%s (line %d)", name, f.Line))
		}
		panicked = panicked || f.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}

// drop forgets a request: its context ends and its answer is not wanted.
func (m *Root) drop(key string) {
	if p, ok := m.pending[key]; ok {
		p.cancel()
		delete(m.pending, key)
	}
}

// interrupt ends a request's context; its answer is still wanted.
func (m *Root) interrupt(key string) {
	if p, ok := m.pending[key]; ok {
		p.cancel()
	}
}

// answered applies an answer unless it is stale.
func (m *Root) answered(a answer) tea.Cmd {
	if p, ok := m.pending[a.key]; !ok || p.id != a.id {
		return nil
	}
	delete(m.pending, a.key)
	return a.done()
}

// after sends a message later; it ends early with the program.
func (m *Root) after(d time.Duration, msg tea.Msg) tea.Cmd {
	ctx := m.ctx
	return func() tea.Msg {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			return msg
		case <-ctx.Done():
			return nil
		}
	}
}

// problem makes any error fit for the screen.
func problem(err error) *screen.Problem {
	if err == nil {
		return nil
	}
	var p screen.Problem
	if errors.As(err, &p) {
		return &p
	}
	return &screen.Problem{Text: term.Clean(strings.ReplaceAll(err.Error(), "\n", "; "))}
}
