package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/tui/plain"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// reader hears the lines of the responder without a screen.
type reader struct {
	t     *testing.T
	world *world
	keys  *io.PipeWriter
	mu    sync.Mutex
	text  bytes.Buffer
	seen  int
	ended chan error
}

func (r *reader) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (w *world) listen(e *engine, facts screen.Facts) *reader {
	w.t.Helper()
	return w.listenWith(e, facts, nil)
}

// listenWith is listen with a terminal whose echo can be told.
func (w *world) listenWith(e *engine, facts screen.Facts, echo func(bool) error) *reader {
	w.t.Helper()
	in, keys := io.Pipe()
	r := &reader{t: w.t, world: w, keys: keys, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(w.t.Context())
	w.t.Cleanup(func() { cancel(); _ = keys.Close() })
	go func() { r.ended <- plain.Run(ctx, e, facts, plain.Streams{In: in, Out: r, Now: time.Now, Echo: echo}) }()
	return r
}

// hears waits for a text that was not heard before, and returns all since then.
func (r *reader) hears(text string) string {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		r.mu.Lock()
		fresh := r.text.String()[r.seen:]
		if i := strings.Index(fresh, text); i >= 0 {
			r.seen += i + len(text)
			r.mu.Unlock()
			return fresh[:i]
		}
		r.mu.Unlock()
		if time.Now().After(deadline) {
			r.t.Fatalf("%q was not said:\n%s", text, fresh)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func (r *reader) says(line string) {
	r.t.Helper()
	if _, err := io.WriteString(r.keys, line+"\n"); err != nil {
		r.t.Fatal(err)
	}
}

// chooses finds a choice by its words and says its number.
func (r *reader) chooses(words string) {
	r.t.Helper()
	menu := r.hears("number > ")
	for l := range strings.SplitSeq(menu, "\n") {
		number, text, _ := strings.Cut(strings.TrimSpace(l), "  ")
		if _, err := strconv.Atoi(number); err == nil && strings.Contains(text, words) {
			r.says(number)
			return
		}
	}
	r.t.Fatalf("no choice says %q:\n%s", words, menu)
}

func (r *reader) clean() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.world.secrets() {
		if strings.Contains(r.text.String(), s) {
			r.t.Error("a secret was said")
		}
	}
	if i := strings.IndexFunc(r.text.String(), func(c rune) bool { return c < ' ' && c != '\n' }); i >= 0 {
		r.t.Errorf("a control character was said: %q", r.text.String()[i:min(i+20, r.text.Len())])
	}
}

// The whole story in plain lines, by choices and a typed phrase.
func TestPlainFromListToProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.engine(w.app())
	r := w.listen(e, screen.Facts{Actor: "jo"})
	r.chooses("verify all")
	r.hears("ask Stripe secret and restricted keys, by hand (yes or no)")
	r.says("yes")
	r.hears("ask AWS IAM access keys (yes or no)")
	r.says("yes")
	r.chooses("of deploy-bot")
	r.chooses("search: where is it deployed")
	r.hears("deployed in netlify shop-frontend: AWS_ACCESS_KEY_ID")
	r.chooses("show the lines")
	r.hears("AWS_ACCESS_KEY_ID=AKIA****")
	r.chooses("plan a rotation")
	r.hears("to approve, type: rotate deploy-bot")
	r.says("rotate deploy-bo")
	r.hears("not approved; nothing was changed")
	r.chooses("plan a rotation")
	r.hears("to approve, type: rotate deploy-bot")
	r.says("rotate deploy-bot")
	r.hears("running; type p")
	r.hears("DONE:")
	w.rotated()
	r.hears("write the incident report")
	r.says("no")
	r.chooses("back to the list")
	r.chooses("quit")
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	r.clean()
	e.stop(t.Context())
}

// A held run asks; roll back is typed; p pauses; the end of the input leaves.
func TestPlainHeldPausedRolledBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.lab.Render.Fail(w.estate.Web, true)
	e := w.engine(w.app())
	r := w.listen(e, screen.Facts{})
	r.chooses(fmt.Sprintf("AKIA************%s", w.estate.LeakedID[16:]))
	r.chooses("plan a rotation")
	r.says("rotate deploy-bot")
	r.hears("HELD")
	r.chooses("roll back: the leaked key")
	r.says("no")
	r.hears("not rolled back")
	r.chooses("open run")
	r.hears("stands still: held")
	w.lab.Render.Fail(w.estate.Web, false)
	r.chooses("roll back: the leaked key")
	r.hears("IS PUT BACK TO USE")
	r.says("roll back deploy-bot")
	r.hears("ROLLED BACK")
	if keys := w.lab.AWS.Keys(w.estate.User); len(keys) != 1 || keys[0].ID != w.estate.LeakedID {
		t.Errorf("keys: %+v", keys)
	}
	e.w.policy.HealthNeeded = 60
	r.chooses("plan a rotation")
	r.says("rotate deploy-bot")
	r.hears("attest that netlify")
	r.says("p")
	r.hears("stands still: paused")
	_ = r.keys.Close()
	if err := <-r.ended; err != nil {
		t.Error(err)
	}
	r.clean()
	open, _ := e.stop(t.Context())
	if len(open) != 1 || open[0].Status != rotate.RunPaused {
		t.Fatalf("open: %+v", open)
	}
	// A later session that only looks says all the same how to go on.
	a := w.app()
	a.accessible = true
	if err := a.openResponder(t.Context(), respondOptions{}, newScanRequest("git", w.repo), nil); err != nil {
		t.Error(err)
	}
	if want := "is paused at a safe point; go on with: secretguard rotate resume " + open[0].Plan.ID; !strings.Contains(w.err.String(), want) {
		t.Errorf("no %q in %q", want, w.err)
	}
}

func TestPlainReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.app()
	a.readOnly = true
	e := w.engine(a)
	from := len(w.lab.Requests())
	r := w.listen(e, screen.Facts{ReadOnly: true})
	r.chooses(w.estate.LeakedID[16:])
	r.chooses("plan a rotation")
	r.hears("read-only mode approves nothing")
	r.chooses("plan containment")
	r.hears("read-only mode approves nothing")
	_ = r.keys.Close()
	<-r.ended
	for _, q := range w.lab.Requests()[from:] {
		if q.Mutates {
			t.Errorf("a request that changes: %s", q.Op)
		}
	}
}
