package executor_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// sickly is a world whose consumers are ill when the test says so.
func sickly(t *testing.T) (*rotatetest.World, *atomic.Bool) {
	t.Helper()
	w := rotatetest.New(t)
	ill := &atomic.Bool{}
	well := w.Health
	w.Health = func(ctx context.Context, url string) error {
		if ill.Load() {
			return errors.New("ill")
		}
		return well(ctx, url)
	}
	return w, ill
}

// soaks is a policy with a soak.
func soaks(d time.Duration) func(*planner.Request) {
	return rotatetest.With(func(p *rotate.Policy) { p.SoakFor, p.AttestWithin = d, 2*time.Second })
}

// assertLifted checks that a run is held, that the old key works again, and that the
// journal and the screens say both why and what is next.
func assertLifted(t *testing.T, w *rotatetest.World, run string, err error) {
	t.Helper()
	w.AssertHeld(run, err, "the old key works again", "a consumer fell ill", "rotate resume "+run, "rotate waive "+run+" soak")
	if n := w.Count("DeleteAccessKey"); n != 0 {
		t.Fatalf("%d deletions", n)
	}
	snap := w.Snapshot(run)
	if stands := strings.Join(snap.Stands, "\n"); !strings.Contains(stands, "was disabled and works again, because a consumer fell ill") {
		t.Errorf("what stands does not say it: %s", stands)
	}
	logged := false
	for _, e := range snap.Log {
		logged = logged || e.Step == "soak" && strings.Contains(e.Text, "a consumer fell ill: the old key is being enabled again")
	}
	if !logged {
		t.Error("the journal does not say it")
	}
}

// A consumer that falls ill while the old key is disabled gets it back at once, not
// at the end of the soak; when it is well, the key is disabled and watched anew.
func TestRow58ConsumerBreaksWhileItSoaks(t *testing.T) {
	t.Parallel()
	w, ill := sickly(t)
	w.When("soak", rotate.StepRunning, func() { ill.Store(true) })
	begin := time.Now()
	p, err := w.Start(soaks(5 * time.Minute))
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("it was ill for %s", took)
	}
	assertLifted(t, w, p.ID, err)
	assertLifted(t, w, p.ID, w.Resume(p.ID)) // it is still ill: disabled, and enabled again
	ill.Store(false)
	w.Waive(p.ID, "soak", rotate.L0, "not for so long")
	w.Finish(p.ID)
	if n := w.Count("UpdateAccessKey"); n != 5 {
		t.Errorf("disabled and enabled %d times, want 5: a key that works must not be deleted unwatched", n)
	}
}

// A soak of hours is watched by each resume.
func TestRow58ConsumerBreaksInALongSoak(t *testing.T) {
	t.Parallel()
	w, ill := sickly(t)
	p, err := w.Start(soaks(4 * time.Hour))
	if err == nil || !strings.Contains(w.Snapshot(p.ID).Problem, "waits until") {
		t.Fatal(err)
	}
	ill.Store(true)
	assertLifted(t, w, p.ID, w.Resume(p.ID))
}

// A person who did not want to wait did not accept that a consumer is ill; one who was
// told of it does.
func TestRow58WaiverOfTheTimeIsNotOneOfTheIll(t *testing.T) {
	t.Parallel()
	w, ill := sickly(t)
	p, _ := w.Start(soaks(4 * time.Hour)) // held
	w.Waive(p.ID, "soak", rotate.L0, "all consumers are known")
	ill.Store(true)
	assertLifted(t, w, p.ID, w.Resume(p.ID))
	w.Waive(p.ID, "soak", rotate.L0, "it is ill for another reason")
	w.Finish(p.ID)
}

// The issuer refuses to enable the key: that is said first, and tried again.
func TestRow58KeyCannotBeEnabledAgain(t *testing.T) {
	t.Parallel()
	w, ill := sickly(t)
	w.When("soak", rotate.StepRunning, func() {
		ill.Store(true)
		w.Lab.Fault("aws", "UpdateAccessKey", lab.Fault{Status: 403, Times: 1})
	})
	p, err := w.Start(soaks(5 * time.Minute))
	snap := w.Snapshot(p.ID)
	if !errors.Is(err, rotate.ErrHeld) || !strings.HasPrefix(snap.Problem, "THE OLD KEY COULD NOT BE ENABLED AGAIN") || !strings.Contains(snap.Problem, "rotate resume "+p.ID) {
		t.Fatalf("%v: %s", err, snap.Problem)
	}
	if w.Lab.AWS.Accepts(w.Estate.LeakedID, w.Estate.LeakedSecret) || !strings.Contains(strings.Join(snap.Stands, "\n"), "may be disabled or not") {
		t.Fatalf("stands %q", snap.Stands)
	}
	assertLifted(t, w, p.ID, w.Resume(p.ID))
}

// A kill between the decision to enable the key and its record: the next call
// disables and watches anew, and never deletes a key that works.
func TestRow58KilledWhileTheKeyIsEnabledAgain(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"after harm:soak", "before failed:soak", "after failed:soak"} {
		w, ill := sickly(t)
		w.CrashAt = func(_ int, at string) bool { return at == point }
		w.When("soak", rotate.StepRunning, func() { ill.Store(true) })
		p, err := w.Start(soaks(300 * time.Millisecond))
		if !errors.Is(err, rotatetest.ErrKilled) {
			t.Fatalf("%s: %v", point, err)
		}
		w.CrashAt = nil
		ill.Store(false)
		before := w.Count("UpdateAccessKey")
		w.Finish(p.ID)
		if n := w.Count("UpdateAccessKey") - before; n != 1 {
			t.Errorf("%s: disabled anew %d times", point, n)
		}
	}
}

// Who chose to stop the key first is asked before it is enabled again: the thief would
// be let in, too.
func TestRow58ContainFirstAsksBeforeItEnables(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *rotatetest.World, ill *atomic.Bool, run string) error{
		"back": func(w *rotatetest.World, _ *atomic.Bool, run string) error { return w.Rollback(run) },
		"well again": func(w *rotatetest.World, ill *atomic.Bool, run string) error {
			ill.Store(false)
			return w.Resume(run)
		},
		"accepted": func(w *rotatetest.World, _ *atomic.Bool, run string) error {
			w.Waive(run, "soak", rotate.L0, "the thief stays out")
			return w.Resume(run)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, ill := sickly(t)
			w.When("soak", rotate.StepRunning, func() { ill.Store(true) })
			p, err := w.Start(func(r *planner.Request) {
				soaks(time.Second)(r)
				r.Strategy = rotate.ContainFirst
			})
			snap := w.Snapshot(p.ID)
			if !errors.Is(err, rotate.ErrHeld) || w.Count("UpdateAccessKey") != 1 || w.Count("DeleteAccessKey") != 0 {
				t.Fatalf("%v; changed %d times", err, w.Count("UpdateAccessKey"))
			}
			for _, word := range []string{"fell ill", "not enabled again without you", "rotate rollback " + p.ID, "rotate resume " + p.ID, "rotate waive " + p.ID + " soak"} {
				if !strings.Contains(snap.Problem, word) {
					t.Errorf("%q is not in %q", word, snap.Problem)
				}
			}
			err = end(w, ill, p.ID)
			accepts := w.Lab.AWS.Accepts(w.Estate.LeakedID, w.Estate.LeakedSecret)
			if back := name == "back"; back != errors.Is(err, rotate.ErrRolledBack) || back != accepts || !back && err != nil {
				t.Errorf("%v; the old key is accepted: %v", err, accepts)
			}
		})
	}
}
