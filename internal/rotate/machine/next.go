package machine

import (
	"maps"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/record"
	"github.com/secretguard/secretguard/internal/secret"
)

// Run is a run in one process: its state, and how far this process is with each
// step that is under way. It never changes: Next returns a new one.
type Run struct {
	State *State
	// AtOnce is how many steps of a stage may be under way; at least one.
	AtOnce int

	turns    map[string]turn
	stopping bool
	ending   bool // the record that ends the call is being written
}

// turn is how far this process is with one step.
type turn struct {
	op      Op
	wasOpen bool // an effect from before this turn may have happened
	lost    int  // requests of this turn whose answers were lost
	outcome Outcome
	failure Failure
	orphan  *Orphan
	probed  *rotate.Span // when this turn used the old key
}

// Effect is one thing to do. Every effect is answered with one event.
type Effect struct {
	Op     Op
	Step   rotate.Step
	Entry  record.Entry     // OpWrite
	Orphan *Orphan          // OpClean
	End    rotate.RunStatus // OpEnd: how the run stands
}

// Kind says what an event is about.
type Kind string

// Kinds of events.
const (
	Begin Kind = "begin" // the call begins
	Stop  Kind = "stop"  // a person wants it to stop at a safe point
	Wrote Kind = "wrote" // Event.Record is in the journal
	Came  Kind = "came"  // an op of Event.Step ended with Event.Result
)

// Result is how an op ended.
type Result string

// Results, after the ops that may give them. Any op may end as Failed (it could
// not be done, or not be read) or Interrupted (it was cut short, and nothing was
// sent).
const (
	Fits    Result = "fits"    // look: the world is as planned
	Already Result = "already" // look: what the step wants is there
	Stale   Result = "stale"   // look: somebody changed it since it was planned

	OK      Result = "ok"      // send, clean, back: done
	Refused Result = "refused" // send: answered, nothing was changed
	NoRoom  Result = "no room" // send: refused, as it would be if an earlier request had been carried out
	Lost    Result = "lost"    // send: it may have been done

	Applied    Result = "applied"     // settle: it was done
	NotApplied Result = "not applied" // settle: it was not
	Orphaned   Result = "orphaned"    // settle: it made a key whose value is lost
	Unclear    Result = "unclear"     // settle: a person must look

	Shown  Result = "shown"  // confirm: the effect is there
	Ended  Result = "ended"  // confirm: it is certain that it will not be there
	Harmed Result = "harmed" // confirm: it is there, and a consumer broke

	Failed      Result = "failed"
	Interrupted Result = "interrupted"
)

// Event is something that happened.
type Event struct {
	Kind   Kind
	Record record.Record // Wrote

	Step    string // Came
	Result  Result
	Intent  Intent                 // look
	Outcome Outcome                // what is known so far, for the step's end
	Seal    map[string]secret.Text // look, send, settle
	Orphan  *Orphan                // settle
	Failure Failure                // why it did not go well
	Probed  *rotate.Span           // when the op used the old key to see whether it works
	// Unsure says of a refusal that an earlier try of the same op may have been
	// carried out.
	Unsure bool
}

// mostLost is how many answers of one step may be lost before a person is asked.
const mostLost = 3

// Next takes what happened and says what to do now. It is pure.
func (r Run) Next(e Event) (Run, []Effect, error) {
	r.turns = maps.Clone(r.turns)
	if r.turns == nil {
		r.turns = map[string]turn{}
	}
	var out []Effect
	switch e.Kind {
	case Begin:
	case Stop:
		r.stopping = true
	case Wrote:
		s, err := r.State.With(e.Record)
		if err != nil {
			return r, nil, err
		}
		r.State, r.ending = s, r.ending && e.Record.Step != ""
		out = r.wrote(e.Record)
	case Came:
		out = r.came(e)
	}
	r.turns = dropEnded(r.turns)
	return r, append(out, r.start()...), nil
}

func dropEnded(turns map[string]turn) map[string]turn {
	maps.DeleteFunc(turns, func(_ string, t turn) bool { return t.op == OpEnd })
	return turns
}

// start begins what can begin now; when nothing is under way and nothing can, it
// ends the call.
func (r *Run) start() []Effect {
	var out []Effect
	if !r.stopping && r.State.approved && !r.State.Closed() && !r.State.held() {
		for _, step := range r.State.ready() {
			if _, busy := r.turns[step.ID]; !busy && len(r.turns) < max(r.AtOnce, 1) {
				out = append(out, r.begin(step))
			}
		}
	}
	if len(r.turns) > 0 || r.ending {
		return out
	}
	r.ending = true
	return []Effect{r.end()}
}

// end says how the call ends, writing that down first where it is news.
func (r *Run) end() Effect {
	s := r.State
	switch {
	case s.Closed(), !s.approved, s.held():
	case len(s.ready()) == 0:
		return Effect{Op: OpWrite, Entry: record.Entry{Kind: kindClosed, Body: closing{Status: s.goal()}}}
	case s.status != rotate.RunPaused:
		return Effect{Op: OpWrite, Entry: record.Entry{Kind: kindPaused, Body: struct{}{}}}
	}
	return Effect{Op: OpEnd, End: s.status}
}

// begin starts a turn: with the recovery of what a turn before may have done.
func (r *Run) begin(step rotate.Step) Effect {
	f := r.State.Of(step.ID)
	t := turn{wasOpen: f.Open}
	traits, known := TraitsOf(step.Action)
	if !known {
		return r.fail(step, t, Failure{Text: "this version knows no step " + string(step.Action)})
	}
	if why := r.State.forbidden(step); why != "" {
		return r.fail(step, t, Failure{Text: why, Open: f.Open})
	}
	// A roll back of an issue whose answer was lost must find the key first.
	unknown := step.Action == rotate.ActRemoveNew && r.State.newRef.ID == ""
	switch {
	case f.Open && traits.Notes && f.DeployID != "":
		return r.do(step, t, OpConfirm)
	case f.Open && traits.Settles, unknown:
		return r.do(step, t, OpSettle)
	case traits.Looks:
		return r.do(step, t, OpLook)
	}
	return r.intend(step, t, Event{})
}

// do asks for an op.
func (r *Run) do(step rotate.Step, t turn, op Op) Effect {
	t.op = op
	r.turns[step.ID] = t
	return Effect{Op: op, Step: step, Orphan: t.orphan}
}

// write asks for a record.
func (r *Run) write(step rotate.Step, t turn, kind string, body any, seal map[string]secret.Text) Effect {
	t.op = OpWrite
	r.turns[step.ID] = t
	return Effect{Op: OpWrite, Step: step, Entry: record.Entry{Kind: kind, Step: step.ID, Body: body, Seal: seal}}
}

func (r *Run) intend(step rotate.Step, t turn, e Event) Effect {
	return r.write(step, t, kindIntent, e.Intent, e.Seal)
}

func (r *Run) finish(step rotate.Step, t turn, seal map[string]secret.Text) Effect {
	t.outcome.Probed = t.probed
	return r.write(step, t, kindDone, t.outcome, seal)
}

func (r *Run) fail(step rotate.Step, t turn, f Failure) Effect {
	f.Probed = t.probed
	return r.write(step, t, kindFailed, f, nil)
}

// drop ends a turn without a record: what is open is recovered by a resume.
func (r *Run) drop(step string) []Effect {
	r.turns[step] = turn{op: OpEnd}
	return nil
}

// wrote goes on after a record of a step.
func (r *Run) wrote(rec record.Record) []Effect {
	t, ok := r.turns[rec.Step]
	if !ok || rec.Step == "" {
		return nil
	}
	step := r.State.step(rec.Step)
	traits, _ := TraitsOf(step.Action)
	switch rec.Kind {
	case kindIntent:
		if traits.Sends {
			return one(r.do(step, t, OpSend))
		}
		return one(r.do(step, t, OpConfirm))
	case kindProgress:
		return r.unlessStopping(step, t, OpConfirm)
	case kindUnknown:
		switch {
		case t.lost >= mostLost || !traits.Settles:
			t.failure.Open = true
			return one(r.fail(step, t, t.failure))
		}
		return r.unlessStopping(step, t, OpSettle)
	case kindOrphan:
		if t.orphan.Gone {
			t.orphan = nil
			return r.unlessStopping(step, t, OpLook)
		}
		return one(r.do(step, t, OpClean))
	case kindHarm:
		return one(r.do(step, t, OpBack)) // a person who wants to stop wants no outage
	}
	return r.drop(step.ID) // done or failed
}

// unlessStopping goes on with an op, or leaves it to a resume when a person
// wants to stop.
func (r *Run) unlessStopping(step rotate.Step, t turn, op Op) []Effect {
	if r.stopping {
		return r.drop(step.ID)
	}
	return one(r.do(step, t, op))
}

func one(e Effect) []Effect { return []Effect{e} }
