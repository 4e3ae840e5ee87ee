package machine

import "github.com/secretguard/secretguard/internal/rotate"

// Steps returns the steps that the run goes through now: those of the plan, or
// those of the way back.
func (s *State) Steps() []rotate.Step {
	if s.undo {
		return s.undoSteps()
	}
	return s.plan.Steps
}

// goal is how a run ends when all its steps are done.
func (s *State) goal() rotate.RunStatus {
	switch {
	case s.undo:
		return rotate.RunRolledBack
	case s.plan.Strategy == rotate.ContainOnly:
		return rotate.RunContained
	}
	return rotate.RunDone
}

// step finds a step of the plan or of the way back; a zero step when there is
// none.
func (s *State) step(id string) rotate.Step {
	if st, ok := s.plan.Step(id); ok {
		return st
	}
	for _, st := range s.undoSteps() {
		if st.ID == id {
			return st
		}
	}
	return rotate.Step{}
}

// held reports whether a step waits for a person.
func (s *State) held() bool { return s.HeldAt().ID != "" }

// HeldAt returns the step that waits for a person; a zero step when none does.
func (s *State) HeldAt() rotate.Step {
	for _, step := range s.Steps() {
		if s.Of(step.ID).Status == rotate.StepFailed {
			return step
		}
	}
	return rotate.Step{}
}

// stage is the place of a step in the order; a plan from before there were
// stages has one for each step.
func stage(st rotate.Step) int {
	if st.Stage == 0 {
		return st.N
	}
	return st.Stage
}

// ready returns the unfinished steps that may be under way now: those of the
// lowest unfinished stage, a target's deploy after what feeds it, and its
// attestation after the deploy.
func (s *State) ready() []rotate.Step {
	var open []rotate.Step
	lowest := 0
	for _, st := range s.Steps() {
		if s.done(st.ID) {
			continue
		}
		open = append(open, st)
		if lowest == 0 || stage(st) < lowest {
			lowest = stage(st)
		}
	}
	var out []rotate.Step
	for _, st := range open {
		if stage(st) == lowest && !waits(st, open) {
			out = append(out, st)
		}
	}
	return out
}

// waits reports whether a step of a stage waits for another one of it that is
// not done.
func waits(st rotate.Step, open []rotate.Step) bool {
	for _, o := range open {
		switch {
		case stage(o) != stage(st):
		case st.Action == rotate.ActDeploy && o.Action == rotate.ActStore && rotate.Feeds(*o.Placement, *st.Target):
			return true
		case st.Action == rotate.ActAttest && o.Action == rotate.ActDeploy && o.Target.ID == st.Target.ID && o.Target.Provider == st.Target.Provider:
			return true
		}
	}
	return false
}
