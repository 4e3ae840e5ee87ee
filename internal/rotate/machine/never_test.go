package machine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/secret"
)

// What may never happen, whoever crashes, fails or interferes.

var (
	anySecret     = secret.New("a value")
	anyCredential = credential.Credential{Parts: map[credential.Part]secret.Text{credential.PartToken: anySecret}}
)

func (w *world) never(format string, args ...any) {
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

// remove deletes a key: only the plan's own, or one that the journal names as
// ours, may go.
func (w *world) remove(id string, s *State) {
	ours := id == "old" || id == s.newRef.ID || slices.ContainsFunc(s.orphans, func(o Orphan) bool { return o.Ref.ID == id })
	if k, there := w.keys[id]; there && (!ours || k.theirs) {
		w.never("I6: %s is deleted, which neither plan nor journal names as ours", id)
	}
	for i, c := range w.consumers {
		if id != "old" && c.runsWith() == id && w.works(id) {
			w.never("I1: %s is deleted while consumer %d runs with it", id, i)
		}
	}
	delete(w.keys, id)
}

// oldStops checks that nobody needs the old key any more.
func (w *world) oldStops(s *State) {
	if s.plan.Strategy == rotate.ContainFirst && !s.done("issue") {
		return // a person chose that
	}
	for _, step := range s.plan.Steps {
		if step.Action == rotate.ActAttest && s.Of(step.ID).Waived == nil && (s.Of(step.ID).Status != rotate.StepDone || s.Of(step.ID).Level == nil) {
			w.never("I2: the old key is stopped and %s is not done", step.ID)
		}
	}
	if w.stranger && s.Of("quiet").Waived == nil {
		w.never("I2: the old key is stopped while somebody uses it of whom no person has decided")
	}
}

// oldIsDeleted checks that the deletion hits a key that is disabled, and without which
// nobody was seen to be ill, but for what a person accepted.
func (w *world) oldIsDeleted(s *State) {
	_, disables := s.plan.Step("disable")
	if w.keys["old"].active && disables && !w.meddled {
		w.never("I2: the old key is deleted while it is enabled")
	}
	if w.ill && !s.Of("soak").IllAccepted {
		w.never("I2: the old key is deleted although a consumer fell ill without it")
	}
}

// oldWorksAgain checks that the old key is let work again by who may say so; whoever
// needed it is well.
func (w *world) oldWorksAgain(s *State) {
	if s.plan.Strategy == rotate.ContainFirst && !s.undo {
		w.never("the old key is enabled, and a person chose to stop it first")
	}
	w.ill = false
}

// mustBeSealed checks that the new value is in the journal before it is pushed.
func (w *world) mustBeSealed(s *State) {
	if s.newRef.ID == "" || len(s.newBlobs) == 0 {
		w.never("I4: a value is pushed that is not sealed in the journal")
	}
}

// check looks at a node: what is wrong in it.
func (n *node) check() []string {
	out := slices.Clone(n.w.broken)
	mine := 0
	for id, k := range n.w.keys {
		if id != "old" && !k.theirs {
			mine++
		}
	}
	if mine > 1 && n.w.quota == 2 {
		out = append(out, "I5: two keys were made")
	}
	if !n.interfered && n.s.plan.Strategy != rotate.ContainFirst {
		for i, c := range n.w.consumers {
			if !n.w.works(c.runsWith()) {
				out = append(out, fmt.Sprintf("I1: consumer %d runs with %s, which does not work", i, c.runsWith()))
			}
		}
	}
	switch n.s.status {
	case rotate.RunDone:
		if _, there := n.w.keys["old"]; there || n.s.proof == nil && !n.s.done("prove") {
			out = append(out, "the run is done and the old key is there")
		}
		if n.w.literal && n.s.Of("search").Waived == nil {
			out = append(out, "the run is done and nobody was told where the old key still stands")
		}
		if mine != 1 && !n.interfered {
			out = append(out, fmt.Sprintf("the run is done and %d keys of ours are there", mine))
		}
	case rotate.RunRolledBack:
		if mine != 0 {
			out = append(out, fmt.Sprintf("the run is rolled back and %d keys of ours are there", mine))
		}
	default:
	}
	return out
}

// key is the same for nodes that are the same for all that may follow.
func (n *node) key() string {
	var b strings.Builder
	b.Grow(512)
	b.WriteString(n.w.String())
	n.writeState(&b)
	for _, r := range n.r {
		if !r.there {
			b.WriteString("#-")
			continue
		}
		fmt.Fprintf(&b, "#%v%v%v", r.epoch == n.epoch, r.run.stopping, r.run.ending)
		for _, st := range n.ids {
			if t, ok := r.run.turns[st]; ok {
				fmt.Fprintf(&b, "/%s %s%v%d", st, t.op, t.wasOpen, t.lost)
				if t.orphan != nil {
					fmt.Fprintf(&b, "%s%v", t.orphan.Ref.ID, t.orphan.Gone)
				}
			}
		}
		for _, e := range r.todo {
			b.WriteString("," + string(e.Op) + e.Step.ID + e.Entry.Kind)
		}
	}
	fmt.Fprintf(&b, "@%v%v", n.left, n.interfered)
	return b.String()
}

func (n *node) writeState(b *strings.Builder) {
	s := n.s
	fmt.Fprintf(b, "%s%v%d%s%d%v%v", s.status, s.undo, s.lifted, s.newRef.ID, len(s.newBlobs), s.orphans, s.redo)
	bit := func(on bool) {
		if on {
			b.WriteByte('+')
		} else {
			b.WriteByte('-')
		}
	}
	for i, id := range n.ids {
		f, ok := s.steps[id]
		if !ok {
			continue
		}
		b.WriteByte(';')
		b.WriteByte(byte('A' + i))
		b.WriteString(string(f.Status))
		bit(f.Open)
		bit(f.Redone)
		bit(f.OldValue != "")
		bit(f.Level != nil)
		bit(f.Waived != nil)
		bit(f.Ill)
		bit(f.IllAccepted)
		b.WriteString(f.DeployID + " " + f.Intent.DeployID)
		for _, id := range f.Intent.Before {
			b.WriteString("," + id)
		}
	}
}
