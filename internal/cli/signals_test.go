package cli

import (
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// Each signal goes one step further; a SIGTERM that nothing follows goes one more
// when the grace is over, and never the last one.
func TestSignalsEscalate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		signals []os.Signal
		later   time.Duration
		want    int
	}{
		"nothing":                  {nil, time.Hour, 0},
		"once":                     {[]os.Signal{os.Interrupt}, time.Hour, 1},
		"twice":                    {[]os.Signal{os.Interrupt, os.Interrupt}, time.Hour, 2},
		"three times":              {[]os.Signal{os.Interrupt, os.Interrupt, os.Interrupt}, 0, 3},
		"the terminal closes":      {[]os.Signal{syscall.SIGHUP}, time.Hour, 1},
		"a term":                   {[]os.Signal{syscall.SIGTERM}, grace - time.Second, 1},
		"a term and the grace":     {[]os.Signal{syscall.SIGTERM}, time.Hour, 2},
		"a term, then one by hand": {[]os.Signal{syscall.SIGTERM, os.Interrupt}, time.Hour, 2},
		"one by hand, then a term": {[]os.Signal{os.Interrupt, syscall.SIGTERM}, time.Hour, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ch, done := make(chan os.Signal), make(chan struct{})
				got := 0
				more := func() { got++ }
				go escalate(ch, done, []func(){more, more, more})
				for _, sig := range tt.signals {
					ch <- sig
				}
				time.Sleep(tt.later) //nolint:forbidigo // the bubble's own clock
				synctest.Wait()
				if got != tt.want {
					t.Errorf("%d steps, want %d", got, tt.want)
				}
				close(done)
			})
		})
	}
}
