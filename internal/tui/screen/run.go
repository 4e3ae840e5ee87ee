package screen

import (
	"strings"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
)

// Unfinished reports whether the run still needs something.
func (r *Run) Unfinished() bool {
	switch r.Status {
	case "", rotate.RunDone, rotate.RunRolledBack, rotate.RunContained, rotate.RunAbandoned:
		return false
	case rotate.RunApproved, rotate.RunRunning, rotate.RunHeld, rotate.RunPaused:
	}
	return true
}

// Held is the step that a person may accept as it is: one that waits for evidence
// and not for an effect.
func (r *Run) Held() (rotate.Step, bool) {
	for i, st := range r.Steps {
		a := r.Plan.Steps[i].Action
		if st.Status == rotate.StepFailed && (a == rotate.ActAttest || a == rotate.ActQuiet || a == rotate.ActDisable || a == rotate.ActSoak || a == rotate.ActSearch) {
			return r.Plan.Steps[i], true
		}
	}
	return rotate.Step{}, false
}

// Turn is what a person has to do before a run goes on.
type Turn struct {
	Step  rotate.Step
	Guide rotate.Guide
	// Key says that the new key is to be handed in; else the person takes a key away,
	// and the run checks that it is gone.
	Key bool
}

// Turn returns what a held run waits for a person to do by hand; false for one that
// waits for nothing of that kind.
func (r *Run) Turn() (Turn, bool) {
	for i, st := range r.Steps {
		if step := r.Plan.Steps[i]; st.Status == rotate.StepFailed && step.Guide != nil {
			return Turn{Step: step, Guide: *step.Guide, Key: step.Action == rotate.ActIssue}, true
		}
	}
	return Turn{}, false
}

// GoingBack reports whether a roll back has begun.
func (r *Run) GoingBack() bool {
	for _, st := range r.Steps {
		if strings.HasPrefix(st.ID, "undo:") {
			return true
		}
	}
	return false
}

// Frontier is the first step that is not done. In a roll back only the way back
// counts.
func (r *Run) Frontier() int {
	back := r.GoingBack()
	for i, st := range r.Steps {
		switch st.Status {
		case rotate.StepWaiting, rotate.StepRunning, rotate.StepFailed:
			if !back || strings.HasPrefix(st.ID, "undo:") {
				return i
			}
		case rotate.StepDone, rotate.StepSkipped, rotate.StepUndone:
		}
	}
	return len(r.Steps) - 1
}

// WhyNoResume gives the reason why a run cannot be driven on by a person.
func (s *Store) WhyNoResume(r *Run) term.Safe {
	switch {
	case r == nil:
		return "the run is being read"
	case s.ReadOnly:
		return "read-only mode changes nothing"
	case s.Offline:
		return "offline: no service can be reached"
	case r.Active:
		return "it is running"
	case !r.Unfinished():
		return "the run is closed"
	}
	return ""
}

// WhyNoHandIn gives the reason why there is nothing to do by hand.
func (s *Store) WhyNoHandIn(r *Run) term.Safe {
	if why := s.WhyNoResume(r); why != "" {
		return why
	}
	if _, ok := r.Turn(); !ok {
		return "it does not wait for anything that you do by hand"
	}
	return ""
}

// WhyNoRollBack gives the reason why a run cannot be undone.
func (s *Store) WhyNoRollBack(r *Run) term.Safe {
	if r != nil && r.Active && !s.ReadOnly {
		return "pause it first (p)"
	}
	if why := s.WhyNoResume(r); why != "" {
		return why
	}
	if r.GoingBack() {
		return "the roll back has begun: t continues it"
	}
	for _, st := range r.Steps {
		if st.ID == "delete" && st.Status != rotate.StepWaiting {
			return "the old key may be deleted: going back would leave no working key"
		}
	}
	return ""
}

// WhyNoAccept gives the reason why nothing can be accepted with less evidence.
func (s *Store) WhyNoAccept(r *Run) term.Safe {
	if why := s.WhyNoResume(r); why != "" {
		return why
	}
	if _, ok := r.Held(); !ok {
		return "only an attest or disable step that is held can be accepted with less"
	}
	return ""
}
