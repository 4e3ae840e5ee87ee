package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// grace is how long a SIGTERM leaves the request in flight.
const grace = 10 * time.Second

// signals returns a context that the first Ctrl-C, SIGTERM or closed terminal
// cancels: work stops at the next safe point. The second one closes a.abort,
// which cancels the request in flight; the third ends the process at once. After a
// SIGTERM nobody may come back to send a second signal: it counts as two when the
// grace is over.
func (a *app) signals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	a.abort = make(chan struct{})
	ch := make(chan os.Signal, 3)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	go escalate(ch, done, []func(){
		func() {
			cancel()
			if !a.onScreen.Load() { // the screen ends by itself, and then says so
				a.talk("stopping at the next safe point; once more cancels the request in flight")
			}
		},
		func() { close(a.abort) },
		func() { os.Exit(ExitInterrupted) }, //nolint:forbidigo // the third Ctrl-C means now; the journal holds every intent
	})
	return ctx, func() {
		signal.Stop(ch)
		close(done)
		cancel()
	}
}

// escalate does one thing more with each signal, until done.
func escalate(ch <-chan os.Signal, done <-chan struct{}, steps []func()) {
	var over <-chan time.Time
	for n, step := range steps {
		select {
		case <-done:
			return
		case sig := <-ch:
			if n == 0 && sig == syscall.SIGTERM {
				over = time.After(grace)
			} else {
				over = nil // somebody is there
			}
		case <-over:
			over = nil
		}
		step()
	}
}
