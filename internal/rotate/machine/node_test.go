package machine

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/record"
)

// The explorer walks through every state that a run can get into: two responders
// over one journal, consumers, an attacker, crashes, lost answers, a takeover, a
// roll back. Nothing is drawn at random: what is bounded is how often each of
// these happens.

// budget is how often each mishap may still happen.
type budget struct{ crashes, faults, attacks, takeovers, rollbacks, stops int }

// responder is one process: it is there while a call of the executor goes on.
type responder struct {
	there bool
	epoch int
	run   Run
	todo  []Effect
}

// node is one state of everything.
type node struct {
	w          world
	s          *State // what the journal says
	r          [2]responder
	epoch      int // of the lease
	left       budget
	interfered bool // an attacker has acted
	unfenced   bool // the journal takes records of an old epoch: to see that this is found
	ids        []string
}

func (n *node) clone() *node {
	c := *n
	c.w = n.w.clone()
	for i := range c.r {
		c.r[i].todo = slices.Clip(n.r[i].todo)
	}
	return &c
}

// edge leads to a next node.
type edge struct {
	label string
	to    *node
}

// next lists all nodes that may follow.
func (n *node) next() []edge {
	var out []edge
	for i := range n.r {
		if n.r[i].there {
			out = append(out, n.goOn(i)...)
			continue
		}
		out = append(out, n.enter(i)...)
	}
	for c := range n.w.consumers {
		if newest := len(n.w.consumers[c].deploys) - 1; n.w.consumers[c].live < newest {
			m := n.clone()
			m.w.consumers[c].live = newest
			out = append(out, edge{fmt.Sprintf("the deploy of consumer %d goes live", c), m})
		}
	}
	if n.left.attacks > 0 {
		out = append(out, n.attack()...)
	}
	if n.w.literal {
		m := n.clone()
		m.w.literal = false
		out = append(out, edge{"the old key is taken out elsewhere", m})
	}
	out = append(out, n.hidden()...)
	if n.w.stranger {
		m := n.clone()
		m.w.stranger = false
		out = append(out, edge{"the stranger stops", m})
	}
	return out
}

// hidden lists what becomes of a consumer that needs the old key unseen: it falls ill
// while the key is disabled and not yet deleted, or somebody mends it.
func (n *node) hidden() []edge {
	var out []edge
	if !n.w.hidden {
		return nil
	}
	if old, there := n.w.keys["old"]; there && !old.active && !n.w.ill && !n.s.done("soak") {
		m := n.clone()
		m.w.ill = true
		out = append(out, edge{"a consumer falls ill", m})
	}
	if n.w.ill {
		m := n.clone()
		m.w.hidden, m.w.ill = false, false
		out = append(out, edge{"the consumer is mended", m})
	}
	return out
}

// goOn lists what a responder who is there may do, or what may happen to it.
func (n *node) goOn(i int) []edge {
	var out []edge
	name := fmt.Sprint("R", i, " ")
	for at, e := range n.r[i].todo {
		m := n.clone()
		m.r[i].todo = slices.Concat(n.r[i].todo[:at], n.r[i].todo[at+1:])
		fenced := n.r[i].epoch != n.epoch && !n.unfenced
		changes := e.Op == OpWrite || e.Op == OpSend || e.Op == OpClean || e.Op == OpBack
		switch {
		case fenced && changes:
			m.r[i] = responder{}
			out = append(out, edge{name + "is refused", m})
		case e.Op == OpWrite:
			m.feed(i, Event{Kind: Wrote, Record: m.write(e.Entry)}, false)
			out = append(out, edge{name + "writes " + e.Entry.Kind + " " + e.Entry.Step, m})
		default:
			for _, c := range m.w.do(e, m.r[i].run.State) {
				if c.fault && n.left.faults == 0 {
					continue
				}
				to := m.clone()
				to.w = c.w
				if c.fault {
					to.left.faults--
				}
				to.feed(i, c.ev, changes)
				out = append(out, edge{name + c.label, to})
			}
		}
	}
	if n.left.crashes > 0 {
		m := n.clone()
		m.r[i] = responder{}
		m.left.crashes--
		out = append(out, edge{name + "is killed", m})
	}
	if n.left.stops > 0 && !n.r[i].run.stopping {
		m := n.clone()
		m.left.stops--
		m.feed(i, Event{Kind: Stop}, false)
		out = append(out, edge{name + "is asked to stop", m})
	}
	return out
}

// enter lists how a responder who is not there may come: with a free lease, or by
// taking it from one who sleeps.
func (n *node) enter(i int) []edge {
	if n.s.Closed() || !n.s.approved {
		return nil
	}
	name, left := fmt.Sprint("R", i, " resumes"), n.left
	if o := n.r[1-i]; o.there && o.epoch == n.epoch {
		if left.takeovers == 0 {
			return nil
		}
		left.takeovers--
		name += " though the other sleeps"
	}
	come := func(label string, e record.Entry) edge {
		m := n.clone()
		m.left = left
		m.epoch++
		m.write(e)
		m.r[i] = responder{there: true, epoch: m.epoch, run: Run{State: m.s, AtOnce: 5}}
		m.feed(i, Event{Kind: Begin}, false)
		return edge{label, m}
	}
	out := []edge{come(name, RetryEntry())}
	if n.interfered && n.s.held() {
		// Against somebody who works against us there may be no other way out.
		m := n.clone()
		m.write(AbandonEntry(n.s, "test"))
		out = append(out, edge{name + " to give up", m})
	}
	if n.s.HeldAt().Action == rotate.ActQuiet && n.s.Of("quiet").Waived == nil {
		m := n.clone()
		m.write(HostileEntry("test"))
		out = append(out, edge{name + " to say whose the traffic is", m})
	}
	if n.s.HeldAt().Action == rotate.ActSearch && n.s.Of("search").Waived == nil {
		m := n.clone()
		m.write(WaiveEntry("search", rotate.L0, "test"))
		out = append(out, edge{name + " to accept what is left", m})
	}
	if n.s.held() && n.s.Of("soak").Ill && !n.s.Of("soak").IllAccepted {
		m := n.clone()
		m.write(WaiveEntry("soak", rotate.L0, "test"))
		out = append(out, edge{name + " to accept that a consumer is ill", m})
	}
	if left.rollbacks > 0 && !n.s.touched("delete") && !n.s.undo {
		left.rollbacks--
		out = append(out, come(name+" and rolls back", RollbackEntry("test")))
	}
	return out
}

// attack lists what somebody else may do with the owner's rights.
func (n *node) attack() []edge {
	var out []edge
	act := func(label string, do func(*world)) {
		m := n.clone()
		m.left.attacks--
		m.interfered, m.w.meddled = true, true
		do(&m.w)
		out = append(out, edge{"somebody " + label, m})
	}
	for id, k := range n.w.keys {
		if !k.theirs {
			act("deletes "+id, func(w *world) { delete(w.keys, id) })
		}
	}
	if old, there := n.w.keys["old"]; there {
		act("toggles old", func(w *world) { w.keys["old"] = key{active: !old.active} })
	}
	if n.w.quota == 0 || len(n.w.keys) < n.w.quota {
		act("makes a key", func(w *world) { w.keys["theirs"] = key{active: true, theirs: true} })
	}
	act("changes a variable", func(w *world) { w.consumers[0].stored = "foreign" })
	return out
}

// write appends an entry to the journal in which this process believes.
func (n *node) write(e record.Entry) record.Record {
	body, err := json.Marshal(e.Body)
	if err != nil {
		panic(err)
	}
	rec := record.Record{Seq: n.s.seq + 1, Run: "r-test", Kind: e.Kind, Step: e.Step, Body: body, Blobs: map[string]string{}, Wall: time.Unix(n.s.seq, 0)}
	for name := range e.Seal {
		rec.Blobs[name] = "blob"
	}
	s, err := n.s.With(rec)
	if err != nil {
		panic(err)
	}
	n.s = s
	return rec
}

// feed tells a responder's machine what happened, and does at once what no crash
// can come between that would matter: a record that follows a read can be lost
// only together with what was read, which changed nothing. A record that follows a
// request waits: a crash before it leaves an effect that nobody wrote down.
func (n *node) feed(i int, e Event, sent bool) {
	r := &n.r[i]
	run, todo, err := r.run.Next(e)
	if err != nil {
		panic(err)
	}
	r.run = run
	for _, e := range todo {
		switch {
		case e.Op == OpEnd:
			n.r[i] = responder{}
			return
		case e.Op == OpWrite && !sent:
			if r.epoch != n.epoch && !n.unfenced {
				n.r[i] = responder{}
				return
			}
			n.feed(i, Event{Kind: Wrote, Record: n.write(e.Entry)}, false)
			if !r.there {
				return
			}
		default:
			r.todo = append(r.todo, e)
		}
	}
}
