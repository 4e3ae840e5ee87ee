package tui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/tui/screen"
)

func TestStaleAnswersAreDropped(t *testing.T) {
	t.Parallel()
	m := NewRoot(t.Context(), nil, Config{})
	got := 0
	put := func(n int) tea.Cmd {
		return ask(m, "subject", time.Minute, func(context.Context) (int, error) { return n, nil }, func(n int, _ error) tea.Cmd {
			got = n
			return nil
		})
	}
	first, second := put(1), put(2)
	newer, older := second(), first() // the answers come in the wrong order
	m.Update(older)
	if got != 0 {
		t.Errorf("a stale answer was applied: %d", got)
	}
	m.Update(newer)
	if got != 2 {
		t.Errorf("the newest answer was not applied: %d", got)
	}
	m.Update(newer)
	third := put(3)
	m.drop("subject")
	m.Update(third())
	if got != 2 {
		t.Errorf("the answer of a dropped request was applied: %d", got)
	}
}

// A second request on a subject ends the first one's context.
func TestANewRequestCancelsTheOldOne(t *testing.T) {
	t.Parallel()
	m := NewRoot(t.Context(), nil, Config{})
	wait := func(ctx context.Context) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	done := func(int, error) tea.Cmd { return nil }
	first := ask(m, "subject", time.Minute, wait, done)
	ended := make(chan tea.Msg)
	go func() { ended <- first() }()
	ask(m, "subject", time.Minute, wait, done)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the first request is still waiting")
	}
	m.drop("subject")
}

func TestARequestHasATimeLimit(t *testing.T) {
	t.Parallel()
	m := NewRoot(t.Context(), nil, Config{})
	var err error
	cmd := ask(m, "slow", time.Millisecond, func(ctx context.Context) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}, func(_ int, e error) tea.Cmd {
		err = e
		return nil
	})
	m.Update(cmd())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// A panic in a request is an error that names the place and not the value; one in
// Update ends the program the same way.
func TestPanicsShowNoData(t *testing.T) {
	t.Parallel()
	m := NewRoot(t.Context(), nil, Config{})
	const data = "a value that must not be seen"
	var err error
	cmd := ask(m, "bad", time.Minute, func(context.Context) (int, error) { panic(data) }, func(_ int, e error) tea.Cmd {
		err = e
		return nil
	})
	m.Update(cmd())
	if err == nil || strings.Contains(err.Error(), data) || !strings.Contains(err.Error(), "TestPanicsShowNoData") {
		t.Errorf("got %v", err)
	}
	cmd = ask(m, "bad", time.Minute, func(context.Context) (int, error) { return 0, nil }, func(int, error) tea.Cmd { panic(data) })
	_, after := m.Update(cmd())
	if after == nil || m.crashed == "" || strings.Contains(string(m.crashed), data) {
		t.Errorf("crashed: %q, command: %v", m.crashed, after != nil)
	}
}

// In read-only mode there is no approval, whoever asks for it, and no request that
// changes anything reaches the engine: there is none here.
func TestReadOnlyHasNoApproval(t *testing.T) {
	t.Parallel()
	m := NewRoot(t.Context(), nil, Config{Facts: screen.Facts{ReadOnly: true}})
	m.store.Runs["r-1"] = &screen.Run{}
	for _, a := range []screen.Action{
		screen.AskApproval{}, screen.AskRollBack{Run: "r-1"}, screen.Start{}, screen.Resume{Run: "r-1"}, screen.UndoRun{Run: "r-1"}, screen.AcceptLess{Run: "r-1"},
	} {
		if cmd := m.perform(a); cmd != nil || len(m.dialogs) > 0 {
			t.Errorf("%T does something in read-only mode", a)
		}
	}
}
