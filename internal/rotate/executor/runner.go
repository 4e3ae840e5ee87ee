package executor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/effect/issue"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/rotate/record"
)

// runner carries one run out under a lease.
type runner struct {
	x     *Executor
	lease *journal.Lease
	state *machine.State

	naps    effect.Naps
	telling sync.Mutex // OnEvent is called by one goroutine at a time
}

// came is what a worker hands back: an event, or why the run cannot go on at all.
type came struct {
	event machine.Event
	err   error
}

// session is one call of the executor while it goes on: what the machine says of
// the run, and what is under way.
type session struct {
	*runner
	run     machine.Run
	todo    []machine.Effect
	busy    int // workers that have not come back
	results chan came
	stop    <-chan struct{}      // nil once the machine knows
	seen    map[string]time.Time // when a step was last heard of
}

// loop asks the machine and obeys until it says that the call is over. Records
// are written here, one after the other; everything else runs side by side.
func (r *runner) loop(ctx context.Context) error {
	work, leave := context.WithCancel(ctx)
	s := &session{runner: r, run: machine.Run{State: r.state, AtOnce: rotate.AtOnce}, results: make(chan came), stop: ctx.Done(), seen: map[string]time.Time{}}
	defer func() { // nothing may go on after the lease is given back
		leave()
		for range s.busy {
			<-s.results
		}
	}()
	begin := machine.Event{Kind: machine.Begin}
	if s.reached(s.state) {
		begin.Kind = machine.Stop
	}
	if err := s.feed(begin); err != nil {
		return err
	}
	for {
		over, err := s.work(ctx, work)
		if over || err != nil {
			return err
		}
		select {
		case c := <-s.results:
			s.busy--
			if c.err != nil {
				return c.err
			}
			s.seen[c.event.Step] = s.x.Now()
			err = s.feed(c.event)
		case <-s.stop:
			err = s.halt()
		}
		if err != nil {
			return err
		}
	}
}

// feed tells the machine what happened and takes what is to be done.
func (s *session) feed(e machine.Event) error {
	run, todo, err := s.run.Next(e)
	s.run, s.todo = run, append(s.todo, todo...)
	return err
}

// halt tells the machine that a person wants to stop.
func (s *session) halt() error {
	s.stop = nil
	return s.feed(machine.Event{Kind: machine.Stop})
}

// work does what is to be done; over says that the call has ended.
func (s *session) work(ctx, work context.Context) (over bool, err error) {
	for len(s.todo) > 0 {
		if s.stop != nil && ctx.Err() != nil {
			if err := s.halt(); err != nil {
				return false, err
			}
		}
		e := s.todo[0]
		s.todo = s.todo[1:]
		switch e.Op {
		case machine.OpEnd:
			return true, s.end(ctx, s.run.State, e.End)
		case machine.OpWrite:
			if err := s.record(ctx, e.Entry); err != nil {
				return false, err
			}
		default:
			s.busy++
			s.begin(work, e)
		}
	}
	return false, nil
}

// record writes one entry and tells the machine.
func (s *session) record(ctx context.Context, e record.Entry) error {
	rec, err := s.append(ctx, e)
	if err != nil {
		return err
	}
	// The machine learns that it is to stop before it learns what could begin now.
	if next, err := s.run.State.With(rec); err == nil && s.stop != nil && s.reached(next) {
		if err := s.halt(); err != nil {
			return err
		}
	}
	if s.seen[e.Step].IsZero() { // an action that looks at nothing first
		s.seen[e.Step] = rec.Wall
	}
	if err := s.feed(machine.Event{Kind: machine.Wrote, Record: rec}); err != nil {
		return err
	}
	s.tell(s.run.State, rec)
	return s.at("after " + point(e))
}

// reached reports whether everything up to the step after which the run is to pause
// is done.
func (r *runner) reached(s *machine.State) bool {
	until, ok := s.Plan().Step(r.x.Until)
	if !ok || s.Undoing() {
		return false
	}
	for _, st := range s.Plan().Steps {
		if status := s.Of(st.ID).Status; st.N <= until.N && status != rotate.StepDone && status != rotate.StepSkipped {
			return false
		}
	}
	return true
}

// begin lets a worker carry an op out.
func (s *session) begin(ctx context.Context, e machine.Effect) {
	state := s.run.State
	w := &worker{Worker: s.worker(state, e.Step), at: s.at, held: s.lease.Held, seen: s.seen[e.Step.ID]}
	w.Orphan = e.Orphan
	go func() { s.results <- w.do(ctx, e.Op) }()
}

// worker is for one step of the run as it stands.
func (r *runner) worker(s *machine.State, step rotate.Step) effect.Worker {
	x := r.x
	return effect.Worker{
		Env:   effect.Env{Registry: x.Registry, Secrets: x.Journal, Health: x.Health, Echo: x.Echo, Check: x.Check, Doctor: x.Doctor, Files: x.Files, Abort: x.Abort, Sleep: x.Sleep, Now: x.Now, Naps: &r.naps},
		State: s, Step: step, Say: func(detail string) { r.say(s, step, detail) },
	}
}

// append writes a record on a context that no cancel reaches: what happened must
// be written down.
func (r *runner) append(ctx context.Context, e record.Entry) (record.Record, error) {
	if err := r.at("before " + point(e)); err != nil {
		return record.Record{}, err
	}
	e.Actor, e.Happened = r.x.Actor, machine.Happened(e)
	return r.lease.Append(context.WithoutCancel(ctx), e)
}

// point names the boundary of a record.
func point(e record.Entry) string {
	if e.Step == "" {
		return e.Kind
	}
	return e.Kind + ":" + e.Step
}

// end reports how the call ended. The sealed values of a run that is closed are
// destroyed: they have no more use, and what is not there cannot leak.
func (r *runner) end(ctx context.Context, s *machine.State, status rotate.RunStatus) error {
	id := s.Plan().ID
	if !r.state.Closed() && (status == rotate.RunDone || status == rotate.RunRolledBack) { // it ended in this call
		// The access with which the last key was deleted is the one that is left.
		w := r.worker(s, rotate.Step{})
		if status == rotate.RunRolledBack {
			w.Step.Action = rotate.ActRemoveNew
		}
		if err := w.ChangeAccess(context.WithoutCancel(ctx)); err == nil {
			issue.Release(context.WithoutCancel(ctx), &w)
		}
	}
	if s.Closed() {
		if err := r.at("shred"); err != nil {
			return err
		}
		if err := r.lease.Shred(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	switch status {
	case rotate.RunDone, rotate.RunContained, rotate.RunAbandoned:
		return nil
	case rotate.RunRolledBack:
		return fmt.Errorf("run %s: %w", id, rotate.ErrRolledBack)
	case rotate.RunPaused:
		return fmt.Errorf("run %s: %w; continue with: %s", id, rotate.ErrPaused, s.Snapshot().Remedy)
	case rotate.RunHeld, rotate.RunApproved, rotate.RunRunning:
		snap := s.Snapshot()
		return fmt.Errorf("%w: %s: %s", rotate.ErrHeld, s.HeldAt().Title, snap.Problem)
	}
	return fmt.Errorf("plan %s is not approved", id)
}

// at is a boundary where a test may crash the run.
func (r *runner) at(point string) error {
	if r.x.Failpoint == nil {
		return nil
	}
	return r.x.Failpoint(point)
}

// tell hands a record's line to the listener.
func (r *runner) tell(s *machine.State, rec record.Record) {
	if e, ok := s.Event(rec); ok {
		r.hand(e)
	}
}

// say tells the listener of progress that the journal does not need.
func (r *runner) say(s *machine.State, step rotate.Step, detail string) {
	snap := s.Snapshot()
	r.hand(rotate.Event{
		Schema: rotate.EventSchema, Seq: snap.Seq, Time: r.x.Now().UTC(), Run: snap.Plan.ID,
		Step: step.ID, N: step.N, Status: rotate.StepRunning, Text: step.Title, Detail: detail,
	})
}

func (r *runner) hand(e rotate.Event) {
	if r.x.OnEvent == nil {
		return
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	r.x.OnEvent(e)
}
