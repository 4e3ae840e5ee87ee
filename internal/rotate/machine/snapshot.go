package machine

import (
	"slices"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/record"
)

// Event turns a record that the state holds into a line for people; false for one
// that changes nothing that they must know.
func (s *State) Event(r record.Record) (rotate.Event, bool) {
	e := rotate.Event{Schema: rotate.EventSchema, Seq: r.Seq, Time: r.Wall, Run: r.Run, Step: r.Step}
	step := s.step(r.Step)
	e.N = step.N
	if r.Step != "" {
		f := s.Of(r.Step)
		e.Status, e.Detail = f.Status, f.Detail
	}
	switch r.Kind {
	case kindPlanned:
		e.Text = "plan saved"
	case kindApproved:
		e.Text = "plan approved"
	case kindIntent:
		e.Text, e.Detail = "begin: "+step.Title, ""
	case kindUnknown:
		e.Text = "answer lost: " + step.Title
	case kindOrphan:
		e.Text, e.Detail = "a key whose value was lost: "+step.Title, ""
	case kindProgress:
		e.Text = "in progress: " + step.Title
	case kindDone:
		e.Text = "done: " + step.Title
	case kindFailed:
		e.Text = "held: " + step.Title
	case kindHarm:
		e.Text = "a consumer fell ill: the old key is being enabled again"
	case kindRetry:
		e.Text = "resumed"
	case kindWaived:
		e.Text = "less was accepted of: " + step.Title
		if s.Of(r.Step).Hostile {
			e.Text = "the traffic on the old key is the thief's, says " + r.Actor
		}
	case kindRollback:
		e.Text = "roll back begins"
	case kindPaused:
		e.Text = "paused at a safe point"
	case kindClosed:
		e.Text = "run closed: " + string(s.status)
	default:
		return e, false
	}
	return e, true
}

// Snapshot returns the run as plain data for screens and reports.
func (s *State) Snapshot() rotate.Snapshot {
	plan := s.plan
	if s.undo {
		plan.Steps = append(append([]rotate.Step(nil), plan.Steps...), s.undoSteps()...)
	}
	snap := rotate.Snapshot{
		Seq: s.seq, Plan: plan, Status: s.status, NewKey: s.newRef.ID, NewMask: s.newMask,
		Started: s.started, Updated: s.updated, Proof: s.proof,
		Problem: s.problem.Text, Remedy: s.problem.Remedy, Alarm: s.alarm, Left: s.left, Stands: s.stands(), Waivers: slices.Clone(s.waivers), Log: s.log,
	}
	for _, step := range plan.Steps {
		f := s.Of(step.ID)
		st := rotate.StepState{ID: step.ID, Status: f.Status, Attempts: f.Attempts, Detail: f.Detail, Level: f.Level, By: f.By, ByHand: f.ByHand}
		if s.Of("undo:"+step.ID).Status == rotate.StepDone {
			st.Status = rotate.StepUndone
		}
		if !f.Ended.IsZero() {
			st.Took = f.Ended.Sub(f.Began)
		}
		snap.Steps = append(snap.Steps, st)
	}
	switch s.status {
	case rotate.RunHeld, rotate.RunPaused, rotate.RunRunning:
		if snap.Remedy == "" {
			snap.Remedy = "secretguard rotate resume " + s.plan.ID
		}
	case rotate.RunContained:
		snap.Remedy = "secretguard plan " + s.plan.Case + " -o plan.json"
	case rotate.RunDone:
		if s.plan.OntoCase != "" {
			snap.Remedy = "secretguard plan " + s.plan.OntoCase + " -o plan.json"
		}
	case rotate.RunApproved, rotate.RunRolledBack, rotate.RunAbandoned:
	}
	return snap
}
