package attest_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// looked declares the service in the world for doctor.
func looked(r *planner.Request) {
	rotatetest.With(func(p *rotate.Policy) { p.AttestWithin = 300 * time.Millisecond })(r)
	r.Declared = map[string]json.RawMessage{"render:shop-subscriber": json.RawMessage(`{"Name":"subscriber"}`)}
}

// What doctor finds wrong with a changed consumer holds the run while the old key lives;
// when it is mended, the run goes on. Doctor sees what was declared, and no other consumer.
func TestRedDoctorKeepsTheOldKey(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	var mended, others atomic.Bool
	w.Doctor = func(_ context.Context, declaration json.RawMessage) ([]string, error) {
		others.Store(others.Load() || string(declaration) != `{"Name":"subscriber"}`)
		if mended.Load() {
			return nil, nil
		}
		return []string{"SQS_QUEUE_URL: it is not set"}, nil
	}
	p, err := w.Start(looked)
	w.AssertHeld(p.ID, err, "so the old key stays alive (not done after 300ms: SQS_QUEUE_URL: it is not set)")
	w.AssertNeverDown()
	st := attestOf(t, p)
	if !strings.Contains(st.Risk, "what it finds wrong keeps the old key alive") || others.Load() {
		t.Errorf("step %+v; another consumer was looked at: %v", st, others.Load())
	}
	able := w.Doctor
	w.Doctor = nil
	w.AssertHeld(p.ID, w.Resume(p.ID), "cannot let doctor look")
	w.Doctor = able
	mended.Store(true)
	w.Finish(p.ID)
	w.AssertRotated(p.ID)
	if got := stateOf(w.Snapshot(p.ID), st.ID); !strings.Contains(got.Detail, "doctor finds nothing wrong with it") {
		t.Errorf("the evidence: %s", got.Detail)
	}
}

// A person may accept what doctor finds, and the evidence says so.
func TestRedDoctorIsAccepted(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Doctor = func(context.Context, json.RawMessage) ([]string, error) {
		return []string{"the pool has no worker"}, nil
	}
	p, err := w.Start(looked)
	w.AssertHeld(p.ID, err, "the pool has no worker")
	st := attestOf(t, p)
	w.Waive(p.ID, st.ID, rotate.L1, "the worker starts by hand")
	w.Finish(p.ID)
	w.AssertRotated(p.ID)
	if got := stateOf(w.Snapshot(p.ID), st.ID); !strings.Contains(got.Detail, "doctor did not look, which a person accepted") {
		t.Errorf("the evidence: %s", got.Detail)
	}
}
