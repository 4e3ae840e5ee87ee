package effect_test

import (
	"context"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate/effect"
)

// A row of answers that the machine slept in the middle of begins anew, such as the
// refusals that prove a key dead.
func TestRow74PollBeginsAnewAfterASleep(t *testing.T) {
	t.Parallel()
	now := time.Now().Round(0)
	sleeps := 0
	var naps effect.Naps
	w := effect.Worker{Say: func(string) {}, Env: effect.Env{
		Now: func() time.Time { return now }, Naps: &naps,
		Sleep: func(_ context.Context, d time.Duration) error {
			if sleeps++; sleeps == 3 {
				d += time.Hour
			}
			now = now.Add(d)
			return nil
		},
	}}
	row, anew := 0, 0
	err := w.Poll(t.Context(), time.Second, 2*time.Hour, func() { anew++; row = 0 }, func(context.Context) (bool, string, error) {
		row++
		return row == 5, "", nil
	})
	if err != nil || anew != 1 || sleeps != 7 || naps.Total() != time.Hour {
		t.Errorf("%v: began anew %d times, %d waits, slept %s", err, anew, sleeps, naps.Total())
	}
}

// Either clock tells: the monotonic one stands still in a sleep of the machine, and
// the wall clock stands still when a process is stopped and the clock is set back.
func TestElapsedByEitherClock(t *testing.T) {
	t.Parallel()
	a := time.Now()
	if d := effect.Elapsed(a, a.Round(0).Add(time.Hour)); d != time.Hour {
		t.Errorf("by the wall clock %s", d)
	}
	if d := effect.Elapsed(a, a.Add(time.Minute)); d != time.Minute {
		t.Errorf("by both %s", d)
	}
	var none *effect.Naps
	if none.Note(a, a.Add(time.Hour), 0) || none.Total() != 0 {
		t.Error("nobody asked")
	}
}
