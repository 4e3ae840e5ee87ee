package rotate

import (
	"context"
	"fmt"

	"github.com/secretguard/secretguard/internal/rotate/journal"
)

// EventSchema names the format of an event line.
const EventSchema = "secretguard.event/1"

// note turns a record into a line of the run's log.
func (s *State) note(r journal.Record) {
	e := Event{Schema: EventSchema, Seq: r.Seq, Time: r.Wall, Run: r.Run, Step: r.Step}
	step, planned := s.plan.Step(r.Step)
	if !planned {
		for _, u := range undoSteps(s) {
			if u.ID == r.Step {
				step = u
			}
		}
	}
	e.N = step.N
	if r.Step != "" {
		st := s.peek(r.Step)
		e.Status, e.Detail = st.status, st.detail
	}
	switch r.Kind {
	case recPlanned:
		e.Text = "plan saved"
	case recApproved:
		e.Text = "plan approved"
	case recIntent:
		e.Text, e.Detail = "begin: "+step.Title, ""
	case recUnknown:
		e.Text = "answer lost: " + step.Title
	case recProgress:
		e.Text = "in progress: " + step.Title
	case recDone:
		e.Text = "done: " + step.Title
	case recFailed:
		e.Text = "held: " + step.Title
	case recRetry:
		e.Text = "resumed"
	case recWaived:
		e.Text = "a lower level was accepted: " + step.Title
	case recRollback:
		e.Text = "roll back begins"
	case recPaused:
		e.Text = "paused at a safe point"
	case recClosed:
		e.Text = "run closed: " + string(s.status)
	default:
		return // a lease changes nothing that a person must know
	}
	s.log = append(s.log, e)
}

// Snapshot returns the run as plain data for screens and reports.
func (s *State) Snapshot() Snapshot {
	steps := s.plan.Steps
	if s.undo {
		steps = append(append([]Step(nil), steps...), undoSteps(s)...)
	}
	plan := s.plan
	plan.Steps = steps
	snap := Snapshot{
		Seq: s.seq, Plan: plan, Status: s.status, NewKey: s.newRef.ID, NewMask: s.newMask,
		Started: s.started, Updated: s.updated, Proof: s.proof,
		Problem: s.problem.Text, Remedy: s.problem.Remedy, Log: s.log,
	}
	for i := range plan.Steps {
		st := s.peek(plan.Steps[i].ID)
		ss := StepState{ID: plan.Steps[i].ID, Status: st.status, Attempts: st.attempts, Detail: st.detail, Level: st.level}
		if s.peek("undo:"+ss.ID).status == StepDone {
			ss.Status = StepUndone
		}
		if !st.ended.IsZero() {
			ss.Took = st.ended.Sub(st.began)
		}
		snap.Steps = append(snap.Steps, ss)
	}
	if s.status == RunHeld || s.status == RunPaused || s.status == RunRunning {
		if snap.Remedy == "" {
			snap.Remedy = "secretguard rotate resume " + s.plan.ID
		}
	}
	return snap
}

// Load reads a run from the journal; an unknown run is an error.
func Load(ctx context.Context, j *journal.Journal, run string) (*State, error) {
	recs, err := j.Records(ctx, run)
	if err != nil {
		return nil, err
	}
	if run == "" || len(recs) == 0 {
		return nil, fmt.Errorf("%w: %q", ErrNoRun, run)
	}
	return Fold(recs)
}
