package machine

import (
	"fmt"
	"strings"

	"github.com/secretguard/secretguard/internal/rotate"
)

// stands says, for somebody who sees the run for the first time, what is safe now:
// whether production runs, whether the leak is open, and which ways are left.
// Names are foreign text.
func (s *State) stands() []string {
	if !s.approved || s.Closed() {
		return nil
	}
	out := []string{s.oldStands()}
	if s.newRef.ID != "" && !s.undone("issue") {
		out = append(out, fmt.Sprintf("the new key %s works; its value is sealed on this machine", s.newMask))
	} else if s.newRef.ID == "" && s.Cut() {
		out = append(out, "the new key may be set or not: its value is sealed on this machine, and the resume sets it once more")
	} else if s.newRef.ID == "" && s.touched("issue") {
		out = append(out, "a new key may have been made whose value was lost: the resume looks for it")
	}
	if line := s.consumersStand(); line != "" {
		out = append(out, line)
	}
	if s.touched("delete") || s.Cut() {
		return append(out, "there is no way back: go on, or abandon it with a list of what is left")
	}
	if s.undo {
		return append(out, "it is on its way back: go on with that, or abandon it with a list of what is left")
	}
	return append(out, "it can go on, go back (secretguard rotate rollback "+s.plan.ID+"), or be abandoned with a list of what is left")
}

// Cut reports whether making the new key ended the old one, or may have: the plan says of
// that step that nothing takes it back.
func (s *State) Cut() bool {
	st, _ := s.plan.Step("issue")
	if st.Guide != nil { // a person does it, and hands the new key in
		return st.Undo == rotate.UndoNone && s.newRef.ID != ""
	}
	return st.Undo == rotate.UndoNone && s.touched("issue")
}

func (s *State) oldStands() string {
	name := "the old key " + s.plan.OldMask
	switch {
	case s.done("prove"):
		return name + " is proven dead"
	case s.done("delete") && s.alarm != "":
		return name + " was deleted and is STILL ACCEPTED: the leak is open"
	case s.done("delete"):
		return name + " is deleted; that it is dead is not proven yet"
	case s.touched("delete"):
		return name + " may be deleted or not"
	case s.lifted == liftDone:
		return name + " was disabled and works again, because a consumer fell ill without it; the leak is open"
	case s.stopped() && !s.undone("disable"):
		return name + " is disabled: whoever still uses it is down; it can be enabled again"
	case s.touched("disable") && !s.undone("disable"):
		return name + " may be disabled or not"
	case s.Cut():
		return name + " ended when the new one took its place, or will by the resume: WHOEVER STILL HAS IT IS DOWN until it has the new one; that it is dead is not proven yet"
	}
	switch f := s.Of("quiet"); {
	case f.Status == rotate.StepFailed:
		return name + " works and may be still used by somebody who is not in the plan, who fails without it; the leak is open"
	case s.done("quiet") && f.Waived == nil:
		return name + " works, and nobody was seen to use it any more; the leak is open"
	}
	return name + " works: whoever uses it runs, and the leak is open"
}

// Written names the values that the run wrote, or may have written, and did not take
// back: who has one of them runs with the new key. Names are foreign text.
func (s *State) Written() []string {
	var out []string
	for _, st := range s.plan.Steps {
		if st.Action == rotate.ActStore && s.touched(st.ID) && !s.undone(st.ID) {
			out = append(out, strings.TrimPrefix(st.Title, "store in "))
		}
	}
	return out
}

func (s *State) consumersStand() string {
	all, attested := 0, 0
	var levels []string
	for _, st := range s.plan.Steps {
		if st.Action != rotate.ActAttest {
			continue
		}
		all++
		if s.done(st.ID) {
			attested++
			if l := s.Of(st.ID).Level; l != nil {
				levels = append(levels, fmt.Sprintf("L%d", *l))
			}
		}
	}
	if all == 0 {
		return ""
	}
	at := ""
	if len(levels) > 0 {
		at = " (" + strings.Join(levels, ", ") + ")"
	}
	return fmt.Sprintf("%d of %d consumers are shown to work with the new key%s; %d values were written", attested, all, at, len(s.Written()))
}
