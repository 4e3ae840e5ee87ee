package tui

import (
	"slices"

	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/dialog"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// askSkip says what waits when a step by hand is left for later, and how to come back.
func (m *Root) askSkip(id string) {
	r := m.store.Runs[id]
	if r == nil {
		return
	}
	turn, yours := r.Turn()
	if !yours {
		return
	}
	body := []term.Safe{term.Clean(turn.Step.Title), "This step is not done by skipping it. Nothing is changed, and the run waits:"}
	for _, line := range r.Stands {
		body = append(body, "- "+term.Clean(line))
	}
	body = append(body, "Come back with H in this run, or in another terminal:", comeBack(id, turn)) // a line of its own, to be copied whole
	m.show(dialog.NewConfirm("Skip your turn for now?", body, "Stay", "Skip for now", screen.SkipTurn{Run: id}, m.g), false)
}

// comeBack is the command that goes on with a step by hand.
func comeBack(id string, t screen.Turn) term.Safe {
	if t.Key {
		return "secretguard rotate supply " + term.Clean(id)
	}
	return "secretguard rotate resume " + term.Clean(id)
}

// skipTurn closes what asked for the step. Nothing of a key that was typed is kept.
func (m *Root) skipTurn(id string) {
	m.dialogs = slices.DeleteFunc(m.dialogs, func(d screen.Screen) bool { return asksFor(d, id) })
	text := "skipped for now: run " + term.Clean(id) + " waits for you"
	m.store.Note(false, text)
	m.say(text)
}
