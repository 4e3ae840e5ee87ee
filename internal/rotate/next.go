package rotate

import "fmt"

// Move is what to do next.
type Move string

// Moves.
const (
	MoveAwait   Move = "await"   // not approved yet
	MoveDo      Move = "do"      // run Step; nothing of it has been sent
	MoveRecover Move = "recover" // an intent of Step is open: find out first what became of it
	MoveHold    Move = "hold"    // a person must decide
	MoveClose   Move = "close"   // write the terminal record with Status
	MoveEnd     Move = "end"     // the run is closed
)

// Decision is the answer of Next.
type Decision struct {
	Move   Move
	Step   Step
	Status RunStatus // MoveClose
	Why    string    // MoveHold
}

// Next decides what a run does next. It is pure: it reads the state, changes
// nothing and talks to nobody. The safety rules are checked here, apart from the
// order of the plan, so that a wrongly built plan cannot break them.
func Next(s *State) Decision {
	switch {
	case s.Closed():
		return Decision{Move: MoveEnd, Status: s.status}
	case !s.approved:
		return Decision{Move: MoveAwait}
	}
	steps, end := s.plan.Steps, RunDone
	if s.undo {
		steps, end = undoSteps(s), RunRolledBack
	}
	for _, step := range steps {
		st := s.peek(step.ID)
		switch st.status {
		case StepDone, StepSkipped, StepUndone:
			continue
		case StepFailed:
			return Decision{Move: MoveHold, Step: step, Why: st.detail}
		case StepWaiting, StepRunning:
		}
		if why := s.forbidden(step); why != "" {
			return Decision{Move: MoveHold, Step: step, Why: why}
		}
		if st.open {
			return Decision{Move: MoveRecover, Step: step}
		}
		return Decision{Move: MoveDo, Step: step}
	}
	return Decision{Move: MoveClose, Status: end}
}

// peek reads a step without making an entry for it.
func (s *State) peek(id string) stepState {
	if st := s.steps[id]; st != nil {
		return *st
	}
	return stepState{status: StepWaiting}
}

func (s *State) done(id string) bool {
	st := s.peek(id)
	return st.status == StepDone || st.status == StepSkipped
}

// forbidden names the safety rule that a step would break now, or nothing.
func (s *State) forbidden(step Step) string {
	switch step.Action {
	case ActStore, ActDeploy, ActAttest:
		if !s.undo && (!s.done("issue") || !s.done("validate")) {
			return "no value is pushed before the new key is issued, sealed and shown to work"
		}
	case ActDisable:
		if s.plan.Strategy == ContainFirst {
			return ""
		}
		return s.unattested()
	case ActDelete:
		if _, planned := s.plan.Step("disable"); planned && !s.done("disable") {
			return "the old key is not deleted before it was disabled"
		}
		return s.unattested()
	case ActProve:
		if !s.done("delete") {
			return "the old key is not proven dead before it is deleted"
		}
	case ActRemoveNew:
		for _, u := range undoSteps(s) {
			if u.Action != ActRemoveNew && !s.done(u.ID) {
				return "the new key is deleted last in a roll back"
			}
		}
	case ActEnable, ActRestore:
		if st := s.peek("delete"); st.open || st.status == StepDone {
			return "the old key may be deleted: going back would leave no working key"
		}
	case ActIssue, ActValidate:
	}
	return ""
}

// unattested names a consumer that is not shown to work with the new key at the
// level that was approved; empty when all are.
func (s *State) unattested() string {
	if !s.done("validate") {
		return "the old key stays until the new one works"
	}
	for _, step := range s.plan.Steps {
		if step.Action == ActStore && !s.done(step.ID) {
			return fmt.Sprintf("the old key stays: %s is not stored yet", step.Placement.Key)
		}
		if step.Action != ActAttest {
			continue
		}
		st := s.peek(step.ID)
		need := step.Required
		if st.waived != nil {
			need = *st.waived
		}
		if st.status != StepDone || st.level == nil || *st.level < need {
			return fmt.Sprintf("the old key stays: %s is not attested on the new one", step.Target.Name)
		}
	}
	return ""
}

// undoSteps is the way back, made from what was done or may have been done: the
// old key works again first, the new key is deleted last.
func undoSteps(s *State) []Step {
	var out []Step
	add := func(st Step) {
		st.N = len(out) + 1
		st.Undo = "-"
		out = append(out, st)
	}
	if touched(s, "disable") {
		add(Step{ID: "undo:disable", Action: ActEnable, Title: "enable the old key again", Risk: "the leaked key works again"})
	}
	for _, st := range s.plan.Steps {
		if st.Action == ActStore && touched(s, st.ID) {
			add(Step{ID: "undo:" + st.ID, Action: ActRestore, Placement: st.Placement, Title: "put back the old value: " + st.Title})
		}
	}
	for _, st := range s.plan.Steps {
		if st.Action == ActDeploy && touched(s, st.ID) {
			add(Step{ID: "undo:" + st.ID, Action: ActDeploy, Target: st.Target, Title: st.Title + " with the old value"})
		}
	}
	if touched(s, "issue") {
		add(Step{ID: "undo:issue", Action: ActRemoveNew, Title: "delete the new key"})
	}
	return out
}

// touched reports whether a step's effect happened or may have happened.
func touched(s *State, id string) bool {
	st := s.peek(id)
	return st.open || st.status == StepDone
}
