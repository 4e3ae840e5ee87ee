package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signals returns a context that the first Ctrl-C, SIGTERM or closed terminal
// cancels: work stops at the next safe point. The second one closes a.abort,
// which cancels the request in flight; the third ends the process at once.
func (a *app) signals(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	a.abort = make(chan struct{})
	ch := make(chan os.Signal, 3)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		for n := 1; ; n++ {
			select {
			case <-done:
				return
			case <-ch:
			}
			switch n {
			case 1:
				cancel()
				if a.onScreen.Load() {
					continue // the screen ends by itself, and then says so
				}
				a.talk("stopping at the next safe point; once more cancels the request in flight")
			case 2:
				close(a.abort)
			default:
				os.Exit(ExitInterrupted) //nolint:forbidigo // the third Ctrl-C means now; the journal holds every intent
			}
		}
	}()
	return ctx, func() {
		signal.Stop(ch)
		close(done)
		cancel()
	}
}
