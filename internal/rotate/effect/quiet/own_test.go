package quiet_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// restless is an issuer whose record of the old key's use changes with each look.
type restless struct {
	providers.Provider
	old  string
	mu   *sync.Mutex
	use  *providers.Usage
	step time.Duration
}

func (p restless) Unwrap() providers.Provider { return p.Provider }

func (p restless) LastUsed(ctx context.Context, k providers.KeyRef) (providers.Usage, error) {
	if k.ID != p.old {
		u, _ := providers.As[providers.UsageReporter](p.Provider)
		return u.LastUsed(ctx, k)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.use.At = p.use.At.Add(p.step)
	return *p.use, nil
}

// Uses that come to the record while the run waits for silence are our own only if they
// are under the name of our checks and at a time that the plan knows of.
func TestOwnProbeIsNoForeignUse(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Minute)
	span := rotate.Span{From: now.Add(-time.Hour), To: now.Add(-30 * time.Minute)}
	for name, c := range map[string]struct {
		service string
		first   time.Time
		probed  []rotate.Span
		held    bool
	}{
		"our own":                    {"sts", span.From, []rotate.Span{span}, false},
		"to the minute":              {"sts", span.From.Add(-time.Second), []rotate.Span{{From: span.From.Add(40 * time.Second), To: span.To}}, false},
		"another service":            {"s3", span.From, []rotate.Span{span}, true},
		"after it":                   {"sts", span.To.Add(3 * time.Second), []rotate.Span{span}, true},
		"long before it":             {"sts", span.From.Add(-20 * time.Minute), []rotate.Span{span}, true},
		"we do not know of any":      {"sts", span.From, nil, true},
		"nothing says which service": {"", span.From, []rotate.Span{span}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := rotatetest.New(t)
			var list []providers.Provider
			for _, p := range w.Reg.All() {
				if p.Describe().Name == "aws" {
					p = restless{p, w.Estate.LeakedID, &sync.Mutex{}, &providers.Usage{At: c.first, Service: c.service, Region: "us-east-1"}, time.Second}
				}
				list = append(list, p)
			}
			w.Reg = providers.NewRegistry(list...)
			p, err := w.Start(func(r *planner.Request) {
				rotatetest.Fast(r)
				r.Policy.QuietFor, r.Policy.QuietEvery, r.Policy.QuietWithin = 60*time.Millisecond, 10*time.Millisecond, 300*time.Millisecond
				r.Probed = c.probed
			})
			if c.held {
				w.AssertHeld(p.ID, err, "whom the plan does not know")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			w.AssertRotated(p.ID)
		})
	}
}

// An attempt to disable the key asks with it whether it is refused, and a consumer falls
// ill: the next attempt does not take that for somebody's use, but what came later.
func TestProbesOfAnAttemptAreInTheJournal(t *testing.T) {
	t.Parallel()
	for _, foreign := range []bool{false, true} {
		w := rotatetest.NewOn(t, lab.Options{DisableDelay: 300 * time.Millisecond}, 0) // only what is accepted is a use
		var ill atomic.Bool
		well := w.Health
		w.Health = func(ctx context.Context, url string) error {
			if ill.Load() {
				return errors.New("ill")
			}
			return well(ctx, url)
		}
		w.When("disable", rotate.StepRunning, func() { ill.Store(true) })
		p, err := w.Start(patient)
		w.AssertHeld(p.ID, err, "fell ill")
		ill.Store(false)
		if foreign {
			if err := httpx.Sleep(t.Context(), 4100*time.Millisecond); err != nil { // longer than clocks may be apart
				t.Fatal(err)
			}
			w.Lab.AWS.Use(w.Estate.LeakedID, w.Estate.LeakedSecret, "sts")
			w.AssertHeld(p.ID, w.Resume(p.ID), "used since it was silent", "for sts")
			continue
		}
		w.Finish(p.ID)
		for _, e := range w.Snapshot(p.ID).Log {
			if strings.Contains(e.Detail, "used since") {
				t.Errorf("our own look was taken for a use: %s", e.Detail)
			}
		}
	}
}
