package machine

import (
	"fmt"
	"slices"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/secret"
)

// Left says, line by line, what a run that is given up now leaves behind: each key
// and each consumer, and what a person has to do about it. Names are foreign text.
func (s *State) Left() []string {
	out := []string{s.oldLeft()}
	if line := s.newLeft(); line != "" {
		out = append(out, line)
	}
	for _, o := range s.orphans {
		if !o.Gone {
			out = append(out, fmt.Sprintf("the key %s of %s, whose value was lost, may still be there: delete it", secret.Mask(o.Ref.ID), s.plan.Old.Owner))
		}
	}
	for _, st := range s.plan.Steps {
		switch st.Action {
		case rotate.ActStore:
			out = append(out, fmt.Sprintf("%s of %s %s", st.Placement.Key, st.Placement.ResourceName, s.valueLeft(st.ID)))
		case rotate.ActDeploy:
			if line := s.deployLeft(st); line != "" {
				out = append(out, st.Target.Name+" "+line)
			}
		default:
		}
	}
	return out
}

func (s *State) undone(id string) bool { return s.done("undo:" + id) }

func (s *State) oldLeft() string {
	name := fmt.Sprintf("the old key %s of %s", s.plan.OldMask, s.plan.Old.Owner)
	switch {
	case s.done("prove"):
		return name + " is proven dead"
	case s.done("delete") && s.alarm != "":
		return name + " was deleted AND IS STILL ACCEPTED: " + s.alarm
	case s.done("delete"):
		return name + " is deleted; that it is dead was not proven"
	case s.touched("delete"):
		return name + " may be deleted or not: look, and delete it"
	case s.touched("disable") && !s.undone("disable") && s.lifted != liftDone:
		return name + " is disabled, or may be; it can be enabled by whoever may do so: delete it"
	}
	if s.Cut() {
		return name + " ended when the new one took its place, or may have; that it is dead was not proven"
	}
	return name + " WORKS: the leak is open until it is disabled"
}

func (s *State) newLeft() string {
	switch {
	case s.undone("issue"):
		return ""
	case s.plan.OntoCase != "":
		return fmt.Sprintf("the other leaked key %s of %s works: replace it too: secretguard plan %s", secret.Mask(s.plan.Onto.ID), s.plan.Old.Owner, s.plan.OntoCase)
	case s.newRef.ID != "":
		return fmt.Sprintf("the new key %s of %s works; its value is kept only where it was stored, and nowhere else from now on: delete it if it is not used", s.newMask, s.plan.Old.Owner)
	case s.Cut():
		return fmt.Sprintf("the new key of %s may be set, and its value is kept nowhere from now on: set another one by hand, and give it to every consumer", s.plan.Old.Owner)
	case s.touched("issue"):
		return fmt.Sprintf("a new key of %s may be there whose value was lost: look at the owner's keys, and delete the one that is not in use", s.plan.Old.Owner)
	}
	return ""
}

func (s *State) deployLeft(st rotate.Step) string {
	fed := slices.ContainsFunc(s.plan.Steps, func(o rotate.Step) bool {
		return o.Action == rotate.ActStore && rotate.Feeds(*o.Placement, *st.Target) && s.touched(o.ID) && !s.undone(o.ID)
	})
	switch {
	case s.undone(st.ID), s.done(rotate.Of(rotate.ActAttest, *st.Target)):
		return ""
	case s.touched(st.ID):
		return "was deployed and is not attested: look whether it works"
	case fed:
		return "does not run with the stored value yet: it will from its next deploy on"
	}
	return ""
}

func (s *State) valueLeft(store string) string {
	switch f := s.Of(store); {
	case s.undone(store):
		return "holds what it held before"
	case f.Status == rotate.StepDone:
		return "holds the new key"
	case s.touched(store):
		return "may hold the old key or the new one: look"
	}
	return "holds the old key"
}
