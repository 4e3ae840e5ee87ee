package tui_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui"
	"github.com/secretguard/secretguard/internal/tui/fixture"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// hostile are texts that steer a terminal, hide what is there, or break a layout.
var hostile = []string{
	"\x1b[2J\x1b[H\x1b[31mred", "\x1b]0;title\x07", "\x1b]8;;https://evil.invalid\x07link\x1b]8;;\x07", "\x1b]52;c;ZXZpbA==\x07", "\x1bP+q\x1b\\",
	"a\r\nb\rc", "tab\tbell\adel\x7f", "\u009b31m\u009d0;x\u009c", "\u202egnp.exe\u2066x\u2069", "zero\u200bwidth\ufeff\u2060", "line\u2028sep\u2029",
	"\xff\xfe\xc0\x80", "\U000e0041\U000e0042", strings.Repeat("e\u0301\u0302\u0303\u0304\u0305\u0306", 20), "日本語テキスト한국어🙂👨‍👩‍👧", strings.Repeat("long", 200), "\x00\x01\x02",
	"::error::x", "[31m not an escape", "%s%d%n",
}

// ours is what the styles may write.
var ours = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// checkClean fails when a picture holds a byte that steers the terminal and that
// we did not write, or a character that hides others.
func checkClean(t *testing.T, picture string) {
	t.Helper()
	bare := ours.ReplaceAllString(picture, "")
	for l := range strings.SplitSeq(bare, "\n") {
		if string(term.Clean(l)) != l {
			t.Fatalf("a line is not clean: %q", l)
		}
		for _, r := range l {
			if unicode.IsControl(r) {
				t.Fatalf("a control character %U in %q", r, l)
			}
		}
	}
	for _, s := range fixture.Secrets() {
		if strings.Contains(bare, s) {
			t.Fatal("a secret is in the picture")
		}
	}
}

// Every foreign text of the incident is hostile, on every screen in every state:
// the picture has its size and holds nothing that steers the terminal.
func TestHostileText(t *testing.T) {
	t.Parallel()
	for i, evil := range hostile {
		for name, s := range scenes {
			if testing.Short() && i > 3 {
				return
			}
			setup := s.setup
			play(t, func(e *fixture.Engine, c *tui.Config) {
				// The owner's name stays typable, so that the screens behind an
				// approval are reached; the test below has it hostile.
				e.World.Taint = func(s string) string {
					if s == "deploy-bot" {
						return s
					}
					return evil + s + evil
				}
				c.NoColor = false
				if setup != nil {
					setup(e, c)
				}
			}, func(d *driver) {
				if s.play != nil {
					s.play(d)
				}
				for _, size := range [][2]int{{60, 15}, {80, 24}, {120, 30}} {
					d.root.Size(size[0], size[1])
					checkClean(t, d.root.Screen())
					checkShape(t, d.root.Plain(), size[0], size[1])
				}
			})
			if t.Failed() {
				t.Fatalf("with %q in %s", evil, name)
			}
		}
	}
}

// A name that cannot be typed cannot be approved here: that is the safe side.
func TestAHostileOwnerCannotBeApproved(t *testing.T) {
	t.Parallel()
	for _, evil := range hostile {
		play(t, func(e *fixture.Engine, _ *tui.Config) {
			e.World.Taint = func(s string) string { return s + evil }
		}, func(d *driver) {
			d.openPlan()
			d.press("A")
			checkClean(t, d.root.Screen())
			d.typeText(string(term.Clean("rotate deploy-bot" + evil)))
			d.press("enter")
			for _, c := range d.engine.Calls() {
				typed, started := strings.CutPrefix(c, "start "+fixture.RunID+" typed ")
				if started && typed != "rotate deploy-bot"+evil {
					t.Fatalf("approved with %q", typed)
				}
			}
		})
	}
}

// FuzzResponder plays random keys, pastes, clicks, sizes and events: no panic, a
// picture of the right size without a foreign control byte or a secret, and no
// start without the phrase having been typed.
func FuzzResponder(f *testing.F) {
	for _, opening := range openings {
		f.Add(opening)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) <= 300 {
			playScript(t, script)
		}
	})
}

// The same with random scripts that begin deep in the program: what a fuzzer
// needs long to find.
func TestRandomHands(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, uint64(time.Now().UnixNano())))
	for range 60 {
		script := append([]byte(nil), openings[random.IntN(len(openings))]...)
		for range 60 {
			script = append(script, byte(random.IntN(256)))
		}
		playScript(t, script)
		if t.Failed() {
			t.Fatalf("script: %v", script)
		}
	}
}

// fuzzKeys are the keys that a script presses by their index.
var fuzzKeys = []string{
	"up", "down", "enter", "esc", "tab", "shift+tab", "pgdown", "pgup", "home", "end", "space", "left", "right", "backspace", "ctrl+u", "ctrl+d", "ctrl+p",
	"R", "X", "A", "B", "K", "V", "r", "i", "o", "y", "e", "L", "z", "Z", "s", "S", "f", "n", "N", "/", ":", "?", "t", "p", "w", "h", "x", "g", "G",
}

// fuzzPhrase is typed by the bytes from 100 on.
const fuzzPhrase = "rotate deploy-bot"

// openings lead to the list, the detail, the plan, the approval and the run.
var openings = func() [][]byte {
	key := func(name string) byte { return byte(slices.Index(fuzzKeys, name)) }
	phrase := make([]byte, len(fuzzPhrase))
	for i := range phrase {
		phrase[i] = byte(100 + i)
	}
	plan := []byte{key("R")}
	approval := []byte{key("R"), key("A")}
	run := slices.Concat(approval, phrase, []byte{key("enter")})
	return [][]byte{
		{}, {key("r"), key("tab"), key("enter")}, {key("enter")}, plan, approval, slices.Concat(approval, phrase[:9]), run, slices.Concat(run, []byte{key("B")}),
	}
}()

func playScript(t *testing.T, script []byte) {
	t.Helper()
	play(t, func(e *fixture.Engine, c *tui.Config) {
		c.Facts.NoReveal = "a revealed secret is meant to be seen"
		e.SetRun(e.World.Run(4, rotate.StepRunning, "x"))
	}, func(d *driver) {
		h := &scriptHand{driver: d, width: 80, height: 24}
		for i, b := range script {
			d.pause(time.Duration(b%4) * 150 * time.Millisecond)
			h.event(int(b))
			if d.root.Crashed() != "" {
				t.Fatalf("a panic in %s", d.root.Crashed())
			}
			if i%3 == 0 || i == len(script)-1 {
				checkClean(t, d.root.Screen())
				checkShape(t, d.root.Plain(), h.width, h.height)
			}
		}
		for _, c := range d.engine.Calls() {
			if strings.HasPrefix(c, "start ") && (!strings.HasSuffix(c, " typed "+fuzzPhrase) || !inOrder(h.typed, fuzzPhrase)) {
				t.Fatalf("%s, but the keys were %q", c, h.typed)
			}
		}
	})
}

// scriptHand does what a byte stands for.
type scriptHand struct {
	*driver

	typed         string
	width, height int
}

func (h *scriptHand) event(n int) {
	switch {
	case n < len(fuzzKeys):
		h.typed += keyOf(fuzzKeys[n]).Text
		h.send(keyOf(fuzzKeys[n]))
	case n >= 100 && n < 100+len(fuzzPhrase):
		h.typed += fuzzPhrase[n-100 : n-99]
		h.send(tea.KeyPressMsg{Code: rune(fuzzPhrase[n-100]), Text: fuzzPhrase[n-100 : n-99]})
	case n < 200:
		h.send(tea.PasteMsg{Content: fuzzPhrase + hostile[n%len(hostile)]})
	case n < 215:
		h.width, h.height = 40+n%90, 8+n%30
		h.size(h.width, h.height)
	case n < 225:
		h.send(tea.MouseClickMsg{X: n % 80, Y: n % 24, Button: tea.MouseLeft})
	case n < 230:
		h.send(tea.MouseWheelMsg{Button: tea.MouseWheelDown})
	case n < 235:
		h.send(tea.BlurMsg{})
	default:
		states := []screen.Run{h.w().Finished(), h.w().RolledBack(), h.w().Abandoned(), h.w().GoingBack(), h.w().Run(n%13, rotate.StepFailed, "y")}
		h.hear(states[n%len(states)])
	}
}

// inOrder reports whether text holds the letters of want in their order.
func inOrder(text, want string) bool {
	for _, r := range want {
		i := strings.IndexRune(text, r)
		if i < 0 {
			return false
		}
		text = text[i+1:]
	}
	return true
}
