package machine

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
)

// world is what the explorer's services know: keys, what each consumer has stored
// and what its live deploy runs with. A world is not changed, but copied.
type world struct {
	keys      map[string]key
	consumers []consumer
	made      int  // keys that runs have made
	literal   bool // a variable that no plan knows holds the old key
	stranger  bool // somebody whom no plan knows uses the old key
	hidden    bool // a consumer needs the old key in a way that its attestation did not show
	ill       bool // and that shows: it fell ill without it
	meddled   bool // an attacker has acted
	quota     int
	// broken are the things that may never happen, found when they did.
	broken []string
}

type key struct {
	active bool
	theirs bool // made and used by somebody else
}

type consumer struct {
	stored  string
	deploys []string // what each deploy was started with
	live    int      // the deploy that serves
}

func (c consumer) runsWith() string { return c.deploys[c.live] }

func newWorld(consumers, quota int) world {
	w := world{keys: map[string]key{"old": {active: true}}, quota: quota}
	for range consumers {
		w.consumers = append(w.consumers, consumer{stored: "old", deploys: []string{"old"}})
	}
	return w
}

func (w world) clone() world {
	w.keys = maps.Clone(w.keys)
	w.consumers = slices.Clone(w.consumers)
	w.broken = slices.Clone(w.broken)
	return w
}

func (w world) works(id string) bool { return w.keys[id].active }

// String is the same for equal worlds.
func (w world) String() string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(w.keys)) {
		fmt.Fprintf(&b, "%s%v%v ", id, w.keys[id].active, w.keys[id].theirs)
	}
	for _, c := range w.consumers {
		fmt.Fprintf(&b, "|%s %v %d", c.stored, c.deploys, c.live)
	}
	fmt.Fprintf(&b, "|%d%v%v%v%v", w.made, w.stranger, w.literal, w.hidden, w.ill)
	return b.String()
}

// choice is one way in which an op may end: the world after it and what its
// caller hears. A fault is one of a bounded number of mishaps.
type choice struct {
	label string
	w     world
	ev    Event
	fault bool
}

// place returns which consumer a step is about.
func place(step rotate.Step) int {
	id := ""
	switch {
	case step.Target != nil:
		id = step.Target.ID
	case step.Placement != nil:
		id = step.Placement.Resource
	}
	n, _ := strconv.Atoi(id)
	return n
}

// do lists the ways in which an op may end; none when it has to wait.
func (w world) do(e Effect, s *State) []choice {
	switch e.Op {
	case OpLook:
		return w.heard(e, w.look(e.Step, s))
	case OpSend, OpClean, OpBack:
		return w.send(e, s)
	case OpSettle:
		return w.heard(e, w.settle(e.Step, s))
	case OpConfirm:
		if ev, ready := w.confirm(e.Step, s); ready {
			return w.heard(e, ev)
		}
	case OpWrite, OpEnd:
	}
	return nil
}

func (w world) heard(e Effect, ev Event) []choice {
	ev.Kind, ev.Step = Came, e.Step.ID
	return []choice{{label: fmt.Sprintf("%s %s: %s", e.Op, e.Step.ID, ev.Result), w: w, ev: ev}}
}

func no(result Result, why string) Event { return Event{Result: result, Failure: Failure{Text: why}} }

// siblings are the owner's keys besides the old one.
func (w world) siblings() []string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(w.keys)) {
		if id != "old" {
			out = append(out, id)
		}
	}
	return out
}

func (w world) look(step rotate.Step, s *State) Event {
	c := place(step)
	switch step.Action {
	case rotate.ActIssue:
		if now := w.siblings(); len(now) > 0 {
			return no(Stale, "other keys")
		}
		return Event{Result: Fits, Intent: Intent{Before: []string{"old"}}}
	case rotate.ActStore:
		switch stored := w.consumers[c].stored; {
		case stored == "old":
			return Event{Result: Fits, Seal: ValueSeal(anySecret)}
		case stored == s.newRef.ID && s.Of(step.ID).OldValue != "":
			return Event{Result: Already}
		}
		return no(Stale, "changed")
	case rotate.ActDeploy:
		return Event{Result: Fits, Intent: Intent{DeployID: w.newest(c)}}
	case rotate.ActDisable:
		if s.plan.Strategy != rotate.ContainFirst && !s.Of("disable").Open && !w.works(s.newRef.ID) {
			return no(Failed, "the new key does not work")
		}
		return Event{Result: Fits}
	case rotate.ActRestore:
		f := s.Of(strings.TrimPrefix(step.ID, "undo:"))
		switch stored := w.consumers[c].stored; {
		case f.OldValue == "":
			return Event{Result: Already, Outcome: Outcome{Skipped: true}}
		case stored == "old":
			return Event{Result: Already}
		case stored == s.newRef.ID:
			return Event{Result: Fits}
		}
		return no(Stale, "changed")
	case rotate.ActRemoveNew:
		if s.newRef.ID == "" {
			return Event{Result: Already}
		}
		return Event{Result: Fits}
	default:
		return no(Failed, "no look")
	}
}

func (w world) newest(c int) string { return fmt.Sprintf("d%d", len(w.consumers[c].deploys)-1) }

// settle finds out about a lost issue or deploy.
func (w world) settle(step rotate.Step, s *State) Event {
	if step.Action == rotate.ActDeploy {
		if now := w.newest(place(step)); now != s.Of(step.ID).Intent.DeployID {
			return Event{Result: Applied, Outcome: Outcome{DeployID: now}}
		}
		return Event{Result: NotApplied}
	}
	var fresh []string
	for _, id := range w.siblings() {
		if !slices.Contains(s.Of("issue").Intent.Before, id) {
			fresh = append(fresh, id)
		}
	}
	switch {
	case len(fresh) == 0:
		return Event{Result: NotApplied}
	case len(fresh) > 1 || w.keys[fresh[0]].theirs:
		return no(Unclear, "not ours")
	}
	return Event{Result: Orphaned, Orphan: &Orphan{Ref: providers.KeyRef{ID: fresh[0]}}}
}

// confirm waits for an effect to show; ready says that it need not wait.
func (w world) confirm(step rotate.Step, s *State) (ev Event, ready bool) {
	c := place(step)
	switch step.Action {
	case rotate.ActValidate:
		if !w.works(s.newRef.ID) {
			return no(Failed, "the new key does not work"), true
		}
	case rotate.ActStore:
		if w.consumers[c].stored != s.newRef.ID {
			return no(Failed, "reads otherwise"), true
		}
	case rotate.ActRestore:
		if w.consumers[c].stored != "old" {
			return no(Failed, "reads otherwise"), true
		}
	case rotate.ActDeploy:
		var n int
		_, _ = fmt.Sscanf(s.Of(step.ID).DeployID, "d%d", &n)
		return Event{Result: Shown, Outcome: Outcome{DeployID: s.Of(step.ID).DeployID}}, w.consumers[c].live >= n
	case rotate.ActAttest:
		return w.attest(step, s), true
	case rotate.ActQuiet:
		if w.stranger && s.Of(step.ID).Waived == nil {
			return no(Failed, "the old key is still used"), true
		}
	case rotate.ActSearch:
		if w.literal && s.Of(step.ID).Waived == nil {
			return no(Failed, "the old key still stands somewhere"), true
		}
	case rotate.ActDisable:
		if w.ill && s.plan.Strategy != rotate.ContainFirst && !s.Of("soak").IllAccepted {
			return fellIll(), true
		}
		if s.plan.Strategy != rotate.ContainFirst && slices.ContainsFunc(w.consumers, func(c consumer) bool { return !w.works(c.runsWith()) }) {
			return no(Harmed, "a consumer broke"), true
		}
	case rotate.ActSoak:
		if w.ill && !s.Of("soak").IllAccepted {
			return fellIll(), true
		}
	case rotate.ActProve:
		if _, there := w.keys["old"]; there || !w.works(s.newRef.ID) {
			return no(Failed, "not dead, or no control"), true
		}
	default:
		return no(Failed, "no confirm"), true
	}
	return Event{Result: Shown}, true
}

func fellIll() Event {
	ev := no(Harmed, "a consumer fell ill")
	ev.Failure.Ill = true
	return ev
}

func (w world) attest(step rotate.Step, s *State) Event {
	c := place(step)
	before := s.Of(rotate.Of(rotate.ActDeploy, *step.Target)).Intent.DeployID
	switch {
	case fmt.Sprintf("d%d", w.consumers[c].live) == before:
		return no(Failed, "the old deploy serves")
	case w.consumers[c].stored != s.newRef.ID:
		ev := no(Failed, "changed")
		ev.Failure.Redo = []string{fmt.Sprint("store:", c), rotate.Of(rotate.ActDeploy, *step.Target)}
		return ev
	case !w.works(w.consumers[c].runsWith()):
		return no(Failed, "not well")
	}
	level := rotate.L2
	return Event{Result: Shown, Outcome: Outcome{Level: &level}}
}

// send lists how a request that changes something may end: it is carried out and
// answered, or a fault loses the answer before or after the effect, or refuses it.
func (w world) send(e Effect, s *State) []choice {
	name := fmt.Sprintf("%s %s", e.Op, e.Step.ID)
	after := w.clone()
	if e.Op == OpSend && !s.Of(e.Step.ID).Open {
		after.never("I3: a request leaves without its intent: %s", e.Step.ID)
	}
	ev := after.effect(e, s)
	ev.Kind, ev.Step = Came, e.Step.ID
	lost, refused := no(Lost, "no answer"), no(Refused, "403")
	lost.Kind, lost.Step, refused.Kind, refused.Step = Came, e.Step.ID, Came, e.Step.ID
	return []choice{
		{name + ": " + string(ev.Result), after, ev, false},
		{name + ": answer lost", after, lost, true},
		{name + ": request lost", w, lost, true},
		{name + ": refused", w, refused, true},
	}
}

// effect changes the world.
func (w *world) effect(e Effect, s *State) Event {
	c := place(e.Step)
	if e.Op == OpClean {
		w.remove(e.Orphan.Ref.ID, s)
		return Event{Result: OK}
	}
	switch e.Step.Action {
	case rotate.ActIssue:
		if w.quota > 0 && len(w.keys) >= w.quota {
			return no(NoRoom, "quota")
		}
		w.made++
		id := fmt.Sprint("n", w.made)
		w.keys[id] = key{active: true}
		return Event{Result: OK, Outcome: Outcome{New: &providers.KeyRef{ID: id}}, Seal: NewKeySeal(anyCredential)}
	case rotate.ActStore:
		w.mustBeSealed(s)
		w.consumers[c].stored = s.newRef.ID
	case rotate.ActRestore:
		w.consumers[c].stored = "old"
	case rotate.ActDeploy:
		w.consumers[c].deploys = append(slices.Clone(w.consumers[c].deploys), w.consumers[c].stored)
		return Event{Result: OK, Outcome: Outcome{DeployID: w.newest(c)}}
	case rotate.ActDisable, rotate.ActSoak, rotate.ActEnable:
		on := e.Step.Action == rotate.ActEnable || e.Op == OpBack
		if k, there := w.keys["old"]; there {
			k.active = on
			w.keys["old"] = k
		}
		if on {
			w.oldWorksAgain(s)
		} else {
			w.oldStops(s)
		}
	case rotate.ActDelete:
		w.oldStops(s)
		w.oldIsDeleted(s)
		w.remove("old", s)
	case rotate.ActRemoveNew:
		w.remove(s.newRef.ID, s)
	default:
		return no(Failed, "no send")
	}
	return Event{Result: OK}
}
