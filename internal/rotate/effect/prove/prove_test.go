package prove_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

// A key appears while the old one is stopped: it is named at the end, and left alone.
func TestRow44AKeyAppears(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	theirs := ""
	w.When("delete", rotate.StepDone, func() { theirs, _ = w.Lab.AWS.CreateKey(w.Estate.User) })
	p, err := w.Start(rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	snap := w.Snapshot(p.ID)
	last := snap.Steps[slices.IndexFunc(snap.Steps, func(s rotate.StepState) bool { return s.ID == "prove" })]
	if !strings.Contains(last.Detail, "A KEY APPEARED that is not ours: "+secret.Mask(theirs)) {
		t.Errorf("%s: %q", last.ID, last.Detail)
	}
	if keys := w.LiveIDs(); len(keys) != 2 {
		t.Errorf("keys: %v", keys)
	}
}

// edge answers for the old key, once it is deleted, as an edge does that has not
// heard of it.
type edge struct {
	old     atomic.Pointer[string]
	deleted atomic.Bool
	asked   atomic.Int64
	alive   func(n int64) bool
}

func (e *edge) wrap(service string, twin http.Handler) http.Handler {
	if service != "aws" {
		return twin
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		old := e.old.Load()
		if e.deleted.Load() && old != nil && strings.Contains(r.Header.Get("Authorization"), *old) && e.alive(e.asked.Add(1)) {
			w.Header().Set("Content-Type", "text/xml")
			_, _ = fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/x</Arn><UserId>u</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
			return
		}
		twin.ServeHTTP(w, r)
	})
}

func (e *edge) world(t *testing.T) *rotatetest.World {
	t.Helper()
	w := rotatetest.NewOn(t, lab.Options{Wrap: e.wrap}, 0)
	e.old.Store(&w.Estate.LeakedID)
	w.CrashAt = func(_ int, point string) bool {
		if point == "effect delete" {
			e.deleted.Store(true)
		}
		return false
	}
	return w
}

// Deleted, and it still answers: it is never called dead, a person is called, and
// the run stays open until it is refused.
func TestRow61DeletedAndStillAlive(t *testing.T) {
	t.Parallel()
	e := &edge{}
	var dead atomic.Bool
	e.alive = func(int64) bool { return !dead.Load() }
	w := e.world(t)
	p, err := w.Start(rotatetest.With(func(p *rotate.Policy) { p.ProofWithin = 300 * time.Millisecond }))
	if err == nil {
		t.Fatal("a key that is accepted was called dead")
	}
	snap := w.Snapshot(p.ID)
	if snap.Status != rotate.RunHeld || snap.Proof != nil || !strings.Contains(snap.Problem, "STILL ALIVE") {
		t.Errorf("status %s, proof %v, problem %q", snap.Status, snap.Proof, snap.Problem)
	}
	dead.Store(true)
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
}

// One edge knows and another does not: each answer that is no refusal starts the
// row of refusals anew.
func TestRow62AnotherAnswerStartsTheCountAnew(t *testing.T) {
	t.Parallel()
	e := &edge{alive: func(n int64) bool { return n < 12 && n%3 == 0 }} // never three refusals in a row before the twelfth
	w := e.world(t)
	p, err := w.Start(rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	if n := e.asked.Load(); n < 12 {
		t.Errorf("proven dead after %d questions, with an acceptance among each three", n)
	}
}

// A key is asked about at most once a second.
func TestRow63ProbesAreSlow(t *testing.T) {
	t.Parallel()
	for _, p := range rotatetest.New(t).Reg.All() {
		if every := rotate.DefaultPolicy(p.Describe()).ProofEvery; every < time.Second {
			t.Errorf("%s is asked every %s", p.Describe().Name, every)
		}
	}
}
