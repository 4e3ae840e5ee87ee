package machine

import (
	"fmt"

	"github.com/secretguard/secretguard/internal/rotate"
)

// done reports whether nothing more is to be done for a step.
func (s *State) done(id string) bool {
	switch s.Of(id).Status {
	case rotate.StepDone, rotate.StepSkipped, rotate.StepUndone:
		return true
	case rotate.StepWaiting, rotate.StepRunning, rotate.StepFailed:
	}
	return false
}

// touched reports whether a step's effect happened or may have happened.
func (s *State) touched(id string) bool {
	f := s.Of(id)
	return f.Open || f.Redone || f.Status == rotate.StepDone
}

// Touched reports whether a step's effect happened or may have happened.
func (s *State) Touched(id string) bool { return s.touched(id) }

// forbidden names the safety rule that a step would break now, or nothing. The
// rules are apart from the order of the plan, so that a wrongly built plan cannot
// break them.
func (s *State) forbidden(step rotate.Step) string {
	switch step.Action {
	case rotate.ActStore, rotate.ActDeploy, rotate.ActAttest:
		if !s.undo && (!s.done("issue") || !s.done("validate")) {
			return "no value is pushed before the new key is issued, sealed and shown to work"
		}
	case rotate.ActDisable:
		if s.plan.Strategy.StopsFirst() {
			return ""
		}
		return s.needed()
	case rotate.ActSoak:
		if !s.stopped() {
			return "a key that is not disabled does not soak"
		}
	case rotate.ActQuiet:
		return s.unattested() // silence before that says nothing of who uses it
	case rotate.ActDelete:
		if _, planned := s.plan.Step("disable"); planned && !s.stopped() {
			return "the old key is not deleted before it was disabled"
		}
		if _, planned := s.plan.Step("soak"); planned && !s.done("soak") {
			return "the old key is not deleted before it was disabled for as long as the plan says"
		}
		return s.needed()
	case rotate.ActProve:
		if !s.done("delete") {
			return "the old key is not proven dead before it is deleted"
		}
	case rotate.ActRemoveNew:
		for _, u := range s.undoSteps() {
			if u.Action != rotate.ActRemoveNew && !s.done(u.ID) {
				return "the new key is deleted last in a roll back"
			}
		}
	case rotate.ActEnable, rotate.ActRestore:
		if s.touched("delete") {
			return "the old key may be deleted: going back would leave no working key"
		}
	case rotate.ActIssue, rotate.ActValidate, rotate.ActSearch:
	}
	return ""
}

// stopped reports whether the old key is disabled, and was not enabled again since.
func (s *State) stopped() bool { return s.done("disable") && s.lifted == liftNone }

// needed says who may still need the old key: a consumer of the plan, or somebody
// of whom only the issuer's record of its use tells; empty when nobody does.
func (s *State) needed() string {
	if why := s.unattested(); why != "" {
		return why
	}
	if _, planned := s.plan.Step("quiet"); planned && !s.plan.Strategy.StopsFirst() && !s.done("quiet") {
		return "the old key stays: it is not shown that nobody uses it any more"
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
		if step.Action == rotate.ActStore && !s.done(step.ID) {
			return fmt.Sprintf("the old key stays: %s is not stored yet", step.Placement.Key)
		}
		if step.Action != rotate.ActAttest {
			continue
		}
		f := s.Of(step.ID)
		need := step.Required
		if f.Waived != nil {
			need = *f.Waived
		}
		if f.Status != rotate.StepDone || f.Level == nil || *f.Level < need {
			return fmt.Sprintf("the old key stays: %s is not attested on the new one", step.Target.Name)
		}
	}
	return ""
}

// Steps of a roll back stand in this order.
const (
	undoEnable = 1 + iota
	undoRestore
	undoDeploy
	undoIssue
)

// undoSteps is the way back, made from what was done or may have been done: the
// old key works again first, the new key is deleted last.
func (s *State) undoSteps() []rotate.Step {
	var out []rotate.Step
	add := func(stage int, st rotate.Step) {
		st.N, st.Stage, st.Undo = len(out)+1, stage, "-"
		out = append(out, st)
	}
	if s.touched("disable") {
		add(undoEnable, rotate.Step{ID: "undo:disable", Action: rotate.ActEnable, Title: "enable the old key again", Risk: "the leaked key works again"})
	}
	for _, st := range s.plan.Steps {
		if st.Action == rotate.ActStore && s.touched(st.ID) {
			add(undoRestore, rotate.Step{ID: "undo:" + st.ID, Action: rotate.ActRestore, Placement: st.Placement, Title: "put back the old value: " + st.Title})
		}
	}
	for _, st := range s.plan.Steps {
		if st.Action == rotate.ActDeploy && s.touched(st.ID) {
			add(undoDeploy, rotate.Step{ID: "undo:" + st.ID, Action: rotate.ActDeploy, Target: st.Target, Title: st.Title + " with the old value"})
		}
	}
	if s.touched("issue") && s.plan.OntoCase == "" { // a key that was there before stays
		add(undoIssue, rotate.Step{ID: "undo:issue", Action: rotate.ActRemoveNew, Title: "delete the new key"})
	}
	return out
}
