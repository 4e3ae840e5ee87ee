package tui_test

import (
	"context"
	"fmt"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/triage"
	"github.com/secretguard/secretguard/internal/tui"
	"github.com/secretguard/secretguard/internal/tui/fixture"
	"github.com/secretguard/secretguard/internal/tui/list"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// many is a store with ten thousand credentials.
func many() *screen.Store {
	b := fixture.World{}.Board()
	var cases []triage.Case
	for i := range 10_000 {
		c := b.Cases[i%len(b.Cases)]
		c.ID = fmt.Sprintf("c-%08d", i)
		cases = append(cases, c)
	}
	b.Cases = cases
	s := screen.NewStore(screen.Facts{}, fixture.Now)
	s.SetBoard(b)
	return s
}

// The aim is under 5 ms for a picture and for a key, with ten thousand rows.
func BenchmarkListView(b *testing.B) {
	s := many()
	l := list.New(s, widget.Unicode())
	for b.Loop() {
		l.View(screen.Rect{W: 160, H: 48})
	}
}

func BenchmarkListKey(b *testing.B) {
	l := list.New(many(), widget.Unicode())
	for b.Loop() {
		l.Update(screen.Press{ID: screen.Down})
		l.View(screen.Rect{W: 80, H: 22})
	}
}

func BenchmarkListFilter(b *testing.B) {
	l := list.New(many(), widget.Unicode())
	l.Update(screen.Press{ID: screen.Filter})
	for b.Loop() {
		l.Update(screen.Typed{Key: tea.KeyPressMsg{Code: 'e', Text: "e"}})
		l.Update(screen.Typed{Key: tea.KeyPressMsg{Code: tea.KeyBackspace}})
	}
}

// From a key to the whole styled picture, through the root.
func BenchmarkKeyToFrame(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	engine := &fixture.Engine{Scan: func(context.Context) (screen.Board, error) {
		return screen.Board{}, nil
	}}
	m := tui.NewRoot(ctx, engine, tui.Config{})
	m.SetStore(many())
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
	for b.Loop() {
		m.Update(tea.KeyPressMsg{Code: tea.KeyDown})
		_ = m.View()
	}
}
