package executor_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// Runs in which everything goes wrong at random, kills included. "make soak" does
// 10,000 of them; SECRETGUARD_SOAK is how many, and SECRETGUARD_SEED the first
// one's seed, from which a run that failed can be repeated alone.
func TestSoak(t *testing.T) {
	t.Parallel()
	runs, first := 40, uint64(1)
	if s := os.Getenv("SECRETGUARD_SOAK"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		runs, first = n, rand.Uint64N(1<<40)
	}
	if s := os.Getenv("SECRETGUARD_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		first = n
	}
	t.Logf("%d runs from seed %d on", runs, first)
	var seen weather
	t.Cleanup(func() {
		t.Logf("%d runs ended: %d rotated, %d rolled back; on the way %d kills, %d stops, %d holds, %d faults", seen.rotated.Load()+seen.back.Load(),
			seen.rotated.Load(), seen.back.Load(), seen.kills.Load(), seen.stops.Load(), seen.holds.Load(), seen.faults.Load())
	})
	for i := range uint64(runs) {
		t.Run(fmt.Sprint("seed=", first+i), func(t *testing.T) {
			t.Parallel()
			soak(t, first+i, &seen)
		})
	}
}

// weather is what happened in all runs.
type weather struct{ rotated, back, kills, stops, holds, faults atomic.Int64 }

// storm is one run's bad luck.
type storm struct {
	*rotatetest.World
	seen   *weather
	luck   *rand.Rand
	kills  int
	stops  int
	killAt int // the boundary of this call; 0 for none
	back   bool
	down   bool // production may be down: containment was chosen
}

// troubles are operations and how they may go wrong.
var troubles = []struct{ service, op string }{
	{"aws", "CreateAccessKey"},
	{"aws", "ListAccessKeys"},
	{"aws", "UpdateAccessKey"},
	{"aws", "DeleteAccessKey"},
	{"aws", "GetCallerIdentity"},
	{"aws", "GetAccessKeyLastUsed"},
	{"netlify", "PATCH env"},
	{"netlify", "GET env"},
	{"netlify", "POST builds"},
	{"netlify", "GET deploys"},
	{"render", "PUT env-vars one"},
	{"render", "GET env-vars"},
	{"render", "POST deploys"},
	{"render", "GET deploys"},
}

func (s *storm) fault() lab.Fault {
	f := lab.Fault{Times: 1 + s.luck.IntN(3), Skip: s.luck.IntN(4)}
	switch s.luck.IntN(9) {
	case 0:
		f.DropBefore = true
	case 1:
		f.DropAfter = true
	case 2:
		f.Status = 500
	case 3:
		f.Status, f.LieAfter = 502, true
	case 4:
		f.Cut, f.Keep = true, s.luck.IntN(120)
	case 5:
		f.Status, f.Body = 200, "<html>log in</html>"
	case 6:
		f.Status, f.RetryAfter = 429, "0"
	case 7:
		f.Status = 403
	case 8:
		f.Status, f.LieAfter = 503, true
	}
	return f
}

func soak(t *testing.T, seed uint64, seen *weather) {
	t.Helper()
	s := &storm{World: rotatetest.New(t), seen: seen, luck: rand.New(rand.NewPCG(seed, 0))}
	s.kills, s.stops = s.luck.IntN(3), s.luck.IntN(2)
	s.down = s.luck.IntN(5) == 0
	var p rotate.Plan
	for call := 0; ; call++ {
		if call == 30 {
			t.Fatalf("no end: %+v", s.Snapshot(p.ID))
		}
		err := s.call(&p, call)
		if !s.down {
			s.AssertNeverDown()
		}
		switch {
		case err == nil:
			seen.rotated.Add(1)
			s.assertEnd(p)
			return
		case errors.Is(err, rotate.ErrRolledBack):
			seen.back.Add(1)
			s.assertBack(p)
			return
		case errors.Is(err, rotatetest.ErrKilled):
			seen.kills.Add(1)
		case errors.Is(err, rotate.ErrPaused):
			seen.stops.Add(1)
		case errors.Is(err, rotate.ErrHeld):
			seen.holds.Add(1)
			if s.luck.IntN(3) == 0 {
				s.back = true
			}
			if call > 3 {
				s.Lab.Calm()
			}
		default:
			t.Fatalf("call %d: %v", call, err)
		}
	}
}

// call is one process: it starts, resumes or rolls back, and may be killed at any
// boundary or asked to stop at any event.
func (s *storm) call(p *rotate.Plan, n int) error {
	s.killAt = 0
	if s.kills > 0 && s.luck.IntN(3) > 0 {
		s.kills--
		s.killAt = 1 + s.luck.IntN(90)/(n+1)
	}
	s.CrashAt = func(i int, _ string) bool { return i == s.killAt }
	ctx, stop := context.WithCancel(s.T.Context())
	defer stop()
	stopAt := -1
	if s.stops > 0 {
		s.stops--
		stopAt = s.luck.IntN(150)
	}
	events := 0
	s.OnEvent = func(rotate.Event) {
		if events++; events == stopAt {
			stop()
		}
	}
	j := s.Open()
	defer j.Close()
	switch {
	case p.ID == "" || s.Snapshot(p.ID).Status == "":
		request := func(r *planner.Request) {
			rotatetest.Fast(r)
			if s.down {
				r.Strategy = rotate.ContainFirst
			}
		}
		made, err := s.Plan(j, request)
		if err != nil { // faults of a call before hit the planning: it sent nothing
			s.Lab.Calm()
			made, err = s.Plan(j, request)
		}
		if err != nil {
			return fmt.Errorf("plan: %w", err)
		}
		*p = made
		for range s.luck.IntN(4) {
			s.seen.faults.Add(1)
			at := troubles[s.luck.IntN(len(troubles))]
			s.Lab.Fault(at.service, at.op, s.fault())
		}
		return s.Executor(j).Start(ctx, made, rotate.Approval{Digest: made.Digest, Who: "tester"})
	case s.back:
		s.back = false
		err := s.Executor(j).Rollback(ctx, p.ID, "the storm says so")
		if err == nil || errors.Is(err, rotate.ErrRolledBack) || errors.Is(err, rotate.ErrHeld) || errors.Is(err, rotate.ErrPaused) || errors.Is(err, rotatetest.ErrKilled) {
			return err
		}
		return s.Executor(j).Resume(ctx, p.ID) // too late to go back
	}
	return s.Executor(j).Resume(ctx, p.ID)
}

// assertEnd checks a run that says it is done, at the services and in the journal.
func (s *storm) assertEnd(p rotate.Plan) {
	s.T.Helper()
	if s.down {
		snap := s.Snapshot(p.ID)
		if snap.Status != rotate.RunDone || snap.Proof == nil {
			s.T.Fatalf("run is %s: %s", snap.Status, snap.Problem)
		}
		if keys := s.Lab.AWS.Keys(s.Estate.User); len(keys) != 1 || keys[0].ID != snap.NewKey {
			s.T.Errorf("keys at the issuer: %+v, want only %s", keys, snap.NewKey)
		}
	} else {
		s.AssertRotated(p.ID)
	}
	s.assertJournal(p)
}

// assertBack checks that everything is as it was.
func (s *storm) assertBack(p rotate.Plan) {
	s.T.Helper()
	keys := s.Lab.AWS.Keys(s.Estate.User)
	if len(keys) != 1 || keys[0].ID != s.Estate.LeakedID || !keys[0].Active {
		s.T.Errorf("rolled back, and the keys are %v", s.LiveIDs())
	}
	for name, id := range s.Lab.LiveKeys() {
		if id != s.Estate.LeakedID {
			s.T.Errorf("rolled back, and %s runs with %s", name, id)
		}
	}
	s.assertJournal(p)
}

// assertJournal checks the chain, that no request to issue left without an intent
// of its own, and that nothing sealed is left.
func (s *storm) assertJournal(p rotate.Plan) {
	s.T.Helper()
	j := s.Open()
	defer j.Close()
	if err := j.Verify(s.T.Context()); err != nil {
		s.T.Error(err)
	}
	recs, err := j.Records(s.T.Context(), p.ID)
	if err != nil {
		s.T.Fatal(err)
	}
	intents := map[string]int{}
	for _, r := range recs {
		if r.Kind == "intent" {
			intents[r.Step]++
		}
	}
	if sent := s.Count("CreateAccessKey"); sent > intents["issue"] {
		s.T.Errorf("%d requests to issue, and %d intents", sent, intents["issue"])
	}
	if runs, err := j.Sealed(s.T.Context()); err != nil || len(runs) > 0 && s.Snapshot(p.ID).Status != "" {
		for _, id := range runs {
			if id == p.ID {
				s.T.Errorf("sealed values are left (%v)", err)
			}
		}
	}
}
