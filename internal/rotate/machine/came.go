package machine

import "github.com/secretguard/secretguard/internal/rotate"

// came goes on after an op of a step has ended.
func (r *Run) came(e Event) []Effect {
	t, ok := r.turns[e.Step]
	if !ok {
		return nil
	}
	t.probed = t.probed.Join(e.Probed)
	step := r.State.step(e.Step)
	if e.Result == Interrupted {
		return r.drop(step.ID)
	}
	switch t.op {
	case OpLook:
		return r.looked(step, t, e)
	case OpSend:
		return r.sent(step, t, e)
	case OpSettle:
		return r.settled(step, t, e)
	case OpClean:
		if e.Result != OK {
			return r.held(step, t, e, true)
		}
		t.orphan = &Orphan{Ref: t.orphan.Ref, Gone: true}
		return one(r.write(step, t, kindOrphan, *t.orphan, nil))
	case OpConfirm:
		return r.confirmed(step, t, e)
	case OpBack:
		return one(r.fail(step, t, takenBack(t.failure, e)))
	case OpWrite, OpEnd:
	}
	return nil
}

// takenBack says how an attempt to enable the old key again ended.
func takenBack(f Failure, e Event) Failure {
	if e.Result != OK {
		f.Text = "THE OLD KEY COULD NOT BE ENABLED AGAIN (" + e.Failure.Text + "; a resume tries it once more): " + f.Text
		f.Open = true
		return f
	}
	f.Text = "the old key works again, and the leak is open: " + f.Text
	f.Lifted = true
	return f
}

// held writes why a step does not go on. Whether its effect may have happened is
// not a matter of the last answer alone.
func (r *Run) held(step rotate.Step, t turn, e Event, open bool) []Effect {
	f := e.Failure
	f.Open = open
	return one(r.fail(step, t, f))
}

func (r *Run) looked(step rotate.Step, t turn, e Event) []Effect {
	switch e.Result {
	case Fits:
		if r.stopping {
			return r.drop(step.ID)
		}
		return one(r.intend(step, t, e))
	case Already:
		t.outcome = e.Outcome
		if traits, _ := TraitsOf(step.Action); traits.Confirms && !e.Outcome.Skipped {
			return r.unlessStopping(step, t, OpConfirm)
		}
		return one(r.finish(step, t, e.Seal))
	case Stale:
		if t.mayShowLate() {
			return r.lookForLost(step, t, e)
		}
	default:
	}
	return r.held(step, t, e, r.State.Of(step.ID).Open)
}

// mayShowLate reports whether what stands in the way may be the lost effect, which a
// listing was too old to show.
func (t turn) mayShowLate() bool { return t.lost > 0 && t.lost < mostLost }

func (r *Run) lookForLost(step rotate.Step, t turn, e Event) []Effect {
	t.lost++
	t.failure = e.Failure
	return r.unlessStopping(step, t, OpSettle)
}

func (r *Run) sent(step rotate.Step, t turn, e Event) []Effect {
	traits, _ := TraitsOf(step.Action)
	switch e.Result {
	case OK:
		t.outcome = e.Outcome
		switch {
		case traits.Notes:
			return one(r.write(step, t, kindProgress, t.outcome, nil))
		case traits.Confirms:
			return r.unlessStopping(step, t, OpConfirm)
		}
		return one(r.finish(step, t, e.Seal))
	case Lost:
		t.lost++
		t.failure = e.Failure
		return one(r.write(step, t, kindUnknown, Outcome{Detail: e.Failure.Text}, nil))
	case NoRoom:
		if t.mayShowLate() {
			return r.lookForLost(step, t, e)
		}
	default:
	}
	return r.held(step, t, e, t.wasOpen || t.lost > 0 || e.Unsure || e.Result == Failed)
}

func (r *Run) settled(step rotate.Step, t turn, e Event) []Effect {
	switch e.Result {
	case NotApplied:
		if t.wasOpen { // the answer that an earlier process lost counts, too
			t.lost = max(t.lost, 1)
		}
		return r.unlessStopping(step, t, OpLook)
	case Applied:
		t.outcome = e.Outcome
		if traits, _ := TraitsOf(step.Action); traits.Notes {
			return one(r.write(step, t, kindProgress, t.outcome, nil))
		}
		return one(r.finish(step, t, e.Seal))
	case Orphaned:
		if r.stopping {
			return r.drop(step.ID)
		}
		t.orphan = e.Orphan
		return one(r.write(step, t, kindOrphan, *t.orphan, nil))
	default:
	}
	return r.held(step, t, e, true)
}

func (r *Run) confirmed(step rotate.Step, t turn, e Event) []Effect {
	traits, _ := TraitsOf(step.Action)
	switch e.Result {
	case Shown:
		t.outcome = e.Outcome
		return one(r.finish(step, t, e.Seal))
	case Harmed:
		t.failure = e.Failure
		switch {
		case !traits.Backs, r.State.plan.Strategy.StopsFirst():
			// Who chose an outage so that a thief is out is asked before he is let in.
		case step.Action == rotate.ActSoak:
			// The disabling is done and written down: what takes it back must be, too,
			// or a crash in between would let a key be deleted that works.
			return one(r.write(step, t, kindHarm, e.Failure, nil))
		case r.State.Of(step.ID).Open: // it is our effect that does harm
			return one(r.do(step, t, OpBack))
		}
	default:
	}
	return r.held(step, t, e, traits.Sends && e.Result != Ended)
}
