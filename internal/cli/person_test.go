package cli

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/lab/leakyrepo"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// world is a lab with a leaky repository in front of it, and this program's state.
type world struct {
	t      *testing.T
	lab    *lab.Lab
	estate lab.Estate
	leaks  leakyrepo.Leaks
	repo   string
	home   string
	err    *bytes.Buffer
	typed  []string // secrets that a person hands in
}

func newWorld(t *testing.T) *world {
	t.Helper()
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	estate, err := lab.DemoEstate(l)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, lab: l, estate: estate, repo: filepath.Join(t.TempDir(), "shop"), home: filepath.Join(t.TempDir(), "state"), err: &bytes.Buffer{}}
	w.leaks.History = leakyrepo.Pair{ID: estate.LeakedID, Secret: estate.LeakedSecret}
	for name, into := range map[string]*leakyrepo.Pair{"ci-bot": &w.leaks.Deleted, "report-bot": &w.leaks.Branch} {
		l.AWS.CreateUser(name)
		into.ID, into.Secret = l.AWS.CreateKey(name)
	}
	w.leaks.Extra = []string{"STRIPE_SECRET_KEY=" + lab.MadeUp("sk_live_", 99)}
	if err := leakyrepo.Make(w.repo, w.leaks); err != nil {
		t.Fatal(err)
	}
	return w
}

// app is one invocation of the program in this world.
func (w *world) app() *app {
	env := w.lab.Env()
	env["SECRETGUARD_HOME"] = w.home
	env["EDITOR"] = "vi"
	return &app{
		Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: w.err, Env: func(n string) string { return env[n] }, Now: time.Now, Facts: term.Facts{InTTY: true, OutTTY: true}},
		inLab:   true, abort: make(chan struct{}),
	}
}

// engine opens the journal and makes an engine with a short proof of death.
func (w *world) engine(a *app) *engine {
	w.t.Helper()
	ws, err := a.open(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = ws.close() })
	p := rotate.LabPolicy()
	p.ProofRefusals, p.ProofWindow, p.ProofEvery = 3, 100*time.Millisecond, 20*time.Millisecond
	p.HealthNeeded, p.ReadyNeeded = 2, 2
	ws.policy = &p
	return newEngine(a, ws, newScanRequest("git", w.repo))
}

// secrets are the values that no screen and no file may hold.
func (w *world) secrets() []string {
	return append([]string{w.leaks.History.Secret, w.leaks.Deleted.Secret, w.leaks.Branch.Secret, w.leaks.History.ID, strings.TrimPrefix(w.leaks.Extra[0], "STRIPE_SECRET_KEY=")}, w.typed...)
}

// rotated checks at the services that the old key is gone and the new one is used.
func (w *world) rotated() {
	w.t.Helper()
	keys := w.lab.AWS.Keys(w.estate.User)
	if len(keys) != 1 || keys[0].ID == w.estate.LeakedID || !keys[0].Active {
		w.t.Fatalf("keys at the issuer: %+v, want one new one", keys)
	}
	for name, id := range w.lab.LiveKeys() {
		if id != keys[0].ID {
			w.t.Errorf("%s runs with %s, want %s", name, id, keys[0].ID)
		}
	}
	if n := w.estate.Failures(); n > 0 {
		w.t.Errorf("production failed %d times on the way", n)
	}
}

// person sits at an emulated terminal. Text is waited for before the next key.
type person struct {
	t      *testing.T
	world  *world
	screen *vt.Emulator
	mu     sync.Mutex
	ended  chan error
	cancel context.CancelFunc
}

// sit starts the responder on an engine.
func (w *world) sit(e *engine, width, height int, facts screen.Facts) *person {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	p := &person{t: w.t, world: w, screen: vt.NewEmulator(width, height), ended: make(chan error, 1), cancel: cancel}
	w.t.Cleanup(func() {
		cancel()
		// The emulator's own Close is not safe while somebody reads; the end of its
		// input is.
		if c, ok := p.screen.InputPipe().(io.Closer); ok {
			_ = c.Close()
		}
	})
	config := tui.Config{Facts: facts, NoColor: true}
	terminal := tui.Terminal{In: readerOnly{p.screen}, Out: p, Env: []string{"TERM=xterm-256color"}, Width: width, Height: height}
	go func() { p.ended <- tui.Run(ctx, e, config, terminal) }()
	return p
}

// readerOnly hides that the emulator is more than a stream.
type readerOnly struct{ io.Reader }

// Write is the program's output. Since the input is no terminal, the library
// leaves it to the line discipline to turn a line feed into a new line.
func (p *person) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.screen.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (p *person) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.screen.String()
}

// patience is how long something may take on a busy machine.
const patience = 2 * time.Minute

// opens is sees for what opens by itself: keys that come too early are dropped
// there on purpose.
func (p *person) opens(text string) {
	p.t.Helper()
	p.sees(text)
	<-time.After(300 * time.Millisecond)
}

// sees waits until the screen shows a text, and then as long as a hand needs.
func (p *person) sees(text string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(p.text(), text) {
		if time.Now().After(deadline) {
			p.t.Fatalf("the screen does not show %q:\n%s", text, p.text())
		}
		<-time.After(10 * time.Millisecond)
	}
	<-time.After(60 * time.Millisecond)
	for _, s := range p.world.secrets() {
		if strings.Contains(p.text(), s) {
			p.t.Fatal("a secret is on the screen")
		}
	}
}

// types sends bytes as a keyboard does.
func (p *person) types(text string) { p.screen.SendText(text) }

// pastes sends text as a terminal with bracketed paste does.
func (p *person) pastes(text string) { p.screen.SendText("\x1b[200~" + text + "\x1b[201~") }

// What keys send.
const (
	enter  = "\r"
	tab    = "\t"
	escape = "\x1b"
	down   = "\x1b[B"
	ctrlC  = "\x03"
)

// confirms types a phrase and presses enter when the screen shows it.
func (p *person) confirms(phrase string) {
	p.t.Helper()
	p.sees("To continue, type:  " + phrase)
	p.types(phrase)
	p.sees("> " + phrase)
	p.types(enter)
}

// left waits for the end of the program.
func (p *person) left() {
	p.t.Helper()
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Fatalf("the responder ended with: %v", err)
		}
	case <-time.After(patience):
		p.t.Fatalf("the responder does not end:\n%s", p.text())
	}
}

// files are the contents of what was written into a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if b, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
			out[e.Name()] = string(b)
		}
	}
	return out
}
