package cli

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
)

// What a step waits for is said once by the executor, soon after the step began.
// It must reach the person all the same; what came and went is left out.
func TestProgressIsKeptBackAndNotLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		talk := &talker{out: &b}
		tell := func(seq int64, text string) { talk.hear(rotate.Event{Seq: seq, Time: time.Now(), Text: text}) }
		said := func(after time.Duration, want ...string) {
			t.Helper()
			time.Sleep(after) //nolint:forbidigo // on the clock of the bubble
			synctest.Wait()
			talk.mu.Lock() // it writes from a timer's goroutine
			defer talk.mu.Unlock()
			var got []string
			for line := range strings.Lines(b.String()) {
				got = append(got, strings.TrimSpace(line[len("00:00:00"):]))
			}
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("said %q, want %q", got, want)
			}
			b.Reset()
		}
		tell(1, "begin: disable")
		tell(1, "still accepted by one")
		tell(1, "still accepted")
		said(4*time.Second, "begin: disable")
		said(2*time.Second, "still accepted")
		tell(1, "soon after it")
		said(time.Second)
		said(time.Minute, "soon after it")
		tell(1, "still accepted by two")
		said(0, "still accepted by two")
		tell(1, "nearly")
		tell(2, "done: disable")
		said(time.Minute, "done: disable")
		tell(2, "a word after it")
		said(0, "a word after it")
		tell(2, "too late")
		talk.stop()
		talk.stop()
		said(time.Minute)
	})
}
