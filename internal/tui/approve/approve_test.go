package approve

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

const phrase = "rotate deploy-bot"

// hand is a person with a clock.
type hand struct {
	dialog *Dialog
	now    time.Time
	typed  string // every single character that was pressed as a key
}

func newHand() *hand {
	h := &hand{now: time.Unix(1_800_000_000, 0)}
	h.dialog = New("Approve", nil, "Approve", phrase, func(typed string) screen.Action { return screen.Start{Typed: typed} },
		func() time.Time { return h.now }, widget.ASCII())
	return h
}

func (h *hand) press(k tea.KeyPressMsg, pause time.Duration) screen.Action {
	h.now = h.now.Add(pause)
	if len([]rune(k.Text)) == 1 && k.Mod == 0 {
		h.typed += k.Text
	}
	return h.dialog.Update(screen.Typed{Key: k})
}

func (h *hand) typeText(text string) {
	for _, r := range text {
		h.press(tea.KeyPressMsg{Code: r, Text: string(r)}, 100*time.Millisecond)
	}
}

func (h *hand) enter(pause time.Duration) screen.Action {
	return h.press(tea.KeyPressMsg{Code: tea.KeyEnter}, pause)
}

// started is the typed text of an approval, if the action is one.
func started(a screen.Action) (string, bool) {
	then, ok := a.(screen.Then)
	if !ok {
		return "", false
	}
	s, ok := then.Do.(screen.Start)
	return s.Typed, ok
}

func TestOnlyThePhraseApproves(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(*hand) screen.Action
		want bool
	}{
		"the phrase":               {func(h *hand) screen.Action { h.typeText(phrase); return h.enter(time.Second) }, true},
		"nothing":                  {func(h *hand) screen.Action { return h.enter(time.Second) }, false},
		"a part":                   {func(h *hand) screen.Action { h.typeText(phrase[:9]); return h.enter(time.Second) }, false},
		"more":                     {func(h *hand) screen.Action { h.typeText(phrase + "s"); return h.enter(time.Second) }, false},
		"another case":             {func(h *hand) screen.Action { h.typeText(strings.ToUpper(phrase)); return h.enter(time.Second) }, false},
		"a space before":           {func(h *hand) screen.Action { h.typeText(" " + phrase); return h.enter(time.Second) }, false},
		"a space behind":           {func(h *hand) screen.Action { h.typeText(phrase + " "); return h.enter(time.Second) }, false},
		"tab to cancel, then back": {func(h *hand) screen.Action { h.typeText(phrase); tab(h); tab(h); return h.enter(time.Second) }, true},
		"cancel chosen":            {func(h *hand) screen.Action { h.typeText(phrase); tab(h); return h.enter(time.Second) }, false},
		"mended": {func(h *hand) screen.Action {
			h.typeText("rotato")
			back(h)
			h.typeText(phrase[5:])
			return h.enter(time.Second)
		}, true},
		"pasted": {func(h *hand) screen.Action {
			h.dialog.Update(screen.Pasted{Text: phrase})
			return h.enter(time.Second)
		}, false},
		"pasted with a line feed": {func(h *hand) screen.Action { return h.dialog.Update(screen.Pasted{Text: phrase + "\n"}) }, false},
		"half typed, half pasted": {func(h *hand) screen.Action {
			h.typeText(phrase[:9])
			h.dialog.Update(screen.Pasted{Text: phrase[9:]})
			return h.enter(time.Second)
		}, false},
		"many characters in one key": {func(h *hand) screen.Action {
			h.press(tea.KeyPressMsg{Code: tea.KeyExtended, Text: phrase}, time.Second)
			return h.enter(time.Second)
		}, false},
		"a paste that looks like keys": {func(h *hand) screen.Action {
			for _, r := range phrase {
				h.press(tea.KeyPressMsg{Code: r, Text: string(r)}, 0)
			}
			return h.enter(0)
		}, false},
		"the paste key": {func(h *hand) screen.Action {
			h.press(tea.KeyPressMsg{Code: 'v', Mod: tea.ModCtrl}, time.Second)
			return h.enter(time.Second)
		}, false},
		"a click":   {func(h *hand) screen.Action { h.typeText(phrase); return h.dialog.Update(screen.Clicked{X: 20, Y: 5}) }, false},
		"the wheel": {func(h *hand) screen.Action { h.typeText(phrase); return h.dialog.Update(screen.Scrolled{By: 1}) }, false},
		"a press of open, as the palette sends it": {func(h *hand) screen.Action { h.typeText(phrase); return h.dialog.Update(screen.Press{ID: screen.Open}) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			typed, ok := started(c.do(newHand()))
			if ok != c.want {
				t.Fatalf("approved: %v, want %v", ok, c.want)
			}
			if ok && typed != phrase {
				t.Errorf("approved with %q", typed)
			}
		})
	}
}

func tab(h *hand) { h.press(tea.KeyPressMsg{Code: tea.KeyTab}, time.Second) }
func back(h *hand) {
	h.press(tea.KeyPressMsg{Code: tea.KeyBackspace}, time.Second)
}

func TestAnEmptyPhraseApprovesNothing(t *testing.T) {
	t.Parallel()
	h := newHand()
	h.dialog.phrase = ""
	if _, ok := started(h.enter(time.Second)); ok {
		t.Error("approved without a phrase")
	}
}

// After a burst, a calm second enter counts: nobody is locked out.
func TestEnterAgainAfterABurst(t *testing.T) {
	t.Parallel()
	h := newHand()
	for _, r := range phrase {
		h.press(tea.KeyPressMsg{Code: r, Text: string(r)}, 0)
	}
	h.enter(0)
	if _, ok := started(h.enter(time.Second)); !ok {
		t.Error("a calm enter does not approve")
	}
}

// follows reports whether text holds the letters of want in their order.
func follows(text, want string) bool {
	for _, r := range want {
		i := strings.IndexRune(text, r)
		if i < 0 {
			return false
		}
		text = text[i+len(string(r)):]
	}
	return true
}

// Whatever happens to the dialog, an approval carries exactly the phrase, and all
// of its letters were pressed as keys, in their order.
func FuzzApproval(f *testing.F) {
	f.Add([]byte("k" + strings.Join(strings.Split(phrase, ""), "k") + "E"))
	f.Add([]byte("p0E"))
	f.Add([]byte("kr" + "p1" + "E"))
	f.Add([]byte("TkrTBkoE\x00E"))
	pastes := []string{phrase, phrase[1:], phrase + "\n", "\n", "rotate", " deploy-bot"}
	f.Fuzz(func(t *testing.T, script []byte) {
		h := newHand()
		for i := 0; i < len(script); i++ {
			var a screen.Action
			next := byte(0)
			if i+1 < len(script) {
				next = script[i+1]
			}
			switch script[i] {
			case 'k':
				i++
				a = h.press(tea.KeyPressMsg{Code: rune(next), Text: string(rune(next))}, 80*time.Millisecond)
			case 'x':
				i++
				text := pastes[int(next)%len(pastes)]
				a = h.dialog.Update(screen.Typed{Key: tea.KeyPressMsg{Code: tea.KeyExtended, Text: text}})
			case 'p':
				i++
				a = h.dialog.Update(screen.Pasted{Text: pastes[int(next)%len(pastes)]})
			case 'E':
				a = h.enter(time.Second)
			case 'e':
				a = h.enter(0)
			case 'T':
				a = h.press(tea.KeyPressMsg{Code: tea.KeyTab}, time.Second)
			case 'B':
				a = h.press(tea.KeyPressMsg{Code: tea.KeyBackspace}, time.Second)
			case 'L':
				a = h.press(tea.KeyPressMsg{Code: tea.KeyLeft}, time.Second)
			case 'C':
				i++
				a = h.press(tea.KeyPressMsg{Code: rune(next), Mod: tea.ModCtrl}, time.Second)
			case 'M':
				a = h.dialog.Update(screen.Clicked{X: int(next), Y: int(next)})
			case 'D':
				a = h.dialog.Update(screen.Disturbed{})
			default:
				h.dialog.View(screen.Rect{W: int(script[i]), H: int(next)})
			}
			if typed, ok := started(a); ok && (typed != phrase || !follows(h.typed, phrase)) {
				t.Fatalf("approved with %q; the keys were %q", typed, h.typed)
			}
		}
	})
}
